# SPDX-License-Identifier: MIT
"""The chart of a frame: the histogram of its values, and the level that each value is mapped to.

This module loads no library for pixels; `tone_measurement.py` makes charts.
"""

from __future__ import annotations

from plainfilm.pickling import FastPickle, dataclass

BINS = 64


@dataclass(frozen=True, slots=True)
class ToneChart(FastPickle):
    """A histogram of values in bins of equal width, and the mapping curve over it.

    low, high: the smallest and the largest value. counts: for each bin the square root of its number of pixels, scaled
    so that the largest is 255. levels: the output level, 0 to 255, of the middle of each bin; empty for colour, where
    values are levels already.
    """

    low: float
    high: float
    counts: bytes
    levels: bytes


EMPTY_CHART = ToneChart(0.0, 0.0, bytes(BINS), b"")
