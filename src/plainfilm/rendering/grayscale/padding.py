# SPDX-License-Identifier: MIT
"""Pixel padding and display shutter -> what is no part of the picture (C.7.5.1.1.2, C.7.6.11, C.7.6.15 of PS3.3)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.decode.overlay_bits import overlay_mask
from plainfilm.dicom.instance import Padding, Shutter
from plainfilm.rendering.grayscale.stored import StoredRules

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

MAX_PADDING_FRACTION = 0.95


@dataclass(frozen=True, slots=True)
class PaddingRange:
    """The stored values from `low` to `high`, both included, are padding."""

    low: float
    high: float

    def holds(self, values: Array) -> Mask:
        """Which values are padding."""
        if values.dtype.kind == "f":
            return (values >= self.low) & (values <= self.high)
        info = np.iinfo(values.dtype)
        low, high = max(int(self.low), int(info.min)), min(int(self.high), int(info.max))
        return (values >= low) & (values <= high) if low <= high else np.zeros(values.shape, np.bool_)


def padding_range(padding: Padding, rules: StoredRules, bits_allocated: int) -> PaddingRange:
    """Both ends modulo 2^Bits Allocated, signed as the data are, then in order: their VR is often wrong."""
    ends = [padding.value, padding.value if padding.limit is None else padding.limit]
    if rules.is_integer:
        ends = [_wrapped(int(end), bits_allocated, rules.signed) for end in ends]
    return PaddingRange(min(ends), max(ends))


def _wrapped(value: int, bits: int, signed: bool) -> int:
    value %= 1 << bits
    return value - (1 << bits) if signed and value >= 1 << bits - 1 else value


@lru_cache(maxsize=4)
def outside_shutter(shutter: Shutter, rows: int, columns: int) -> Mask:
    """Which pixels lie outside: a pixel is inside when its centre is within every shape or on its edge."""
    row, column = np.arange(1, rows + 1), np.arange(1, columns + 1)
    inside = np.ones((rows, columns), np.bool_)
    if shutter.rectangle is not None:
        left, right, upper, lower = shutter.rectangle
        inside &= ((row >= upper) & (row <= lower))[:, None] & ((column >= left) & (column <= right))[None, :]
    if shutter.circle is not None:
        center_row, center_column, radius = (float(number) for number in shutter.circle)
        inside &= (row[:, None] - center_row) ** 2 + (column[None, :] - center_column) ** 2 <= radius**2
    if shutter.polygon is not None:
        inside &= _inside_polygon(shutter.polygon, rows, columns)
    if shutter.bitmap is not None:
        inside &= ~overlay_mask(shutter.bitmap, (rows, columns), 0)[0]
    if shutter.within is not None:
        inside &= ~outside_shutter(shutter.within, rows, columns)
    outside = ~inside
    outside.setflags(write=False)
    return outside


def _inside_polygon(vertices: tuple[tuple[int, int], ...], rows: int, columns: int) -> Mask:
    """Even-odd rule row by row in exact fractions, with every pixel whose centre lies on an edge added."""
    inside = np.zeros((rows, columns), np.bool_)
    edges = [_Edge(*sorted(pair)) for pair in zip(vertices, (*vertices[1:], vertices[0]), strict=True)]
    for row in range(max(1, min(edge.top[0] for edge in edges)), min(rows, max(edge.bottom[0] for edge in edges)) + 1):
        crossings = sorted(edge.column_at(row) for edge in edges if edge.top[0] <= row < edge.bottom[0])
        spans = [*zip(crossings[0::2], crossings[1::2], strict=True)]
        spans += [edge.span_on(row) for edge in edges if edge.top[0] <= row <= edge.bottom[0]]
        for first, last in spans:
            left, right = max(math.ceil(first), 1), min(math.floor(last), columns)
            if left <= right:
                inside[row - 1, left - 1 : right] = True
    return inside


@dataclass(frozen=True, slots=True)
class _Edge:
    """A side of a polygon between two (row, column) vertices, the upper one first."""

    top: tuple[int, int]
    bottom: tuple[int, int]

    def column_at(self, row: int) -> Fraction:
        """Where a side that is not horizontal crosses a row."""
        (top, left), (bottom, right) = self.top, self.bottom
        return left + Fraction((row - top) * (right - left), bottom - top)

    def span_on(self, row: int) -> tuple[Fraction, Fraction]:
        """The columns of the side itself on a row that it meets."""
        if self.top[0] == self.bottom[0]:
            return Fraction(self.top[1]), Fraction(self.bottom[1])
        column = self.column_at(row)
        return column, column
