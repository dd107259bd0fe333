# SPDX-License-Identifier: MIT
"""An image -> its compressed scanlines in pieces: the filter and the compressor that suit it, tried on a few rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy.typing as npt

from plainfilm.encode.compressors import HAS_RUNS, IGZIP, RUNS, SHORT_RUNS, ZLIB, Compressor, filtered_by_runs
from plainfilm.encode.scanlines import Bytes, Filter, filtered, padded, row_bytes

Array = npt.NDArray[Any]

_BAND = 1 << 18  # bytes that are filtered and compressed at a time: they stay in a core's cache
_LEAST, _MOST, _BLOCKS = 1 << 14, 1 << 16, 16  # bytes and blocks of a sample


class Row(Enum):
    """The rows of the table of encoders: compressors for grey and for colour, the fastest first.

    COMPILED needs a compiler where plainfilm is installed; PURE is what it is compared with, and is always there.
    """

    COMPILED = (RUNS, IGZIP), (SHORT_RUNS, IGZIP)
    PURE = (IGZIP, ZLIB), (IGZIP, ZLIB)

    def filtered(self, pixels: Bytes, kind: Filter) -> Bytes:
        """The scanlines of padded rows: the same bytes from either."""
        return filtered_by_runs(pixels, kind) if self is Row.COMPILED else filtered(pixels, kind)


ROW = Row.COMPILED if HAS_RUNS else Row.PURE
"""The row in use."""


@dataclass(frozen=True, slots=True)
class Compression:
    """A filter, and what the filtered bytes go through."""

    filter: Filter
    compressor: Compressor


def compressed(image: Array, row: Row = ROW) -> Iterator[bytes]:
    """The zlib stream of an image's filtered scanlines (ISO/IEC 15948 section 10), in pieces that are not empty."""
    choice = choose(image, row)
    stream = choice.compressor.open()
    step = max(1, _BAND // row_bytes(image))
    piece = b""
    for first in range(0, len(image), step):
        if piece:
            yield piece
        rows = range(first, min(first + step, len(image)))
        piece = stream.compress(row.filtered(padded(image, rows), choice.filter).data)
    yield piece + stream.flush()


def choose(image: Array, row: Row = ROW) -> Compression:
    """What makes the sampled rows smallest: every filter with the fastest compressor, one with the slower ones."""
    grey, color = row.value
    fastest, *slower = grey if image.ndim == 2 else color
    sample = _Sample.of(image)
    lines = {kind: sample.filtered(kind, row) for kind in Filter}
    sizes = {kind: fastest.size(lines[kind]) for kind in Filter}
    best = min(Filter, key=sizes.__getitem__)
    costs = {Compression(best, fastest): sizes[best] * fastest.handicap}
    for one in slower:
        kind = best if one.only is None else one.only
        costs[Compression(kind, one)] = one.size(lines[kind]) * one.handicap
    return min(costs, key=costs.__getitem__)


@dataclass(frozen=True, slots=True)
class _Sample:
    """Padded blocks of consecutive rows, spread over the image, each below the row before it, which does not count."""

    pixels: Array
    blocks: int

    @classmethod
    def of(cls, image: Array) -> _Sample:
        """A sixteenth of an image, at least 16 and at most 64 KiB, without its first row unless it has no other."""
        if len(image) == 1:
            return cls(padded(image, range(1)), 1)
        row = row_bytes(image)
        wanted = min(max(row * len(image) // 16, _LEAST), _MOST)
        block = min(max(1, wanted // (row * _BLOCKS)), len(image) - 1)
        last = len(image) - block
        starts = sorted({max(1, last * at // (_BLOCKS + 1)) for at in range(1, _BLOCKS + 1)})
        rows = image[[row for start in starts for row in range(start - 1, start + block)]]
        return cls(padded(rows, range(len(rows))), len(starts))

    def filtered(self, kind: Filter, row: Row) -> Array:
        """The scanlines that count, one behind the other."""
        lines = row.filtered(self.pixels, kind)
        return lines.reshape(self.blocks, -1, lines.shape[1])[:, min(len(lines) - 1, 1) :].copy()
