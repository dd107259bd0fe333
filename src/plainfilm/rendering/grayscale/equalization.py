# SPDX-License-Identifier: MIT
"""Reproduce the published recipe `equalize`: scale to 8 bits, then equalise the histogram of the whole image."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.pickling import dataclass
from plainfilm.rendering.grayscale.histogram import Histogram
from plainfilm.rendering.grayscale.recipes import MinMaxRecipe, RecipeVoi

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class EqualizeRecipe:
    """Stored values scaled to 0..255 and truncated, polarity, then histogram equalisation by a table of 256 entries.

    scaling: from stored values to 0..255. At 16 bits the levels are those of 8 bits times 257, since the recipe itself
    has only 256 levels.
    """

    scaling: MinMaxRecipe
    table: npt.NDArray[np.uint8]
    inverted: bool

    @property
    def low(self) -> Any:
        """The stored value that becomes 0 before polarity and equalisation."""
        return self.scaling.low

    @property
    def high(self) -> Any:
        """The stored value that becomes 255 before polarity and equalisation."""
        return self.scaling.high

    @property
    def line(self) -> None:
        """Always None: the equalised levels do not lie on a straight line."""
        return None

    def apply(self, values: Array, ymax: int) -> Array:
        """Return the output levels of stored values, uint8 or uint16."""
        equalized: Array = self.table[_eight_bit_levels(self.scaling, values, self.inverted)]
        return equalized if ymax == 255 else equalized.astype(np.uint16) * np.uint16(257)


def equalize_recipe(stored: Histogram, inverted: bool) -> EqualizeRecipe:
    """Compute the recipe of an image from the histogram of all its stored values."""
    low, high = (stored.values[0], stored.values[-1]) if stored.values.size else (0, 0)
    scaling = MinMaxRecipe(RecipeVoi(), low, high, inverted=False)
    counts = np.zeros(256, np.int64)
    levels = stored.mapped(_eight_bit_levels(scaling, stored.values, inverted))
    counts[levels.values] = levels.counts
    return EqualizeRecipe(scaling, equalization_table(counts), inverted)


def equalization_table(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """Return the table by which cv2.equalizeHist maps an 8-bit image with these 256 counts.

    An image of a single level is not changed.
    """
    occupied = np.flatnonzero(counts)
    if occupied.size < 2:
        return np.arange(256, dtype=np.uint8)
    first = int(occupied[0])
    cumulative = np.cumsum(counts) - counts[first]
    # OpenCV computes in single precision and rounds halves to even.
    scale = np.float32(255) / np.float32(cumulative[-1])
    table: npt.NDArray[np.uint8] = np.clip(np.rint(cumulative.astype(np.float32) * scale), 0, 255).astype(np.uint8)
    return table


def _eight_bit_levels(scaling: MinMaxRecipe, values: Array, inverted: bool) -> Array:
    levels = scaling.apply(values, 255)
    return np.uint8(255) - levels if inverted else levels
