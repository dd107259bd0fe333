# SPDX-License-Identifier: MIT
"""Compress the scanlines of an image, with the filter and the compressor that are smallest on a sample of its rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy.typing as npt

from plainfilm.encode.compressors import HAS_RUNS, IGZIP, RUNS, SHORT_RUNS, ZLIB, Compressor, filter_rows_compiled
from plainfilm.encode.scanlines import Bytes, Filter, filter_rows, padded_rows, row_bytes

Array = npt.NDArray[Any]

_BAND_BYTES = 1 << 18  # filtered and compressed at a time, so that they stay in a core's cache
_MIN_SAMPLE_BYTES, _MAX_SAMPLE_BYTES, _SAMPLE_BLOCKS = 1 << 14, 1 << 16, 16


class Backend(Enum):
    """A set of encoders: the compressors for grey images and those for colour images, the fastest first.

    COMPILED exists where plainfilm was installed with a C compiler. PURE always exists.
    """

    COMPILED = (RUNS, IGZIP), (SHORT_RUNS, IGZIP)
    PURE = (IGZIP, ZLIB), (IGZIP, ZLIB)

    def filter_rows(self, pixels: Bytes, kind: Filter) -> Bytes:
        """Filter padded rows into scanlines. Both backends give the same bytes."""
        return filter_rows_compiled(pixels, kind) if self is Backend.COMPILED else filter_rows(pixels, kind)


BACKEND = Backend.COMPILED if HAS_RUNS else Backend.PURE
"""The backend that this installation uses."""


@dataclass(frozen=True, slots=True)
class Compression:
    """A filter, and the compressor of the filtered bytes."""

    filter: Filter
    compressor: Compressor


def compress_image(image: Array, backend: Backend = BACKEND) -> Iterator[bytes]:
    """Yield the zlib stream of an image's filtered scanlines (ISO/IEC 15948 section 10); no piece of it is empty."""
    compression = choose_compression(image, backend)
    stream = compression.compressor.open()
    band_rows = max(1, _BAND_BYTES // row_bytes(image))
    piece = b""
    for first in range(0, len(image), band_rows):
        if piece:
            yield piece
        rows = range(first, min(first + band_rows, len(image)))
        piece = stream.compress(backend.filter_rows(padded_rows(image, rows), compression.filter).data)
    yield piece + stream.flush()


def choose_compression(image: Array, backend: Backend = BACKEND) -> Compression:
    """Choose the filter and the compressor that make a sample of the rows smallest.

    Every filter is tried with the fastest compressor. The slower compressors are tried with one filter each. Sizes are
    multiplied by the compressor's `size_factor` before they are compared.
    """
    grey, color = backend.value
    fastest, *slower = grey if image.ndim == 2 else color
    sample = _Sample.of(image)
    scanlines = {kind: sample.filtered(kind, backend) for kind in Filter}
    sizes = {kind: fastest.size(scanlines[kind]) for kind in Filter}
    best = min(Filter, key=sizes.__getitem__)
    costs = {Compression(best, fastest): sizes[best] * fastest.size_factor}
    for compressor in slower:
        kind = best if compressor.only_filter is None else compressor.only_filter
        costs[Compression(kind, compressor)] = compressor.size(scanlines[kind]) * compressor.size_factor
    return min(costs, key=costs.__getitem__)


@dataclass(frozen=True, slots=True)
class _Sample:
    """Padded blocks of consecutive rows from all parts of an image.

    Each block begins with the row above it, which filters need and which is not part of the sample, except where the
    image has a single row.
    """

    pixels: Array
    blocks: int

    @classmethod
    def of(cls, image: Array) -> _Sample:
        """Sample a sixteenth of an image, at least 16 and at most 64 KiB, without the first row unless it is alone."""
        if len(image) == 1:
            return cls(padded_rows(image, range(1)), 1)
        row_size = row_bytes(image)
        sample_bytes = min(max(row_size * len(image) // 16, _MIN_SAMPLE_BYTES), _MAX_SAMPLE_BYTES)
        block_rows = min(max(1, sample_bytes // (row_size * _SAMPLE_BLOCKS)), len(image) - 1)
        last_start = len(image) - block_rows
        starts = sorted({max(1, last_start * index // (_SAMPLE_BLOCKS + 1)) for index in range(1, _SAMPLE_BLOCKS + 1)})
        rows = image[[row for start in starts for row in range(start - 1, start + block_rows)]]
        return cls(padded_rows(rows, range(len(rows))), len(starts))

    def filtered(self, kind: Filter, backend: Backend) -> Array:
        """Filter the sample into scanlines without the rows above the blocks."""
        scanlines = backend.filter_rows(self.pixels, kind)
        blocks = scanlines.reshape(self.blocks, -1, scanlines.shape[1])
        return blocks[:, min(len(scanlines) - 1, 1) :].copy()
