# SPDX-License-Identifier: MIT
"""Read the bytes of an input file: a small file as a whole, and of a large file the parts that are used."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from plainfilm.dicom.encoding import find_first_element
from plainfilm.dicom.inflate import GZIP_START, inflate_gzip, inflate_gzip_head
from plainfilm.errors import LimitError, Reason, SourceError, with_os_error
from plainfilm.sources.reference import Location
from plainfilm.sources.remote_file import RemoteFile
from plainfilm.sources.remote_reader import open_remote

_HEAD_BYTES = 4096
# Files of up to this size are read as a whole, which is faster than reading their parts.
MOST_AT_ONCE = 32 * 1024**2
_LARGEST = 1024**4
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


class FileContent:
    """The content of a large file, like bytes: its length is that when it was opened, and slices are read on demand.

    start: the position in the file where the content begins, in an archive.

    The file is not mapped into memory: the system would end the process if the file shrank meanwhile.
    """

    def __init__(self, file: BinaryIO, size: int, start: int = 0) -> None:
        self._file = file
        self._size = size
        self._start = start

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, span: slice, /) -> bytes:
        """Return the bytes of a slice without a step. Raises SourceError: `unreadable`, `source_changed`."""
        start, stop, _ = span.indices(self._size)
        if stop <= start:
            return b""
        try:
            self._file.seek(self._start + start)
            content = self._file.read(stop - start)
        except OSError as error:
            raise _unreadable_error(error) from error
        if len(content) < stop - start:
            raise _shrunk_error(self._size, start + len(content))
        return content


@contextmanager
def open_source(path: Location, most_at_once: int = MOST_AT_ONCE) -> Iterator[bytes | FileContent]:
    """Open a file as a context manager for its content; a `FileContent` is valid within the context only.

    most_at_once: the size in bytes up to which a file is read as a whole.
    Of a DICOM file that is compressed with gzip, the content is what it holds.

    Raises SourceError: `unreadable`, or `source_changed` if the file shrank while it was read or is no longer a
    regular file. Raises LimitError (`too_large`) for a file of more than 1 TiB, and the errors of `inflate_gzip`.
    """
    with open_file(path) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        if size > _LARGEST:
            raise LimitError(f"the file has {size} bytes")
        yield inflated_content(_read_whole(file, size) if size <= most_at_once else FileContent(file, size))


def read_head(path: Location) -> bytes:
    """Return the first bytes of a file, enough to recognise its format.

    Of a DICOM file that is compressed with gzip, they are those of what it holds. Raises SourceError as `open_source`
    does.
    """
    with open_file(path) as file:
        try:
            head = file.read(_HEAD_BYTES)
        except OSError as error:
            raise _unreadable_error(error) from error
    return inflated_head(head) or head


def inflated_content(content: bytes | FileContent) -> bytes | FileContent:
    """Return the DICOM file in a gzip file, or any other content as it is. Raises the errors of `inflate_gzip`."""
    return inflate_gzip(content) if inflated_head(content[:_HEAD_BYTES]) else content


def inflated_head(head: bytes) -> bytes:
    """Return the first bytes of the DICOM file in a gzip file, b"" for any other file."""
    if not head.startswith(GZIP_START):
        return b""
    inflated = inflate_gzip_head(head, _HEAD_BYTES)
    return inflated if find_first_element(inflated) is not None else b""


def _read_whole(file: BinaryIO, size: int) -> bytes:
    try:
        content = file.read()
    except OSError as error:
        raise _unreadable_error(error) from error
    if len(content) < size:
        raise _shrunk_error(size, len(content))
    return content


def open_file(path: Location) -> BinaryIO:
    """Open a file of this machine or of a store, which the caller closes.

    A pipe or device that has replaced it since it was listed is rejected without waiting for it.

    Raises SourceError as `open_source` does.
    """
    if isinstance(path, RemoteFile):
        return open_remote(path)
    try:
        descriptor = os.open(path, _OPEN_FLAGS)
    except OSError as error:
        raise _unreadable_error(error, path) from error
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    refusal = SourceError("it is not a regular file (a folder, pipe, socket or device)", reason=Reason.SOURCE_CHANGED)
    if stat.S_ISDIR(mode):
        raise with_os_error(refusal, IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)), path)
    raise refusal


def _unreadable_error(error: OSError, path: Path | None = None) -> SourceError:
    cause = os.strerror(error.errno) if error.errno is not None else type(error).__name__
    return with_os_error(SourceError(f"the file cannot be read: {cause}"), error, path)


def _shrunk_error(size: int, remaining: int) -> SourceError:
    message = f"the file shrank from {size} to at most {remaining} bytes while it was read"
    return SourceError(message, reason=Reason.SOURCE_CHANGED)
