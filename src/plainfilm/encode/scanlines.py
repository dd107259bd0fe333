# SPDX-License-Identifier: MIT
"""Filter the rows of an image into PNG scanlines (ISO/IEC 15948 section 9): each is a filter byte and the row's bytes.

A filter subtracts from each byte a prediction from its neighbours. The differences are small and compress well. The
functions process bands of rows at a time, modulo 256, which is the arithmetic of uint8. The levels of an image with a
table are looked up band by band.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.kernels import HAS_CORE
from plainfilm.kernels.levels import Levels, LookupImage, raster_arguments

if HAS_CORE:
    from plainfilm.kernels import core

Array = npt.NDArray[Any]
Bytes = npt.NDArray[np.uint8]


class Filter(IntEnum):
    """The filter types by their filter byte. Paeth is left out: it is seldom better, and far slower."""

    NONE = 0
    SUB = 1
    UP = 2
    AVERAGE = 3


def row_bytes(image: Levels) -> int:
    """The bytes of a scanline, with its filter byte."""
    return 1 + math.prod(image.shape[1:]) * image.dtype.itemsize


def filter_rows(image: Levels, rows: range, kind: Filter) -> Bytes:
    """Filter consecutive rows of an image into scanlines, (rows, 1 + bytes per row)."""
    if isinstance(image, LookupImage):
        has_row_above = min(rows.start, 1)
        image = image.rows(slice(rows.start - has_row_above, rows.stop))
        rows = range(has_row_above, len(image))
    return _filter_padded(_padded_rows(image, rows), kind)


def filter_rows_compiled(image: Levels, rows: range, kind: Filter) -> Bytes:
    """What `filter_rows` returns, by the compiled module."""
    if isinstance(image, np.ndarray) and not (image.flags.c_contiguous and image.dtype.isnative):
        image = np.ascontiguousarray(image, image.dtype.newbyteorder("="))
    scanlines = core.filter_rows(*raster_arguments(image), (rows.start, rows.stop), kind)
    return np.frombuffer(scanlines, np.uint8).reshape(rows.stop - rows.start, -1)


def _padded_rows(image: Array, rows: range) -> Bytes:
    """Return consecutive rows in PNG's byte order, with the row above them, and with a pixel of zeros before each row.

    With this padding every byte has its neighbours. The shape is (1 + rows, 1 + columns, bytes per pixel). The row
    above the first row of an image is zeros (section 9.2).
    """
    columns, samples = image.shape[1], int(image[0, 0].size)
    pixels = np.empty((1 + len(rows), 1 + columns, samples), image.dtype.newbyteorder(">"))
    has_row_above = min(rows.start, 1)
    pixels[:, 0] = 0
    pixels[0, 1:] = 0
    pixels[1 - has_row_above :, 1:] = image[rows.start - has_row_above : rows.stop].reshape(-1, columns, samples)
    return pixels.view(np.uint8)


def _filter_padded(pixels: Bytes, kind: Filter) -> Bytes:
    """Filter padded rows into scanlines."""
    pixel_bytes = pixels.shape[2]
    rows = pixels.reshape(len(pixels), -1)
    scanlines = np.empty((len(rows) - 1, 1 + rows.shape[1] - pixel_bytes), np.uint8)
    scanlines[:, 0] = kind
    _FILTERS[kind](rows[1:, pixel_bytes:], rows[1:, :-pixel_bytes], rows[:-1, pixel_bytes:], scanlines[:, 1:])
    return scanlines


def _none(row: Bytes, left: Bytes, above: Bytes, out: Bytes) -> None:  # noqa: ARG001 - all filters have these parameters
    out[:] = row


def _sub(row: Bytes, left: Bytes, above: Bytes, out: Bytes) -> None:  # noqa: ARG001
    np.subtract(row, left, out=out)


def _up(row: Bytes, left: Bytes, above: Bytes, out: Bytes) -> None:  # noqa: ARG001
    np.subtract(row, above, out=out)


def _average(row: Bytes, left: Bytes, above: Bytes, out: Bytes) -> None:
    """Subtract floor((left + above) / 2), computed without a ninth bit: (left & above) + ((left ^ above) >> 1)."""
    average = left ^ above
    average >>= 1
    average += left & above
    np.subtract(row, average, out=out)


_FILTERS: dict[Filter, Callable[[Bytes, Bytes, Bytes, Bytes], None]] = {
    Filter.NONE: _none,
    Filter.SUB: _sub,
    Filter.UP: _up,
    Filter.AVERAGE: _average,
}
