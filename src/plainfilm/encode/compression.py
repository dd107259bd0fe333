# SPDX-License-Identifier: MIT
"""An image -> its compressed scanlines in pieces: the filter and the compressor that suit it, tried on a few rows."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy.typing as npt
from isal import isal_zlib

from plainfilm.encode.scanlines import Filter, filtered, padded, row_bytes

Array = npt.NDArray[Any]

_BAND = 1 << 18  # bytes that are filtered and compressed at a time: they stay in a core's cache
_LEAST, _MOST, _BLOCKS = 1 << 14, 1 << 16, 4  # bytes and blocks of a sample
_WORTH = 1.1  # the slower compressor has to win by more than this


class _Stream(Protocol):
    """A zlib stream that is being written."""

    def compress(self, data: memoryview, /) -> bytes:
        """Take bytes in; what comes out may lag behind."""

    def flush(self) -> bytes:
        """The rest."""


@dataclass(frozen=True, slots=True)
class Compression:
    """A filter, and what opens the stream that the filtered bytes go through."""

    filter: Filter
    open: Callable[[], _Stream]


def _igzip() -> _Stream:
    return isal_zlib.compressobj(1)


def _runs() -> _Stream:
    return zlib.compressobj(1, strategy=zlib.Z_RLE)


# igzip finds no match below four bytes, and pays for a near one what it pays for a far one: where a picture is nearly
# all runs (two equal bytes a sample, flat areas) zlib's run lengths are up to a third smaller.
_FAST = tuple(Compression(kind, _igzip) for kind in Filter)
_RUNS = Compression(Filter.SUB, _runs)


def compressed(image: Array) -> Iterator[bytes]:
    """The zlib stream of an image's filtered scanlines (ISO/IEC 15948 section 10), in pieces that are not empty."""
    choice = choose(image)
    stream = choice.open()
    step = max(1, _BAND // row_bytes(image))
    for first in range(0, len(image), step):
        rows = range(first, min(first + step, len(image)))
        if piece := stream.compress(filtered(padded(image, rows), choice.filter).data):
            yield piece
    yield stream.flush()


def choose(image: Array) -> Compression:
    """What makes the sampled rows smallest; zlib's run lengths, being slower, only where they win clearly."""
    blocks = [padded(image, rows) for rows in _sampled(image)]
    lines = {kind: [filtered(block, kind) for block in blocks] for kind in Filter}
    sizes = {one: _size(lines[one.filter], one) for one in (*_FAST, _RUNS)}
    fast = min(_FAST, key=sizes.__getitem__)
    return _RUNS if sizes[_RUNS] * _WORTH < sizes[fast] else fast


def _sampled(image: Array) -> list[range]:
    """Blocks of consecutive rows, spread over the image: a sixteenth of it, at least 16 and at most 64 KiB."""
    row = row_bytes(image)
    wanted = min(max(row * len(image) // 16, _LEAST), _MOST)
    block = min(max(1, wanted // (row * _BLOCKS)), len(image))
    last = len(image) - block
    starts = sorted({last * at // (_BLOCKS + 1) for at in range(1, _BLOCKS + 1)})
    return [range(start, start + block) for start in starts]


def _size(lines: list[Array], choice: Compression) -> int:
    stream = choice.open()
    return sum(len(stream.compress(block.data)) for block in lines) + len(stream.flush())
