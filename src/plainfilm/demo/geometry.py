# SPDX-License-Identifier: MIT
"""Compute curves, distances and resampled fields from points in mm, with the same bits on every machine.

Arrays are computed with +, -, *, / and square roots only, one operation at a time in float32, because IEEE 754 defines
their results exactly. It does not define exponentials, sines, the order of sums, or the resampling of libraries.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.pickling import dataclass

Point = tuple[float, float]
# float32 throughout
Field = npt.NDArray[np.floating[Any]]
FAR_MM = 1e4


def turned(degrees: float) -> Point:
    """Return cosine and sine of an angle, rounded to nine places, so that all mathematical libraries agree."""
    return round(math.cos(math.radians(degrees)), 9), round(math.sin(math.radians(degrees)), 9)


def along(start: Point, degrees: float, length: float) -> Point:
    """Return the point at `length` mm from `start`, in a direction in degrees from the y axis towards x."""
    cosine, sine = turned(degrees)
    return start[0] + length * sine, start[1] + length * cosine


def between(start: Point, end: Point, share: float) -> Point:
    """Return the point at a share of the way from `start` to `end`."""
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])


def smooth_outline(points: Sequence[Point], steps: int = 6) -> list[Point]:
    """Return a closed Catmull-Rom curve through the points, with `steps` segments between two points."""
    curve = []
    for index, b in enumerate(points):
        a, c, d = points[index - 1], points[(index + 1) % len(points)], points[(index + 2) % len(points)]
        for step in range(steps):
            t = step / steps
            curve.append((_catmull_rom((a[0], b[0], c[0], d[0]), t), _catmull_rom((a[1], b[1], c[1], d[1]), t)))
    return curve


def smooth_line(points: Sequence[Point], steps: int = 4) -> list[Point]:
    """Return an open Catmull-Rom curve through the points, with `steps` segments between two points."""
    padded = [points[0], *points, points[-1]]
    curve = [points[0]]
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        for step in range(1, steps + 1):
            t = step / steps
            curve.append((_catmull_rom((a[0], b[0], c[0], d[0]), t), _catmull_rom((a[1], b[1], c[1], d[1]), t)))
    return curve


def _catmull_rom(values: tuple[float, float, float, float], t: float) -> float:
    a, b, c, d = values
    linear, square, cubic = c - a, 2 * a - 5 * b + 4 * c - d, 3 * b - a - 3 * c + d
    return 0.5 * (2 * b + t * (linear + t * (square + t * cubic)))


def depth_inside(x: Field, y: Field, outline: Sequence[Point]) -> Field:
    """Return how deep in mm each position lies within a closed outline; negative outside."""
    squared = np.full(np.broadcast_shapes(x.shape, y.shape), FAR_MM**2, np.float32)
    inside = np.zeros(squared.shape, bool)
    for start, end in zip(outline, (*outline[1:], outline[0]), strict=True):
        np.minimum(squared, _squared_distance(x, y, start, end), out=squared)
        if start[1] != end[1]:
            # count the edges that a line to the right crosses: an odd number means inside
            rows = (y >= min(start[1], end[1])) & (y < max(start[1], end[1]))
            crossing = start[0] + (y - np.float32(start[1])) * np.float32((end[0] - start[0]) / (end[1] - start[1]))
            inside ^= rows & (x < crossing)
    distance = np.sqrt(squared)
    return np.where(inside, distance, -distance)


def distance_to(x: Field, y: Field, line: Sequence[Point]) -> Field:
    """Return the distance in mm of each position from an open line."""
    squared = np.full(np.broadcast_shapes(x.shape, y.shape), FAR_MM**2, np.float32)
    for start, end in pairwise(line):
        np.minimum(squared, _squared_distance(x, y, start, end), out=squared)
    return np.sqrt(squared)


def _squared_distance(x: Field, y: Field, start: Point, end: Point) -> Field:
    """Return the squared distance to a line segment."""
    run, rise = np.float32(end[0] - start[0]), np.float32(end[1] - start[1])
    from_x, from_y = x - np.float32(start[0]), y - np.float32(start[1])
    length = max(run * run + rise * rise, np.float32(1e-9))
    share = np.clip((from_x * run + from_y * rise) / length, 0, 1)
    from_x, from_y = from_x - share * run, from_y - share * rise
    return np.asarray(from_x * from_x + from_y * from_y, np.float32)


def dome(depth: Field, radius: Field | float) -> Field:
    """Return the path in mm through a body with a rounded edge of this radius, at a depth within its outline."""
    inside = np.clip(depth, 0, radius)
    return np.asarray(2 * np.sqrt(np.maximum(inside * (2 * radius - inside), 0)), np.float32)


def smooth_step(share: Field) -> Field:
    """Return 0 below 0, 1 above 1, and a smooth transition between them."""
    clipped = np.clip(share, 0, 1).astype(np.float32)
    return np.asarray(clipped * clipped * (3 - 2 * clipped), np.float32)


def sample(field: Field, row: Field, column: Field) -> Field:
    """Interpolate bilinearly at fractional indices; positions beyond the edges get the value of the edge."""
    row, column = np.clip(row, 0, field.shape[0] - 1.001), np.clip(column, 0, field.shape[1] - 1.001)
    top, left = row.astype(np.int32), column.astype(np.int32)
    down, right = (row - top).astype(np.float32), (column - left).astype(np.float32)
    flat, first = field.ravel(), top * field.shape[1] + left
    upper = flat[first] + (flat[first + 1] - flat[first]) * right
    first = first + field.shape[1]
    lower = flat[first] + (flat[first + 1] - flat[first]) * right
    return np.asarray(upper + (lower - upper) * down, np.float32)


def enlarge(field: Field, rows: int, columns: int, step: float) -> Field:
    """Interpolate linearly to rows x columns; the samples of `field` lie `step` pixels apart, the first at 0."""
    at_row, at_column = (np.arange(n, dtype=np.float32) / np.float32(step) for n in (rows, columns))
    top = np.minimum(at_row.astype(np.int32), field.shape[0] - 2)
    left = np.minimum(at_column.astype(np.int32), field.shape[1] - 2)
    down, right = (at_row - top)[:, None], (at_column - left)[None, :]
    wide = field[:, left] + (field[:, left + 1] - field[:, left]) * right
    return np.asarray(wide[top] + (wide[top + 1] - wide[top]) * down, np.float32)


@dataclass(frozen=True, slots=True)
class Grid:
    """The mapping between pixels and the coordinates of the body.

    pixel_spacing: mm. origin: column and row of the origin of the body. rotation: degrees, clockwise. mirrored: whether
    the hand is a left hand. x points right for a right hand and left for a left hand; y points up. Both are in mm of a
    body that is drawn `size` times as large.
    """

    rows: int
    columns: int
    pixel_spacing: float
    origin: Point
    rotation: float = 0.0
    mirrored: bool = False
    size: float = 1.0

    @property
    def _axes(self) -> tuple[Point, Point]:
        """Unit vectors of x and y as (column, row)."""
        cosine, sine = turned(self.rotation)
        handedness = -1.0 if self.mirrored else 1.0
        return (handedness * cosine, sine * handedness), (sine, -cosine)

    @property
    def step(self) -> float:
        """The distance of two pixels in mm of the body."""
        return self.pixel_spacing / self.size

    def to_pixel(self, point: Point) -> Point:
        """Return column and row, measured between pixel centres, of a point in mm."""
        (xc, xr), (yc, yr) = self._axes
        x, y = point[0] / self.step, point[1] / self.step
        return x * xc + y * yc + self.origin[0], x * xr + y * yr + self.origin[1]

    def patch(self, points: Sequence[Point], margin: float) -> tuple[slice, slice]:
        """Return the rows and columns that contain the points and `margin` mm around them, clipped to the grid."""
        pixels = [self.to_pixel(point) for point in points]
        spans = []
        for axis, size in ((1, self.rows), (0, self.columns)):
            low = min(pixel[axis] for pixel in pixels) - margin / self.step
            high = max(pixel[axis] for pixel in pixels) + margin / self.step
            first, last = (min(max(math.floor(end), 0), size) for end in (low, high + 2))
            spans.append(slice(first, max(first, last)))
        return spans[0], spans[1]

    def positions(self, patch: tuple[slice, slice]) -> tuple[Field, Field]:
        """Return x and y in mm of the pixels of a patch."""
        (xc, xr), (yc, yr) = self._axes
        columns = ((np.arange(patch[1].start, patch[1].stop) - self.origin[0]) * self.step).astype(np.float32)[None, :]
        rows = ((np.arange(patch[0].start, patch[0].stop) - self.origin[1]) * self.step).astype(np.float32)[:, None]
        x = columns * np.float32(xc) + rows * np.float32(xr)
        return x, columns * np.float32(yc) + rows * np.float32(yr)

    @property
    def whole(self) -> tuple[slice, slice]:
        """The patch of the whole grid."""
        return slice(0, self.rows), slice(0, self.columns)
