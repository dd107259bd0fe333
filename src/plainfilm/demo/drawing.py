# SPDX-License-Identifier: MIT
"""Shapes in millimetres -> path lengths in millimetres along the beam, on a grid of pixels.

Every function draws onto the patch of the grid that its shape touches and gives chords: how far the ray of a pixel
runs in the shape. Chords fall to zero at an outline, so that edges need no coverage of their own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from plainfilm.demo.anatomy import Point, Profile, TubeShape

# float32 where it is as large as the picture
Field = npt.NDArray[np.floating[Any]]
SUPERSAMPLING = 4
SUBCHONDRAL_MM = 0.7


@dataclass(frozen=True, slots=True)
class Grid:
    """Where pixels are in the hand.

    pixel_spacing: mm. origin: its column and row. tilt: degrees, clockwise. mirrored: a left hand.
    x runs to the right of a right hand and to the left of a left one, y up; both in mm.
    """

    rows: int
    columns: int
    pixel_spacing: float
    origin: Point
    tilt: float = 0.0
    mirrored: bool = False

    @property
    def _axes(self) -> tuple[Point, Point]:
        """Unit vectors of x and y in (column, row)."""
        cosine, sine = math.cos(math.radians(self.tilt)), math.sin(math.radians(self.tilt))
        handedness = -1.0 if self.mirrored else 1.0
        return (handedness * cosine, sine * handedness), (sine, -cosine)

    def to_pixels(self, points: Sequence[Point]) -> npt.NDArray[np.float64]:
        """(n, 2) columns and rows, between pixel centres, of points in mm."""
        across, up = self._axes
        pixels = np.asarray(points, np.float64) @ np.array([across, up]) / self.pixel_spacing + np.array(self.origin)
        return np.asarray(pixels, np.float64)

    def patch(self, points: Sequence[Point], margin: float) -> tuple[slice, slice]:
        """The rows and columns that hold the points and `margin` mm around them, cut to the grid."""
        pixels = self.to_pixels(points)
        wide = margin / self.pixel_spacing
        low, high = np.floor(pixels.min(0) - wide), np.ceil(pixels.max(0) + wide) + 1
        columns = slice(*np.clip((low[0], high[0]), 0, self.columns).astype(int).tolist())
        return slice(*np.clip((low[1], high[1]), 0, self.rows).astype(int).tolist()), columns

    def positions(self, patch: tuple[slice, slice]) -> tuple[Field, Field]:
        """x and y in mm of the pixels of a patch."""
        across, up = self._axes
        columns = (np.arange(patch[1].start, patch[1].stop) - self.origin[0])[None, :] * self.pixel_spacing
        rows = (np.arange(patch[0].start, patch[0].stop) - self.origin[1])[:, None] * self.pixel_spacing
        x, y = columns * across[0] + rows * across[1], columns * up[0] + rows * up[1]
        return x.astype(np.float32), y.astype(np.float32)

    @property
    def whole(self) -> tuple[slice, slice]:
        """The patch that is the whole grid."""
        return slice(0, self.rows), slice(0, self.columns)


@dataclass(frozen=True, slots=True)
class Chords:
    """Path lengths in mm of one bone on a patch: through cortex and filling, and the filling's trabecular share."""

    patch: tuple[slice, slice]
    cortex: Field
    filling: Field
    trabecular: Field


def half_width(along: Field, profile: Profile) -> Field:
    """A smooth curve through the knots of a profile (cubic Hermite), in mm; `along` is the fraction of the length."""
    knots, widths = (np.array(column, np.float32) for column in zip(*profile, strict=True))
    slopes = np.gradient(widths, knots).astype(np.float32)
    index = np.clip(np.searchsorted(knots, along, side="right") - 1, 0, len(knots) - 2)
    step = (knots[1:] - knots[:-1])[index]
    t = np.clip((along - knots[index]) / step, 0, 1)
    from_values = widths[index] + (widths[index + 1] - widths[index]) * t * t * (3 - 2 * t)
    from_slopes = step * t * (1 - t) * (slopes[index] * (1 - t) - slopes[index + 1] * t)
    return np.asarray(from_values + from_slopes, np.float32)


def _closing(distance: Field, cap: float, power: float) -> Field:
    """How far a tube is open, 0 to 1, at a distance in mm from its end: a superellipse of length `cap`."""
    missing = 1 - np.clip(distance / cap, 0, 1)
    return np.asarray((1 - missing**power) ** (1 / power), np.float32)


def draw_tube(grid: Grid, ends: tuple[Point, Point], shape: TubeShape, girth: float) -> Chords:
    """A long bone from its base to its head, `girth` times as thick as its shape says."""
    (x0, y0), (x1, y1) = ends
    length = math.hypot(x1 - x0, y1 - y0)
    patch = grid.patch(ends, 1.2 * girth * max(width for _, width in shape.profile))
    x, y = grid.positions(patch)
    along = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length
    across = ((y - y0) * (x1 - x0) - (x - x0) * (y1 - y0)) / length
    width = half_width(along / length, shape.profile) * np.float32(girth)
    middle = np.clip(1 - (across / width) ** 2, 0, 1)
    from_base, from_head = along - shape.cup * middle, length - along - shape.notch * middle**2
    end = np.minimum(along, length - along)
    shaft = np.clip(end / (0.36 * length), 0, 1) ** 2
    wall = 0.5 + (shape.cortex * girth - 0.5) * shaft

    def chord(inset: float, radius: Field) -> Field:
        openness = _closing(from_base - inset, shape.base_cap, 2.6) * _closing(from_head - inset, shape.head_cap, 2.3)
        return np.asarray(2 * np.sqrt(np.maximum((radius * openness) ** 2 - across**2, 0)), np.float32)

    outer, inner = chord(0.0, width), chord(SUBCHONDRAL_MM, np.maximum(width - wall, 0))
    return Chords(patch, np.maximum(outer - inner, 0), inner, 1 - 0.85 * shaft)


def smooth_outline(points: Sequence[Point], steps: int = 8) -> list[Point]:
    """A closed curve through the points (Catmull-Rom), `steps` pieces from each to the next."""
    p = np.asarray(points, np.float64)
    before, after, beyond = np.roll(p, 1, 0), np.roll(p, -1, 0), np.roll(p, -2, 0)
    t = (np.arange(steps) / steps)[None, :, None]
    a, b, c, d = (q[:, None, :] for q in (before, p, after, beyond))
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return [(float(x), float(y)) for x, y in curve.reshape(-1, 2)]


def depth_inside(grid: Grid, outline: Sequence[Point], patch: tuple[slice, slice], scale: int = SUPERSAMPLING) -> Field:
    """How deep in mm each pixel of the patch lies within a closed outline; 0 outside."""
    rows, columns = patch[0].stop - patch[0].start, patch[1].stop - patch[1].start
    if rows <= 0 or columns <= 0:
        return np.zeros((max(rows, 0), max(columns, 0)), np.float32)
    corner = np.array([patch[1].start, patch[0].start])
    # the centre of pixel 0 lies in the middle of its `scale` cells; the outline runs in 1/256 of a cell
    pixels = (grid.to_pixels(outline) - corner + 0.5) * scale - 0.5
    mask = np.zeros((rows * scale, columns * scale), np.uint8)
    cv2.fillPoly(mask, [np.round(pixels * 256).astype(np.int32)], 255, shift=8)
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_5)
    small = cv2.resize(distance, (columns, rows), interpolation=cv2.INTER_AREA)
    return np.asarray(small * (grid.pixel_spacing / scale), np.float32)


def dome(depth: Field, radius: Field | float) -> Field:
    """The chord in mm of a body whose edge is round with this radius, at a depth within its outline."""
    inside = np.clip(depth, 0, radius)
    return np.asarray(2 * np.sqrt(np.maximum(inside * (2 * radius - inside), 0)), np.float32)


def draw_block(grid: Grid, points: Sequence[Point], radius: float, wall: Field | float) -> Chords:
    """A short bone: a smooth outline, rounded with `radius` mm, its cortex `wall` mm thick."""
    outline = smooth_outline(points)
    patch = grid.patch(outline, 1.0)
    depth = depth_inside(grid, outline, patch)
    outer, inner = dome(depth, radius), dome(depth - wall, radius)
    return Chords(patch, np.maximum(outer - inner, 0), inner, np.ones_like(outer))


def draw_capsule(
    grid: Grid, ends: tuple[Point, Point], radii: tuple[float, float]
) -> tuple[tuple[slice, slice], Field]:
    """The patch and the chord in mm of a tapered capsule: flesh around a bone."""
    (x0, y0), (x1, y1) = ends
    patch = grid.patch(ends, max(radii) + 1)
    x, y = grid.positions(patch)
    squared = (x1 - x0) ** 2 + (y1 - y0) ** 2
    along = np.clip(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / squared, 0, 1)
    distance = (x - x0 - along * (x1 - x0)) ** 2 + (y - y0 - along * (y1 - y0)) ** 2
    radius = radii[0] + (radii[1] - radii[0]) * along
    return patch, np.asarray(2 * np.sqrt(np.maximum(radius**2 - distance, 0)), np.float32)
