# SPDX-License-Identifier: MIT
"""Reduce the values of a frame to a small chart: their histogram, and the level that each value is mapped to."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.rendering.frame import PlannedFrame, RenderedFrame
from plainfilm.rendering.grayscale.histogram import Histogram, histogram_of
from plainfilm.rendering.grayscale.plan import GrayscalePlan
from plainfilm.rendering.pixels import PlannedGrayscale
from plainfilm.rendering.statistics import color_histogram
from plainfilm.report.tone_chart import BINS, EMPTY_CHART, ToneChart

_FULL = 255


def stored_histogram(planned: PlannedFrame) -> Histogram | None:
    """Return the stored values that count in the statistics of a grayscale frame; None for colour."""
    pixels = planned.pixels
    if not isinstance(pixels, PlannedGrayscale):
        return None
    frame = pixels.surveyed_frame
    return frame.valid if pixels.plan.has_masks and frame.valid.values.size else frame.available.finite()


def tone_chart(planned: PlannedFrame | None, rendered: RenderedFrame, bins: int = BINS) -> ToneChart:
    """Return the chart of a rendered frame: stored values of a grayscale frame, otherwise levels of the image.

    planned: None for a projection of several frames.
    """
    plan, histogram = (None, None) if planned is None else (planned.plan, stored_histogram(planned))
    if histogram is None or not isinstance(plan, GrayscalePlan):
        image = rendered.image if rendered.image.dtype == np.uint8 else (rendered.image >> 8).astype(np.uint8)
        levels = color_histogram(image) if image.ndim == 3 else histogram_of(image)
        return chart_of(levels, bins, None)
    return chart_of(histogram, bins, plan)


def chart_of(histogram: Histogram, bins: int, plan: GrayscalePlan | None) -> ToneChart:
    """Return the chart of a histogram, with the mapping curve of a plan if there is one."""
    values = histogram.values
    if not values.size:
        return EMPTY_CHART
    low, high = float(values[0]), float(values[-1])
    counts = binned_counts(histogram, bins)
    if plan is None:
        return ToneChart(low, high, counts, b"")
    middles = bin_middles(histogram, bins)
    levels = plan.transform.apply(middles, plan.ymax)
    scaled = levels.astype(np.float64) * _FULL / plan.ymax + 0.5
    return ToneChart(low, high, counts, scaled.astype(np.uint8).tobytes())


def binned_counts(histogram: Histogram, bins: int) -> bytes:
    """Return the square root of the number of pixels in each bin, scaled to 0..255; each used bin has at least 1."""
    values = histogram.values.astype(np.float64)
    span = max(values[-1] - values[0], 1e-300)
    values -= values[0]
    values /= span
    values *= bins
    indices = values.astype(np.int64)
    np.minimum(indices, bins - 1, out=indices)
    counts = np.sqrt(np.bincount(indices, weights=histogram.counts, minlength=bins))
    scaled: npt.NDArray[np.uint8] = np.ceil(counts * _FULL / max(np.maximum.reduce(counts), 1.0)).astype(np.uint8)
    return scaled.tobytes()


def bin_middles(histogram: Histogram, bins: int) -> npt.NDArray[Any]:
    """Return the middle of each bin, in the type of the values."""
    low, high = float(histogram.values[0]), float(histogram.values[-1])
    middles = low + (np.arange(bins) + 0.5) * (high - low) / bins
    if histogram.values.dtype.kind in "iu":
        middles = np.floor(middles + 0.5)
    return middles.astype(histogram.values.dtype)
