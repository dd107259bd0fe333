# SPDX-License-Identifier: MIT
"""Relative names and bytes -> whole files in OUT and nowhere else.

Before work starts OUT is found to be writable, empty and held by no other run.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from plainfilm.errors import LedgerError, OutputLockedError, PlainfilmError, SinkError, Stage
from plainfilm.sinks.lock import try_lock
from plainfilm.sinks.place import BY_DESCRIPTOR, TEMPORARY, Place, open_place
from plainfilm.sinks.storage import write_error, writing

PRIVATE = ".plainfilm"
_LOCK = "lock"
_PROBE = f".plainfilm-{0:016x}.tmp"


@dataclass(frozen=True, slots=True)
class FolderSink:
    """A folder that images are written into; it holds no state, so workers may have one each.

    sync: whether a file is on the disk itself (fsync, its folder too) before `write` returns.
    """

    out: Path
    sync: bool = False
    by_descriptor: bool = BY_DESCRIPTOR

    @contextmanager
    def claim(self, *, overwrite: bool = False) -> Iterator[FolderSink]:
        """Hold OUT for one run: made, writable, held by no other, empty unless `overwrite`, rid of old temporary files.

        Raises LedgerError (a file in its place, not writable, or holding files), OutputLockedError, StorageFullError.
        """
        self._make()
        # a stranger's folder is refused before anything is put there
        if not overwrite and not (self.out / PRIVATE).exists():
            self.refuse_files()
        with self.lock():
            if not overwrite:
                self.refuse_files()
            self.check()
            self.sweep()
            yield self

    def check(self) -> None:
        """Make OUT and its parents and prove that files can be written. Raises LedgerError and StorageFullError."""
        self._make()
        try:
            with open_place(self.out, by_descriptor=self.by_descriptor) as place:
                place.replace(_PROBE, [b"\n"])
            (self.out / _PROBE).unlink()
        except OSError as error:
            raise self._unusable(error) from error

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other runs out of OUT (which exists), until the process ends at the latest. Raises OutputLockedError."""
        with ExitStack() as stack:
            try:
                opened = open_place(self.out, [PRIVATE], mode=0o700, by_descriptor=self.by_descriptor)
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
                f"{self.out} holds files already: choose another OUT, or give --overwrite to write among them"
            )

    def sweep(self) -> None:
        """Remove temporary files that a killed run left; only whoever holds the lock may."""
        for path in _files_in(self.out):
            if TEMPORARY.fullmatch(path.name):
                with suppress(OSError):
                    path.unlink()

    def write(self, relative_name: str, data: bytes) -> Path:
        """Put one whole file into OUT and return its path. An older file of that name is replaced.

        Raises SinkError (this image could not be written), StorageFullError and RunError (none can be).
        """
        return self.write_chunks(relative_name, [data])

    def write_chunks(self, relative_name: str, chunks: Iterable[bytes]) -> Path:
        """As `write`, of a file that comes in pieces."""
        *folders, name = _components(relative_name)
        with writing(), open_place(self.out, folders, by_descriptor=self.by_descriptor) as place:
            place.replace(name, chunks, self.sync)
        return self.out / relative_name

    def _make(self) -> None:
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> PlainfilmError:
        found = write_error(error)
        if not isinstance(found, SinkError):
            return found
        if isinstance(error, (FileExistsError, NotADirectoryError)):
            return LedgerError(
                f"OUT {self.out} is no folder, or is below a file: choose another OUT", stage=Stage.WRITE
            )
        return LedgerError(
            f"OUT {self.out} cannot be written to ({error.strerror}): choose another OUT", stage=Stage.WRITE
        )


def _components(relative_name: str) -> list[str]:
    """The components of a name with `/` between them. Raises SinkError for one that leads elsewhere."""
    components = relative_name.split("/")
    if any(part in ("", ".", "..") or "\\" in part or ":" in part or "\0" in part for part in components):
        raise SinkError("the image's name is no relative path within OUT")
    return components


def _make_private(place: Place) -> None:
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
