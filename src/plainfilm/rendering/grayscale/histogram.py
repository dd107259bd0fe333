# SPDX-License-Identifier: MIT
"""Count the distinct values of an image once, and derive every statistic from the counts."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from plainfilm.kernels import HAS_CORE
from plainfilm.pickling import dataclass

if HAS_CORE:
    from plainfilm.kernels import core

Array = npt.NDArray[Any]

# OpenCV counts in float32, which is exact for integers up to 2^24, so larger images are counted in bands.
_BAND_PIXELS = 1 << 24


@dataclass(frozen=True, slots=True)
class Histogram:
    """The distinct values of some pixels in ascending order, and the number of pixels of each (int64, above 0)."""

    values: Array
    counts: npt.NDArray[np.int64]

    @property
    def total(self) -> int:
        """The number of pixels."""
        return int(np.add.reduce(self.counts))

    def mapped(self, values: Array) -> Histogram:
        """Return the histogram of the pixels after each value is replaced by the element of `values` at its index."""
        if (values[1:] > values[:-1]).all():
            return Histogram(values, self.counts)
        if values.dtype.kind == "u" and values.dtype.itemsize <= 2:
            # for at most 65,536 possible values, counting is faster than sorting
            bins = np.bincount(values, weights=self.counts)
            (distinct,) = (bins != 0).nonzero()
            return Histogram(distinct.astype(values.dtype), bins[distinct].astype(np.int64))
        distinct, indices = np.unique(values, return_inverse=True)
        counts = np.bincount(indices.reshape(-1), weights=self.counts, minlength=distinct.size)
        return Histogram(distinct, counts.astype(np.int64))

    def keep(self, mask: npt.NDArray[np.bool_]) -> Histogram:
        """Return the histogram of the values at the indices where `mask` is true."""
        return Histogram(self.values[mask], self.counts[mask])

    def finite(self) -> Histogram:
        """Return the histogram without NaN and infinite values."""
        return self.keep(np.isfinite(self.values)) if self.values.dtype.kind == "f" else self

    def at_rank(self, rank: int) -> Any:
        """Return the value at a rank, from 0, in the sorted sequence of all pixels: a scalar of the values' type."""
        return self.at_ranks((rank,))[0]

    def at_ranks(self, ranks: tuple[int, ...]) -> Array:
        """Return the values at several ranks."""
        return self.values[self.counts.cumsum().searchsorted(ranks, side="right")]

    def percentile(self, percent: float) -> np.float64:
        """Return what numpy.percentile returns for the pixels, bit for bit, with linear interpolation."""
        return self.percentiles((percent,))[0]

    def percentiles(self, percents: tuple[float, ...]) -> tuple[np.float64, ...]:
        """Return several percentiles."""
        last_rank = self.total - 1
        virtual_ranks = [np.float64(percent) / 100 * last_rank for percent in percents]
        lower_ranks = [int(rank) for rank in virtual_ranks]
        ranks = (*lower_ranks, *[min(rank + 1, last_rank) for rank in lower_ranks])
        values, fractions = self.at_ranks(ranks), np.subtract(virtual_ranks, lower_ranks)
        count = len(percents)
        with np.errstate(over="ignore"):
            return tuple(map(_interpolated, values[:count], values[count:], fractions))

    def median(self) -> Any:
        """Return what numpy.median returns for the pixels, bit for bit."""
        middle = self.total // 2
        values = [self.at_rank(middle)] if self.total % 2 else [self.at_rank(middle - 1), self.at_rank(middle)]
        return np.mean(np.array(values, self.values.dtype))


def _interpolated(low: Any, high: Any, fraction: np.float64) -> np.float64:
    """Interpolate as NumPy does: from the nearer value, in the type of the values, so that integers may wrap."""
    step = np.subtract(high, low)
    return np.float64(high - step * (1 - fraction) if fraction >= 0.5 else low + step * fraction)


EMPTY_HISTOGRAM = Histogram(np.zeros(0, np.uint8), np.zeros(0, np.int64))


def histogram_of(values: Array) -> Histogram:
    """Count an array of any shape: in one pass for integers of up to 16 bits, by sorting for all other types."""
    flat = values.reshape(-1)
    if values.dtype.kind not in "iu" or values.dtype.itemsize > 2:
        distinct, counts = np.unique(flat, return_counts=True)
        return Histogram(distinct, counts.astype(np.int64))
    patterns = flat.view(np.dtype(f"u{values.dtype.itemsize}"))
    counts = _counts_compiled(patterns) if HAS_CORE else _pattern_counts(patterns)
    (distinct,) = (counts != 0).nonzero()
    if values.dtype.kind == "i":
        # read as unsigned, negative values come after the others
        first_negative = int(np.searchsorted(distinct, 1 << 8 * values.dtype.itemsize - 1))
        distinct = np.concatenate((distinct[first_negative:], distinct[:first_negative]))
    return Histogram(distinct.astype(patterns.dtype).view(values.dtype), counts[distinct])


def _counts_compiled(patterns: Array) -> npt.NDArray[np.int64]:
    """The number of occurrences of each value from 0 to the largest, by the compiled module."""
    return np.frombuffer(core.histogram(np.ascontiguousarray(patterns), patterns.itemsize), np.int64)


def _pattern_counts(patterns: Array) -> npt.NDArray[np.int64]:
    """The number of occurrences of each value from 0 to the largest, in a one-dimensional unsigned array."""
    size = int(patterns.max(initial=0)) + 1
    counts = np.zeros(size, np.int64)
    for start in range(0, patterns.size, _BAND_PIXELS):
        # a single row: OpenCV would process a one-dimensional array as one row per pixel
        band = patterns[np.newaxis, start : start + _BAND_PIXELS]
        counts += cv2.calcHist([band], [0], None, [size], [0, size]).reshape(-1).astype(np.int64)
    return counts


def pooled(histograms: tuple[Histogram, ...]) -> Histogram:
    """Return the histogram of the pixels of several histograms together."""
    if len(histograms) == 1:
        return histograms[0]
    values = np.concatenate([histogram.values for histogram in histograms])
    return Histogram(values, np.concatenate([histogram.counts for histogram in histograms])).mapped(values)
