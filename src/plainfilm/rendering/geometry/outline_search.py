# SPDX-License-Identifier: MIT
"""Find the outline of the exposed field of a frame, whose edges may be slanted or round (`--mask border`).

The margin is what is connected with a corner of the frame and has the level of that corner. A field of a collimator is
convex, so that its outline is the convex hull of what is not margin. The hull is accepted only where the field fills it
and rises steeply behind its edge: the air around a hand is no margin. docs/decisions/border-search.md has the reasons.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from plainfilm.rendering.geometry.border_search import (
    Cells,
    SearchableFrame,
    cells_of,
    field_parts,
    margin_tolerance,
    upper_median,
)
from plainfilm.rendering.geometry.outline import Outline, hull_of

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
_CORNER = slice(1, 5)
_SAMPLES_PER_SIDE = 1024
_MIN_CELLS_PER_SIDE = 24
# The field fills its hull, and is at least this share of the frame.
_MIN_FILLED, _MIN_FIELD = 0.93, 0.06
# The least share of the frame that the mask hides; less is not worth a risk.
_MIN_MARGIN = 0.002
# Behind the edge (in cells) the distance from the margin is nearly as large as further inside, along most of the edge.
_NEAR, _FAR, _REACH = (1.5, 3.5), (6.0, 9.0), 16
_MIN_PLATEAU, _MIN_STEP, _MIN_STEEP = 0.7, 0.1, 0.85
# The edge in the samples: where the distance reaches this share of that behind the edge.
_EDGE_LEVEL = 0.6
# An edge is blurred over some samples; these are margin too, so that no bright line is left.
_BLURRED_SAMPLES = 2


def find_outline(frame: SearchableFrame) -> Outline:
    """Return the outline of the exposed field; empty where none is certain."""
    cells = cells_of(frame)
    if min(cells.means.shape) < _MIN_CELLS_PER_SIDE or cells.contrast <= 0:
        return ()
    levels = _corner_levels(cells)
    # a corner may lie inside the field: then the levels of the other corners are tried one by one
    for attempt in [levels, *([level] for level in levels if len(levels) > 1)]:
        if (hull := _accepted_hull(cells, attempt)) is not None:
            near = _ring(hull, *_NEAR) & cells.counted
            plateau = upper_median(_distance(cells.means, attempt)[near])
            return _refined(frame, hull, cells.step, attempt, _EDGE_LEVEL * plateau)
    return ()


def _accepted_hull(cells: Cells, levels: list[tuple[float, float]]) -> Mask | None:
    """The hull of what is not a margin of these levels, (rows, columns) of cells; None where it is not a field."""
    margin = _margin_of(cells, levels)
    content = ~margin & cells.counted
    # the outermost cells hold the rims of scanners
    content[[0, -1]] = content[[1, -2]]
    content[:, [0, -1]] = content[:, [1, -2]]
    parts = field_parts(content)
    if not margin.any() or not parts.any():
        return None
    hull = _hull_mask(parts)
    is_accepted = _is_field(parts, hull, margin) and _is_steep(hull, _distance(cells.means, levels), cells)
    return hull if is_accepted else None


def _corner_levels(cells: Cells) -> list[tuple[float, float]]:
    """The level and the tolerance of each corner that is flat; a corner of masked pixels has none."""
    levels = []
    for rows in (_CORNER, slice(-5, -1)):
        for columns in (_CORNER, slice(-5, -1)):
            counted = cells.counted[rows, columns]
            if counted.mean() < 0.5:
                continue
            values = cells.means[rows, columns][counted]
            level = upper_median(values)
            deviation = np.abs(values - level)
            tolerance = margin_tolerance(deviation, cells.contrast)
            if (deviation <= tolerance).mean() >= 0.8:
                levels.append((level, tolerance))
    return levels


def _margin_of(cells: Cells, levels: list[tuple[float, float]]) -> Mask:
    """The cells that are connected with a corner and have the level of a corner, or are masked."""
    margin = np.zeros(cells.means.shape, np.bool_)
    for level, tolerance in [*levels, (0.0, -1.0)]:
        candidates = (cells.counted & (np.abs(cells.means - level) <= tolerance)) | cells.masked
        count, labels = cv2.connectedComponents(candidates.astype(np.uint8), connectivity=4)
        corners = {int(labels[row, column]) for row in (1, 2, -3, -2) for column in (1, 2, -3, -2)} - {0}
        if count > 1 and corners:
            margin |= np.isin(labels, list(corners))
    return margin


def _hull_mask(parts: Mask) -> Mask:
    points = cv2.findNonZero(parts.astype(np.uint8))
    hull = np.zeros(parts.shape, np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(points), 1)
    return hull.astype(np.bool_)


def _distance(values: Array, levels: list[tuple[float, float]]) -> Array:
    """How far values are from the nearest level of the margin; beside a margin of masked pixels, from nothing."""
    if not levels:
        return np.full(values.shape, np.inf, np.float32)
    distance: Array = np.minimum.reduce([np.abs(values - level) for level, _ in levels])
    return distance


def _is_field(parts: Mask, hull: Mask, margin: Mask) -> bool:
    """Whether what is not margin fills its hull, and leaves a margin that is worth a mask."""
    filled = hull & ~margin
    outside = 1 - hull.mean()
    is_convex = filled.sum() >= _MIN_FILLED * hull.sum() and parts.sum() >= 0.5 * hull.sum()
    return bool(is_convex and hull.mean() >= _MIN_FIELD and outside >= _MIN_MARGIN)


def _ring(hull: Mask, nearest: float, farthest: float) -> Mask:
    """The cells of a hull at these distances from its edge; edges that are those of the frame do not count."""
    # the frame goes on beyond its sides
    wider = cv2.copyMakeBorder(hull.astype(np.uint8), _REACH, _REACH, _REACH, _REACH, cv2.BORDER_REPLICATE)
    depth = np.asarray(cv2.distanceTransform(wider, cv2.DIST_L2, 5))[_REACH:-_REACH, _REACH:-_REACH]
    ring: Mask = (depth > nearest) & (depth <= farthest)
    return ring


def _is_steep(hull: Mask, distance: Array, cells: Cells) -> bool:
    """Whether the level changes at the edge at once, along most of it, as behind a collimator, and not as in skin."""
    near, far = _ring(hull, *_NEAR) & cells.counted, _ring(hull, *_FAR) & cells.counted
    if not near.any() or not far.any():
        return False
    if np.isinf(distance[near]).all():
        return True
    near_distance, far_distance = upper_median(distance[near]), upper_median(distance[far])
    if near_distance < max(_MIN_STEP * cells.contrast, _MIN_PLATEAU * far_distance):
        return False
    return bool((distance[near] >= 0.4 * near_distance).mean() >= _MIN_STEEP)


def _refined(frame: SearchableFrame, hull: Mask, step: int, levels: list[tuple[float, float]], least: float) -> Outline:
    """The hull of the samples near a hull of cells that are at least this far from the levels of the margin."""
    stride = max(1, -(-max(frame.size) // _SAMPLES_PER_SIDE))
    block = frame.block(slice(None, None, stride), slice(None, None, stride))
    values = cv2.medianBlur(block.values.astype(np.float32), 3)
    content = np.ones(values.shape, np.bool_) if np.isinf(least) else _distance(values, levels) > least
    if block.masked is not None:
        content &= ~block.masked
    content &= _at_samples(hull, step, stride, content.shape)
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(content.astype(np.uint8), connectivity=8)
    if count < 2:
        return ()
    largest = 1 + int(np.argmax(statistics[1:, cv2.CC_STAT_AREA]))
    square = np.ones((2 * _BLURRED_SAMPLES + 1,) * 2, np.uint8)
    field = cv2.erode((labels == largest).astype(np.uint8), square)
    if not field.any():
        return ()
    points = cv2.findNonZero(field).reshape(-1, 2) * stride
    limit = np.array([frame.size[1] - 1, frame.size[0] - 1])
    return hull_of(np.minimum(np.concatenate([points, points + stride - 1]), limit).astype(np.int32))


def _at_samples(hull: Mask, step: int, stride: int, shape: tuple[int, ...]) -> Mask:
    """A hull of cells, one cell wider, at the samples of every `stride` pixels."""
    wider = cv2.dilate(hull.astype(np.uint8), np.ones((3, 3), np.uint8))
    rows = np.minimum(np.arange(shape[0]) * stride // step, hull.shape[0] - 1)
    columns = np.minimum(np.arange(shape[1]) * stride // step, hull.shape[1] - 1)
    return np.asarray(wider[rows][:, columns], np.bool_)
