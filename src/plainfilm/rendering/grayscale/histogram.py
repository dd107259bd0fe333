# SPDX-License-Identifier: MIT
"""Pixels -> the distinct values and how often each occurs: every statistic of an image without touching it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

# OpenCV counts in float32, which holds whole numbers up to 2^24: more pixels than that are counted in bands.
_BAND = 1 << 24


@dataclass(frozen=True, slots=True)
class Histogram:
    """A histogram: `values` ascending and distinct, `counts` (int64) above 0."""

    values: Array
    counts: npt.NDArray[np.int64]

    @property
    def total(self) -> int:
        """The number of pixels."""
        return int(self.counts.sum())

    def mapped(self, values: Array) -> Histogram:
        """The histogram after each value became that of the same place in `values`."""
        if np.all(values[1:] > values[:-1]):
            return Histogram(values, self.counts)
        if values.dtype.kind == "u" and values.dtype.itemsize <= 2:
            # as many bins as there can be levels take less time than a sort
            binned = np.bincount(values, weights=self.counts)
            distinct = np.flatnonzero(binned)
            return Histogram(distinct.astype(values.dtype), binned[distinct].astype(np.int64))
        distinct, place = np.unique(values, return_inverse=True)
        counts = np.bincount(place.reshape(-1), weights=self.counts, minlength=distinct.size)
        return Histogram(distinct, counts.astype(np.int64))

    def keep(self, chosen: npt.NDArray[np.bool_]) -> Histogram:
        """The levels that `chosen` is true of."""
        return Histogram(self.values[chosen], self.counts[chosen])

    def finite(self) -> Histogram:
        """The levels that are numbers."""
        return self.keep(np.isfinite(self.values)) if self.values.dtype.kind == "f" else self

    def at_rank(self, rank: int) -> Any:
        """The value that stands at a rank, counted from 0, when all pixels are sorted: a scalar of the values' type."""
        return self.values[int(np.searchsorted(np.cumsum(self.counts), rank, side="right"))]

    def percentile(self, percent: float) -> np.float64:
        """Exactly numpy.percentile of the pixels with linear interpolation, its arithmetic in the values' own type."""
        virtual = np.float64(percent) / 100 * (self.total - 1)
        below = int(np.floor(virtual))
        share = virtual - below
        low, high = self.at_rank(below), self.at_rank(min(below + 1, self.total - 1))
        # numpy interpolates from the nearer end, and lets the difference of integers wrap as their type does
        with np.errstate(over="ignore"):
            step = np.subtract(high, low)
            value = high - step * (1 - share) if share >= 0.5 else low + step * share
        return np.float64(value)

    def median(self) -> Any:
        """Exactly numpy.median of the pixels."""
        middle = self.total // 2
        pair = [self.at_rank(middle)] if self.total % 2 else [self.at_rank(middle - 1), self.at_rank(middle)]
        return np.mean(np.array(pair, self.values.dtype))


EMPTY_HISTOGRAM = Histogram(np.zeros(0, np.uint8), np.zeros(0, np.int64))


def histogram_of(values: Array) -> Histogram:
    """The histogram of an array of any shape: one pass for integers of up to 16 bits, a sort for everything else."""
    flat = values.reshape(-1)
    if values.dtype.kind not in "iu" or values.dtype.itemsize > 2:
        distinct, counts = np.unique(flat, return_counts=True)
        return Histogram(distinct, counts.astype(np.int64))
    patterns = flat.view(np.dtype(f"u{values.dtype.itemsize}"))
    counts = _counts_of(patterns)
    present = np.flatnonzero(counts != 0)
    if values.dtype.kind == "i":
        # the patterns of negative numbers lie above those of the others
        first = int(np.searchsorted(present, 1 << 8 * values.dtype.itemsize - 1))
        present = np.concatenate((present[first:], present[:first]))
    return Histogram(present.astype(patterns.dtype).view(values.dtype), counts[present])


def _counts_of(patterns: Array) -> npt.NDArray[np.int64]:
    """How often each value from 0 to the largest occurs in one dimension of unsigned integers."""
    size = int(patterns.max(initial=0)) + 1
    counts = np.zeros(size, np.int64)
    for start in range(0, patterns.size, _BAND):
        # one long row: of one long column OpenCV makes a row a pixel
        band = patterns[np.newaxis, start : start + _BAND]
        counts += cv2.calcHist([band], [0], None, [size], [0, size]).reshape(-1).astype(np.int64)
    return counts


def pooled(parts: tuple[Histogram, ...]) -> Histogram:
    """One histogram of several."""
    if len(parts) == 1:
        return parts[0]
    values = np.concatenate([part.values for part in parts])
    return Histogram(values, np.concatenate([part.counts for part in parts])).mapped(values)
