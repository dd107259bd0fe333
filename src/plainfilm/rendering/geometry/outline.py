# SPDX-License-Identifier: MIT
"""The outline of the exposed field of a frame: a convex polygon, outside of which the frame is margin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Outline: TypeAlias = tuple[tuple[int, int], ...]
"""The corners of a convex polygon as (column, row) of stored pixels, counted from 0; empty for none."""


def hull_of(points: npt.NDArray[np.int32]) -> Outline:
    """Return the convex hull of points, (number, 2): column and row."""
    return tuple((int(x), int(y)) for x, y in cv2.convexHull(points).reshape(-1, 2))


def outline_mask(outline: Outline, rows: int, columns: int) -> Mask:
    """Return the pixels outside an outline, (rows, columns)."""
    inside = np.zeros((rows, columns), np.uint8)
    cv2.fillConvexPoly(inside, np.array(outline, np.int32), 1)
    return np.asarray(inside == 0)


def common_outline(outlines: Sequence[Outline]) -> Outline:
    """Return the convex hull of several outlines; empty where one of them is."""
    if not outlines or not all(outlines):
        return ()
    return hull_of(np.array([point for outline in outlines for point in outline], np.int32))
