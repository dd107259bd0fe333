# SPDX-License-Identifier: MIT
"""A Radiograph (a subject, a detector and a beam) -> what reaches each pixel of the detector, and where things are.

The exponent of Beer and Lambert comes from the subject. Here the beam goes through it: heel effect, scatter, the
leaves of the collimator and lead, the blur of the focal spot, the noise of its quanta and of the detector. From the
table of exponentials on all is done in whole numbers and single operations of float32, so that a seed gives the same
film everywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

from plainfilm.demo.geometry import Field, Grid, Point, enlarge
from plainfilm.demo.hand import Hand, Landmarks, draw_hand
from plainfilm.demo.lead import (
    Collimation,
    Detector,
    Marker,
    field_depth,
    field_outline,
    lead_cover,
    marker_middle,
    wedge_exponent,
)
from plainfilm.demo.noise import SPREAD, Dice, blur
from plainfilm.demo.phantoms import Phantom, draw_phantom
from plainfilm.demo.skeleton import Side

# an exposure is a whole number, at least 1: AIR where nothing is in the way, LEAD behind lead
AIR, LEAD, MOST = 32768, 24, 45056
LEAST_SIZE = 32
STEPS = 1024
HAZE_STEP = 8
# the middle of a hand from its origin, in mm
MIDDLE = (-5.0, 46.0)


@dataclass(frozen=True, slots=True)
class Beam:
    """What the tube, the collimator and the radiographer add.

    photons: a square millimetre in air; fewer make the picture grainier. focal_spot: standard deviation of its blur,
    mm. scatter, heel: shares of the beam.
    """

    collimation: Collimation = Collimation()
    marker: Marker | None = None
    wedge: bool = False
    photons: float = 160_000.0
    focal_spot: float = 0.1
    scatter: float = 0.07
    heel: float = 0.07


@dataclass(frozen=True, slots=True)
class Radiograph:
    """One exposure; the same each time it is made. seed: of its noise alone.

    width: of the detector in mm; pixels are square. subject: one hand, two side by side, or a phantom.
    Raises ValueError for fewer than 32 rows or columns, and for more than two hands.
    """

    rows: int = 1024
    columns: int = 824
    width: float = 206.0
    subject: tuple[Hand, ...] | Phantom = (Hand(),)
    beam: Beam = Beam()
    seed: int = 1

    def __post_init__(self) -> None:
        if min(self.rows, self.columns) < LEAST_SIZE:
            raise ValueError(f"a film needs at least {LEAST_SIZE} rows and columns, not {self.rows} x {self.columns}")
        if isinstance(self.subject, tuple) and len(self.subject) not in (1, 2):
            raise ValueError(f"one hand or two lie on a film, not {len(self.subject)}")

    @property
    def pixel_spacing(self) -> float:
        """Millimetres from one pixel to the next, in both directions."""
        return round(self.width / self.columns, 6)

    @property
    def detector(self) -> Detector:
        """The plane of its pixels."""
        return Detector(self.rows, self.columns, self.pixel_spacing)

    @property
    def laterality(self) -> str:
        """L, R, or B for both (Image Laterality, PS3.3 C.7.3.1.1.1); U for a chest, which is unpaired."""
        if isinstance(self.subject, Phantom):
            return self.subject.laterality
        return "B" if len(self.subject) == 2 else self.subject[0].person.side.value


@dataclass(frozen=True, slots=True)
class Exposed:
    """values: uint16 (rows, columns), AIR in air. landmarks: columns and rows, from 0, by name; field: its outline."""

    values: npt.NDArray[np.uint16]
    landmarks: Landmarks = field(default_factory=dict)
    outline: tuple[Point, ...] = ()


def expose(radiograph: Radiograph) -> Exposed:
    """Make the exposure."""
    quanta, landmarks = _irradiate(replace(radiograph, seed=0))
    outline = field_outline(radiograph.detector, radiograph.beam.collimation)
    return Exposed(_detect(quanta, radiograph), dict(landmarks), outline)


@lru_cache(maxsize=40)
def _irradiate(radiograph: Radiograph) -> tuple[npt.NDArray[np.int32], Landmarks]:
    """What reaches the detector but for noise, kept: noise is cheap, and all that another seed changes."""
    exponent, landmarks = _draw(radiograph)
    detector, beam = radiograph.detector, radiograph.beam
    if beam.wedge:
        exponent = exponent + wedge_exponent(detector, beam.collimation)
    quanta = np.rint(_transmit(exponent, beam) * _open(detector, beam)).astype(np.int32)
    if beam.marker is not None:
        landmarks["marker"] = detector.to_pixel(marker_middle(detector, beam.collimation, beam.marker))
    return blur(quanta, max(round(2 * (beam.focal_spot / detector.pixel_spacing) ** 2), 1)) + LEAD, landmarks


def _draw(radiograph: Radiograph) -> tuple[Field, Landmarks]:
    """The exponents of the subject, and its landmarks; those of two hands begin with L or R."""
    if isinstance(radiograph.subject, Phantom):
        return draw_phantom(radiograph.subject, radiograph.detector), {}
    exponent = np.zeros((radiograph.rows, radiograph.columns), np.float32)
    landmarks: Landmarks = {}
    for hand in radiograph.subject:
        two = len(radiograph.subject) == 2
        drawn, found = draw_hand(hand, _grid(radiograph, hand, two))
        exponent += drawn
        prefix = f"{hand.person.side.value} " if two else ""
        landmarks |= {prefix + name: point for name, point in found.items()}
    return exponent, landmarks


def _grid(radiograph: Radiograph, hand: Hand, two: bool) -> Grid:
    """A hand in the middle of the detector, or of its half: a left hand in the right half, thumbs side by side."""
    side, size, pose = hand.person.side, hand.person.size, hand.pose
    columns, spacing = radiograph.columns, radiograph.pixel_spacing
    share = (0.25 if side is Side.LEFT else 0.75) if two else 0.5
    middle = share * columns - 0.5 + pose.offset[0] / spacing, (radiograph.rows - 1) / 2 + pose.offset[1] / spacing
    grid = Grid(radiograph.rows, columns, spacing, (0.0, 0.0), pose.rotation, side is Side.LEFT, size)
    column, row = grid.to_pixel(MIDDLE)
    origin = round(middle[0] - column, 6), round(middle[1] - row, 6)
    return Grid(radiograph.rows, columns, spacing, origin, pose.rotation, side is Side.LEFT, size)


@cache
def _exponentials() -> npt.NDArray[np.int32]:
    """AIR * exp(-n / STEPS) to the nearest, up to what lets nothing through."""
    return np.array([math.floor(round(AIR * math.exp(-n / STEPS), 6) + 0.5) for n in range(10 * STEPS)], np.int32)


def _transmit(exponent: Field, beam: Beam) -> Field:
    """Beer and Lambert, the heel effect along the rows, and a haze of scattered quanta."""
    table = _exponentials()
    quanta = table[np.clip(np.rint(exponent * STEPS).astype(np.int32), 0, table.size - 1)]
    heel = np.float32(1) - np.float32(beam.heel) * np.arange(exponent.shape[0], dtype=np.float32) / exponent.shape[0]
    direct = quanta.astype(np.float32) * heel[:, None]
    rows, columns = exponent.shape
    fitting = quanta[: rows // HAZE_STEP * HAZE_STEP, : columns // HAZE_STEP * HAZE_STEP]
    blocks = fitting.reshape(rows // HAZE_STEP, HAZE_STEP, columns // HAZE_STEP, HAZE_STEP).sum((1, 3)) // HAZE_STEP**2
    haze = enlarge(blur(blocks.astype(np.int32), 12).astype(np.float32), rows, columns, HAZE_STEP)
    return np.asarray((1 - np.float32(beam.scatter)) * direct + np.float32(beam.scatter) * haze, np.float32)


def _open(detector: Detector, beam: Beam) -> Field:
    """The share of the beam that collimator and marker let through, 0 to 1."""
    share = np.clip(field_depth(detector, beam.collimation) / np.float32(0.5) + np.float32(0.5), 0, 1)
    if beam.marker is not None:
        share = share * (1 - lead_cover(detector, beam.collimation, beam.marker))
    return np.asarray(share, np.float32)


def _detect(quanta: npt.NDArray[np.int32], radiograph: Radiograph) -> npt.NDArray[np.uint16]:
    """Noise of the quanta (Poisson's, as good as normal here) and of the detector."""
    share = np.float32(AIR / (radiograph.beam.photons * radiograph.pixel_spacing**2))
    # a detector spreads each quantum a little: its noise is not that of single pixels
    grain = blur(Dice(radiograph.seed, 3).bells(*quanta.shape) * 16, 1)
    spread = np.float32(16 * SPREAD * 0.375)
    deviation = np.sqrt(quanta.astype(np.float32) * share + np.float32(36))
    noisy = quanta + np.rint(grain.astype(np.float32) / spread * deviation).astype(np.int32)
    return np.asarray(np.clip(noisy, 1, MOST), np.uint16)
