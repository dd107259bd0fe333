# SPDX-License-Identifier: MIT
"""Place the bones of a hand, for a person and a pose, with finger tips, joints and the segments of the fingers."""

from __future__ import annotations

import math
from dataclasses import replace
from enum import StrEnum

from plainfilm.demo import fingers, wrist
from plainfilm.demo.bone import BoneShape
from plainfilm.demo.fingers import JOINT_SPACE, KNUCKLE_SPACE, Ray
from plainfilm.demo.geometry import Point, along, between, turned
from plainfilm.demo.noise import RandomStream
from plainfilm.pickling import dataclass

GROWN = 17.0
SCAR_UNTIL = 30.0


class Side(StrEnum):
    """The side of a hand, as a value of Image Laterality (PS3.3 C.7.3.1.1.1)."""

    LEFT = "L"
    RIGHT = "R"


@dataclass(frozen=True, slots=True)
class Person:
    """The person whose hand is shown.

    age: years, 4 or more; below 17 the growth plates are open and the carpals small. size: relative to the adult hand
    of fingers.py. fracture: whether the neck of the fifth metacarpal is broken and bent towards the edge of the palm.
    ring: whether the ring finger has a metal ring.
    """

    side: Side = Side.RIGHT
    age: float = 42.0
    size: float = 1.0
    fracture: bool = False
    ring: bool = False


@dataclass(frozen=True, slots=True)
class Pose:
    """The pose of a hand on the detector.

    spread: of the fingers; 0 is parallel, 1 is relaxed, 1.8 is wide. rotation: of the whole hand in degrees, clockwise.
    offset: of the center of the hand from the center of its area, in mm.
    """

    spread: float = 1.0
    rotation: float = 0.0
    offset: Point = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class PlacedBone:
    """A bone in the hand.

    origin: origin of the coordinates of the bone, in mm of the hand. direction: degrees from the y axis towards x.
    scale: width and length relative to the shape. gap: width of an open growth plate in mm. above, below: limits, in y
    of the bone, of the part that is drawn; they exclude nothing unless the bone is broken.
    """

    name: str
    shape: BoneShape
    origin: Point
    direction: float
    scale: Point
    gap: float = 0.0
    above: float = -1e3
    below: float = 1e3


@dataclass(frozen=True, slots=True)
class FingerSegment:
    """A tapered segment of a finger between two joints: its ends and the radius at each end, in mm."""

    start: Point
    end: Point
    radii: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Nail:
    """A nail: the start of the rounded finger tip, the direction there in degrees, and the finger radius in mm."""

    position: Point
    direction: float
    radius: float


@dataclass(frozen=True, slots=True)
class PlacedRay:
    """A finger: its segments from the head of the metacarpal to the tip, and its joints in the same order, tip last."""

    name: str
    segments: tuple[FingerSegment, ...]
    joints: tuple[Point, ...]
    nail: Nail


@dataclass(frozen=True, slots=True)
class Skeleton:
    """All bones of a hand, and its fingers, the thumb first."""

    bones: tuple[PlacedBone, ...]
    rays: tuple[PlacedRay, ...]


def place_bones(person: Person, pose: Pose, random: RandomStream) -> Skeleton:
    """Place the bones of a hand; random numbers vary the proportions and the direction of each finger a little."""
    bones: list[PlacedBone] = []
    rays = []
    gap = _gap(person.age)
    for ray in (fingers.THUMB, *fingers.FINGERS):
        ray_bones, placed_ray = _place_ray(ray, pose, random, gap)
        bones += ray_bones
        rays.append(placed_ray)
    if person.fracture:
        bones = [part for bone in bones for part in (_broken(bone) if bone.name == "little metacarpal" else (bone,))]
    bones += _sesamoids(rays, person.age)
    bones += [_place_carpal(carpal, person.age, random) for carpal in wrist.CARPALS]
    return Skeleton((*bones, *_forearm(person.age, gap)), tuple(rays))


def _gap(age: float) -> float:
    """Return the width of the open growth plates in mm; 0 for closed ones."""
    return 0.0 if age >= GROWN else round(min(0.9 + 0.08 * (GROWN - age), 2.0), 1)


def _place_ray(ray: Ray, pose: Pose, random: RandomStream, gap: float) -> tuple[list[PlacedBone], PlacedRay]:
    direction = ray.direction * (1 + (pose.spread - 1) * ray.swing) + random.uniform(-1.5, 1.5)
    length_scale, width_scale = random.uniform(0.97, 1.03), random.uniform(0.97, 1.03)
    head = _rotated_head(ray, 2.2 * (pose.spread - 1) * ray.swing)
    bones = [_bone_between(f"{ray.name} metacarpal", ray.metacarpal, ray.base, head, ray.girth * width_scale, gap)]
    joints, segments = [head], []
    joint, radius = head, ray.phalanges[0].finger_radius * 1.06
    for number, phalanx in enumerate(ray.phalanges):
        start = along(joint, direction, JOINT_SPACE if number else KNUCKLE_SPACE)
        end = along(start, direction, phalanx.length * length_scale)
        name, girth = f"{ray.name} phalanx {number + 1}", phalanx.girth * width_scale
        bones.append(_bone_between(name, phalanx.shape, start, end, girth, gap))
        is_last = phalanx is ray.phalanges[-1]
        segment_end = along(end, direction, 4.6 - phalanx.finger_radius) if is_last else end
        end_radius = phalanx.finger_radius * (0.94 if is_last else 1.0)
        segments.append(FingerSegment(joint, segment_end, (radius, end_radius)))
        joint, radius = end, phalanx.finger_radius
        joints.append(along(end, direction, 4.6) if is_last else along(end, direction, JOINT_SPACE / 2))
        direction += ray.bend + random.uniform(-1.2, 1.2)
    nail = Nail(segments[-1].end, direction, segments[-1].radii[1])
    return bones, PlacedRay(ray.name, tuple(segments), tuple(joints), nail)


def _rotated_head(ray: Ray, degrees: float) -> Point:
    """Return the head of a metacarpal that is rotated around its base, outwards for more spread."""
    cosine, sine = turned(degrees if ray.direction > 0 else -degrees)
    x, y = ray.head[0] - ray.base[0], ray.head[1] - ray.base[1]
    return ray.base[0] + x * cosine + y * sine, ray.base[1] - x * sine + y * cosine


def _bone_between(name: str, shape: BoneShape, base: Point, head: Point, girth: float, gap: float) -> PlacedBone:
    """Return a bone of a relative width between its base and its head."""
    run, rise = head[0] - base[0], head[1] - base[1]
    length = math.sqrt(run**2 + rise**2)
    return PlacedBone(name, shape, base, _direction(run, rise), (girth, length / shape.span[1]), gap)


def _direction(x: float, y: float) -> float:
    """Return degrees from the y axis towards x, rounded to six places."""
    return round(math.degrees(math.atan2(x, y)), 6)


def _broken(bone: PlacedBone) -> tuple[PlacedBone, PlacedBone]:
    """Return both parts of a metacarpal with a broken neck; the head is displaced and bent by 22 degrees."""
    break_at = 51.0
    pivot = along(bone.origin, bone.direction, break_at * bone.scale[1])
    head_direction = bone.direction + 22.0
    origin = along(along(pivot, head_direction, -break_at * bone.scale[1] - 0.4), head_direction + 90, 1.6)
    return replace(bone, below=break_at), replace(bone, origin=origin, direction=head_direction, above=break_at)


def _sesamoids(rays: list[PlacedRay], age: float) -> list[PlacedBone]:
    """Return two sesamoids at the first joint of the thumb and one at the little finger; none for a young child."""
    if age < 13:
        return []
    places = ((0, 6.0, -3.4, 1.0), (0, -1.4, -5.6, 0.85), (4, -3.0, -4.6, 0.7))
    bones = []
    for ray, across, lengthwise, scale in places:
        first = rays[ray].segments[0]
        direction = _direction(first.end[0] - first.start[0], first.end[1] - first.start[1])
        origin = along(along(first.start, direction, lengthwise), direction + 90, across)
        bones.append(PlacedBone(f"{rays[ray].name} sesamoid", fingers.SESAMOID, origin, direction, (scale, scale)))
    return bones


def _place_carpal(carpal: wrist.Carpal, age: float, random: RandomStream) -> PlacedBone:
    """Return a carpal; for a child, the part that is already ossified."""
    ossified_share = math.sqrt(min(max((age - carpal.appears + 0.8) / (14.0 - carpal.appears), 0.0), 1.0))
    scale = max(ossified_share, 0.02) * random.uniform(0.985, 1.015)
    drift = random.uniform(-0.25, 0.25), random.uniform(-0.25, 0.25)
    origin = tuple(between(carpal.center, (0.0, 0.0), scale)[axis] + drift[axis] for axis in (0, 1))
    return PlacedBone(carpal.name, carpal.shape, (origin[0], origin[1]), 0.0, (scale, scale))


def _forearm(age: float, gap: float) -> tuple[PlacedBone, PlacedBone]:
    has_scar = GROWN <= age < SCAR_UNTIL
    radius = replace(wrist.RADIUS, accents=(*wrist.RADIUS.accents, wrist.SCAR)) if has_scar else wrist.RADIUS
    return (
        PlacedBone("radius", radius, (0.0, 0.0), 0.0, (1.0, 1.0), gap),
        PlacedBone("ulna", wrist.ULNA, (0.0, 0.0), 0.0, (1.0, 1.0), gap),
    )
