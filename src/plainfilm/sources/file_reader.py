# SPDX-License-Identifier: MIT
"""A path -> the bytes of the file, all of them or, of a large one, those that are asked for; or why there are none."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from plainfilm.errors import LimitError, Reason, SourceError

_HEAD = 4096
# Files of up to this are read in one go, which is faster than to ask for their parts.
_MOST_AT_ONCE = 32 * 1024**2
_LARGEST = 1024**4
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


class FileContent:
    """A large file that is read where it is asked for: its length when it was opened, and any part of it.

    It is not mapped into memory: the system would end the process where the file shrinks meanwhile.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, span: slice, /) -> bytes:
        """The bytes of a slice without a step. Raises SourceError: `unreadable`, `source_changed`."""
        start, stop, _ = span.indices(self._size)
        if stop <= start:
            return b""
        try:
            self._file.seek(start)
            content = self._file.read(stop - start)
        except OSError as error:
            raise _unreadable(error) from error
        if len(content) < stop - start:
            raise _shrunk(self._size, start + len(content))
        return content


@contextmanager
def open_source(path: Path) -> Iterator[bytes | FileContent]:
    """The content of a file, a large one as long as the context lasts.

    Raises SourceError: `unreadable`, or `source_changed` where it shrank while it was read or is no file any more.
    Raises LimitError (too_large) for a file beyond all reason.
    """
    with _opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > _LARGEST:
            raise LimitError(f"the file has {size} bytes")
        yield _whole(file, size) if size <= _MOST_AT_ONCE else FileContent(file, size)


def _whole(file: BinaryIO, size: int) -> bytes:
    try:
        content = file.read()
    except OSError as error:
        raise _unreadable(error) from error
    if len(content) < size:
        raise _shrunk(size, len(content))
    return content


def read_head(path: Path) -> bytes:
    """The first bytes of the file: enough to tell what it is. Raises SourceError."""
    with _opened(path) as file:
        try:
            return file.read(_HEAD)
        except OSError as error:
            raise _unreadable(error) from error


def _opened(path: Path) -> BinaryIO:
    """The file, open. What has taken its place since it was listed, a pipe or a device, is not waited for."""
    try:
        descriptor = os.open(path, _READ)
    except OSError as error:
        raise _unreadable(error) from error
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise SourceError("it is no regular file (a folder, pipe, socket or device)", reason=Reason.SOURCE_CHANGED)


def _unreadable(error: OSError) -> SourceError:
    why = os.strerror(error.errno) if error.errno is not None else type(error).__name__
    gone = " (it was there when the folder was listed)" if error.errno == errno.ENOENT else ""
    return SourceError(f"the file cannot be read: {why}{gone}")


def _shrunk(size: int, left: int) -> SourceError:
    message = f"the file shrank from {size} to at most {left} bytes while it was read"
    return SourceError(message, reason=Reason.SOURCE_CHANGED)
