# SPDX-License-Identifier: MIT
"""Bytes that lie in memory or in a file, as one value that gives its length and any part of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

# bytes that nobody writes to
Octets = bytes | memoryview

_FEWEST, _BYTES_A_PART = 50_000, 256


class Content(Protocol):
    """`bytes`, or what reads them when they are asked for. A slice without a step is all that is taken of it."""

    def __len__(self) -> int: ...

    def __getitem__(self, span: slice, /) -> bytes: ...


# the Value Field of an element (PS3.5 7.1): a view of bytes that are in memory, or what reads them
ValueField = Content | memoryview


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes of `whole` from `start` to `stop`, none of which are in memory for that."""

    whole: Content
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def __getitem__(self, span: slice) -> bytes:
        start, stop, _ = span.indices(len(self))
        return self.whole[self.start + start : self.start + max(start, stop)]


def part_of(content: Content, start: int, stop: int | None = None) -> ValueField:
    """The bytes from `start` to `stop`, or to the end: a view, which copies nothing."""
    end = len(content) if stop is None else min(stop, len(content))
    if isinstance(content, bytes):
        return memoryview(content)[start:end]
    return Part(content, min(start, end), end)


def most_parts(size: int) -> int:
    """How many elements, items or fragments `size` bytes may hold: 50,000, or one for every 256 bytes if that is more.

    Each takes memory many times its own eight bytes. Real objects of many elements have many frames, which are longer.
    """
    return max(_FEWEST, size // _BYTES_A_PART)
