# SPDX-License-Identifier: MIT
"""Shrink an image: each output pixel is the mean of the area that it covers, rounded to the nearest level.

The mean is exact: lengths are counted in whole parts of a pixel, as many as the output has rows or columns, and all
sums are integers. Halves are rounded upwards.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.kernels import HAS_CORE
from plainfilm.kernels.levels import Levels, levels_array, raster_arguments

if HAS_CORE:
    from plainfilm.kernels import core

Array = npt.NDArray[Any]
_MOST_SIDE = 65_535  # of the compiled function


def area_means(levels: Levels, width: int, height: int) -> Array:
    """Shrink levels (uint8 or uint16) to a width and a height, neither of which is larger than that of the image."""
    if not HAS_CORE or max(levels.shape[:2]) > _MOST_SIDE:
        return area_means_numpy(levels_array(levels), width, height)
    if isinstance(levels, np.ndarray):
        levels = np.ascontiguousarray(levels)
    content = core.average(*raster_arguments(levels), (height, width))
    return np.frombuffer(content, levels.dtype).reshape(height, width, *levels.shape[2:])


def area_means_numpy(image: Array, width: int, height: int) -> Array:
    """What `area_means` returns, without the compiled module."""
    rows, columns = image.shape[:2]
    area = rows * columns
    sums = _column_sums(_row_sums(image, height), width)
    means: Array = (sums + np.uint64(area // 2)) // np.uint64(area)
    return means.astype(image.dtype)


def _row_sums(image: Array, height: int) -> Array:
    """The weighted sums of the rows that each output row covers; a stored row has `height` parts."""
    rows = image.shape[0]
    sums = np.empty((height, *image.shape[1:]), np.uint64)
    for row in range(height):
        start, stop = row * rows, (row + 1) * rows
        covered = np.arange(start // height, -(-stop // height))
        weights = np.minimum((covered + 1) * height, stop) - np.maximum(covered * height, start)
        parts = image[covered[0] : covered[-1] + 1].astype(np.uint64)
        sums[row] = np.tensordot(weights.astype(np.uint64), parts, 1)
    return sums


def _column_sums(sums: Array, width: int) -> Array:
    """The weighted sums of the columns that each output column covers, as differences of running totals."""
    columns = sums.shape[1]
    totals = np.zeros((sums.shape[0], columns + 1, *sums.shape[2:]), np.uint64)
    np.cumsum(sums, axis=1, out=totals[:, 1:])
    edges = np.arange(width + 1) * columns
    whole, parts = edges // width, edges % width
    # at the last edge nothing is left: its part is 0, and any column may stand for the one that is cut
    cut = sums[:, np.minimum(whole, columns - 1)]
    weights = parts.astype(np.uint64).reshape(1, -1, *(1,) * (sums.ndim - 2))
    reached = totals[:, whole] * np.uint64(width) + cut * weights
    differences: Array = reached[:, 1:] - reached[:, :-1]
    return differences
