# SPDX-License-Identifier: MIT
"""A person and a pose -> every bone where it lies, the finger tips and joints, and the rays that flesh follows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from plainfilm.demo import fingers, wrist
from plainfilm.demo.bone import BoneShape
from plainfilm.demo.fingers import JOINT_SPACE, KNUCKLE_SPACE, Ray
from plainfilm.demo.geometry import Point, along, between, turned
from plainfilm.demo.noise import Dice

GROWN = 17.0
SCAR_UNTIL = 30.0


class Side(StrEnum):
    """Which hand, in the standard's own letters (Image Laterality, PS3.3 C.7.3.1.1.1)."""

    LEFT = "L"
    RIGHT = "R"


@dataclass(frozen=True, slots=True)
class Person:
    """Whose hand: side, age in years (4 or more; below 17 growth plates are open and carpals small), size against an
    adult of the textbook, and what is odd about it.

    fracture: of the neck of the fifth metacarpal, bent towards the palm's edge. ring: of metal, on the ring finger.
    """

    side: Side = Side.RIGHT
    age: float = 42.0
    size: float = 1.0
    fracture: bool = False
    ring: bool = False


@dataclass(frozen=True, slots=True)
class Pose:
    """How the hand lies. spread: 1 is a hand laid down at ease, 0 has straight fingers, 1.8 is wide.

    rotation: of the whole hand on the detector in degrees, clockwise. offset: of its middle from that of its field, mm.
    """

    spread: float = 1.0
    rotation: float = 0.0
    offset: Point = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class PlacedBone:
    """A bone in the hand: where the origin of its frame lies, its direction in degrees from the y axis towards x, and
    how many times as wide and as long as its shape it is.

    above, below: the part of it, in the y of its frame, that is drawn: all of it unless it is broken.
    """

    name: str
    shape: BoneShape
    place: Point
    direction: float
    scale: Point
    gap: float = 0.0
    above: float = -1e3
    below: float = 1e3


@dataclass(frozen=True, slots=True)
class FleshPiece:
    """A tapered piece of a finger between two joints: its ends and the radius at each, in mm."""

    start: Point
    end: Point
    radii: tuple[float, float]


@dataclass(frozen=True, slots=True)
class PlacedRay:
    """A finger: its flesh from the head of the metacarpal to the tip, and its joints from there; the tip is last.

    nail: where the flesh begins to round off, the direction there in degrees, and the radius of the finger in mm.
    """

    name: str
    flesh: tuple[FleshPiece, ...]
    joints: tuple[Point, ...]
    nail: tuple[Point, float, float]


@dataclass(frozen=True, slots=True)
class Skeleton:
    """All bones of a hand, and its fingers: the thumb first."""

    bones: tuple[PlacedBone, ...]
    rays: tuple[PlacedRay, ...]


def place_bones(person: Person, pose: Pose, dice: Dice) -> Skeleton:
    """Lay down a hand; the dice vary its build and the lie of each finger a little."""
    bones: list[PlacedBone] = []
    rays = []
    gap = _gap(person.age)
    for ray in (fingers.THUMB, *fingers.FINGERS):
        own, placed = _place_ray(ray, pose, dice, gap)
        bones += own
        rays.append(placed)
    if person.fracture:
        bones = [part for bone in bones for part in (_broken(bone) if bone.name == "little metacarpal" else (bone,))]
    bones += _sesamoids(rays, person.age)
    bones += [_place_carpal(carpal, person.age, dice) for carpal in wrist.CARPALS]
    return Skeleton((*bones, *_forearm(person.age, gap)), tuple(rays))


def _gap(age: float) -> float:
    """How wide growth plates stand open, in mm; 0 when closed."""
    return 0.0 if age >= GROWN else round(min(0.9 + 0.08 * (GROWN - age), 2.0), 1)


def _place_ray(ray: Ray, pose: Pose, dice: Dice, gap: float) -> tuple[list[PlacedBone], PlacedRay]:
    direction = ray.direction * (1 + (pose.spread - 1) * ray.swing) + dice.uniform(-1.5, 1.5)
    build, width = dice.uniform(0.97, 1.03), dice.uniform(0.97, 1.03)
    head = _swung(ray, 2.2 * (pose.spread - 1) * ray.swing)
    bones = [_laid(f"{ray.name} metacarpal", ray.metacarpal, (ray.base, head), ray.girth * width, gap)]
    joints, flesh = [head], []
    joint, radius = head, ray.phalanges[0].flesh * 1.06
    for number, phalanx in enumerate(ray.phalanges):
        start = along(joint, direction, JOINT_SPACE if number else KNUCKLE_SPACE)
        end = along(start, direction, phalanx.length * build)
        bones.append(_laid(f"{ray.name} phalanx {number + 1}", phalanx.shape, (start, end), phalanx.girth * width, gap))
        last = phalanx is ray.phalanges[-1]
        reach = along(end, direction, 4.6 - phalanx.flesh) if last else end
        flesh.append(FleshPiece(joint, reach, (radius, phalanx.flesh * (0.94 if last else 1.0))))
        joint, radius = end, phalanx.flesh
        joints.append(along(end, direction, 4.6) if last else along(end, direction, JOINT_SPACE / 2))
        direction += ray.bend + dice.uniform(-1.2, 1.2)
    nail = (flesh[-1].end, direction, flesh[-1].radii[1])
    return bones, PlacedRay(ray.name, tuple(flesh), tuple(joints), nail)


def _swung(ray: Ray, degrees: float) -> Point:
    """The head of a metacarpal when it is turned a little about its base, outwards for more spread."""
    cosine, sine = turned(degrees if ray.direction > 0 else -degrees)
    x, y = ray.head[0] - ray.base[0], ray.head[1] - ray.base[1]
    return ray.base[0] + x * cosine + y * sine, ray.base[1] - x * sine + y * cosine


def _laid(name: str, shape: BoneShape, ends: tuple[Point, Point], girth: float, gap: float) -> PlacedBone:
    """A bone of a given width from its base to its head."""
    (x0, y0), (x1, y1) = ends
    length = math.sqrt((x1 - x0) ** 2 + (y1 - y0) ** 2)
    return PlacedBone(name, shape, ends[0], _direction(x1 - x0, y1 - y0), (girth, length / shape.span[1]), gap)


def _direction(x: float, y: float) -> float:
    """Degrees from the y axis towards x, to six places."""
    return round(math.degrees(math.atan2(x, y)), 6)


def _broken(bone: PlacedBone) -> tuple[PlacedBone, PlacedBone]:
    """The neck of a metacarpal broken through; the head has slipped and is bent by a quarter of a right angle."""
    break_at = 51.0
    pivot = along(bone.place, bone.direction, break_at * bone.scale[1])
    bent = bone.direction + 22.0
    moved = along(along(pivot, bent, -break_at * bone.scale[1] - 0.4), bent + 90, 1.6)
    return replace(bone, below=break_at), replace(bone, place=moved, direction=bent, above=break_at)


def _sesamoids(rays: list[PlacedRay], age: float) -> list[PlacedBone]:
    """Two at the first joint of the thumb, one at that of the little finger, none in young children."""
    if age < 13:
        return []
    places = ((0, 6.0, -3.4, 1.0), (0, -1.4, -5.6, 0.85), (4, -3.0, -4.6, 0.7))
    bones = []
    for ray, across, lengthwise, scale in places:
        first = rays[ray].flesh[0]
        direction = _direction(first.end[0] - first.start[0], first.end[1] - first.start[1])
        place = along(along(first.start, direction, lengthwise), direction + 90, across)
        bones.append(PlacedBone(f"{rays[ray].name} sesamoid", fingers.SESAMOID, place, direction, (scale, scale)))
    return bones


def _place_carpal(carpal: wrist.Carpal, age: float, dice: Dice) -> PlacedBone:
    """A carpal; in a child as much of it as has turned to bone."""
    formed = math.sqrt(min(max((age - carpal.appears + 0.8) / (14.0 - carpal.appears), 0.0), 1.0))
    scale = max(formed, 0.02) * dice.uniform(0.985, 1.015)
    drift = dice.uniform(-0.25, 0.25), dice.uniform(-0.25, 0.25)
    place = tuple(between(carpal.middle, (0.0, 0.0), scale)[axis] + drift[axis] for axis in (0, 1))
    return PlacedBone(carpal.name, carpal.shape, (place[0], place[1]), 0.0, (scale, scale))


def _forearm(age: float, gap: float) -> tuple[PlacedBone, PlacedBone]:
    scarred = GROWN <= age < SCAR_UNTIL
    radius = replace(wrist.RADIUS, accents=(*wrist.RADIUS.accents, wrist.SCAR)) if scarred else wrist.RADIUS
    return (
        PlacedBone("radius", radius, (0.0, 0.0), 0.0, (1.0, 1.0), gap),
        PlacedBone("ulna", wrist.ULNA, (0.0, 0.0), 0.0, (1.0, 1.0), gap),
    )
