# SPDX-License-Identifier: MIT
"""Compute the statistics of a rendered frame that the tables give, from the histogram of its levels."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from plainfilm.findings import Finding, FindingCode
from plainfilm.pickling import dataclass
from plainfilm.rendering.grayscale.histogram import EMPTY_HISTOGRAM, Histogram, histogram_of


@dataclass(frozen=True, slots=True)
class Statistics:
    """The statistics of output levels; None where no pixel counts.

    black_fraction, white_fraction: the shares of the pixels at 0 and at the maximum. mean: from 0 to 1. entropy: in
    bits, of 256 levels.
    """

    black_fraction: float | None = None
    white_fraction: float | None = None
    mean: float | None = None
    entropy: float | None = None


def statistics(levels: Histogram, ymax: int) -> Statistics:
    """The statistics of output levels from 0 to ymax (255 or 65535)."""
    total = levels.total
    if total == 0:
        return Statistics()
    values, shares = levels.values.astype(np.int64), levels.counts / total
    binned = np.bincount(values * 256 // (ymax + 1), weights=shares, minlength=256)
    used = binned[binned > 0]
    return Statistics(
        black_fraction=float(np.add.reduce(shares[values == 0])),
        white_fraction=float(np.add.reduce(shares[values == ymax])),
        mean=float(np.add.reduce(values * shares) / ymax),
        entropy=float(abs(np.add.reduce(used * np.log2(used)))),
    )


def color_histogram(image: npt.NDArray[Any]) -> Histogram:
    """The histogram of the luminance of RGB pixels, (rows, columns, 3) or (N, 3)."""
    if image.size == 0:
        return EMPTY_HISTOGRAM
    rows = image if image.ndim == 3 else image[np.newaxis]
    return histogram_of(np.asarray(cv2.cvtColor(rows, cv2.COLOR_RGB2GRAY)))


def is_polarity_suspect(findings: tuple[Finding, ...]) -> bool:
    """Whether the polarity of the image is in doubt: the header contradicts itself, or bones are dark."""
    return any(finding.code in (FindingCode.POLARITY_CONFLICT, FindingCode.POLARITY_DOUBTFUL) for finding in findings)
