# SPDX-License-Identifier: MIT
"""Describe the output levels of an image by its samples and a table, so that no array of all levels is needed.

What uses the levels row by row (the encoder of PNG, the averages of areas) looks them up as it goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class LookupImage:
    """An image, (rows, columns), whose levels are the entries of a table at the values of its samples.

    samples: uint8 or uint16, C order. entries: the level, uint8 or uint16, of each of the 256 or 65,536 values. All are
    in native byte order.
    """

    samples: Array
    entries: Array

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows, columns)."""
        return self.samples.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the levels."""
        return self.entries.dtype

    def part(self, x: int, y: int, width: int, height: int) -> LookupImage:
        """The part of the image that begins at column x and row y."""
        whole = (x, y) == (0, 0) and (height, width) == self.samples.shape
        samples = self.samples if whole else np.ascontiguousarray(self.samples[y : y + height, x : x + width])
        return LookupImage(samples, self.entries)

    def sampled(self, step: int) -> Array:
        """The levels of every `step`th row and column, from half a step on."""
        part = (slice(step // 2, None, step), slice(step // 2, None, step))
        return LookupImage(np.ascontiguousarray(self.samples[part]), self.entries).array()

    def rows(self, rows: slice | Sequence[int]) -> Array:
        """The levels of some rows, (rows, columns)."""
        samples = self.samples[rows]
        levels: Array = cv2.LUT(samples, self.entries)
        return levels.reshape(samples.shape)

    def array(self) -> Array:
        """The levels of the whole image."""
        return self.rows(slice(None))


Levels = Array | LookupImage
"""The output levels of an image: an array, (rows, columns) or (rows, columns, 3), or a table to look them up."""


def levels_array(levels: Levels) -> Array:
    """The levels as an array."""
    return levels.array() if isinstance(levels, LookupImage) else levels


def raster_arguments(levels: Levels) -> tuple[Array, Array | None, tuple[int, int, int], tuple[int, int]]:
    """The samples, entries, shape and sizes by which the functions of `core` take an image.

    An array must be in C order and native byte order.
    """
    rows, columns = levels.shape[:2]
    if isinstance(levels, LookupImage):
        return levels.samples, levels.entries, (rows, columns, 1), (levels.samples.itemsize, levels.entries.itemsize)
    channels = levels.shape[2] if levels.ndim == 3 else 1
    return levels, None, (rows, columns, channels), (levels.itemsize, levels.itemsize)
