# SPDX-License-Identifier: MIT
"""The shapes of a right hand, palm on the detector: plain numbers in millimetres, no drawing.

The origin is the joint of capitate and third metacarpal, x grows towards the little finger, y towards the finger tips.
The proportions are invented, after those of an adult hand.
"""

from __future__ import annotations

from dataclasses import dataclass

Point = tuple[float, float]
Profile = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class TubeShape:
    """A long bone about its axis: a tube of cortex, filled with marrow, and with trabecular bone towards its ends.

    profile: (fraction of the length, half width in mm) from base to head.
    base_cap, head_cap: the length in mm over which each end closes. cup, notch: how far the middle of the base and
    of the head is hollowed, in mm. cortex: thickness of the wall at mid-shaft in mm.
    """

    profile: Profile
    base_cap: float
    head_cap: float
    cup: float
    notch: float
    cortex: float


@dataclass(frozen=True, slots=True)
class Phalanx:
    """A phalanx.

    length: in mm. girth: how many times as thick as its kind. shape: its kind. flesh: half the thickness of the finger
    at its far end, in mm.
    """

    length: float
    girth: float
    shape: TubeShape
    flesh: float


@dataclass(frozen=True, slots=True)
class Ray:
    """A metacarpal and the phalanges that follow it.

    base, head: ends of the metacarpal in mm. girth: of the metacarpal. direction: of the finger, in degrees from the y
    axis towards the little finger. bend: added at each further joint.
    """

    base: Point
    head: Point
    girth: float
    direction: float
    bend: float
    phalanges: tuple[Phalanx, ...]


METACARPAL = TubeShape(
    profile=((0.0, 6.9), (0.06, 7.0), (0.28, 4.8), (0.5, 4.1), (0.68, 4.6), (0.88, 6.9), (1.0, 6.3)),
    base_cap=3.2,
    head_cap=6.5,
    cup=0.9,
    notch=0.0,
    cortex=1.9,
)
PROXIMAL = TubeShape(
    profile=((0.0, 7.3), (0.07, 7.4), (0.33, 5.3), (0.62, 4.4), (0.78, 4.9), (0.92, 6.1), (1.0, 5.6)),
    base_cap=1.8,
    head_cap=2.8,
    cup=1.2,
    notch=1.1,
    cortex=1.6,
)
MIDDLE = TubeShape(
    profile=((0.0, 6.6), (0.08, 6.7), (0.35, 4.8), (0.62, 3.8), (0.78, 4.3), (0.91, 5.4), (1.0, 5.0)),
    base_cap=1.5,
    head_cap=2.2,
    cup=0.9,
    notch=0.9,
    cortex=1.3,
)
DISTAL = TubeShape(
    profile=((0.0, 5.7), (0.12, 5.5), (0.62, 2.3), (0.84, 3.7), (1.0, 3.3)),
    base_cap=1.4,
    head_cap=2.6,
    cup=0.7,
    notch=-0.3,
    cortex=0.9,
)

THUMB = Ray(
    base=(-30.0, -3.0),
    head=(-52.5, 36.0),
    girth=1.08,
    direction=-31.0,
    bend=4.0,
    phalanges=(Phalanx(31.5, 1.0, PROXIMAL, 10.2), Phalanx(22.5, 1.15, DISTAL, 8.8)),
)
FINGERS = (
    Ray(
        base=(-13.5, 3.0),
        head=(-24.0, 68.0),
        girth=1.02,
        direction=-10.5,
        bend=1.0,
        phalanges=(
            Phalanx(40.0, 1.0, PROXIMAL, 9.6),
            Phalanx(23.5, 1.0, MIDDLE, 8.4),
            Phalanx(17.0, 1.0, DISTAL, 7.3),
        ),
    ),
    Ray(
        base=(0.0, 1.5),
        head=(-1.5, 66.0),
        girth=1.0,
        direction=-1.0,
        bend=0.6,
        phalanges=(
            Phalanx(44.5, 1.04, PROXIMAL, 9.8),
            Phalanx(28.0, 1.04, MIDDLE, 8.6),
            Phalanx(18.0, 1.04, DISTAL, 7.5),
        ),
    ),
    Ray(
        base=(10.5, 0.5),
        head=(18.0, 57.5),
        girth=0.88,
        direction=8.5,
        bend=-0.6,
        phalanges=(
            Phalanx(41.0, 0.97, PROXIMAL, 9.3),
            Phalanx(26.5, 0.97, MIDDLE, 8.2),
            Phalanx(18.0, 0.99, DISTAL, 7.2),
        ),
    ),
    Ray(
        base=(19.0, -0.5),
        head=(34.5, 48.0),
        girth=0.86,
        direction=20.0,
        bend=-1.0,
        phalanges=(
            Phalanx(33.0, 0.86, PROXIMAL, 8.2),
            Phalanx(18.5, 0.84, MIDDLE, 7.2),
            Phalanx(16.0, 0.85, DISTAL, 6.3),
        ),
    ),
)
JOINT_SPACE = 0.9

# the sesamoid bones of the thumb, about its first joint: (across the metacarpal, along it from its head, radius) in mm
SESAMOIDS = ((7.6, 0.6, 2.3), (0.6, -2.6, 2.0))

# fmt: off
CARPALS: dict[str, tuple[Point, ...]] = {
    "trapezium": (
        (-19.5, -1.7), (-26.8, -3.9), (-32.4, -9.5), (-30.2, -15.1), (-22.9, -16.8), (-17.9, -12.3), (-17.3, -6.2),
    ),
    "trapezoid": ((-7.8, 0.3), (-12.4, 2.6), (-18.1, 0.5), (-18.3, -6.2), (-14.6, -12.4), (-8.7, -12.0)),
    "capitate": (
        (-7.6, 0.0), (0.0, 0.9), (6.6, -0.2), (7.0, -8.7), (6.3, -17.7), (2.9, -24.6), (-2.9, -25.0), (-5.8, -18.8),
        (-6.9, -9.8),
    ),
    "hamate": (
        (6.8, -0.6), (14.0, -0.2), (21.4, -2.0), (23.6, -6.0), (19.2, -12.9), (12.4, -20.6), (7.7, -22.8),
        (6.6, -13.4),
    ),
    "scaphoid": (
        (-17.6, -12.7), (-24.3, -17.0), (-26.8, -22.6), (-22.8, -28.8), (-14.3, -33.3), (-7.5, -33.1),
        (-6.2, -26.4), (-7.8, -18.5), (-12.0, -13.6),
    ),
    "lunate": (
        (-6.5, -27.1), (-7.4, -33.4), (-0.9, -37.4), (6.9, -36.0), (10.5, -30.4), (8.1, -24.6), (4.3, -24.8),
        (-0.2, -26.2),
    ),
    "triquetrum": (
        (9.3, -23.0), (14.9, -16.8), (22.1, -13.8), (25.9, -18.1), (23.6, -25.7), (16.9, -31.3), (10.9, -30.9),
    ),
    "pisiform": ((18.5, -20.5), (22.6, -18.5), (26.8, -20.9), (27.0, -25.9), (23.2, -28.8), (19.2, -26.3)),
}


RADIUS: tuple[Point, ...] = (
    (-30.2, -28.4), (-26.4, -30.4), (-18.0, -34.6), (-9.0, -37.0), (-1.0, -38.0), (4.4, -37.8), (5.8, -40.8),
    (4.6, -46.4), (0.6, -55.4), (-2.6, -67.4), (-4.2, -87.4), (-4.6, -127.4), (-19.6, -127.4), (-19.8, -87.4),
    (-21.6, -69.4), (-25.8, -54.4), (-30.4, -42.4), (-32.4, -34.4),
)
ULNA: tuple[Point, ...] = (
    (9.2, -42.0), (11.4, -39.2), (16.6, -38.6), (20.4, -39.0), (22.6, -34.0), (24.8, -34.8), (25.6, -40.4),
    (24.2, -47.4), (20.8, -55.4), (19.4, -69.4), (19.0, -89.4), (19.4, -127.4), (7.4, -127.4), (7.6, -89.4),
    (8.8, -69.4), (9.6, -53.4), (8.6, -46.4),
)

PALM: tuple[Point, ...] = (
    (-42.0, -130.0), (-41.0, -80.0), (-39.6, -45.0), (-40.4, -24.0), (-46.0, -8.0), (-57.0, 12.0), (-64.5, 30.0),
    (-57.0, 46.0), (-45.0, 46.0), (-37.6, 54.0), (-36.0, 70.0), (-35.0, 88.0), (-22.0, 97.0), (-13.2, 90.0),
    (-5.0, 95.0), (2.0, 95.0), (10.0, 88.0), (18.0, 89.0), (28.4, 78.0), (38.0, 72.0), (46.4, 58.0), (45.0, 40.0),
    (41.0, 20.0), (37.4, 0.0), (34.0, -18.0), (32.6, -40.0), (35.0, -80.0), (36.0, -130.0),
)
# fmt: on
# the balls of thumb and little finger: (centre, half axes, thickness) in mm
BALLS = (((-36.0, 14.0), (22.0, 30.0), 9.0), ((26.0, 8.0), (15.0, 34.0), 6.0))
