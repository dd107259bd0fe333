# SPDX-License-Identifier: MIT
"""A person and a pose -> how much a hand takes from the beam (the exponent of Beer and Lambert), and its landmarks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from plainfilm.demo.bone import STEP_MM, project
from plainfilm.demo.flesh import draw_flesh, draw_nail
from plainfilm.demo.geometry import Field, Grid, Point, sample, smooth_step, turned
from plainfilm.demo.noise import Dice, trabeculae
from plainfilm.demo.skeleton import Person, PlacedBone, PlacedRay, Pose, Skeleton, place_bones

# attenuation per mm at about 50 kVp
MU_SKIN, MU_FLESH, MU_CORTEX, MU_SPONGY, MU_NAIL, MU_RING = 0.0250, 0.0205, 0.128, 0.034, 0.04, 3.0
# how much the net of trabeculae varies spongy bone, and what marrow takes less than flesh
NET, MARROW = 0.46, 0.004
TEXEL_MM = 0.2
RING_MM = 3.2


@dataclass(frozen=True, slots=True)
class Hand:
    """A hand on the detector: whose, how it lies, and the seed of its build."""

    person: Person = Person()
    pose: Pose = Pose()
    seed: int = 1


Landmarks = dict[str, Point]


def draw_hand(hand: Hand, grid: Grid) -> tuple[Field, Landmarks]:
    """The exponent of each pixel, float32 (rows, columns), and columns and rows of finger tips and joints by name."""
    skeleton = place_bones(hand.person, hand.pose, Dice(hand.seed, 1))
    whole, within = draw_flesh(grid, skeleton)
    exponent = MU_SKIN * (whole - within) + MU_FLESH * within
    lie = Dice(hand.seed, 2)
    for bone in skeleton.bones:
        _add_bone(exponent, grid, bone, (lie.below(512), lie.below(512)))
    for ray in skeleton.rays:
        patch, nail = draw_nail(grid, ray)
        exponent[patch] += np.float32(MU_NAIL) * nail
    if hand.person.ring:
        _add_ring(exponent, grid, skeleton.rays[3])
    return exponent, landmarks_of(skeleton, grid)


def landmarks_of(skeleton: Skeleton, grid: Grid) -> Landmarks:
    """Columns and rows from 0, between pixel centres: each finger's joints from the palm outwards, and its tip."""
    found = {}
    for ray in skeleton.rays:
        names = ("mcp", "ip", "tip") if ray.name == "thumb" else ("mcp", "pip", "dip", "tip")
        for name, joint in zip(names, ray.joints, strict=True):
            found[f"{ray.name} {name}"] = grid.to_pixel(joint)
    return found


def _add_bone(exponent: Field, grid: Grid, bone: PlacedBone, lie: tuple[int, int]) -> None:
    """A bone in place of the flesh that would be there, its spongy part a net of trabeculae."""
    shadow = project(bone.shape, bone.gap)
    rows, columns = shadow.cortex.shape
    corners = [
        _from_frame(bone, (shadow.origin[0] + across, shadow.origin[1] + up))
        for across in (0.0, columns * STEP_MM)
        for up in (0.0, rows * STEP_MM)
    ]
    patch = grid.patch(corners, 0.0)
    if patch[0].start == patch[0].stop or patch[1].start == patch[1].stop:
        return
    x, y = _to_frame(bone, *grid.positions(patch))
    row = (y - np.float32(shadow.origin[1])) / np.float32(STEP_MM)
    column = (x - np.float32(shadow.origin[0])) / np.float32(STEP_MM)
    cortex, spongy = sample(shadow.cortex, row, column), sample(shadow.spongy, row, column)
    net = trabeculae(x * np.float32(bone.scale[0] / TEXEL_MM), y * np.float32(bone.scale[1] / TEXEL_MM), lie)
    depth = np.float32(bone.scale[0])
    taken = np.float32(MU_CORTEX - MU_FLESH) * cortex * (1 + np.float32(0.05) * net)
    taken = taken + spongy * (np.float32(MU_SPONGY - MARROW) + np.float32(MU_SPONGY * NET) * net)
    exponent[patch] += taken * depth * _kept(bone, x, y)


def _kept(bone: PlacedBone, x: Field, y: Field) -> Field:
    """How much of each pixel belongs to this part of a broken bone; the break is oblique and ragged."""
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
    """A point of a bone's frame, in mm of the hand."""
    cosine, sine = turned(bone.direction)
    x, y = point[0] * bone.scale[0], point[1] * bone.scale[1]
    return bone.place[0] + x * cosine + y * sine, bone.place[1] - x * sine + y * cosine


def _to_frame(bone: PlacedBone, x: Field, y: Field) -> tuple[Field, Field]:
    """Positions of the hand in the frame of a bone."""
    cosine, sine = (np.float32(part) for part in turned(bone.direction))
    x, y = x - np.float32(bone.place[0]), y - np.float32(bone.place[1])
    return (x * cosine - y * sine) / np.float32(bone.scale[0]), (x * sine + y * cosine) / np.float32(bone.scale[1])


def _add_ring(exponent: Field, grid: Grid, ray: PlacedRay) -> None:
    """A band of metal about the first phalanx: two walls, and more where it bends away from the beam."""
    piece = ray.flesh[0]
    patch = grid.patch((piece.start, piece.end), 13.0)
    x, y = grid.positions(patch)
    run, rise = piece.end[0] - piece.start[0], piece.end[1] - piece.start[1]
    length = math.sqrt(run * run + rise * rise)
    run, rise = run / length, rise / length
    from_x, from_y = x - np.float32(piece.start[0]), y - np.float32(piece.start[1])
    lengthwise = from_x * np.float32(run) + from_y * np.float32(rise) - np.float32(0.56 * length)
    across = from_x * np.float32(rise) - from_y * np.float32(run)
    radius = np.float32(piece.radii[1] + 0.3)
    band = smooth_step((np.float32(RING_MM / 2) - np.abs(lengthwise)) / np.float32(0.3))
    outer = np.sqrt(np.maximum(radius * radius - across * across, 0))
    inner = np.sqrt(np.maximum((radius - 1) * (radius - 1) - across * across, 0))
    exponent[patch] += np.float32(MU_RING) * band * 2 * (outer - inner)
