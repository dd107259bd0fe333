# SPDX-License-Identifier: MIT
"""Relative names and bytes -> whole files in OUT and nowhere else.

A file is staged first, in the private folder of OUT, and published then: its bytes are on the disk before its name is.
Before work starts OUT is found to be writable, empty or a run's own, and held by no other run.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from plainfilm.errors import LedgerError, OutputLockedError, PlainfilmError, OutputError, Stage
from plainfilm.output.lock import try_lock
from plainfilm.output.directory import BY_DESCRIPTOR, TEMPORARY, OutputDirectory, open_directory, temporary_name
from plainfilm.output.storage import classify_os_error, translate_os_errors

PRIVATE = ".plainfilm"
LEDGER = "ledger.sqlite"
_STAGING = "staging"
_PRESENTATIONS = "presentations.sqlite"
_SYNCS_AT_A_TIME = 8
_LOCK = "lock"
_ROOM = "room"
_PROBE = f".plainfilm-{0:016x}.tmp"


@dataclass(frozen=True, slots=True)
class FolderOutput:
    """A folder that images are written into; it holds no state, so workers may have one each.

    sync: whether a file's bytes are on the disk itself (fsync) before it is given its name, and that before `publish`
    returns.
    """

    out: Path
    sync: bool = True
    by_descriptor: bool = BY_DESCRIPTOR

    @property
    def presentations_path(self) -> Path:
        """The index of presentation states that lasts as long as a run."""
        return self.out / PRIVATE / _PRESENTATIONS

    @property
    def ledger_path(self) -> Path:
        """Where the ledger of OUT is, or will be."""
        return self.out / PRIVATE / LEDGER

    @contextmanager
    def claim(self, *, overwrite: bool = False) -> Iterator[FolderOutput]:
        """Hold OUT for one run: made, writable, held by no other; empty, or with a ledger, unless `overwrite`.

        Raises LedgerError (a file in its place, not writable, or holding files), OutputLockedError, StorageFullError.
        """
        self._make()
        # a stranger's folder is refused before anything is put there
        self._refuse_strangers(overwrite)
        with self.lock():
            self._refuse_strangers(overwrite)
            self.check()
            self.clear_staging()
            yield self

    def check(self) -> None:
        """Make OUT and its parents and prove that files can be written. Raises LedgerError and StorageFullError."""
        self._make()
        try:
            with open_directory(self.out, by_descriptor=self.by_descriptor) as place:
                place.replace(_PROBE, [b"\n"])
                place.remove(_PROBE)
        except OSError as error:
            raise self._unusable(error) from error

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other runs out of OUT (which exists), until the process ends at the latest. Raises OutputLockedError."""
        with ExitStack() as stack:
            try:
                opened = open_directory(self.out, [PRIVATE], mode=0o700, by_descriptor=self.by_descriptor)
                private = stack.enter_context(opened)
                _make_private(private)
                descriptor = private.open(_LOCK, 0o600)
                stack.callback(os.close, descriptor)
                held = try_lock(descriptor)
            except OSError as error:
                raise self._unusable(error) from error
            if not held:
                raise OutputLockedError(f"another run writes into {self.out}: wait for it, or choose another OUT")
            yield

    def refuse_files(self) -> None:
        """Raise LedgerError if OUT holds files other than what a run that never wrote an image may have left."""
        if next((path for path in _files_in(self.out) if not TEMPORARY.fullmatch(path.name)), None) is not None:
            raise LedgerError(
                f"{self.out} holds files and no ledger: choose another OUT, or give --overwrite to write among them"
            )

    def clear_staging(self) -> None:
        """Remove what a run that was killed has staged and not published; only whoever holds the lock may."""
        with suppress(FileNotFoundError), translate_os_errors(), self._staging() as staging:
            for name in staging.names():
                staging.remove(name)

    def keep_room(self, size: int) -> None:
        """Hold so many bytes of the disk, in place of those held before, until staging is cleared.

        What must be written where nothing more fits is written into this room. Raises StorageFullError and RunError.
        """
        with translate_os_errors(), self._staging() as staging:
            staging.remove(_ROOM)
            # a file system that packs its files would hold no room for zeros
            staging.create(_ROOM, [os.urandom(size)])

    def stage(self, chunks: Iterable[bytes]) -> str:
        """Put the bytes of a file into OUT without its name; what `publish` calls it by.

        Raises OutputError (this image could not be written), StorageFullError and RunError (none can be).
        """
        name = temporary_name()
        with translate_os_errors(), self._staging() as staging:
            staging.create(name, chunks)
        return name

    def publish(self, names: Mapping[str, str]) -> dict[str, OutputError]:
        """Give staged files (keys) their names relative to OUT (values), over older files of these names.

        Returns why some of them, by staged name, could not be given theirs; these are removed. Raises StorageFullError
        and RunError.
        """
        if self.sync:
            self._sync_staged(names)
        refused: dict[str, OutputError] = {}
        by_folder = sorted(names.items(), key=lambda item: (_folder_of(item[1]), item[1]))
        for folder, group in groupby(by_folder, key=lambda item: _folder_of(item[1])):
            staged = dict(group)
            try:
                refused |= self._publish_into(folder, staged)
            except OutputError as error:
                refused |= dict.fromkeys(staged, error)
        self.discard(refused)
        return refused

    def discard(self, staged: Iterable[str]) -> None:
        """Remove staged files. Raises OutputError, StorageFullError and RunError."""
        with translate_os_errors(), self._staging() as staging:
            for name in staged:
                staging.remove(name)

    def remove(self, names: Iterable[str]) -> None:
        """Remove published files; no symbolic link is followed. Raises OutputError, StorageFullError and RunError."""
        for relative_name in names:
            *folders, name = _components(relative_name)
            if self.out.joinpath(*folders).is_dir():
                with translate_os_errors(), open_directory(self.out, folders, by_descriptor=self.by_descriptor) as place:
                    place.remove(name)

    def write(self, relative_name: str, data: bytes) -> Path:
        """Put one whole file into OUT and return its path. An older file of that name is replaced.

        Raises OutputError (this image could not be written), StorageFullError and RunError (none can be).
        """
        return self.write_chunks(relative_name, [data])

    def write_chunks(self, relative_name: str, chunks: Iterable[bytes]) -> Path:
        """As `write`, of a file that comes in pieces."""
        _components(relative_name)
        staged = self.stage(chunks)
        for error in self.publish({staged: relative_name}).values():
            raise error
        return self.out / relative_name

    def _sync_staged(self, names: Iterable[str]) -> None:
        """Have the bytes of staged files on the disk itself: many at a time, since a disk takes them together."""
        waiting = iter(list(names))
        with translate_os_errors(), self._staging() as staging, ThreadPoolExecutor(_SYNCS_AT_A_TIME) as pool:
            # each thread takes the next name: cheaper than to hand each over
            for done in [pool.submit(_sync_each, staging, waiting) for _ in range(_SYNCS_AT_A_TIME)]:
                done.result()

    def _publish_into(self, folder: str, staged: Mapping[str, str]) -> dict[str, OutputError]:
        """Publish files of one folder. Raises OutputError where it cannot be made, and what ends the run."""
        refused: dict[str, OutputError] = {}
        folders = _components(f"{folder}/x")[:-1] if folder else []
        opened = open_directory(self.out, folders, by_descriptor=self.by_descriptor)
        with translate_os_errors(), self._staging() as staging, opened as place:
            for name, relative_name in staged.items():
                try:
                    with translate_os_errors():
                        place.take(name, staging, _components(relative_name)[-1])
                except OutputError as error:
                    refused[name] = error
            if self.sync:
                place.sync()
        if self.sync:
            self._sync_above(folders)
        return refused

    def _sync_above(self, folders: list[str]) -> None:
        """Have the names of the folders themselves on the disk."""
        for depth in range(len(folders)):
            with translate_os_errors(), open_directory(self.out, folders[:depth], by_descriptor=self.by_descriptor) as place:
                place.sync()

    @contextmanager
    def _staging(self) -> Iterator[OutputDirectory]:
        with open_directory(self.out, [PRIVATE, _STAGING], mode=0o700, by_descriptor=self.by_descriptor) as place:
            yield place

    def _refuse_strangers(self, overwrite: bool) -> None:
        if not overwrite and not self.ledger_path.exists():
            self.refuse_files()

    def _make(self) -> None:
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> PlainfilmError:
        found = classify_os_error(error)
        if not isinstance(found, OutputError):
            return found
        if isinstance(error, (FileExistsError, NotADirectoryError)):
            return LedgerError(
                f"OUT {self.out} is no folder, or is below a file: choose another OUT", stage=Stage.WRITE
            )
        return LedgerError(
            f"OUT {self.out} cannot be written to ({error.strerror}): choose another OUT", stage=Stage.WRITE
        )


def _sync_each(staging: OutputDirectory, names: Iterator[str]) -> None:
    """Sync files until there are no more names, which other threads take from too."""
    for name in names:
        staging.sync_file(name)


def _folder_of(relative_name: str) -> str:
    return relative_name.rpartition("/")[0]


def _components(relative_name: str) -> list[str]:
    """The components of a name with `/` between them. Raises OutputError for one that leads elsewhere."""
    components = relative_name.split("/")
    if any(part in ("", ".", "..") or "\\" in part or ":" in part or "\0" in part for part in components):
        raise OutputError("the image's name is no relative path within OUT")
    return components


def _make_private(place: OutputDirectory) -> None:
    """Take from others what an older umask or another program gave them."""
    if place.descriptor is not None and os.fstat(place.descriptor).st_mode & 0o077:
        os.fchmod(place.descriptor, 0o700)


def _files_in(out: Path) -> Iterator[Path]:
    """Every file in OUT but the private folder's, one folder after the other, no symbolic link followed."""
    waiting = [out]
    while waiting:
        folder = waiting.pop()
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                mode = entry.stat(follow_symlinks=False).st_mode
                if not stat.S_ISDIR(mode):
                    yield Path(entry.path)
                elif folder != out or entry.name != PRIVATE:
                    waiting.append(Path(entry.path))
