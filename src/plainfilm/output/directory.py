# SPDX-License-Identifier: MIT
"""A folder, held open -> files replaced in it whole or not at all, never through a symbolic link.

Where the system can name files relative to an open folder, nobody can swap a folder for a link in between; elsewhere
(Windows) each folder is checked before it is entered.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

BY_DESCRIPTOR = os.open in os.supports_dir_fd and os.rename in os.supports_dir_fd
TEMPORARY = re.compile(r"\.plainfilm-[0-9a-f]{16}\.tmp")

_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


def temporary_name() -> str:
    """A name for a file that is not whole yet, which nobody else chooses."""
    return f".plainfilm-{secrets.token_hex(8)}.tmp"


@dataclass(frozen=True, slots=True)
class OutputDirectory:
    """A folder that exists: its path, and the descriptor it is held open by (None where the system has none)."""

    path: Path
    descriptor: int | None

    def create(self, name: str, chunks: Iterable[bytes]) -> None:
        """Make a file that is not there yet, whole or not at all. Raises OSError."""
        descriptor = os.open(self._at(name), _NEW_FILE | _NO_LINK, 0o666, dir_fd=self.descriptor)
        whole = False
        try:
            # closing may report what writing did not (quota on network file systems)
            _write_and_close(descriptor, chunks)
            whole = True
        finally:
            if not whole:
                self.remove(name)

    def replace(self, name: str, chunks: Iterable[bytes]) -> None:
        """Put a file there, in one step: until then its bytes are in a temporary file beside it. Raises OSError."""
        temporary = temporary_name()
        self.create(temporary, chunks)
        placed = False
        try:
            self.take(temporary, self, name)
            placed = True
        finally:
            if not placed:
                self.remove(temporary)

    def take(self, name: str, origin: OutputDirectory, own_name: str) -> None:
        """Move a file of another place here, in one step, over an older one of that name. Raises OSError."""
        source, target = origin._at(name), self._at(own_name)
        os.replace(source, target, src_dir_fd=origin.descriptor, dst_dir_fd=self.descriptor)

    def remove(self, name: str) -> None:
        """Remove a file; it is well if there is none. Raises OSError."""
        with suppress(FileNotFoundError):
            os.unlink(self._at(name), dir_fd=self.descriptor)

    def names(self) -> list[str]:
        """What is in this folder. Raises OSError."""
        with os.scandir(self.path if self.descriptor is None else self.descriptor) as entries:
            return [entry.name for entry in entries]

    def sync_file(self, name: str) -> None:
        """Have a file's bytes on the disk itself. Raises OSError."""
        descriptor = os.open(self._at(name), os.O_RDWR | _NO_LINK, dir_fd=self.descriptor)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def sync(self) -> None:
        """Have the names in this folder on the disk itself, where the system can do that. Raises OSError."""
        if self.descriptor is not None:
            os.fsync(self.descriptor)

    def open(self, name: str, mode: int) -> int:
        """A descriptor, for reading and writing, of a file that is made if need be. Raises OSError."""
        flags = os.O_RDWR | os.O_CREAT | _NO_LINK | getattr(os, "O_CLOEXEC", 0)
        return os.open(self._at(name), flags, mode, dir_fd=self.descriptor)

    def _at(self, name: str) -> str:
        return name if self.descriptor is not None else str(self.path / name)


@contextmanager
def open_directory(
    path: Path, folders: Sequence[str] = (), *, mode: int = 0o777, by_descriptor: bool = BY_DESCRIPTOR
) -> Iterator[OutputDirectory]:
    """A folder that exists, or the one that `folders` lead to from there, each made if need be.

    Raises OSError, also where one of `folders` is a symbolic link (`path` may be one).
    """
    if not by_descriptor:
        for folder in folders:
            path = path / folder
            _make_folder(path, mode)
        yield OutputDirectory(path, None)
        return
    descriptor = os.open(path, _FOLDER)
    try:
        for folder in folders:
            # only the innermost stays open: a deep tree must not use up the descriptors
            outer, descriptor = descriptor, _descriptor_of(folder, descriptor, mode)
            os.close(outer)
        yield OutputDirectory(path.joinpath(*folders), descriptor)
    finally:
        os.close(descriptor)


def _descriptor_of(folder: str, outer: int, mode: int) -> int:
    try:
        return os.open(folder, _FOLDER | _NO_LINK, dir_fd=outer)
    except FileNotFoundError:
        with suppress(FileExistsError):  # another worker may be first
            os.mkdir(folder, mode, dir_fd=outer)
        return os.open(folder, _FOLDER | _NO_LINK, dir_fd=outer)


def _make_folder(path: Path, mode: int) -> None:
    with suppress(FileExistsError):
        path.mkdir(mode)
    if not stat.S_ISDIR(path.lstat().st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))


def _write_and_close(descriptor: int, chunks: Iterable[bytes]) -> None:
    closed = False
    try:
        for chunk in chunks:
            _write_all(descriptor, chunk)
        closed = True
        os.close(descriptor)
    finally:
        if not closed:
            os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
