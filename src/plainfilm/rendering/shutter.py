# SPDX-License-Identifier: MIT
"""Find the pixels outside a display shutter (PS3.3 C.7.6.11) or a bitmap display shutter (C.7.6.15)."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from plainfilm.decode.overlay_bits import overlay_mask
from plainfilm.dicom.instance import Shutter
from plainfilm.pickling import dataclass

Mask = npt.NDArray[np.bool_]


@lru_cache(maxsize=4)
def outside_shutter(shutter: Shutter, rows: int, columns: int) -> Mask:
    """Return which pixels (rows, columns) lie outside a display shutter. The mask is shared and read-only.

    A pixel is inside where its centre is within every shape or on its edge.
    """
    row_numbers, column_numbers = np.arange(1, rows + 1), np.arange(1, columns + 1)
    inside = np.ones((rows, columns), np.bool_)
    if shutter.rectangle is not None:
        left, right, upper, lower = shutter.rectangle
        inside &= ((row_numbers >= upper) & (row_numbers <= lower))[:, None]
        inside &= ((column_numbers >= left) & (column_numbers <= right))[None, :]
    if shutter.circle is not None:
        center_row, center_column, radius = (float(number) for number in shutter.circle)
        row_distances, column_distances = row_numbers - center_row, column_numbers - center_column
        inside &= row_distances[:, None] ** 2 + column_distances[None, :] ** 2 <= radius**2
    if shutter.polygon is not None:
        inside &= _inside_polygon(shutter.polygon, rows, columns)
    if shutter.bitmap is not None:
        inside &= ~overlay_mask(shutter.bitmap, (rows, columns), 0)[0]
    if shutter.image_shutter is not None:
        inside &= ~outside_shutter(shutter.image_shutter, rows, columns)
    outside = ~inside
    outside.setflags(write=False)
    return outside


def _inside_polygon(vertices: tuple[tuple[int, int], ...], rows: int, columns: int) -> Mask:
    """The pixels inside a polygon of (row, column) vertices by the even-odd rule, and those whose centre is on a side.

    Crossings are computed row by row in exact fractions.
    """
    inside = np.zeros((rows, columns), np.bool_)
    sides = [_PolygonSide(*sorted(pair)) for pair in zip(vertices, (*vertices[1:], vertices[0]), strict=True)]
    first_row, last_row = min(side.top[0] for side in sides), max(side.bottom[0] for side in sides)
    for row in range(max(1, first_row), min(rows, last_row) + 1):
        crossings = sorted(side.column_at(row) for side in sides if side.top[0] <= row < side.bottom[0])
        spans = [*zip(crossings[0::2], crossings[1::2], strict=True)]
        spans += [side.span_on(row) for side in sides if side.top[0] <= row <= side.bottom[0]]
        for first, last in spans:
            left, right = max(math.ceil(first), 1), min(math.floor(last), columns)
            if left <= right:
                inside[row - 1, left - 1 : right] = True
    return inside


@dataclass(frozen=True, slots=True)
class _PolygonSide:
    """A side of a polygon between two (row, column) vertices, the upper one first."""

    top: tuple[int, int]
    bottom: tuple[int, int]

    def column_at(self, row: int) -> Fraction:
        """The column at which a side that is not horizontal crosses a row."""
        (top, left), (bottom, right) = self.top, self.bottom
        return left + Fraction((row - top) * (right - left), bottom - top)

    def span_on(self, row: int) -> tuple[Fraction, Fraction]:
        """The first and the last column of the side on a row that it meets."""
        if self.top[0] == self.bottom[0]:
            return Fraction(self.top[1]), Fraction(self.bottom[1])
        column = self.column_at(row)
        return column, column
