# SPDX-License-Identifier: MIT
"""Simulate the exposure of a detector: the quanta that reach each pixel, and the positions of the landmarks.

The subject gives the exponent of the law of Beer and Lambert for each pixel. This module adds the beam: heel effect,
scatter, collimation and lead, the blur of the focal spot, and the noise of the quanta and of the detector. After the
lookup in the table of exponentials, all calculations use whole numbers and single operations of float32, so that a seed
gives the same radiograph on every machine.
"""

from __future__ import annotations

import math
from dataclasses import field, replace
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

from plainfilm.demo.detector import (
    Collimation,
    Detector,
    Marker,
    field_depth,
    field_outline,
    marker_center,
    marker_cover,
    wedge_exponent,
)
from plainfilm.demo.geometry import Field, Grid, Point, enlarge
from plainfilm.demo.hand import Hand, Landmarks, draw_hand
from plainfilm.demo.noise import SPREAD, RandomStream, blur
from plainfilm.demo.phantoms import Phantom, draw_phantom
from plainfilm.demo.skeleton import Side
from plainfilm.pickling import dataclass

# an exposure is a whole number from 1 to MOST: AIR where nothing attenuates the beam, LEAD behind lead
AIR, LEAD, MOST = 32768, 24, 45056
MIN_SIZE = 32
STEPS = 1024
BLOCK_SIZE = 8
# the center of a hand in its own coordinates, in mm
HAND_CENTER = (-5.0, 46.0)


@dataclass(frozen=True, slots=True)
class Beam:
    """The X-ray beam and the objects that the radiographer adds.

    photons: number per square millimetre in air; fewer photons give more noise. focal_spot: standard deviation of its
    blur in mm. scatter, heel: fractions of the beam. wedge: whether a step wedge is in the field.
    """

    collimation: Collimation = Collimation()
    marker: Marker | None = None
    wedge: bool = False
    photons: float = 160_000.0
    focal_spot: float = 0.1
    scatter: float = 0.07
    heel: float = 0.07


@dataclass(frozen=True, slots=True)
class Acquisition:
    """The parameters of one exposure, which is the same each time it is computed.

    width: width of the detector in mm; pixels are square. subject: one hand, two hands side by side, or a phantom.
    seed: seed of the noise. Raises ValueError for fewer than 32 rows or columns, and for more than two hands.
    """

    rows: int = 1024
    columns: int = 824
    width: float = 206.0
    subject: tuple[Hand, ...] | Phantom = (Hand(),)
    beam: Beam = Beam()
    seed: int = 1

    def __post_init__(self) -> None:
        if min(self.rows, self.columns) < MIN_SIZE:
            raise ValueError(
                f"a radiograph needs at least {MIN_SIZE} rows and columns, not {self.rows} x {self.columns}"
            )
        if isinstance(self.subject, tuple) and len(self.subject) not in (1, 2):
            raise ValueError(f"a radiograph shows one hand or two, not {len(self.subject)}")

    @property
    def pixel_spacing(self) -> float:
        """The distance of two pixels in mm, in both directions."""
        return round(self.width / self.columns, 6)

    @property
    def detector(self) -> Detector:
        """The plane of the pixels."""
        return Detector(self.rows, self.columns, self.pixel_spacing)

    @property
    def laterality(self) -> str:
        """L, R, or B for both (Image Laterality, PS3.3 C.7.3.1.1.1); U for a chest, which is unpaired."""
        if isinstance(self.subject, Phantom):
            return self.subject.laterality
        return "B" if len(self.subject) == 2 else self.subject[0].person.side.value


@dataclass(frozen=True, slots=True)
class Exposure:
    """The result of an exposure.

    values: uint16 (rows, columns), AIR in air. landmarks: columns and rows from 0, by name. outline: corners of the
    collimated field, as columns and rows from 0.
    """

    values: npt.NDArray[np.uint16]
    landmarks: Landmarks = field(default_factory=dict)
    outline: tuple[Point, ...] = ()


def expose(acquisition: Acquisition) -> Exposure:
    """Compute the exposure of an acquisition."""
    quanta, landmarks = _irradiate(replace(acquisition, seed=0))
    outline = field_outline(acquisition.detector, acquisition.beam.collimation)
    return Exposure(_detect(quanta, acquisition), dict(landmarks), outline)


@lru_cache(maxsize=40)
def _irradiate(acquisition: Acquisition) -> tuple[npt.NDArray[np.int32], Landmarks]:
    """Return the exposure without noise; it is cached, because another seed changes only the noise."""
    exponent, landmarks = _draw(acquisition)
    detector, beam = acquisition.detector, acquisition.beam
    if beam.wedge:
        exponent = exponent + wedge_exponent(detector, beam.collimation)
    quanta = np.rint(_transmit(exponent, beam) * _open_share(detector, beam)).astype(np.int32)
    if beam.marker is not None:
        landmarks["marker"] = detector.to_pixel(marker_center(detector, beam.collimation, beam.marker))
    return blur(quanta, max(round(2 * (beam.focal_spot / detector.pixel_spacing) ** 2), 1)) + LEAD, landmarks


def _draw(acquisition: Acquisition) -> tuple[Field, Landmarks]:
    """Return the exponents of the subject and its landmarks; the names for two hands begin with L or R."""
    if isinstance(acquisition.subject, Phantom):
        return draw_phantom(acquisition.subject, acquisition.detector), {}
    exponent = np.zeros((acquisition.rows, acquisition.columns), np.float32)
    landmarks: Landmarks = {}
    for hand in acquisition.subject:
        side_by_side = len(acquisition.subject) == 2
        hand_exponent, hand_landmarks = draw_hand(hand, _grid(acquisition, hand, side_by_side))
        exponent += hand_exponent
        prefix = f"{hand.person.side.value} " if side_by_side else ""
        landmarks |= {prefix + name: point for name, point in hand_landmarks.items()}
    return exponent, landmarks


def _grid(acquisition: Acquisition, hand: Hand, side_by_side: bool) -> Grid:
    """Return the grid that places a hand in the center of the detector, or of its half for two hands.

    A left hand lies in the left half, so that the thumbs are side by side.
    """
    side, size, pose = hand.person.side, hand.person.size, hand.pose
    columns, spacing = acquisition.columns, acquisition.pixel_spacing
    share = (0.25 if side is Side.LEFT else 0.75) if side_by_side else 0.5
    middle = share * columns - 0.5 + pose.offset[0] / spacing, (acquisition.rows - 1) / 2 + pose.offset[1] / spacing
    grid = Grid(acquisition.rows, columns, spacing, (0.0, 0.0), pose.rotation, side is Side.LEFT, size)
    column, row = grid.to_pixel(HAND_CENTER)
    origin = round(middle[0] - column, 6), round(middle[1] - row, 6)
    return Grid(acquisition.rows, columns, spacing, origin, pose.rotation, side is Side.LEFT, size)


@cache
def _exponentials() -> npt.NDArray[np.int32]:
    """Return the table of AIR * exp(-n / STEPS), rounded, up to full attenuation."""
    return np.array([math.floor(round(AIR * math.exp(-n / STEPS), 6) + 0.5) for n in range(10 * STEPS)], np.int32)


def _transmit(exponent: Field, beam: Beam) -> Field:
    """Apply the law of Beer and Lambert, the heel effect along the rows, and scatter."""
    table = _exponentials()
    quanta = table[np.clip(np.rint(exponent * STEPS).astype(np.int32), 0, table.size - 1)]
    heel = np.float32(1) - np.float32(beam.heel) * np.arange(exponent.shape[0], dtype=np.float32) / exponent.shape[0]
    direct = quanta.astype(np.float32) * heel[:, None]
    rows, columns = exponent.shape
    fitting = quanta[: rows // BLOCK_SIZE * BLOCK_SIZE, : columns // BLOCK_SIZE * BLOCK_SIZE]
    blocks = (
        fitting.reshape(rows // BLOCK_SIZE, BLOCK_SIZE, columns // BLOCK_SIZE, BLOCK_SIZE).sum((1, 3)) // BLOCK_SIZE**2
    )
    scatter = enlarge(blur(blocks.astype(np.int32), 12).astype(np.float32), rows, columns, BLOCK_SIZE)
    return np.asarray((1 - np.float32(beam.scatter)) * direct + np.float32(beam.scatter) * scatter, np.float32)


def _open_share(detector: Detector, beam: Beam) -> Field:
    """Return the share of the beam, 0 to 1, that passes the collimator and the marker."""
    share = np.clip(field_depth(detector, beam.collimation) / np.float32(0.5) + np.float32(0.5), 0, 1)
    if beam.marker is not None:
        share = share * (1 - marker_cover(detector, beam.collimation, beam.marker))
    return np.asarray(share, np.float32)


def _detect(quanta: npt.NDArray[np.int32], acquisition: Acquisition) -> npt.NDArray[np.uint16]:
    """Add the noise of the quanta (Poisson noise, here nearly normal) and of the detector."""
    share = np.float32(AIR / (acquisition.beam.photons * acquisition.pixel_spacing**2))
    # the detector spreads each quantum over some pixels, so the noise of neighbouring pixels is correlated
    grain = blur(RandomStream(acquisition.seed, 3).normal_integers(*quanta.shape) * 16, 1)
    spread = np.float32(16 * SPREAD * 0.375)
    deviation = np.sqrt(quanta.astype(np.float32) * share + np.float32(36))
    noisy = quanta + np.rint(grain.astype(np.float32) / spread * deviation).astype(np.int32)
    return np.asarray(np.clip(noisy, 1, MOST), np.uint16)
