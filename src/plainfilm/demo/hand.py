# SPDX-License-Identifier: MIT
"""HandParameters -> the exposure of a detector under a hand: 1 in air, falling with what the beam went through.

A physical drawing: path lengths through flesh, cortex and trabecular bone, attenuated as Beer and Lambert say, with
scatter, the blur of a detector, quantum noise, a collimated border and a marker of lead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from plainfilm.demo import anatomy
from plainfilm.demo.anatomy import Point, Ray
from plainfilm.demo.drawing import (
    Chords,
    Field,
    Grid,
    depth_inside,
    dome,
    draw_block,
    draw_capsule,
    draw_tube,
    smooth_outline,
)

FIELD_MM = (206.0, 256.0)
MU_FLESH, MU_CORTEX, MU_TRABECULAR, MU_MARROW = 0.020, 0.150, 0.056, 0.012
LEAD = 0.0008
SCATTER = 0.06
LEAST_SIZE = 32


class Side(StrEnum):
    """Which hand, in the standard's own letters (Image Laterality, PS3.3 C.7.3.1.1.1)."""

    LEFT = "L"
    RIGHT = "R"


@dataclass(frozen=True, slots=True)
class Collimation:
    """The field that the collimator leaves open: distance from the detector's edges in mm, tilt in degrees."""

    margin: float = 7.0
    tilt: float = 0.0


@dataclass(frozen=True, slots=True)
class HandParameters:
    """One exposure of a hand, which fills the detector whatever its rows and columns; the same each time it is drawn.

    seed: pose, build and noise. photons: per square millimetre in air; fewer make the picture grainier.
    Raises ValueError for fewer than 32 rows or columns.
    """

    rows: int = 1000
    columns: int = 800
    side: Side = Side.RIGHT
    seed: int = 1
    collimation: Collimation = Collimation()
    photons: float = 60_000.0

    def __post_init__(self) -> None:
        if min(self.rows, self.columns) < LEAST_SIZE:
            raise ValueError(f"a hand needs at least {LEAST_SIZE} rows and columns, not {self.rows} x {self.columns}")

    @property
    def pixel_spacing(self) -> float:
        """Millimetres from one pixel to the next, in both directions."""
        return max(FIELD_MM[0] / self.columns, FIELD_MM[1] / self.rows)


def draw_exposure(parameters: HandParameters) -> Field:
    """The relative exposure of each pixel: float32 (rows, columns), about 1 in air, above 0 everywhere."""
    random = np.random.default_rng(parameters.seed)
    grid = _place(parameters, random)
    spread = random.uniform(0.8, 1.35)
    rays = [_pose(ray, spread, random) for ray in (anatomy.THUMB, *anatomy.FINGERS)]
    attenuation = MU_FLESH * _flesh(grid, rays)
    texture = _texture(grid, random)
    for chords in _bones(grid, rays):
        _add_bone(attenuation, chords, texture[chords.patch])
    return _detect(_irradiate(np.exp(-attenuation), grid, parameters), parameters, random)


def field_of(parameters: HandParameters) -> Field:
    """How far each pixel lies within the collimated field, in mm, negative outside; float32 (rows, columns)."""
    spacing, collimation = parameters.pixel_spacing, parameters.collimation
    cosine, sine = math.cos(math.radians(collimation.tilt)), math.sin(math.radians(collimation.tilt))
    x = ((np.arange(parameters.columns) - (parameters.columns - 1) / 2) * spacing)[None, :]
    y = ((np.arange(parameters.rows) - (parameters.rows - 1) / 2) * spacing)[:, None]
    half_x = parameters.columns * spacing / 2 - collimation.margin
    half_y = parameters.rows * spacing / 2 - collimation.margin
    inside = np.minimum(half_x - np.abs(x * cosine + y * sine), half_y - np.abs(y * cosine - x * sine))
    return np.asarray(inside, np.float32)


def _place(parameters: HandParameters, random: np.random.Generator) -> Grid:
    """The hand in the middle of the detector, as far as the thumb and the fingers go: not its origin."""
    tilt = random.uniform(-3.5, 3.5)
    mirrored = parameters.side is Side.LEFT
    middle = (parameters.columns - 1) / 2, (parameters.rows - 1) / 2
    unplaced = Grid(parameters.rows, parameters.columns, parameters.pixel_spacing, (0.0, 0.0), tilt, mirrored)
    column, row = unplaced.to_pixels([(-7.0, 50.0)])[0]
    origin = (middle[0] - column, middle[1] - row)
    return Grid(parameters.rows, parameters.columns, parameters.pixel_spacing, origin, tilt, mirrored)


Bone = tuple[tuple[Point, Point], anatomy.TubeShape, float]


@dataclass(frozen=True, slots=True)
class PosedRay:
    """The bones of a ray where they lie, and the flesh about them: capsules with a radius at each end."""

    bones: tuple[Bone, ...]
    flesh: tuple[tuple[tuple[Point, Point], tuple[float, float]], ...]


def _along(start: Point, degrees: float, length: float) -> Point:
    return start[0] + length * math.sin(math.radians(degrees)), start[1] + length * math.cos(math.radians(degrees))


def _pose(ray: Ray, spread: float, random: np.random.Generator) -> PosedRay:
    """Bend a ray a little, as no two hands lie alike."""
    direction, build = ray.direction * spread + random.uniform(-2.0, 2.0), random.uniform(0.97, 1.03)
    bones: list[Bone] = [((ray.base, ray.head), anatomy.METACARPAL, ray.girth)]
    flesh = []
    joint, radius = ray.head, ray.phalanges[0].flesh * 1.04
    for phalanx in ray.phalanges:
        start = _along(joint, direction, anatomy.JOINT_SPACE)
        end = _along(start, direction, phalanx.length * build)
        bones.append(((start, end), phalanx.shape, phalanx.girth))
        last = phalanx is ray.phalanges[-1]
        # the tip of the finger reaches beyond the bone, less its own round end
        reach = end if not last else _along(end, direction, 4.5 - phalanx.flesh)
        flesh.append(((joint, reach), (radius, phalanx.flesh)))
        joint, radius = end, phalanx.flesh
        direction += ray.bend + random.uniform(-1.5, 1.5)
    return PosedRay(tuple(bones), tuple(flesh))


def _flesh(grid: Grid, rays: list[PosedRay]) -> Field:
    """The path in mm through flesh: palm, balls and fingers, joined by a power mean so that no seam shows."""
    power = 5.0
    outline = smooth_outline(anatomy.PALM)
    palm = dome(depth_inside(grid, outline, grid.whole, scale=1), 12.5)
    x, y = grid.positions(grid.whole)
    for (centre_x, centre_y), (half_x, half_y), thickness in anatomy.BALLS:
        inside = 1 - ((x - centre_x) / half_x) ** 2 - ((y - centre_y) / half_y) ** 2
        palm += thickness * np.clip(inside, 0, None) * (palm > 0)
    total = palm**power
    for ray in rays:
        for ends, radii in ray.flesh:
            patch, chord = draw_capsule(grid, ends, radii)
            total[patch] += chord**power
    return np.asarray(total ** (1 / power), np.float32)


def _bones(grid: Grid, rays: list[PosedRay]) -> list[Chords]:
    """Every bone: 5 metacarpals, 14 phalanges, 2 sesamoids, 8 carpals, radius and ulna."""
    bones = [draw_tube(grid, ends, shape, girth) for ray in rays for ends, shape, girth in ray.bones]
    for across, along, radius in anatomy.SESAMOIDS:
        centre_x, centre_y = anatomy.THUMB.head[0] + across, anatomy.THUMB.head[1] + along
        circle = [
            (centre_x + radius * math.cos(a), centre_y + radius * math.sin(a)) for a in np.arange(6) * math.pi / 3
        ]
        bones.append(draw_block(grid, circle, 0.8 * radius, 0.4))
    bones += [draw_block(grid, points, 5.2, 0.8) for points in anatomy.CARPALS.values()]
    return bones + [
        _forearm_bone(grid, points, radius) for points, radius in ((anatomy.RADIUS, 8.0), (anatomy.ULNA, 6.0))
    ]


def _forearm_bone(grid: Grid, points: tuple[Point, ...], radius: float) -> Chords:
    """Radius or ulna: thin cortex at the joint, thick in the shaft."""
    patch = grid.patch(smooth_outline(points), 1.0)
    _, y = grid.positions(patch)
    shaft = np.clip((-45 - y) / 50, 0, 1)
    chords = draw_block(grid, points, radius, 0.8 + 2.0 * shaft)
    return Chords(chords.patch, chords.cortex, chords.filling, 1 - 0.8 * shaft)


def _texture(grid: Grid, random: np.random.Generator) -> Field:
    """Trabeculae: noise of about a millimetre, mean 0, standard deviation 1."""
    noise = random.standard_normal((grid.rows, grid.columns), np.float32)
    spacing = grid.pixel_spacing
    fine = cv2.GaussianBlur(noise, (0, 0), max(0.22 / spacing, 0.3)) - cv2.GaussianBlur(
        noise, (0, 0), max(0.7 / spacing, 0.6)
    )
    return np.asarray(fine / fine.std(), np.float32)


def _add_bone(attenuation: Field, chords: Chords, texture: Field) -> None:
    """Add a bone to the attenuation; it stands where flesh would be."""
    trabecular = MU_TRABECULAR * chords.trabecular * (1 + 0.12 * texture) + MU_MARROW * (1 - chords.trabecular)
    attenuation[chords.patch] += (MU_CORTEX - MU_FLESH) * chords.cortex + (trabecular - MU_MARROW) * chords.filling


def _irradiate(transmission: Field, grid: Grid, parameters: HandParameters) -> Field:
    """Heel effect, scatter, the collimator and the marker."""
    rows = np.linspace(1.0, 0.94, grid.rows, dtype=np.float32)[:, None]
    beam = transmission * rows
    small = cv2.resize(beam, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
    haze = cv2.resize(cv2.GaussianBlur(small, (0, 0), 2.0 / grid.pixel_spacing), (grid.columns, grid.rows))
    open_field = np.clip(field_of(parameters) / 0.6 + 0.5, 0, 1)
    lead = _marker(parameters)
    exposed = ((1 - SCATTER) * beam + SCATTER * haze) * open_field * (1 - lead)
    return np.asarray(np.maximum(exposed, LEAD), np.float32)


# the strokes of a letter of lead, 9 mm wide and 14 mm high, y down
BOWL: tuple[Point, ...] = tuple(
    (5 + 3.8 * math.sin(a), 3.8 - 3.8 * math.cos(a)) for a in np.linspace(0.2, math.pi, 12).tolist()
)
LETTERS: dict[Side, tuple[tuple[Point, ...], ...]] = {
    Side.LEFT: (((0, 0), (0, 14), (8.5, 14)),),
    Side.RIGHT: (((0, 14), (0, 0), (5, 0), *BOWL, (0, 7.6)), ((4.6, 7.6), (9, 14))),
}


def _marker(parameters: HandParameters) -> Field:
    """How much of each pixel lead covers, 0 to 1: the letter of the side, in the upper corner beyond the thumb."""
    spacing, margin = parameters.pixel_spacing, parameters.collimation.margin + 12.0
    left = margin if parameters.side is Side.RIGHT else parameters.columns * spacing - margin - 9.0
    mask = np.zeros((parameters.rows, parameters.columns), np.uint8)
    for stroke in LETTERS[parameters.side]:
        # in 1/256 of a pixel
        points = [np.round((np.asarray(stroke) + np.array([left, margin])) / spacing * 256).astype(np.int32)]
        cv2.polylines(mask, points, False, 255, max(1, round(2.0 / spacing)), cv2.LINE_AA, 8)
    return np.asarray(mask / np.float32(255), np.float32)


def _detect(exposed: Field, parameters: HandParameters, random: np.random.Generator) -> Field:
    """The blur of the detector and quantum noise."""
    spacing = parameters.pixel_spacing
    blurred = cv2.GaussianBlur(exposed, (0, 0), max(0.17 / spacing, 0.35))
    noise = cv2.GaussianBlur(random.standard_normal(exposed.shape, np.float32), (0, 0), 0.6)
    noisy = blurred + np.sqrt(blurred / np.float32(parameters.photons * spacing**2)) * noise
    return np.asarray(np.maximum(noisy, LEAD / 2), np.float32)
