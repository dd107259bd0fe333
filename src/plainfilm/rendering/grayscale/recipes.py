# SPDX-License-Identifier: MIT
"""Stored values -> two published recipes, bit for bit: `stretch` (hand films) and `minmax` (chest films).

They reproduce what people ran, so they know nothing of Modality LUT, padding or shutter, and truncate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.options.choices import Stretch, VoiFunction
from plainfilm.rendering.grayscale.histogram import Histogram
from plainfilm.rendering.grayscale.polarity import output_type
from plainfilm.rendering.grayscale.voi import VoiLut, Window

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class RecipeVoi:
    """The VOI on stored values, a window's output the range that the header's bits span: as pydicom has it."""

    voi: Window | VoiLut | None = None
    output: tuple[float, float] = (0.0, 0.0)

    def apply(self, values: Array) -> Array:
        """Table entries (integers), a windowed float64, or the stored values in their own type."""
        if self.voi is None:
            return values
        if isinstance(self.voi, VoiLut):
            return self.voi.table.look_up(values)
        return _windowed(values.astype(np.float64), self.voi, self.output)


def _windowed(x: Array, window: Window, output: tuple[float, float]) -> Array:
    """PS3.3 C.11.2.1 with an output range of its own; the order of the arithmetic decides the last bit."""
    (bottom, top), center, width = output, window.center, window.width
    reach = top - bottom
    if window.function is VoiFunction.SIGMOID:
        with np.errstate(over="ignore"):
            curved: Array = reach / (1 + np.exp(-4 * (x - center) / width)) + bottom
        return curved
    if window.function is VoiFunction.LINEAR:
        center, width = center - 0.5, width - 1
    below, above = x <= center - width / 2, x > center + width / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        between = ((x - center) / width + 0.5) * reach + bottom
    return np.where(below, bottom, np.where(above, top, between))


@dataclass(frozen=True, slots=True)
class StretchRecipe:
    """VOI, linear stretch between two percentiles, polarity; `low` and `high` are numpy scalars of the VOI output."""

    voi: RecipeVoi
    low: Any
    high: Any
    inverted: bool

    def apply(self, values: Array, ymax: int) -> Array:
        """The output levels, truncated."""
        kind = output_type(ymax)
        if self.low == self.high:
            levels = np.full(values.shape, (ymax + 1) // 2, kind)
        else:
            y = (self.voi.apply(values) - self.low) * (ymax / (self.high - self.low))
            levels = np.nan_to_num(np.clip(y, 0, ymax)).astype(kind)
        return kind(ymax) - levels if self.inverted else levels

    @property
    def line(self) -> tuple[float, float]:
        """The VOI outputs that became 0 and the maximum."""
        return float(self.low), float(self.high)


@dataclass(frozen=True, slots=True)
class MinMaxRecipe:
    """From the smallest to the largest value of the VOI output; MONOCHROME1 is taken from the largest first."""

    voi: RecipeVoi
    low: Any
    high: Any
    inverted: bool

    def apply(self, values: Array, ymax: int) -> Array:
        """The output levels, truncated; one level is 0."""
        kind = output_type(ymax)
        if self.low == self.high:
            return np.zeros(values.shape, kind)
        # a table also has entries for values that the image has not
        v = np.clip(self.voi.apply(values), self.low, self.high)
        if v.dtype.kind in "iu":
            # modulo 2^64, so that the difference of two integers never wraps
            v, low, high = v.astype(np.int64).view(np.uint64), _pattern(self.low), _pattern(self.high)
            reach = int(self.high) - int(self.low)
        else:
            low, high = self.low, self.high
            reach = high - low
        distance = high - v if self.inverted else v - low
        return np.nan_to_num(distance / reach * ymax).astype(kind)

    @property
    def line(self) -> tuple[float, float]:
        """The VOI outputs that became 0 and the maximum, before polarity."""
        return float(self.low), float(self.high)


def _pattern(value: Any) -> np.uint64:
    return np.uint64(int(value) % (1 << 64))


def stretch_recipe(voi: RecipeVoi, levels: Histogram, percentiles: Stretch, inverted: bool) -> StretchRecipe:
    """The recipe for an image with these stored values, every pixel counted.

    Every pixel equal to the smallest or the largest VOI output counts as the median, unless all values are to count.
    """
    v = levels.mapped(voi.apply(levels.values))
    t = v if percentiles.all_values or v.values.size == 0 else _extremes_at_median(v)
    if t.values.size == 0:
        return StretchRecipe(voi, 0, 0, inverted)
    return StretchRecipe(voi, t.percentile(percentiles.low), t.percentile(percentiles.high), inverted)


def minmax_recipe(voi: RecipeVoi, levels: Histogram, inverted: bool) -> MinMaxRecipe:
    """The recipe for an image with these stored values."""
    v = levels.mapped(voi.apply(levels.values))
    low, high = (v.values[0], v.values[-1]) if v.values.size else (0, 0)
    return MinMaxRecipe(voi, low, high, inverted)


def _extremes_at_median(v: Histogram) -> Histogram:
    with np.errstate(invalid="ignore"):  # the mean of two large 64-bit integers may be one that they cannot hold
        median = np.array([v.median()]).astype(v.values.dtype)
    inner = v.values[1:-1]
    moved = v.counts[:1] if v.values.size == 1 else v.counts[:1] + v.counts[-1:]
    joined = Histogram(np.concatenate([inner, median]), np.concatenate([v.counts[1:-1], moved]))
    return joined.mapped(joined.values)


@dataclass(frozen=True, slots=True)
class StoredLook:
    """The stored values themselves, 16 bits; signed data plus `offset` = 2^(Bits Stored - 1)."""

    offset: int

    def apply(self, values: Array, _ymax: int) -> Array:
        """The stored values as uint16."""
        return (values.astype(np.int64) + self.offset).astype(np.uint16)

    @property
    def line(self) -> tuple[float, float]:
        """The stored values that became 0 and the maximum."""
        return float(-self.offset), float(65535 - self.offset)
