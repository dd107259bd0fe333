# SPDX-License-Identifier: MIT
"""The detector plane, the collimated field, and the objects beside the patient: lead markers and a step wedge."""

from __future__ import annotations

from enum import Enum, auto

import numpy as np

from plainfilm.demo.geometry import Field, Point, distance_to, smooth_step, turned
from plainfilm.pickling import dataclass

FAR_MM = 1e3
CORNER_MM, WEDGE_MM = 15.0, (8.0, 7.0)
WEDGE_STEPS, WEDGE_EXPONENT = 9, 0.22


class Opening(Enum):
    """The shape of the field that the collimator leaves open."""

    RECTANGLE = auto()
    ROUND = auto()


@dataclass(frozen=True, slots=True)
class Collimation:
    """The collimated field.

    margin: distance from the edges of the detector in mm; negative values lie outside it. tilt: degrees, clockwise.
    """

    margin: float = 7.0
    tilt: float = 0.0
    opening: Opening = Opening.RECTANGLE


@dataclass(frozen=True, slots=True)
class Marker:
    """A lead letter in an upper corner of the field.

    right: whether it is in the right-hand corner of the image. mirrored: whether the letter is face down.
    ringed: whether a ring surrounds it. tilt: degrees, clockwise.
    """

    letter: str
    right: bool = True
    mirrored: bool = False
    ringed: bool = False
    tilt: float = 0.0


def _bowl(left: float, top: float) -> tuple[Point, ...]:
    """Return the bowl of an R as a half circle of 12 segments; y points down."""
    return tuple((left + 3.6 * turned(a)[1], top + 3.6 - 3.6 * turned(a)[0]) for a in range(0, 181, 15))


# the strokes of the letters around their center, 8 mm wide and 12 mm high; y points down
LETTERS: dict[str, tuple[tuple[Point, ...], ...]] = {
    "L": (((-3.0, -6.0), (-3.0, 6.0), (3.6, 6.0)),),
    "R": (((-3.4, 6.0), (-3.4, -6.0), (0.0, -6.0), *_bowl(0.0, -6.0), (-3.4, 1.2)), ((0.0, 1.2), (3.8, 6.0))),
}


@dataclass(frozen=True, slots=True)
class Detector:
    """The plane of the pixels. Positions are in mm from its center; x points right, y points down."""

    rows: int
    columns: int
    pixel_spacing: float

    @property
    def half(self) -> Point:
        """Half the width and half the height in mm."""
        return self.columns * self.pixel_spacing / 2, self.rows * self.pixel_spacing / 2

    def positions(self) -> tuple[Field, Field]:
        """Return x as (1, columns) and y as (rows, 1), in mm."""
        x = (np.arange(self.columns) - (self.columns - 1) / 2) * self.pixel_spacing
        y = (np.arange(self.rows) - (self.rows - 1) / 2) * self.pixel_spacing
        return x.astype(np.float32)[None, :], y.astype(np.float32)[:, None]

    def to_pixel(self, point: Point) -> Point:
        """Return column and row, from 0 and measured between pixel centres, of a point in mm."""
        return (
            point[0] / self.pixel_spacing + (self.columns - 1) / 2,
            point[1] / self.pixel_spacing + (self.rows - 1) / 2,
        )


def field_depth(detector: Detector, collimation: Collimation) -> Field:
    """Return how deep in mm each pixel lies within the collimated field, float32 (rows, columns); negative outside."""
    x, y = detector.positions()
    half_x, half_y = (np.float32(half - collimation.margin) for half in detector.half)
    if collimation.opening is Opening.ROUND:
        return np.asarray(np.float32(min(half_x, half_y)) - np.sqrt(x * x + y * y), np.float32)
    cosine, sine = (np.float32(part) for part in turned(collimation.tilt))
    inside = np.minimum(half_x - np.abs(x * cosine + y * sine), half_y - np.abs(y * cosine - x * sine))
    return np.asarray(inside, np.float32)


def field_outline(detector: Detector, collimation: Collimation) -> tuple[Point, ...]:
    """Return the outline of the collimated field as columns and rows: four corners, or 72 points of a circle."""
    half_x, half_y = (half - collimation.margin for half in detector.half)
    if collimation.opening is Opening.ROUND:
        radius = min(half_x, half_y)
        corners = [(radius * turned(5 * n)[0], radius * turned(5 * n)[1]) for n in range(72)]
        return tuple(detector.to_pixel(corner) for corner in corners)
    cosine, sine = turned(collimation.tilt)
    corners = [(-half_x, -half_y), (half_x, -half_y), (half_x, half_y), (-half_x, half_y)]
    return tuple(detector.to_pixel((x * cosine - y * sine, x * sine + y * cosine)) for x, y in corners)


def marker_center(detector: Detector, collimation: Collimation, marker: Marker) -> Point:
    """Return the position of a marker in mm from the center of the detector."""
    x, y = (half - max(collimation.margin, 0) - CORNER_MM for half in detector.half)
    x, y = (x if marker.right else -x), -y
    cosine, sine = turned(collimation.tilt)
    return x * cosine - y * sine, x * sine + y * cosine


def marker_cover(detector: Detector, collimation: Collimation, marker: Marker) -> Field:
    """Return the share of each pixel, 0 to 1, that a marker covers."""
    x, y = detector.positions()
    center = marker_center(detector, collimation, marker)
    cosine, sine = (np.float32(part) for part in turned(marker.tilt))
    x, y = x - np.float32(center[0]), y - np.float32(center[1])
    x, y = x * cosine + y * sine, y * cosine - x * sine
    x = -x if marker.mirrored else x
    distance = np.full(np.broadcast_shapes(x.shape, y.shape), FAR_MM, np.float32)
    rows, columns = _patch(distance.shape, detector, center)
    patch_x = np.broadcast_to(x, distance.shape)[rows, columns]
    patch_y = np.broadcast_to(y, distance.shape)[rows, columns]
    for stroke in LETTERS[marker.letter]:
        to_stroke = distance_to(patch_x, patch_y, stroke) - np.float32(0.95)
        distance[rows, columns] = np.minimum(distance[rows, columns], to_stroke)
    if marker.ringed:
        to_ring = np.abs(np.sqrt(patch_x * patch_x + patch_y * patch_y) - np.float32(10.6)) - np.float32(0.55)
        distance[rows, columns] = np.minimum(distance[rows, columns], to_ring)
    return np.asarray(np.clip(0.5 - distance / np.float32(detector.pixel_spacing), 0, 1), np.float32)


def _patch(shape: tuple[int, ...], detector: Detector, center: Point) -> tuple[slice, slice]:
    """Return the rows and columns around a marker."""
    column, row = detector.to_pixel(center)
    reach = CORNER_MM / detector.pixel_spacing
    spans = [
        (max(int(position - reach), 0), max(min(int(position + reach), size), 0))
        for position, size in zip((row, column), shape, strict=True)
    ]
    return slice(*spans[0]), slice(*spans[1])


def wedge_exponent(detector: Detector, collimation: Collimation) -> Field:
    """Return the exponent of an aluminium step wedge along the left edge of the field, with its thick end below."""
    x, y = detector.positions()
    left = -detector.half[0] + max(collimation.margin, 0) + 5.0
    top = detector.half[1] - max(collimation.margin, 0) - 8.0 - WEDGE_STEPS * WEDGE_MM[1]
    across = smooth_step(
        (np.float32(WEDGE_MM[0] / 2) - np.abs(x - np.float32(left + WEDGE_MM[0] / 2))) / np.float32(0.3)
    )
    step = np.floor((y - np.float32(top)) / np.float32(WEDGE_MM[1])) + 1
    inside = (step >= 1) & (step <= WEDGE_STEPS)
    return np.asarray(across * np.where(inside, step, 0) * np.float32(WEDGE_EXPONENT), np.float32)
