# SPDX-License-Identifier: MIT
"""Project the shape of a bone: path lengths of the beam through its cortex and its spongy bone."""

from __future__ import annotations

from functools import cache

import numpy as np

from plainfilm.demo.geometry import Field, Point, depth_inside, distance_to, dome, smooth_outline, smooth_step
from plainfilm.pickling import dataclass

STEP_MM = 0.16
MARGIN_MM = 0.8
# the walls in front of and behind the marrow are thinner than the walls at its sides
FLAT = 0.35


@dataclass(frozen=True, slots=True)
class Accent:
    """A plate seen from its edge, a ridge or a scar: a line, its half width, and the cortex that it adds; all in mm."""

    line: tuple[Point, ...]
    half_width: float
    cortex: float


@dataclass(frozen=True, slots=True)
class BoneShape:
    """The shape of a bone in its own coordinates: x across, y from its base (0) to its head, in mm.

    outline: points of the edge, in order. wall: thickness of the cortex at the ends and in the middle. radius: half the
    depth in the direction of the beam; None for a tube, which is as deep as wide. marrow: share of the spongy bone that
    is absent in the middle of the shaft. physis: y of the growth plate; None for bones without one.
    """

    outline: tuple[Point, ...]
    wall: tuple[float, float]
    radius: float | None = None
    marrow: float = 0.0
    physis: float | None = None
    accents: tuple[Accent, ...] = ()

    @property
    def span(self) -> tuple[float, float]:
        """The smallest and the largest y."""
        return min(y for _, y in self.outline), max(y for _, y in self.outline)


@dataclass(frozen=True, slots=True)
class Projection:
    """Path lengths in mm on a grid with steps of STEP_MM. origin: x and y of the first cell; rows follow y."""

    origin: Point
    cortex: Field
    spongy: Field


@cache
def project(shape: BoneShape, gap: float = 0.0) -> Projection:
    """Project a bone. gap: width in mm of the growth plate, if the shape has one; 0 for a closed growth plate."""
    outline = smooth_outline(shape.outline)
    (left, bottom), (right, top) = (
        (choose(x for x, _ in outline) + margin, choose(y for _, y in outline) + margin)
        for choose, margin in ((min, -MARGIN_MM), (max, MARGIN_MM))
    )
    x = (left + STEP_MM * np.arange(int((right - left) / STEP_MM) + 2)).astype(np.float32)[None, :]
    y = (bottom + STEP_MM * np.arange(int((top - bottom) / STEP_MM) + 2)).astype(np.float32)[:, None]
    depth = depth_inside(x, y, outline)
    shaft = _shaft(shape, y)
    radius = _radius(shape, depth)
    wall = np.float32(shape.wall[0]) + np.float32(shape.wall[1] - shape.wall[0]) * shaft
    outer, inner = dome(depth, radius), dome(depth - wall, np.maximum(radius - wall, np.float32(0.01)))
    cortex: Field = np.maximum(outer - inner, 0) * (1 - np.float32(FLAT) * inner / np.maximum(outer, np.float32(0.01)))
    spongy = inner * (1 - np.float32(shape.marrow) * shaft)
    for accent in shape.accents:
        cortex = cortex + _ridge(x, y, accent) * smooth_step(depth / np.float32(0.5))
    if shape.physis is not None and gap > 0:
        bone_share, dense_share = _physis_shares(x, y - np.float32(shape.physis), gap)
        cortex = cortex * bone_share + dense_share * outer * np.float32(0.16)
        spongy = spongy * bone_share
    return Projection((left, bottom), np.asarray(cortex, np.float32), np.asarray(spongy, np.float32))


def _shaft(shape: BoneShape, y: Field) -> Field:
    """Return 1 in the middle of a bone, falling to 0 at its ends."""
    low, high = shape.span
    share = (y - np.float32(low)) / np.float32(high - low)
    return smooth_step(np.minimum(share, 1 - share) / np.float32(0.42))


def _radius(shape: BoneShape, depth: Field) -> Field | float:
    """Return half the largest depth of the bone in each row."""
    if shape.radius is not None:
        return shape.radius
    cells = (depth > 0).sum(axis=1, dtype=np.int32)[:, None].astype(np.float32)
    return np.asarray(np.maximum(cells * np.float32(STEP_MM / 2), np.float32(0.5)), np.float32)


def _ridge(x: Field, y: Field, accent: Accent) -> Field:
    """Return the cortex of an accent: largest on its line, 0 beyond its half width."""
    share = 1 - distance_to(x, y, accent.line) / np.float32(accent.half_width)
    return np.float32(accent.cortex) * smooth_step(share)


def _physis_shares(x: Field, above: Field, gap: float) -> tuple[Field, Field]:
    """Return the share of bone, which is 0 in the wavy cartilage of a growth plate, and of the dense lines beside it.

    above: distance in mm from the growth plate, towards the head of the bone.
    """
    wave = np.abs(np.abs(x) - np.float32(3.0)) * np.float32(0.12)
    distance = np.abs(above - wave)
    bone_share = smooth_step((distance - np.float32(gap / 2 - 0.25)) / np.float32(0.5))
    dense_share = smooth_step(1 - np.abs(distance - np.float32(gap / 2 + 0.55)) / np.float32(0.6))
    return bone_share, dense_share
