# SPDX-License-Identifier: MIT
"""A skeleton -> the path in mm through the flesh about it: palm, webs, thumb and fingers, skin and nails."""

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
from plainfilm.demo.skeleton import FleshPiece, PlacedRay, Skeleton

SKIN_MM = 1.5
PALM_MM, PALM_FLAT = 21.0, 0.58
COARSE_MM = 2.0
# the balls of thumb and little finger: middle, half axes and thickness in mm
BALLS = (((-31.0, 14.0), (19.0, 33.0), 9.0), ((27.0, 10.0), (14.0, 36.0), 5.0))


def draw_flesh(grid: Grid, skeleton: Skeleton) -> tuple[Field, Field]:
    """The chord through all of the flesh, and through what lies within the skin; mm, the whole grid each."""
    depth = _palm_depth(grid, skeleton.rays)
    x, y = grid.positions(grid.whole)
    balls = [
        np.float32(thickness) * np.sqrt(np.maximum(1 - _squared(x, mx, hx) - _squared(y, my, hy), 0))
        for (mx, my), (hx, hy), thickness in BALLS
    ]
    ball = (balls[0] + balls[1]) * smooth_step(depth / np.float32(9.0))
    return _united(grid, skeleton, depth, ball, 0.0), _united(grid, skeleton, depth, ball, SKIN_MM)


def _squared(values: Field, middle: float, half: float) -> Field:
    share = (values - np.float32(middle)) / np.float32(half)
    return np.asarray(share * share, np.float32)


def _united(grid: Grid, skeleton: Skeleton, depth: Field, ball: Field, inset: float) -> Field:
    """Palm and fingers joined by a mean of fourth powers, so that webs are filled and no seam shows."""
    palm = np.float32(PALM_FLAT) * dome(depth - np.float32(inset), PALM_MM - inset)
    palm = palm + ball * (palm > 0)
    total = palm * palm
    total = total * total
    for ray in skeleton.rays:
        patch, chord = _finger(grid, ray, inset)
        chord = chord * chord
        total[patch] += chord * chord
    return np.asarray(np.sqrt(np.sqrt(total)), np.float32)


def _finger(grid: Grid, ray: PlacedRay, inset: float) -> tuple[tuple[slice, slice], Field]:
    """The chord of a finger: the greatest of its pieces."""
    ends = [point for piece in ray.flesh for point in (piece.start, piece.end)]
    patch = grid.patch(ends, 13.0)
    x, y = grid.positions(patch)
    chord = np.zeros(np.broadcast_shapes(x.shape, y.shape), np.float32)
    for piece in ray.flesh:
        np.maximum(chord, _piece(x, y, piece, np.float32(inset)), out=chord)
    return patch, chord


def _piece(x: Field, y: Field, piece: FleshPiece, inset: np.float32) -> Field:
    """A capsule, a little slimmer between its joints than at them."""
    run, rise = (np.float32(piece.end[axis] - piece.start[axis]) for axis in (0, 1))
    from_x, from_y = x - np.float32(piece.start[0]), y - np.float32(piece.start[1])
    share = np.clip((from_x * run + from_y * rise) / (run * run + rise * rise), 0, 1)
    from_x, from_y = from_x - share * run, from_y - share * rise
    slim = 1 - np.float32(0.22) * share * (1 - share)
    first, last = (np.float32(radius) for radius in piece.radii)
    radius = (first + (last - first) * share) * slim - inset
    return np.asarray(2 * np.sqrt(np.maximum(radius * radius - from_x * from_x - from_y * from_y, 0)), np.float32)


def _palm_depth(grid: Grid, rays: tuple[PlacedRay, ...]) -> Field:
    """The depth within the palm's outline, drawn coarsely and enlarged."""
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
    """Forearm, wrist and palm, up to the webs between the fingers, as a polygon."""
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
    hollow = between(thumb.flesh[0].start, index.flesh[0].start, 0.42)
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
    """A point at a share of the first piece of a finger, so far to the right of it."""
    piece = ray.flesh[0]
    length = math.sqrt((piece.end[0] - piece.start[0]) ** 2 + (piece.end[1] - piece.start[1]) ** 2)
    right = (piece.end[1] - piece.start[1]) / length, -(piece.end[0] - piece.start[0]) / length
    x, y = between(piece.start, piece.end, share)
    return x + across * right[0], y + across * right[1]


def draw_nail(grid: Grid, ray: PlacedRay) -> tuple[tuple[slice, slice], Field]:
    """The patch and the path in mm through a nail: thicker at its sides, where it bends away from the beam."""
    tip, direction, radius = ray.nail
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
