# SPDX-License-Identifier: MIT
"""An image -> its scanlines, filtered as PNG has them (ISO/IEC 15948 section 9): each a filter byte and bytes.

A filter takes from each byte a guess made of its neighbours, so that what is left is small and compresses well. All
arithmetic is on whole bands of rows at a time, modulo 256, which is that of uint8.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Bytes = npt.NDArray[np.uint8]


class Filter(IntEnum):
    """The filter types by the byte that names them. Paeth is left out: its guess is seldom better, and far dearer."""

    NONE = 0
    SUB = 1
    UP = 2
    AVERAGE = 3


def row_bytes(image: Array) -> int:
    """The bytes of a scanline with its filter byte."""
    return 1 + int(image[0].size) * image.itemsize


def padded(image: Array, rows: range) -> Bytes:
    """Consecutive rows in PNG's byte order, below the row before them and each behind a pixel of zeros.

    So every byte has its neighbours. The shape is (1 + rows, 1 + columns, bytes of a pixel). The row before the first
    is zeros (section 9.2).
    """
    columns, samples = image.shape[1], int(image[0, 0].size)
    pixels = np.empty((1 + len(rows), 1 + columns, samples), image.dtype.newbyteorder(">"))
    above = min(rows.start, 1)
    pixels[:, 0] = 0
    pixels[0, 1:] = 0
    pixels[1 - above :, 1:] = image[rows.start - above : rows.stop].reshape(-1, columns, samples)
    return pixels.view(np.uint8)


def filtered(pixels: Bytes, kind: Filter) -> Bytes:
    """The scanlines of padded rows, (rows, 1 + bytes of a row): what is to be compressed."""
    pixel = pixels.shape[2]
    lines = pixels.reshape(len(pixels), -1)
    found = np.empty((len(lines) - 1, 1 + lines.shape[1] - pixel), np.uint8)
    found[:, 0] = kind
    _FILTERS[kind](lines[1:, pixel:], lines[1:, :-pixel], lines[:-1, pixel:], found[:, 1:])
    return found


def _none(here: Bytes, left: Bytes, above: Bytes, out: Bytes) -> None:  # noqa: ARG001 - all filters are called alike
    out[:] = here


def _sub(here: Bytes, left: Bytes, above: Bytes, out: Bytes) -> None:  # noqa: ARG001
    np.subtract(here, left, out=out)


def _up(here: Bytes, left: Bytes, above: Bytes, out: Bytes) -> None:  # noqa: ARG001
    np.subtract(here, above, out=out)


def _average(here: Bytes, left: Bytes, above: Bytes, out: Bytes) -> None:
    """Half the sum of both, rounded down, without a ninth bit: what they share, and half of where they differ."""
    halved = left ^ above
    halved >>= 1
    halved += left & above
    np.subtract(here, halved, out=out)


_FILTERS: dict[Filter, Callable[[Bytes, Bytes, Bytes, Bytes], None]] = {
    Filter.NONE: _none,
    Filter.SUB: _sub,
    Filter.UP: _up,
    Filter.AVERAGE: _average,
}
