# SPDX-License-Identifier: MIT
"""Path lengths of the beam in mm through the soft tissue of a hand: palm, webs, thumb and fingers, skin and nails."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from plainfilm.demo.geometry import (
    Field,
    Grid,
    Point,
    along,
    between,
    depth_inside,
    dome,
    enlarge,
    smooth_outline,
    smooth_step,
)
from plainfilm.demo.skeleton import FingerSegment, PlacedRay, Skeleton

SKIN_MM = 1.5
PALM_MM, PALM_FLAT = 21.0, 0.58
COARSE_MM = 2.0
# the eminences of thumb and little finger (thenar, hypothenar): center, half axes and thickness in mm
EMINENCES = (((-31.0, 14.0), (19.0, 33.0), 9.0), ((27.0, 10.0), (14.0, 36.0), 5.0))


def draw_soft_tissue(grid: Grid, skeleton: Skeleton) -> tuple[Field, Field]:
    """Return the path in mm through all soft tissue, and the path through the tissue within the skin."""
    depth = _palm_depth(grid, skeleton.rays)
    x, y = grid.positions(grid.whole)
    eminences = [
        np.float32(thickness) * np.sqrt(np.maximum(1 - _squared_share(x, mx, hx) - _squared_share(y, my, hy), 0))
        for (mx, my), (hx, hy), thickness in EMINENCES
    ]
    eminence = (eminences[0] + eminences[1]) * smooth_step(depth / np.float32(9.0))
    return _joined(grid, skeleton, depth, eminence, 0.0), _joined(grid, skeleton, depth, eminence, SKIN_MM)


def _squared_share(values: Field, center: float, half_axis: float) -> Field:
    share = (values - np.float32(center)) / np.float32(half_axis)
    return np.asarray(share * share, np.float32)


def _joined(grid: Grid, skeleton: Skeleton, depth: Field, eminence: Field, inset: float) -> Field:
    """Join palm and fingers by the fourth root of the sum of fourth powers, which fills the webs without a seam."""
    palm = np.float32(PALM_FLAT) * dome(depth - np.float32(inset), PALM_MM - inset)
    palm = palm + eminence * (palm > 0)
    total = palm * palm
    total = total * total
    for ray in skeleton.rays:
        patch, chord = _finger(grid, ray, inset)
        chord = chord * chord
        total[patch] += chord * chord
    return np.asarray(np.sqrt(np.sqrt(total)), np.float32)


def _finger(grid: Grid, ray: PlacedRay, inset: float) -> tuple[tuple[slice, slice], Field]:
    """Return the patch of a finger, and the path through it: the longest path of its segments."""
    ends = [point for segment in ray.segments for point in (segment.start, segment.end)]
    patch = grid.patch(ends, 13.0)
    x, y = grid.positions(patch)
    chord = np.zeros(np.broadcast_shapes(x.shape, y.shape), np.float32)
    for segment in ray.segments:
        np.maximum(chord, _segment_chord(x, y, segment, np.float32(inset)), out=chord)
    return patch, chord


def _segment_chord(x: Field, y: Field, segment: FingerSegment, inset: np.float32) -> Field:
    """Return the path through a capsule that is a little thinner between its joints than at them."""
    run, rise = (np.float32(segment.end[axis] - segment.start[axis]) for axis in (0, 1))
    from_x, from_y = x - np.float32(segment.start[0]), y - np.float32(segment.start[1])
    share = np.clip((from_x * run + from_y * rise) / (run * run + rise * rise), 0, 1)
    from_x, from_y = from_x - share * run, from_y - share * rise
    taper = 1 - np.float32(0.22) * share * (1 - share)
    first, last = (np.float32(radius) for radius in segment.radii)
    radius = (first + (last - first) * share) * taper - inset
    return np.asarray(2 * np.sqrt(np.maximum(radius * radius - from_x * from_x - from_y * from_y, 0)), np.float32)


def _palm_depth(grid: Grid, rays: tuple[PlacedRay, ...]) -> Field:
    """Return the depth within the outline of the palm, computed on a coarse grid and enlarged."""
    step = max(1.0, COARSE_MM / grid.step)
    rows, columns = (int(n / step) + 3 for n in (grid.rows, grid.columns))
    coarse = Grid(
        rows,
        columns,
        grid.pixel_spacing * step,
        (grid.origin[0] / step, grid.origin[1] / step),
        grid.rotation,
        grid.mirrored,
        grid.size,
    )
    depth = depth_inside(*coarse.positions(coarse.whole), smooth_outline(palm_outline(rays), 3))
    return enlarge(depth, grid.rows, grid.columns, step)


def palm_outline(rays: tuple[PlacedRay, ...]) -> list[Point]:
    """Return the polygon of forearm, wrist and palm, up to the webs between the fingers."""
    thumb, index, little = rays[0], rays[1], rays[4]
    outline: list[Point] = [
        (-38.5, -130.0),
        (-38.5, -90.0),
        (-39.0, -58.0),
        (-38.2, -40.0),
        (-37.4, -28.0),
        (-39.6, -14.0),
    ]
    outline += [(-45.0, 2.0), (-50.5, 15.0), _beside(thumb, 0.0, -9.6), _beside(thumb, 0.16, -8.8)]
    outline += [_beside(thumb, 0.3, 8.0), _beside(thumb, 0.0, 10.6)]
    hollow = between(thumb.segments[0].start, index.segments[0].start, 0.42)
    outline += [(hollow[0] + 4.0, hollow[1] - 12.0), _beside(index, -0.32, -13.5), _beside(index, 0.0, -9.6)]
    outline.append(_beside(index, 0.3, -5.0))
    for left, right in pairwise(rays[1:]):
        web = between(_beside(left, 0.31, 0.0), _beside(right, 0.33, 0.0), 0.5)
        outline += [_beside(left, 0.3, 4.0), web, _beside(right, 0.3, -4.0)]
    outline += [_beside(little, 0.3, 4.0), _beside(little, 0.0, 8.8), _beside(little, -0.35, 10.6)]
    return [
        *outline,
        (42.6, 20.0),
        (38.4, 0.0),
        (34.2, -16.0),
        (32.4, -30.0),
        (31.6, -44.0),
        (33.4, -64.0),
        (35.0, -90.0),
        (36.0, -130.0),
    ]


def _beside(ray: PlacedRay, share: float, across: float) -> Point:
    """Return a point at a share of the length of the first finger segment, `across` mm to the right of its axis."""
    segment = ray.segments[0]
    length = math.sqrt((segment.end[0] - segment.start[0]) ** 2 + (segment.end[1] - segment.start[1]) ** 2)
    right = (segment.end[1] - segment.start[1]) / length, -(segment.end[0] - segment.start[0]) / length
    x, y = between(segment.start, segment.end, share)
    return x + across * right[0], y + across * right[1]


def draw_nail(grid: Grid, ray: PlacedRay) -> tuple[tuple[slice, slice], Field]:
    """Return the patch of a nail and the path in mm through it: the nail is thicker at its sides, which are curved."""
    tip, direction, radius = ray.nail.position, ray.nail.direction, ray.nail.radius
    start, end = along(tip, direction, -0.55 * radius), along(tip, direction, radius + 0.7)
    patch = grid.patch((start, end), radius + 1)
    x, y = grid.positions(patch)
    length = math.sqrt((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2)
    run, rise = np.float32((end[0] - start[0]) / length), np.float32((end[1] - start[1]) / length)
    from_x, from_y = x - np.float32(start[0]), y - np.float32(start[1])
    lengthwise, across = from_x * run + from_y * rise, np.abs(from_x * rise - from_y * run)
    half = np.float32(0.68 * radius)
    squared = across / half
    bend = squared * squared
    bulge = np.float32(1.6) * bend
    within = smooth_step((half - across) / np.float32(0.5)) * smooth_step((lengthwise - bulge) / np.float32(0.8))
    before_end = smooth_step((np.float32(length) - lengthwise - 2 * bulge) / np.float32(0.6))
    return patch, np.asarray(within * before_end * (np.float32(0.5) + np.float32(0.9) * bend * bend), np.float32)
