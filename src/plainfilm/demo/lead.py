# SPDX-License-Identifier: MIT
"""What lies on the detector beside the patient: side markers of lead, a step wedge, the leaves of the collimator."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from plainfilm.demo.geometry import Field, Point, distance_to, smooth_step, turned

ANYWHERE = 1e3
CORNER_MM, WEDGE_MM = 15.0, (8.0, 7.0)
WEDGE_STEPS, WEDGE_EXPONENT = 9, 0.22


class Opening(Enum):
    """The shape of the field that the collimator leaves open."""

    RECTANGLE = auto()
    ROUND = auto()


@dataclass(frozen=True, slots=True)
class Collimation:
    """The open field: its shape, distance from the detector's edges in mm (negative: beyond them), tilt in degrees."""

    margin: float = 7.0
    tilt: float = 0.0
    opening: Opening = Opening.RECTANGLE


@dataclass(frozen=True, slots=True)
class Marker:
    """A letter of lead in an upper corner. mirrored: it was laid on its face. ringed: it stands in a ring.

    right: in the right-hand corner of the picture. tilt: as it happened to be laid, in degrees, clockwise.
    """

    letter: str
    right: bool = True
    mirrored: bool = False
    ringed: bool = False
    tilt: float = 0.0


def _bowl(left: float, top: float) -> tuple[Point, ...]:
    """The half round of an R, 12 pieces, y down."""
    return tuple((left + 3.6 * turned(a)[1], top + 3.6 - 3.6 * turned(a)[0]) for a in range(0, 181, 15))


# the strokes of the letters about their middle, 8 mm wide and 12 mm high, y down
LETTERS: dict[str, tuple[tuple[Point, ...], ...]] = {
    "L": (((-3.0, -6.0), (-3.0, 6.0), (3.6, 6.0)),),
    "R": (((-3.4, 6.0), (-3.4, -6.0), (0.0, -6.0), *_bowl(0.0, -6.0), (-3.4, 1.2)), ((0.0, 1.2), (3.8, 6.0))),
}


@dataclass(frozen=True, slots=True)
class Detector:
    """A plane of pixels: positions are in mm from its middle, x to the right, y down."""

    rows: int
    columns: int
    pixel_spacing: float

    @property
    def half(self) -> Point:
        """Half its width and half its height in mm."""
        return self.columns * self.pixel_spacing / 2, self.rows * self.pixel_spacing / 2

    def positions(self) -> tuple[Field, Field]:
        """x as (1, columns) and y as (rows, 1)."""
        x = (np.arange(self.columns) - (self.columns - 1) / 2) * self.pixel_spacing
        y = (np.arange(self.rows) - (self.rows - 1) / 2) * self.pixel_spacing
        return x.astype(np.float32)[None, :], y.astype(np.float32)[:, None]

    def to_pixel(self, point: Point) -> Point:
        """Column and row from 0, between pixel centres."""
        return (
            point[0] / self.pixel_spacing + (self.columns - 1) / 2,
            point[1] / self.pixel_spacing + (self.rows - 1) / 2,
        )


def field_depth(detector: Detector, collimation: Collimation) -> Field:
    """How far each pixel lies within the open field, in mm, negative outside; float32 (rows, columns)."""
    x, y = detector.positions()
    half_x, half_y = (np.float32(half - collimation.margin) for half in detector.half)
    if collimation.opening is Opening.ROUND:
        return np.asarray(np.float32(min(half_x, half_y)) - np.sqrt(x * x + y * y), np.float32)
    cosine, sine = (np.float32(part) for part in turned(collimation.tilt))
    inside = np.minimum(half_x - np.abs(x * cosine + y * sine), half_y - np.abs(y * cosine - x * sine))
    return np.asarray(inside, np.float32)


def field_outline(detector: Detector, collimation: Collimation) -> tuple[Point, ...]:
    """The edge of the open field as columns and rows: four corners, or 72 points of a circle."""
    half_x, half_y = (half - collimation.margin for half in detector.half)
    if collimation.opening is Opening.ROUND:
        radius = min(half_x, half_y)
        corners = [(radius * turned(5 * n)[0], radius * turned(5 * n)[1]) for n in range(72)]
        return tuple(detector.to_pixel(corner) for corner in corners)
    cosine, sine = turned(collimation.tilt)
    corners = [(-half_x, -half_y), (half_x, -half_y), (half_x, half_y), (-half_x, half_y)]
    return tuple(detector.to_pixel((x * cosine - y * sine, x * sine + y * cosine)) for x, y in corners)


def marker_middle(detector: Detector, collimation: Collimation, marker: Marker) -> Point:
    """Where a marker lies, in mm from the middle of the detector."""
    x, y = (half - max(collimation.margin, 0) - CORNER_MM for half in detector.half)
    x, y = (x if marker.right else -x), -y
    cosine, sine = turned(collimation.tilt)
    return x * cosine - y * sine, x * sine + y * cosine


def lead_cover(detector: Detector, collimation: Collimation, marker: Marker) -> Field:
    """How much of each pixel a marker covers, 0 to 1."""
    x, y = detector.positions()
    middle = marker_middle(detector, collimation, marker)
    cosine, sine = (np.float32(part) for part in turned(marker.tilt))
    x, y = x - np.float32(middle[0]), y - np.float32(middle[1])
    x, y = x * cosine + y * sine, y * cosine - x * sine
    x = -x if marker.mirrored else x
    near = np.full(np.broadcast_shapes(x.shape, y.shape), ANYWHERE, np.float32)
    rows, columns = _near(near.shape, detector, middle)
    own_x, own_y = np.broadcast_to(x, near.shape)[rows, columns], np.broadcast_to(y, near.shape)[rows, columns]
    for stroke in LETTERS[marker.letter]:
        near[rows, columns] = np.minimum(near[rows, columns], distance_to(own_x, own_y, stroke) - np.float32(0.95))
    if marker.ringed:
        ring = np.abs(np.sqrt(own_x * own_x + own_y * own_y) - np.float32(10.6)) - np.float32(0.55)
        near[rows, columns] = np.minimum(near[rows, columns], ring)
    return np.asarray(np.clip(0.5 - near / np.float32(detector.pixel_spacing), 0, 1), np.float32)


def _near(shape: tuple[int, ...], detector: Detector, middle: Point) -> tuple[slice, slice]:
    """The rows and columns about a marker."""
    column, row = detector.to_pixel(middle)
    reach = CORNER_MM / detector.pixel_spacing
    spans = [
        (max(int(at - reach), 0), max(min(int(at + reach), size), 0))
        for at, size in zip((row, column), shape, strict=True)
    ]
    return slice(*spans[0]), slice(*spans[1])


def wedge_exponent(detector: Detector, collimation: Collimation) -> Field:
    """What a step wedge of aluminium takes from the beam: it lies along the left edge of the field, thickest below."""
    x, y = detector.positions()
    left = -detector.half[0] + max(collimation.margin, 0) + 5.0
    top = detector.half[1] - max(collimation.margin, 0) - 8.0 - WEDGE_STEPS * WEDGE_MM[1]
    across = smooth_step(
        (np.float32(WEDGE_MM[0] / 2) - np.abs(x - np.float32(left + WEDGE_MM[0] / 2))) / np.float32(0.3)
    )
    step = np.floor((y - np.float32(top)) / np.float32(WEDGE_MM[1])) + 1
    inside = (step >= 1) & (step <= WEDGE_STEPS)
    return np.asarray(across * np.where(inside, step, 0) * np.float32(WEDGE_EXPONENT), np.float32)
