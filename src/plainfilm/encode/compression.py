# SPDX-License-Identifier: MIT
"""Compress the scanlines of an image, with the filter and the compressor that are smallest on a sample of its rows."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any

import numpy.typing as npt

from plainfilm.encode.compressors import IGZIP, RUNS, SHORT_RUNS, ZLIB, Compressor
from plainfilm.encode.scanlines import Bytes, Filter, filter_rows, filter_rows_compiled, row_bytes
from plainfilm.kernels import HAS_CORE
from plainfilm.kernels.levels import Levels, LookupImage
from plainfilm.pickling import dataclass

Array = npt.NDArray[Any]

_BAND_BYTES = 1 << 18  # filtered and compressed at a time, so that they stay in a core's cache
_FILTERS = tuple(Filter)
_MIN_SAMPLE_BYTES, _MAX_SAMPLE_BYTES, _SAMPLE_BLOCKS = 1 << 14, 1 << 16, 16


class Backend(Enum):
    """A set of encoders: the compressors for grey images and those for colour images, the fastest first.

    COMPILED exists where plainfilm was installed with a C compiler. PURE always exists.
    """

    COMPILED = (RUNS, IGZIP), (SHORT_RUNS, IGZIP)
    PURE = (IGZIP, ZLIB), (IGZIP, ZLIB)

    def filter_rows(self, image: Levels, rows: range, kind: Filter) -> Bytes:
        """Filter consecutive rows into scanlines. Both backends give the same bytes."""
        return (filter_rows_compiled if self is Backend.COMPILED else filter_rows)(image, rows, kind)


BACKEND = Backend.COMPILED if HAS_CORE else Backend.PURE
"""The backend that this installation uses."""


@dataclass(frozen=True, slots=True)
class Compression:
    """A filter, and the compressor of the filtered bytes."""

    filter: Filter
    compressor: Compressor


def compress_image(image: Levels, backend: Backend = BACKEND) -> Iterator[bytes]:
    """Yield the zlib stream of an image's filtered scanlines (ISO/IEC 15948 section 10); no piece of it is empty."""
    compression = choose_compression(image, backend)
    stream = compression.compressor.open()
    band_rows = max(1, _BAND_BYTES // row_bytes(image))
    piece = b""
    rows = image.shape[0]
    for first in range(0, rows, band_rows):
        if piece:
            yield piece
        band = range(first, min(first + band_rows, rows))
        piece = stream.compress(backend.filter_rows(image, band, compression.filter).data)
    yield piece + stream.flush()


def choose_compression(image: Levels, backend: Backend = BACKEND) -> Compression:
    """Choose the filter and the compressor that make a sample of the rows smallest.

    Every filter is tried with the fastest compressor. The slower compressors are tried with one filter each. Sizes are
    multiplied by the compressor's `size_factor` before they are compared.
    """
    grey, color = backend.value
    fastest, *slower = grey if len(image.shape) == 2 else color
    sample = _Sample.of(image)
    scanlines = {kind: sample.filtered(kind, backend) for kind in _FILTERS}
    sizes = {kind: fastest.size(scanlines[kind]) for kind in _FILTERS}
    best = min(_FILTERS, key=sizes.__getitem__)
    choice, least_cost = Compression(best, fastest), sizes[best] * fastest.size_factor
    for compressor in slower:
        kind = best if compressor.only_filter is None else compressor.only_filter
        cost = compressor.size(scanlines[kind]) * compressor.size_factor
        if cost < least_cost:
            choice, least_cost = Compression(kind, compressor), cost
    return choice


@dataclass(frozen=True, slots=True)
class _Sample:
    """Blocks of consecutive rows from all parts of an image.

    Each block begins with the row above it, which filters need and which is not part of the sample, except where the
    image has a single row.
    """

    rows: Array
    blocks: int

    @classmethod
    def of(cls, image: Levels) -> _Sample:
        """Sample a sixteenth of an image, at least 16 and at most 64 KiB, without the first row unless it is alone."""
        count = image.shape[0]
        if count == 1:
            return cls(_rows(image, [0]), 1)
        row_size = row_bytes(image)
        sample_bytes = min(max(row_size * count // 16, _MIN_SAMPLE_BYTES), _MAX_SAMPLE_BYTES)
        block_rows = min(max(1, sample_bytes // (row_size * _SAMPLE_BLOCKS)), count - 1)
        last_start = count - block_rows
        # row 0 has no row above it
        starts = sorted({last_start * index // (_SAMPLE_BLOCKS + 1) or 1 for index in range(1, _SAMPLE_BLOCKS + 1)})
        rows = [row for start in starts for row in range(start - 1, start + block_rows)]
        return cls(_rows(image, rows), len(starts))

    def filtered(self, kind: Filter, backend: Backend) -> Array:
        """Filter the sample into scanlines without the rows above the blocks."""
        count = self.rows.shape[0]
        scanlines = backend.filter_rows(self.rows, range(count), kind)
        blocks = scanlines.reshape(self.blocks, -1, scanlines.shape[1])
        return blocks[:, 0 if count == 1 else 1 :].copy()


def _rows(image: Levels, rows: list[int]) -> Array:
    return image.rows(rows) if isinstance(image, LookupImage) else image[rows]
