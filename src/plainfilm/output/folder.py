# SPDX-License-Identifier: MIT
"""Write complete files into the folder OUT and nowhere else.

A file is first staged in the private folder of OUT under a temporary name. It is then published: its bytes are flushed
to the disk before it gets its name. Before a run starts, OUT is checked to be writable, to be empty or the output of an
earlier run, and not to be in use by another run.
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

from plainfilm.errors import LedgerError, OutputError, OutputLockedError, PlainfilmError, Stage, with_os_error
from plainfilm.output.directory import BY_DESCRIPTOR, TEMPORARY_NAME, OutputDirectory, open_directory, temporary_name
from plainfilm.output.lock import try_lock
from plainfilm.output.storage import classify_os_error, translate_os_errors, translate_private_errors

PRIVATE = ".plainfilm"
"""The folder in OUT that belongs to the run: ledger, lock and staged files."""

_LEDGER = "ledger.sqlite"
_PRESENTATION_INDEX = "presentations.sqlite"
_LOCK = "lock"
_STAGING = "staging"
_RESERVE = "reserve"
_PROBE = f".plainfilm-{0:016x}.tmp"
_PARALLEL_SYNCS = 8


@dataclass(frozen=True, slots=True)
class FolderOutput:
    """The folder that images are written into. It holds no state, so each worker may have its own instance.

    out: the folder.
    sync: whether `publish` flushes files to the disk (fsync) before they get their names, and the names before it
    returns.
    by_descriptor: whether files are opened relative to open directories.
    """

    out: Path
    sync: bool = True
    by_descriptor: bool = BY_DESCRIPTOR

    @property
    def ledger_path(self) -> Path:
        """Where the ledger of OUT is, or will be."""
        return self.out / PRIVATE / _LEDGER

    @property
    def presentation_index_path(self) -> Path:
        """Where the index of presentation states is for the duration of a run."""
        return self.out / PRIVATE / _PRESENTATION_INDEX

    @contextmanager
    def open_for_run(self, *, overwrite: bool = False) -> Iterator[FolderOutput]:
        """Create OUT if it is missing, lock it for one run, and remove what a killed run left in staging.

        OUT must be empty or have a ledger unless `overwrite` is true. Raises LedgerError (OUT is a file, is not
        writable, or holds other files), OutputLockedError and StorageFullError.
        """
        self._make_folder()
        # nothing is created in a folder that is refused
        self._check_ownership(overwrite)
        with self.lock():
            self._check_ownership(overwrite)
            self.check_writable()
            self.clear_staging()
            yield self

    def check_writable(self) -> None:
        """Create OUT and its parents and write a file there as a test. Raises LedgerError and StorageFullError."""
        self._make_folder()
        try:
            with open_directory(self.out, by_descriptor=self.by_descriptor) as directory:
                directory.replace(_PROBE, [b"\n"])
                directory.remove(_PROBE)
        except OSError as error:
            raise self._unusable_error(error) from error

    def check_empty(self) -> None:
        """Raise LedgerError if OUT holds files other than those of a run that was killed before its first image."""
        if any(not TEMPORARY_NAME.fullmatch(path.name) for path in _files_in(self.out)):
            raise LedgerError(
                f"{self.out} holds files and no ledger: choose another OUT, or give --overwrite to write among them"
            )

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other runs out of OUT, which exists, until the block or the process ends. Raises OutputLockedError."""
        with ExitStack() as stack:
            try:
                private = stack.enter_context(
                    open_directory(self.out, [PRIVATE], mode=0o700, by_descriptor=self.by_descriptor)
                )
                _remove_access_of_others(private)
                descriptor = private.open_file(_LOCK, 0o600)
                stack.callback(os.close, descriptor)
                is_locked = try_lock(descriptor)
            except OSError as error:
                raise self._unusable_error(error) from error
            if not is_locked:
                raise OutputLockedError(f"another run writes into {self.out}: wait for it, or choose another OUT")
            yield

    def stage(self, chunks: Iterable[bytes]) -> str:
        """Write a file to staging and return its temporary name, to be given to `publish` or `discard`.

        Raises OutputError (this image cannot be written), StorageFullError and RunError (no image can be written).
        """
        name = temporary_name()
        with translate_os_errors(), self._open_staging() as staging:
            staging.create(name, chunks)
        return name

    def publish(self, names: Mapping[str, str]) -> dict[str, OutputError]:
        """Give staged files their final names. Older files of these names are replaced.

        names: the temporary name of each file -> its name relative to OUT.

        Returns the errors of files that could not get their names, by temporary name; these files are removed. Raises
        StorageFullError and RunError.
        """
        errors = self._sync_staged(names) if self.sync else {}
        synced = (item for item in names.items() if item[0] not in errors)
        in_folders = sorted(synced, key=lambda item: (_folder_of(item[1]), item[1]))
        for folder, group in groupby(in_folders, key=lambda item: _folder_of(item[1])):
            names_in_folder = dict(group)
            try:
                errors |= self._publish_in_folder(folder, names_in_folder)
            except OutputError as error:
                errors |= dict.fromkeys(names_in_folder, error)
        self.discard(errors)
        return errors

    def discard(self, temporary_names: Iterable[str]) -> None:
        """Remove staged files; those that cannot be removed stay until staging is cleared. Raises RunError."""
        with suppress(OutputError), translate_os_errors(), self._open_staging() as staging:
            for name in temporary_names:
                staging.remove(name)

    def clear_staging(self) -> None:
        """Remove every staged file and the reserve; only the holder of the lock may do that. Raises RunError."""
        with translate_private_errors(self._staging_path), self._open_staging() as staging:
            for name in staging.list_names():
                staging.remove(name)

    def reserve_space(self, size: int) -> None:
        """Occupy `size` bytes of the disk, instead of an earlier reserve, until staging is cleared.

        The space is then free for what must be written when the disk is full. Raises StorageFullError and RunError.
        """
        with translate_private_errors(self._staging_path), self._open_staging() as staging:
            staging.remove(_RESERVE)
            # random bytes, because a file system that compresses would reserve nothing for zeros
            staging.create(_RESERVE, [os.urandom(size)])

    def remove(self, names: Iterable[str]) -> set[str]:
        """Remove published files where they exist; symbolic links are not followed.

        Returns the names of files that may exist and could not be removed. Raises StorageFullError and RunError.
        """
        return {name for name in names if not self._remove(name)}

    def write(self, relative_name: str, data: bytes) -> Path:
        """Write one complete file into OUT and return its path. An older file of that name is replaced.

        Raises OutputError (this image cannot be written), StorageFullError and RunError (no image can be written).
        """
        return self.write_chunks(relative_name, [data])

    def write_chunks(self, relative_name: str, chunks: Iterable[bytes]) -> Path:
        """Write one complete file from an iterable of chunks, as `write` does."""
        _components(relative_name)
        staged = self.stage(chunks)
        for error in self.publish({staged: relative_name}).values():
            raise error
        return self.out / relative_name

    def _remove(self, relative_name: str) -> bool:
        """Remove a file; return whether no file of a run has this name now."""
        *folders, name = _components(relative_name)
        try:
            if self.out.joinpath(*folders).is_dir():
                with open_directory(self.out, folders, by_descriptor=self.by_descriptor) as directory:
                    directory.remove(name)
        except (NotADirectoryError, IsADirectoryError):
            # a run writes neither folders of this name nor files beyond a symbolic link
            return True
        except OSError as error:
            if not isinstance(classified := classify_os_error(error), OutputError):
                raise classified from error
            return False
        return True

    def _sync_staged(self, names: Iterable[str]) -> dict[str, OutputError]:
        """Flush staged files to the disk, several at a time, because disks combine concurrent flushes.

        Returns the errors of files that could not be flushed. Raises StorageFullError and RunError.
        """
        remaining = iter(list(names))
        errors: dict[str, OutputError] = {}
        try:
            with translate_os_errors(), self._open_staging() as staging, ThreadPoolExecutor(_PARALLEL_SYNCS) as pool:
                # each thread takes the next name itself: that is cheaper than one task a file
                for future in [pool.submit(_sync_each, staging, remaining, errors) for _ in range(_PARALLEL_SYNCS)]:
                    future.result()
        except OutputError as error:
            return dict.fromkeys(names, error)
        return errors

    def _publish_in_folder(self, folder: str, names: Mapping[str, str]) -> dict[str, OutputError]:
        """Publish the files of one folder. Raises OutputError if the folder cannot be created, and run errors."""
        errors: dict[str, OutputError] = {}
        folders = _components(f"{folder}/x")[:-1] if folder else []
        target = open_directory(self.out, folders, by_descriptor=self.by_descriptor)
        with translate_os_errors(), self._open_staging() as staging, target as directory:
            for temporary, relative_name in names.items():
                try:
                    with translate_os_errors():
                        directory.move_from(staging, temporary, _components(relative_name)[-1])
                except OutputError as error:
                    errors[temporary] = error
            if self.sync:
                directory.sync()
        if self.sync:
            self._sync_parents(folders)
        return errors

    def _sync_parents(self, folders: list[str]) -> None:
        """Flush the names of the folders themselves to the disk."""
        for depth in range(len(folders)):
            with (
                translate_os_errors(),
                open_directory(self.out, folders[:depth], by_descriptor=self.by_descriptor) as directory,
            ):
                directory.sync()

    @property
    def _staging_path(self) -> Path:
        return self.out / PRIVATE / _STAGING

    @contextmanager
    def _open_staging(self) -> Iterator[OutputDirectory]:
        folders = [PRIVATE, _STAGING]
        with open_directory(self.out, folders, mode=0o700, by_descriptor=self.by_descriptor) as directory:
            yield directory

    def _check_ownership(self, overwrite: bool) -> None:
        if not overwrite and not self.ledger_path.exists():
            self.check_empty()

    def _make_folder(self) -> None:
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unusable_error(error) from error

    def _unusable_error(self, error: OSError) -> PlainfilmError:
        classified = classify_os_error(error)
        if not isinstance(classified, OutputError):
            return classified
        if isinstance(error, (FileExistsError, NotADirectoryError)):
            problem = "is no folder, or is below a file"
        else:
            problem = f"cannot be written to ({error.strerror})"
        refusal = LedgerError(f"OUT {self.out} {problem}: choose another OUT", stage=Stage.WRITE)
        cause = NotADirectoryError(*error.args) if isinstance(error, FileExistsError) else error
        return with_os_error(refusal, cause, self.out)


def _sync_each(staging: OutputDirectory, names: Iterator[str], errors: dict[str, OutputError]) -> None:
    """Flush files until the iterator, which other threads share, has no more names."""
    for name in names:
        try:
            with translate_os_errors():
                staging.sync_file(name)
        except OutputError as error:
            errors[name] = error


def _folder_of(relative_name: str) -> str:
    return relative_name.rpartition("/")[0]


def _components(relative_name: str) -> list[str]:
    """Split a relative name at `/`. Raises OutputError for a name that could lead out of OUT."""
    components = relative_name.split("/")
    if any(part in ("", ".", "..") or "\\" in part or ":" in part or "\0" in part for part in components):
        raise OutputError("the image's name is no relative path within OUT")
    return components


def _remove_access_of_others(directory: OutputDirectory) -> None:
    """Remove the permissions of other users that an older umask or another program set."""
    if directory.descriptor is not None and os.fstat(directory.descriptor).st_mode & 0o077:
        os.fchmod(directory.descriptor, 0o700)


def _files_in(out: Path) -> Iterator[Path]:
    """Yield every file in OUT except those of the private folder; symbolic links are not followed."""
    folders = [out]
    while folders:
        folder = folders.pop()
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                mode = entry.stat(follow_symlinks=False).st_mode
                if not stat.S_ISDIR(mode):
                    yield Path(entry.path)
                elif folder != out or entry.name != PRIVATE:
                    folders.append(Path(entry.path))
