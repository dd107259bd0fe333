# SPDX-License-Identifier: MIT
"""Read a remote file as a binary file: in ranges that are as large as the reader needs, and seldom larger."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import BinaryIO, cast

from plainfilm.sources.remote_file import UNKNOWN_SIZE, RemoteFile
from plainfilm.sources.store import store_of

# holds the header of most images, so that one request is enough for it
FIRST_BYTES = 128 * 1024
_MOST_BYTES = 8 * 1024**2


class RemoteReader(io.BufferedIOBase):
    """A remote file as a binary file that is only read. Where it is read on and on, the ranges grow to 8 MiB.

    fetch: returns the bytes from one position to another. size: the number of bytes.
    """

    def __init__(self, fetch: Callable[[int, int], bytes], size: int) -> None:
        self._fetch = fetch
        self._size = size
        self._position = 0
        self._block, self._block_start = b"", 0
        self._range = FIRST_BYTES

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position, which may be beyond the end. Raises ValueError for one before the start."""
        position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if position < 0:
            raise ValueError("a position before the start of the file")
        self._position = position
        return position

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to `size` bytes, or all that follow. Raises SourceError."""
        end = self._size if size is None or size < 0 else min(self._position + size, self._size)
        start = self._position
        if end <= start:
            return b""
        self._position = end
        if not (self._block_start <= start and end <= self._block_start + len(self._block)):
            self._load(start, end)
        return self._block[start - self._block_start : end - self._block_start]

    def read1(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes, as `read`."""
        return self.read(size)

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Read into a buffer and return the number of bytes. Raises SourceError."""
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def _load(self, start: int, end: int) -> None:
        """Fetch a block that holds a range, with what the last block already has of it."""
        block_end = self._block_start + len(self._block)
        known = self._block[start - self._block_start :] if self._block_start <= start < block_end else b""
        first = start + len(known)
        follows = bool(self._block) and first == block_end
        self._range = min(2 * self._range, _MOST_BYTES) if follows else FIRST_BYTES
        last = max(end, min(first + self._range, self._size))
        self._block, self._block_start = known + self._fetch(first, last), start


def open_remote(file: RemoteFile) -> BinaryIO:
    """Open a remote file, which the caller closes. Raises SourceError where its size is not known and it is not read.

    A file whose size the store does not know is read as a whole.
    """
    if file.content is None and file.size != UNKNOWN_SIZE:
        store = store_of(file.url)
        return cast(BinaryIO, RemoteReader(lambda start, stop: store.read(file, start, stop), file.size))
    return io.BytesIO(store_of(file.url).read(file) if file.content is None else file.content)


def read_remote(file: RemoteFile) -> bytes:
    """Return all bytes of a remote file. Raises SourceError."""
    return store_of(file.url).read(file) if file.content is None else file.content
