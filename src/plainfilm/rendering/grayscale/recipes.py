# SPDX-License-Identifier: MIT
"""Reproduce two published recipes bit for bit: `stretch` (hand radiographs) and `minmax` (chest radiographs).

The recipes are those of published data sets. They therefore ignore the Modality LUT, padding and the display shutter,
and truncate instead of rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.options.render import Stretch, VoiFunction
from plainfilm.pickling import dataclass
from plainfilm.rendering.grayscale.histogram import Histogram
from plainfilm.rendering.grayscale.polarity import output_type
from plainfilm.rendering.grayscale.voi import VoiLut, Window

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class RecipeVoi:
    """The VOI of a recipe, applied to stored values as pydicom's `apply_voi_lut` does.

    output_range: the smallest and the largest output of a window, those of the header's Bits Stored.
    """

    voi: Window | VoiLut | None = None
    output_range: tuple[float, float] = (0.0, 0.0)

    def apply(self, values: Array) -> Array:
        """Return table entries (integers), windowed values (float64), or, without a VOI, the stored values."""
        if self.voi is None:
            return values
        if isinstance(self.voi, VoiLut):
            return self.voi.table.look_up(values)
        return _windowed(values.astype(np.float64), self.voi, self.output_range)


def _windowed(x: Array, window: Window, output_range: tuple[float, float]) -> Array:
    """Apply a window as PS3.3 C.11.2.1 defines it for an output range. The order of operations decides the last bit."""
    (bottom, top), center, width = output_range, window.center, window.width
    span = top - bottom
    if window.function is VoiFunction.SIGMOID:
        with np.errstate(over="ignore"):
            y: Array = span / (1 + np.exp(-4 * (x - center) / width)) + bottom
        return y
    if window.function is VoiFunction.LINEAR:
        center, width = center - 0.5, width - 1
    is_below, is_above = x <= center - width / 2, x > center + width / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        y = ((x - center) / width + 0.5) * span + bottom
    return np.where(is_below, bottom, np.where(is_above, top, y))


@dataclass(frozen=True, slots=True)
class StretchRecipe:
    """VOI, linear stretch between two percentiles, polarity. `low` and `high` are NumPy scalars of the VOI output."""

    voi: RecipeVoi
    low: Any
    high: Any
    inverted: bool

    def apply(self, values: Array, ymax: int) -> Array:
        """Return the output levels of stored values, truncated."""
        level_type = output_type(ymax)
        if self.low == self.high:
            levels = np.full(values.shape, (ymax + 1) // 2, level_type)
        else:
            y = (self.voi.apply(values) - self.low) * (ymax / (self.high - self.low))
            levels = np.nan_to_num(np.clip(y, 0, ymax)).astype(level_type)
        return level_type(ymax) - levels if self.inverted else levels

    @property
    def line(self) -> tuple[float, float]:
        """The VOI outputs that become 0 and ymax, before polarity."""
        return float(self.low), float(self.high)


@dataclass(frozen=True, slots=True)
class MinMaxRecipe:
    """VOI, and a linear stretch from its smallest to its largest output; MONOCHROME1 is inverted before the stretch."""

    voi: RecipeVoi
    low: Any
    high: Any
    inverted: bool

    def apply(self, values: Array, ymax: int) -> Array:
        """Return the output levels of stored values, truncated. An image of a single level becomes 0."""
        level_type = output_type(ymax)
        if self.low == self.high:
            return np.zeros(values.shape, level_type)
        # A lookup table of the plan also has entries for values that do not occur in the image.
        v = np.clip(self.voi.apply(values), self.low, self.high)
        if v.dtype.kind in "iu":
            # Unsigned 64-bit arithmetic, in which the difference of two integers of any type is exact.
            v, low, high = v.astype(np.int64).view(np.uint64), _modulo_2_64(self.low), _modulo_2_64(self.high)
            span = int(self.high) - int(self.low)
        else:
            low, high = self.low, self.high
            span = high - low
        distance = high - v if self.inverted else v - low
        return np.nan_to_num(distance / span * ymax).astype(level_type)

    @property
    def line(self) -> tuple[float, float]:
        """The VOI outputs that become 0 and ymax, before polarity."""
        return float(self.low), float(self.high)


def _modulo_2_64(value: Any) -> np.uint64:
    return np.uint64(int(value) % (1 << 64))


def stretch_recipe(voi: RecipeVoi, stored: Histogram, percentiles: Stretch, inverted: bool) -> StretchRecipe:
    """Compute the `stretch` recipe of an image from the histogram of all its stored values.

    Every pixel equal to the smallest or the largest VOI output counts as the median, unless `percentiles` asks for all
    values.
    """
    v = stored.mapped(voi.apply(stored.values))
    t = v if percentiles.all_values or v.values.size == 0 else _extremes_at_median(v)
    if t.values.size == 0:
        return StretchRecipe(voi, 0, 0, inverted)
    return StretchRecipe(voi, t.percentile(percentiles.low), t.percentile(percentiles.high), inverted)


def minmax_recipe(voi: RecipeVoi, stored: Histogram, inverted: bool) -> MinMaxRecipe:
    """Compute the `minmax` recipe of an image from the histogram of all its stored values."""
    v = stored.mapped(voi.apply(stored.values))
    low, high = (v.values[0], v.values[-1]) if v.values.size else (0, 0)
    return MinMaxRecipe(voi, low, high, inverted)


def _extremes_at_median(v: Histogram) -> Histogram:
    """The histogram after the smallest and the largest value are replaced by the median, cast to the values' type."""
    with np.errstate(invalid="ignore"):  # the mean of two large 64-bit integers may lie outside their type
        median = np.array([v.median()]).astype(v.values.dtype)
    extreme_counts = v.counts[:1] if v.values.size == 1 else v.counts[:1] + v.counts[-1:]
    values = np.concatenate([v.values[1:-1], median])
    return Histogram(values, np.concatenate([v.counts[1:-1], extreme_counts])).mapped(values)
