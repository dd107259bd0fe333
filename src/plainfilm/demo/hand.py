# SPDX-License-Identifier: MIT
"""Draw a hand: its exponent in the law of Beer and Lambert for each pixel, and its landmarks."""

from __future__ import annotations

import math

import numpy as np

from plainfilm.demo.bone import STEP_MM, project
from plainfilm.demo.geometry import Field, Grid, Point, sample, smooth_step, turned
from plainfilm.demo.noise import RandomStream, TileOffset, random_offset, trabeculae
from plainfilm.demo.skeleton import Person, PlacedBone, PlacedRay, Pose, Skeleton, place_bones
from plainfilm.demo.soft_tissue import draw_nail, draw_soft_tissue
from plainfilm.pickling import dataclass

# attenuation per mm at about 50 kVp
MU_SKIN, MU_SOFT_TISSUE, MU_CORTEX, MU_SPONGY, MU_NAIL, MU_RING = 0.0250, 0.0205, 0.128, 0.034, 0.04, 3.0
# relative contrast of the trabeculae in spongy bone; difference of the attenuations of soft tissue and marrow per mm
TRABECULA_CONTRAST, MARROW = 0.46, 0.004
TEXEL_MM = 0.2
RING_MM = 3.2


@dataclass(frozen=True, slots=True)
class Hand:
    """A hand on the detector. seed: seed of its small individual variations."""

    person: Person = Person()
    pose: Pose = Pose()
    seed: int = 1


Landmarks = dict[str, Point]


def draw_hand(hand: Hand, grid: Grid) -> tuple[Field, Landmarks]:
    """Return the exponent of each pixel, float32 (rows, columns), and the landmarks of `landmarks_of`."""
    skeleton = place_bones(hand.person, hand.pose, RandomStream(hand.seed, 1))
    all_tissue, within_skin = draw_soft_tissue(grid, skeleton)
    exponent = MU_SKIN * (all_tissue - within_skin) + MU_SOFT_TISSUE * within_skin
    random = RandomStream(hand.seed, 2)
    for bone in skeleton.bones:
        _add_bone(exponent, grid, bone, random_offset(random))
    for ray in skeleton.rays:
        patch, nail = draw_nail(grid, ray)
        exponent[patch] += np.float32(MU_NAIL) * nail
    if hand.person.ring:
        _add_ring(exponent, grid, skeleton.rays[3])
    return exponent, landmarks_of(skeleton, grid)


def landmarks_of(skeleton: Skeleton, grid: Grid) -> Landmarks:
    """Return column and row of the joints and the tip of each finger, by name.

    Columns and rows count from 0 and are measured between pixel centres.
    """
    landmarks = {}
    for ray in skeleton.rays:
        names = ("mcp", "ip", "tip") if ray.name == "thumb" else ("mcp", "pip", "dip", "tip")
        for name, joint in zip(names, ray.joints, strict=True):
            landmarks[f"{ray.name} {name}"] = grid.to_pixel(joint)
    return landmarks


def _add_bone(exponent: Field, grid: Grid, bone: PlacedBone, offset: TileOffset) -> None:
    """Add a bone, which replaces soft tissue; the trabeculae of its spongy part begin at an offset of their tile."""
    projection = project(bone.shape, bone.gap)
    rows, columns = projection.cortex.shape
    corners = [
        _from_frame(bone, (projection.origin[0] + across, projection.origin[1] + up))
        for across in (0.0, columns * STEP_MM)
        for up in (0.0, rows * STEP_MM)
    ]
    patch = grid.patch(corners, 0.0)
    if patch[0].start == patch[0].stop or patch[1].start == patch[1].stop:
        return
    x, y = _to_frame(bone, *grid.positions(patch))
    row = (y - np.float32(projection.origin[1])) / np.float32(STEP_MM)
    column = (x - np.float32(projection.origin[0])) / np.float32(STEP_MM)
    cortex, spongy = sample(projection.cortex, row, column), sample(projection.spongy, row, column)
    texture = trabeculae(x * np.float32(bone.scale[0] / TEXEL_MM), y * np.float32(bone.scale[1] / TEXEL_MM), offset)
    depth = np.float32(bone.scale[0])
    added = np.float32(MU_CORTEX - MU_SOFT_TISSUE) * cortex * (1 + np.float32(0.05) * texture)
    added = added + spongy * (np.float32(MU_SPONGY - MARROW) + np.float32(MU_SPONGY * TRABECULA_CONTRAST) * texture)
    exponent[patch] += added * depth * _share_of_part(bone, x, y)


def _share_of_part(bone: PlacedBone, x: Field, y: Field) -> Field:
    """Return the share of each pixel that belongs to this part of a broken bone; the break is oblique and ragged."""
    if bone.above < -1e2 and bone.below > 1e2:
        return np.ones_like(y)
    saw = x * np.float32(0.28) - np.floor(x * np.float32(0.28)) - np.float32(0.5)
    line = y - np.float32(0.3) * x + np.float32(2.4) * np.abs(saw)
    blunt = np.float32(0.7)
    return np.asarray(
        smooth_step((line - np.float32(bone.above)) / blunt) * smooth_step((np.float32(bone.below) - line) / blunt),
        np.float32,
    )


def _from_frame(bone: PlacedBone, point: Point) -> Point:
    """Convert a point from the coordinates of a bone to those of the hand, in mm."""
    cosine, sine = turned(bone.direction)
    x, y = point[0] * bone.scale[0], point[1] * bone.scale[1]
    return bone.origin[0] + x * cosine + y * sine, bone.origin[1] - x * sine + y * cosine


def _to_frame(bone: PlacedBone, x: Field, y: Field) -> tuple[Field, Field]:
    """Convert positions from the coordinates of the hand to those of a bone, in mm."""
    cosine, sine = (np.float32(part) for part in turned(bone.direction))
    x, y = x - np.float32(bone.origin[0]), y - np.float32(bone.origin[1])
    return (x * cosine - y * sine) / np.float32(bone.scale[0]), (x * sine + y * cosine) / np.float32(bone.scale[1])


def _add_ring(exponent: Field, grid: Grid, ray: PlacedRay) -> None:
    """Add a metal ring around the first phalanx: the path is longest at its sides, where it is parallel to the beam."""
    segment = ray.segments[0]
    patch = grid.patch((segment.start, segment.end), 13.0)
    x, y = grid.positions(patch)
    run, rise = segment.end[0] - segment.start[0], segment.end[1] - segment.start[1]
    length = math.sqrt(run * run + rise * rise)
    run, rise = run / length, rise / length
    from_x, from_y = x - np.float32(segment.start[0]), y - np.float32(segment.start[1])
    lengthwise = from_x * np.float32(run) + from_y * np.float32(rise) - np.float32(0.56 * length)
    across = from_x * np.float32(rise) - from_y * np.float32(run)
    radius = np.float32(segment.radii[1] + 0.3)
    band = smooth_step((np.float32(RING_MM / 2) - np.abs(lengthwise)) / np.float32(0.3))
    outer = np.sqrt(np.maximum(radius * radius - across * across, 0))
    inner = np.sqrt(np.maximum((radius - 1) * (radius - 1) - across * across, 0))
    exponent[patch] += np.float32(MU_RING) * band * 2 * (outer - inner)
