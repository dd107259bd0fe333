# SPDX-License-Identifier: MIT
"""Write files into a directory that is held open: each file whole or not at all, never through a symbolic link.

Where the operating system opens files relative to an open directory, nobody can replace a directory by a link between
two steps. Elsewhere (Windows) each directory is checked before it is entered.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path

from plainfilm.pickling import dataclass

BY_DESCRIPTOR = os.open in os.supports_dir_fd and os.rename in os.supports_dir_fd
"""Whether this operating system opens and renames files relative to an open directory."""
TEMPORARY_NAME = re.compile(r"\.plainfilm-[0-9a-f]{16}\.tmp")

_DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
# opening a pipe would wait for its writer
_WITHOUT_WAITING = _NO_LINK | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


def temporary_name() -> str:
    """Return a random name for a file that is not complete yet."""
    return f".plainfilm-{os.urandom(8).hex()}.tmp"


@dataclass(frozen=True, slots=True)
class OutputDirectory:
    """An existing directory: its open descriptor, or its path where the operating system has no descriptors of it."""

    path: Path | None
    descriptor: int | None

    def create(self, name: str, chunks: Iterable[bytes]) -> None:
        """Create a new file; if writing fails, the file is removed. Raises OSError, also where the file exists."""
        descriptor = os.open(self._location(name), _NEW_FILE | _NO_LINK, 0o666, dir_fd=self.descriptor)
        is_complete = False
        try:
            # closing may report what writing did not (quota on network file systems)
            _write_and_close(descriptor, chunks)
            is_complete = True
        finally:
            if not is_complete:
                self.remove(name)

    def replace(self, name: str, chunks: Iterable[bytes]) -> None:
        """Create or replace a file in one step, by way of a temporary file in the same directory. Raises OSError."""
        temporary = temporary_name()
        self.create(temporary, chunks)
        is_renamed = False
        try:
            self.move_from(self, temporary, name)
            is_renamed = True
        finally:
            if not is_renamed:
                self.remove(temporary)

    def move_from(self, origin: OutputDirectory, name: str, new_name: str) -> None:
        """Move a file from another directory here in one step; an older file is replaced. Raises OSError."""
        source, target = origin._location(name), self._location(new_name)
        os.replace(source, target, src_dir_fd=origin.descriptor, dst_dir_fd=self.descriptor)

    def link_from(self, origin: OutputDirectory, name: str, new_name: str) -> None:
        """Give a file of another directory a further name here. Raises OSError, also where the name is taken.

        A symbolic link is not followed.
        """
        os.link(
            origin._location(name),
            self._location(new_name),
            src_dir_fd=origin.descriptor,
            dst_dir_fd=self.descriptor,
            follow_symlinks=False,
        )

    def remove(self, name: str) -> None:
        """Remove a file if it exists. Raises OSError."""
        with suppress(FileNotFoundError):
            os.unlink(self._location(name), dir_fd=self.descriptor)

    def remove_directory(self, name: str) -> None:
        """Remove an empty directory. Raises OSError."""
        os.rmdir(self._location(name), dir_fd=self.descriptor)

    def list_names(self) -> list[str]:
        """Return the names of all entries. Raises OSError."""
        with os.scandir(self.path if self.descriptor is None else self.descriptor) as entries:
            return [entry.name for entry in entries]

    def sync_file(self, name: str) -> None:
        """Flush the bytes of a file to the disk (fsync). Raises OSError."""
        descriptor = os.open(self._location(name), os.O_RDWR | _NO_LINK, dir_fd=self.descriptor)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def sync(self) -> None:
        """Flush the names in this directory to the disk where the operating system can do that. Raises OSError."""
        if self.descriptor is not None:
            os.fsync(self.descriptor)

    def open_file(self, name: str, mode: int) -> int:
        """Return a descriptor for reading and writing; the file is created if it is missing.

        Raises OSError, also where the name is that of a symbolic link, a pipe or a device.
        """
        flags = os.O_RDWR | os.O_CREAT | _WITHOUT_WAITING
        return _regular(os.open(self._location(name), flags, mode, dir_fd=self.descriptor))

    def _location(self, name: str) -> str:
        return name if self.path is None else str(self.path / name)


def open_regular_file(path: Path) -> BufferedReader:
    """Open a file for reading. Raises OSError, also where it is a symbolic link, a folder, a pipe or a device."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | _WITHOUT_WAITING)
    return os.fdopen(_regular(descriptor), "rb")


def _regular(descriptor: int) -> int:
    """Return the descriptor of a regular file; close any other and raise OSError."""
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, "it is no regular file")


@contextmanager
def open_directory(
    path: Path, folders: Sequence[str] = (), *, mode: int = 0o777, by_descriptor: bool = BY_DESCRIPTOR
) -> Iterator[OutputDirectory]:
    """Open the existing directory `path`, or the one that `folders` lead to from there; missing folders are created.

    Raises OSError, also where one of `folders` is a symbolic link (`path` itself may be one).
    """
    if not by_descriptor:
        for folder in folders:
            path = path / folder
            _make_directory(path, mode)
        yield OutputDirectory(path, None)
        return
    descriptor = os.open(path, _DIRECTORY)
    try:
        for folder in folders:
            # only the innermost directory stays open: a deep tree must not use up the descriptors
            parent, descriptor = descriptor, _open_or_make(folder, descriptor, mode)
            os.close(parent)
        yield OutputDirectory(None, descriptor)
    finally:
        os.close(descriptor)


def _open_or_make(folder: str, parent: int, mode: int) -> int:
    try:
        return os.open(folder, _DIRECTORY | _NO_LINK, dir_fd=parent)
    except FileNotFoundError:
        with suppress(FileExistsError):  # another worker may be first
            os.mkdir(folder, mode, dir_fd=parent)
        return os.open(folder, _DIRECTORY | _NO_LINK, dir_fd=parent)


def _make_directory(path: Path, mode: int) -> None:
    with suppress(FileExistsError):
        path.mkdir(mode)
    if not stat.S_ISDIR(path.lstat().st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))


def _write_and_close(descriptor: int, chunks: Iterable[bytes]) -> None:
    # close is called once, whatever happens: after a failed close the descriptor is gone too
    is_closing = False
    try:
        for chunk in chunks:
            _write_all(descriptor, chunk)
        is_closing = True
        os.close(descriptor)
    finally:
        if not is_closing:
            os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    remaining = memoryview(data)
    while remaining:
        remaining = remaining[os.write(descriptor, remaining) :]
