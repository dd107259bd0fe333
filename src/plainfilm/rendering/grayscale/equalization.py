# SPDX-License-Identifier: MIT
"""Stored values -> the published recipe `equalize`: 8 bits, then histogram equalisation over the whole image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.rendering.grayscale.histogram import Histogram
from plainfilm.rendering.grayscale.recipes import MinMaxRecipe, RecipeVoi

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class EqualizeRecipe:
    """Stored values to 0..255, truncated; polarity; histogram equalisation, whose table of 256 entries this holds.

    At 16 bits the same 256 levels are spread evenly (times 257): the recipe itself has no more of them.
    """

    ends: MinMaxRecipe
    table: npt.NDArray[np.uint8]
    inverted: bool

    @property
    def low(self) -> Any:
        """The stored value that became 0 before the equalisation, and before polarity."""
        return self.ends.low

    @property
    def high(self) -> Any:
        """The stored value that became 255 before the equalisation, and before polarity."""
        return self.ends.high

    @property
    def line(self) -> None:
        """No line maps the values."""
        return None

    def apply(self, values: Array, ymax: int) -> Array:
        """The output levels, uint8 or uint16."""
        equalized: Array = self.table[_eight_bits(self.ends, values, self.inverted)]
        return equalized if ymax == 255 else equalized.astype(np.uint16) * np.uint16(257)


def equalize_recipe(levels: Histogram, inverted: bool) -> EqualizeRecipe:
    """The recipe for an image with these stored values."""
    low, high = (levels.values[0], levels.values[-1]) if levels.values.size else (0, 0)
    ends = MinMaxRecipe(RecipeVoi(), low, high, inverted=False)
    counts = np.zeros(256, np.int64)
    eight = levels.mapped(_eight_bits(ends, levels.values, inverted))
    counts[eight.values] = eight.counts
    return EqualizeRecipe(ends, equalizing_table(counts), inverted)


def equalizing_table(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """The table by which cv2.equalizeHist maps an image with these 256 counts; an image of one level keeps it."""
    used = np.flatnonzero(counts)
    if used.size < 2:
        return np.arange(256, dtype=np.uint8)
    first = int(used[0])
    below = np.cumsum(counts) - counts[first]
    # single precision, and halves to the even neighbour: as OpenCV has it
    scale = np.float32(255) / np.float32(below[-1])
    table: npt.NDArray[np.uint8] = np.clip(np.rint(below.astype(np.float32) * scale), 0, 255).astype(np.uint8)
    return table


def _eight_bits(ends: MinMaxRecipe, values: Array, inverted: bool) -> Array:
    levels = ends.apply(values, 255)
    return np.uint8(255) - levels if inverted else levels
