# SPDX-License-Identifier: MIT
"""Access bytes that are in memory or in a file through one type that gives its length and any slice of itself."""

from __future__ import annotations

from typing import Protocol

from plainfilm.pickling import dataclass

BytesLike = bytes | memoryview
"""Bytes in memory that are only read."""

_MIN_ELEMENT_LIMIT, _BYTES_PER_ELEMENT = 50_000, 256


class ByteSource(Protocol):
    """`bytes`, or an object that reads bytes on demand. Only slices without a step are taken of it."""

    def __len__(self) -> int: ...

    def __getitem__(self, span: slice, /) -> bytes: ...


ValueField = ByteSource | memoryview
"""The Value Field of an element (PS3.5 7.1): a view of bytes in memory, or an object that reads them on demand."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The bytes of `source` from `start` to `stop`, which are read on demand."""

    source: ByteSource
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def __getitem__(self, span: slice) -> bytes:
        start, stop, _ = span.indices(len(self))
        return self.source[self.start + start : self.start + max(start, stop)]


def byte_range(source: ByteSource, start: int, stop: int | None = None) -> ValueField:
    """Return a view of the bytes from `start` to `stop`, or to the end. No byte is copied."""
    end = len(source) if stop is None else min(stop, len(source))
    if isinstance(source, bytes):
        return memoryview(source)[start:end]
    return ByteRange(source, min(start, end), end)


def element_limit(size: int) -> int:
    """Return how many elements, items or fragments are accepted in `size` bytes.

    The limit is 50,000, or one for every 256 bytes if that is more. Each takes many times its own eight bytes in
    memory. Real objects with many elements have many frames, so they are longer.
    """
    return max(_MIN_ELEMENT_LIMIT, size // _BYTES_PER_ELEMENT)
