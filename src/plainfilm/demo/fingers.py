# SPDX-License-Identifier: MIT
"""The shapes and positions of the metacarpals and phalanges of a right hand with its palm on the detector.

All numbers are in mm. The origin is the joint of capitate and third metacarpal; x points towards the little finger, y
towards the finger tips. The proportions are those of an adult hand in textbooks, not of a real person.
"""

from __future__ import annotations

from plainfilm.demo.bone import Accent, BoneShape
from plainfilm.demo.geometry import Point
from plainfilm.pickling import dataclass


@dataclass(frozen=True, slots=True)
class Phalanx:
    """A phalanx: shape, length in mm, width relative to the shape (girth), and finger radius at its end in mm."""

    shape: BoneShape
    length: float
    girth: float
    finger_radius: float


@dataclass(frozen=True, slots=True)
class Ray:
    """A ray of the hand: a metacarpal and its phalanges.

    base, head: ends of the metacarpal in mm. girth: width of the metacarpal relative to its shape. direction: of the
    finger, in degrees from the y axis towards the little finger. bend: degrees added at each further joint. swing:
    share of the spread of the fingers that applies to this ray.
    """

    name: str
    base: Point
    head: Point
    metacarpal: BoneShape
    girth: float
    direction: float
    bend: float
    phalanges: tuple[Phalanx, ...]
    swing: float = 1.0


def _both_sides(middle_base: float, half: tuple[Point, ...], middle_head: float) -> tuple[Point, ...]:
    """Return a symmetric outline from its right half, base to head, and the y of base and head on the axis."""
    left = tuple((-x, y) for x, y in reversed(half))
    return ((0.0, middle_base), *half, (0.0, middle_head), *left)


# fmt: off
PROXIMAL = BoneShape(
    outline=_both_sides(1.5, (
        (3.6, 0.9), (6.2, -0.1), (7.5, 1.2), (7.7, 3.2), (6.9, 7.0), (5.6, 13.5), (4.8, 21.0), (4.5, 28.5),
        (4.75, 34.0),
        (5.7, 37.6), (6.0, 39.8), (5.3, 42.2), (4.1, 43.9), (2.4, 44.1),
    ), 43.2),
    wall=(0.36, 1.75), marrow=0.62, physis=4.6,
    accents=(
        Accent(((-6.2, 1.4), (-3.4, 2.3), (0.0, 2.8), (3.4, 2.3), (6.2, 1.4)), 0.95, 1.9),
        Accent(((-4.2, 42.6), (-2.4, 43.0), (0.0, 42.2), (2.4, 43.0), (4.2, 42.6)), 0.7, 0.9),
        Accent(((-4.9, 41.0), (-4.6, 38.2), (-3.6, 36.0)), 0.6, 0.8),
        Accent(((4.9, 41.0), (4.6, 38.2), (3.6, 36.0)), 0.6, 0.8),
    ),
)
MIDDLE = BoneShape(
    outline=_both_sides(0.1, (
        (1.6, 0.6), (3.6, 1.1), (5.7, 0.1), (6.7, 1.1), (6.7, 2.8), (5.8, 6.2), (4.5, 11.0), (3.6, 16.5),
        (3.45, 20.0),
        (4.2, 22.6), (4.95, 24.2), (4.8, 25.6), (4.0, 27.2), (2.4, 27.6),
    ), 26.7),
    wall=(0.34, 1.4), marrow=0.6, physis=4.0,
    accents=(
        Accent(((-5.6, 1.2), (-3.6, 2.2), (0.0, 1.3), (3.6, 2.2), (5.6, 1.2)), 0.9, 1.7),
        Accent(((-3.8, 26.3), (-2.3, 26.7), (0.0, 25.9), (2.3, 26.7), (3.8, 26.3)), 0.6, 0.8),
        Accent(((-4.0, 25.2), (-3.4, 22.8)), 0.55, 0.7), Accent(((4.0, 25.2), (3.4, 22.8)), 0.55, 0.7),
    ),
)
DISTAL = BoneShape(
    outline=(
        (0.0, 0.0), (2.4, 0.8), (4.2, 0.0), (5.1, 0.8), (5.0, 2.0), (3.8, 4.2), (2.6, 7.4), (2.05, 10.4), (2.2, 12.2),
        (3.0, 13.4), (3.3, 14.6), (2.9, 15.5), (2.9, 16.3), (2.0, 17.2), (0.9, 17.3), (-0.2, 17.7), (-1.4, 17.4),
        (-2.5, 16.7), (-3.1, 15.5), (-3.0, 14.2), (-2.5, 13.0), (-2.05, 11.4), (-2.2, 9.2), (-3.0, 6.2), (-4.3, 3.2),
        (-5.1, 1.6), (-4.6, 0.2), (-2.4, 0.8),
    ),
    wall=(0.3, 0.95), marrow=0.45, physis=3.2,
    accents=(Accent(((-4.2, 0.9), (-2.4, 1.7), (0.0, 1.0), (2.4, 1.7), (4.2, 0.9)), 0.8, 1.4),),
)
METACARPAL = BoneShape(
    outline=_both_sides(0.7, (
        (3.6, 0.1), (6.4, 0.2), (7.4, 2.2), (7.0, 5.6), (5.9, 11.0), (4.8, 19.0), (4.25, 28.0), (4.2, 38.0),
        (4.7, 46.0), (5.7, 52.0), (6.8, 56.2), (6.9, 58.3), (6.1, 60.6), (5.2, 63.4), (3.2, 65.4),
    ), 66.1),
    wall=(0.4, 2.0), marrow=0.66, physis=56.0,
    accents=(
        Accent(((-6.2, 1.0), (-3.0, 1.3), (0.0, 1.8), (3.0, 1.3), (6.2, 1.0)), 0.9, 1.1),
        Accent(((-4.6, 51.0), (-5.5, 55.0), (-5.2, 58.2), (-4.3, 61.0)), 0.8, 1.0),
        Accent(((4.6, 51.0), (5.5, 55.0), (5.2, 58.2), (4.3, 61.0)), 0.8, 1.0),
    ),
)
# neck and head, which the second to fifth metacarpal share
HEAD = METACARPAL.outline[9:24]
# the base of the second is notched about the trapezoid and reaches towards the third; the third has a styloid process
SECOND = BoneShape(
    outline=(
        (0.5, 2.6), (3.6, 0.4), (6.6, -2.2), (8.6, -1.6), (8.6, 2.2), (7.2, 7.0), (5.6, 14.0), (4.5, 24.0),
        (4.3, 36.0),
        *HEAD, (-4.4, 34.0), (-4.9, 24.0), (-6.0, 14.0), (-7.2, 7.6), (-8.0, 3.6), (-7.4, 0.4),
        (-4.6, 0.4), (-2.2, 2.2),
    ),
    wall=METACARPAL.wall, marrow=0.66, physis=56.0, accents=(*METACARPAL.accents[1:], Accent(
        ((-6.6, 1.4), (-3.4, 2.4), (0.4, 3.8), (4.0, 1.6), (7.0, -1.0)), 0.9, 1.3)),
)
THIRD = BoneShape(
    outline=(
        (0.0, 0.6), (3.4, 0.6), (6.0, 0.2), (7.2, 1.8), (7.0, 5.4), (5.8, 11.0), (4.7, 19.0), (4.3, 28.0),
        (4.3, 38.0),
        *HEAD, (-4.4, 30.0), (-4.9, 20.0), (-6.2, 11.0), (-7.4, 5.0), (-7.6, 0.8), (-6.6, -2.0),
        (-4.6, -1.2), (-2.6, 0.4),
    ),
    wall=METACARPAL.wall, marrow=0.66, physis=56.0, accents=(*METACARPAL.accents[1:], Accent(
        ((-6.2, -0.2), (-3.4, 1.0), (0.0, 1.6), (6.0, 1.2)), 0.9, 1.2)),
)
FIFTH = BoneShape(
    outline=(
        (0.0, 0.2), (3.4, -0.6), (6.6, -0.6), (8.8, 1.6), (8.4, 4.8), (6.6, 9.6), (5.2, 17.0), (4.6, 28.0),
        (4.5, 38.0),
        *HEAD, (-4.4, 32.0), (-4.6, 22.0), (-5.2, 13.0), (-6.4, 6.4), (-7.0, 2.8), (-6.2, 0.6),
        (-3.0, 0.8),
    ),
    wall=METACARPAL.wall, marrow=0.66, physis=56.0, accents=(*METACARPAL.accents[1:], Accent(
        ((-5.6, 1.8), (0.0, 1.3), (5.8, 0.6)), 0.9, 1.2)),
)
FIRST = BoneShape(
    outline=(
        (0.0, 2.0), (3.4, 0.6), (6.8, -1.2), (8.4, 0.6), (7.9, 4.4), (6.6, 10.0), (5.6, 17.0), (5.1, 24.0),
        (5.4, 31.0),
        (6.4, 36.0), (7.5, 39.4), (7.5, 41.4), (6.3, 43.6), (4.4, 45.2), (2.0, 45.8), (0.0, 45.9), (-2.4, 45.8),
        (-5.0, 45.2), (-6.7, 43.4), (-7.3, 40.8), (-6.6, 37.0), (-5.4, 31.0), (-4.9, 24.0), (-5.2, 17.0),
        (-6.2, 10.0),
        (-7.4, 5.6), (-7.6, 2.6), (-6.0, 0.6), (-3.0, 1.2),
    ),
    wall=(0.4, 2.0), marrow=0.6, physis=6.6,
    accents=(
        Accent(((-6.2, 1.8), (-3.0, 2.4), (0.0, 3.2), (3.6, 1.8), (7.0, 0.2)), 0.9, 1.5),
        Accent(((-5.8, 43.0), (-2.6, 44.6), (2.4, 44.6), (5.6, 43.0)), 0.8, 0.9),
    ),
)
# fmt: on

# a small round bone at the joint of the thumb and, smaller, of the little finger
SESAMOID = BoneShape(
    outline=((0.0, -2.6), (1.7, -2.0), (2.3, 0.0), (1.8, 1.9), (0.0, 2.6), (-1.8, 1.9), (-2.3, 0.0), (-1.7, -2.0)),
    wall=(0.4, 0.4),
    radius=2.4,
)

THUMB = Ray(
    name="thumb",
    base=(-27.6, -2.6),
    head=(-46.0, 37.0),
    metacarpal=FIRST,
    girth=1.0,
    direction=-27.0,
    bend=5.0,
    phalanges=(Phalanx(PROXIMAL, 31.5, 1.02, 9.6), Phalanx(DISTAL, 23.5, 1.22, 8.9)),
    swing=0.9,
)


FINGERS = (
    Ray(
        name="index",
        base=(-14.2, 1.2),
        head=(-21.0, 67.4),
        metacarpal=SECOND,
        girth=1.0,
        direction=-9.0,
        bend=1.2,
        phalanges=(
            Phalanx(PROXIMAL, 40.5, 0.97, 10.2),
            Phalanx(MIDDLE, 24.0, 0.97, 8.9),
            Phalanx(DISTAL, 17.6, 0.98, 7.9),
        ),
    ),
    Ray(
        name="middle",
        base=(0.0, 0.9),
        head=(0.6, 65.6),
        metacarpal=THIRD,
        girth=0.98,
        direction=-0.5,
        bend=0.6,
        phalanges=(
            Phalanx(PROXIMAL, 45.0, 1.0, 10.5),
            Phalanx(MIDDLE, 29.0, 1.0, 9.1),
            Phalanx(DISTAL, 18.4, 1.0, 8.1),
        ),
        swing=0.5,
    ),
    Ray(
        name="ring",
        base=(11.8, 1.0),
        head=(19.0, 57.4),
        metacarpal=METACARPAL,
        girth=0.84,
        direction=8.0,
        bend=-0.6,
        phalanges=(
            Phalanx(PROXIMAL, 41.6, 0.93, 9.8),
            Phalanx(MIDDLE, 27.2, 0.94, 8.6),
            Phalanx(DISTAL, 18.4, 0.98, 7.7),
        ),
    ),
    Ray(
        name="little",
        base=(20.6, -1.0),
        head=(34.4, 48.6),
        metacarpal=FIFTH,
        girth=0.86,
        direction=18.5,
        bend=-1.6,
        phalanges=(
            Phalanx(PROXIMAL, 33.0, 0.82, 8.7),
            Phalanx(MIDDLE, 19.4, 0.8, 7.6),
            Phalanx(DISTAL, 16.2, 0.82, 6.8),
        ),
    ),
)
# distance of two bones along their axis, in mm: at the knuckles, whose sockets are deep, and at the finger joints
KNUCKLE_SPACE, JOINT_SPACE = 0.0, 0.75
