# SPDX-License-Identifier: MIT
"""Draw a chest and a breast phantom, with realistic grey levels but simple anatomy."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from plainfilm.demo.detector import Detector
from plainfilm.demo.geometry import (
    Field,
    Point,
    depth_inside,
    distance_to,
    dome,
    enlarge,
    smooth_line,
    smooth_outline,
    smooth_step,
)
from plainfilm.demo.noise import RandomStream, random_offset, trabeculae


class Phantom(StrEnum):
    """A subject other than hands."""

    CHEST = "chest"
    BREAST = "breast"

    @property
    def laterality(self) -> str:
        """Image Laterality: U for a chest, which is unpaired; the breast is a left one."""
        return "U" if self is Phantom.CHEST else "L"


def draw_phantom(phantom: Phantom, detector: Detector) -> Field:
    """Return the exponent of each pixel, float32 (rows, columns); the phantom always fills the detector."""
    rows, columns = detector.rows, detector.columns
    # the chest is drawn on 360 x 430 mm, the breast, in finer steps, on 190 x 230 mm
    draw, (width, height), step = (
        (_chest, (360.0, 430.0), 3.0) if phantom is Phantom.CHEST else (_breast, (190.0, 230.0), 1.5)
    )
    x = np.arange(int(columns / step) + 3, dtype=np.float32)[None, :] * np.float32(step * width / columns)
    y = np.arange(int(rows / step) + 3, dtype=np.float32)[:, None] * np.float32(step * height / rows)
    exponent = draw(x - np.float32(width / 2), y - np.float32(height / 2), RandomStream(4))
    return enlarge(exponent, rows, columns, step)


# fmt: off
TRUNK: tuple[Point, ...] = (
    (-60, -235), (-66, -196), (-110, -176), (-190, -150), (-230, -90), (-196, -60), (-166, -20), (-160, 60),
        (-158, 150),
    (-162, 260), (162, 260), (158, 150), (160, 60), (166, -20), (196, -60), (230, -90), (190, -150), (110, -176),
    (66, -196), (60, -235),
)
RIGHT_LUNG: tuple[Point, ...] = (
    (-58, -168), (-88, -150), (-112, -110), (-128, -50), (-134, 20), (-132, 92), (-110, 84), (-80, 66), (-50, 62),
    (-34, 78), (-32, 40), (-28, -10), (-24, -70), (-22, -130), (-34, -162),
)
LEFT_LUNG: tuple[Point, ...] = (
    (56, -168), (86, -150), (110, -112), (126, -54), (132, 14), (132, 104), (112, 92), (92, 84), (84, 70), (74, 40),
    (54, 12), (36, -10), (34, -46), (38, -72), (26, -100), (22, -134), (34, -162),
)
# fmt: on


def _chest(x: Field, y: Field, random: RandomStream) -> Field:
    """Draw trunk, lungs, heart and mediastinum, spine, ribs and clavicles."""
    trunk = depth_inside(x, y, smooth_outline(TRUNK, 3))
    exponent = np.float32(0.0078) * dome(trunk, 95.0)
    for lung in (RIGHT_LUNG, LEFT_LUNG):
        air = depth_inside(x, y, smooth_outline(lung, 3))
        exponent = exponent - np.float32(0.0098) * dome(air, 58.0)
        exponent = exponent + smooth_step(air / np.float32(30)) * _vessels(x, y, random)
    beside = np.abs(x) - np.float32(2.5) * np.abs(y / np.float32(27) - np.rint(y / np.float32(27)))
    spine = smooth_step((np.float32(20) - beside) / np.float32(7)) * smooth_step(trunk / np.float32(20))
    exponent = exponent + np.float32(0.16) * spine
    for side in (-1.0, 1.0):
        exponent = exponent + _ribs(x * np.float32(side), y) * smooth_step(trunk / np.float32(14))
    return np.maximum(exponent, 0)


def _ribs(x: Field, y: Field) -> Field:
    """Draw the nine ribs, back and front, and the clavicle of one side, as hollow tubes with soft ends."""
    exponent = np.zeros(np.broadcast_shapes(x.shape, y.shape), np.float32)
    inner = smooth_step((x - np.float32(18)) / np.float32(16))
    for number in range(9):
        top, reach = -168.0 + 26.0 * number, 80.0 + 56.0 * min(number / 4, 1.0)
        line = [(12.0, top), (0.5 * reach, top - 6.0), (0.85 * reach, top + 12.0), (reach, top + 44.0)]
        line += [(0.9 * reach, top + 70.0), (0.6 * reach, top + 96.0), (0.42 * reach, top + 100.0)]
        exponent += _tube(x, y, line, 5.2, 0.011) * inner
    clavicle = [(14.0, -144.0), (50.0, -152.0), (90.0, -168.0), (132.0, -166.0)]
    return exponent + _tube(x, y, clavicle, 5.5, 0.018)


def _tube(x: Field, y: Field, line: list[Point], radius: float, attenuation: float) -> Field:
    """Draw a hollow tube around a smooth line through points."""
    depth = np.float32(radius) - distance_to(x, y, smooth_line(line))
    wall = dome(depth, radius) - np.float32(0.6) * dome(depth - np.float32(1.2), radius - 1.2)
    return np.asarray(np.float32(attenuation) * wall, np.float32)


def _vessels(x: Field, y: Field, random: RandomStream) -> Field:
    """Draw the vessels of a lung: a net around the hilum that fades outwards."""
    distance = distance_to(np.abs(x), y, ((34.0, -60.0), (34.0, 30.0)))
    return np.asarray(
        _mottle(x, y, 2.6, random) * np.float32(0.10) * (1 - smooth_step(distance / np.float32(130))), np.float32
    )


BREAST: tuple[Point, ...] = (
    (-110, -84),
    (-60, -80),
    (-20, -66),
    (14, -44),
    (34, -18),
    (44, 6),
    (40, 30),
    (22, 56),
    (-10, 76),
    (-50, 88),
    (-110, 94),
)
MUSCLE: tuple[Point, ...] = ((-120, -130), (-40, -130), (-52, -80), (-72, -20), (-92, 40), (-120, 70))


def _breast(x: Field, y: Field, random: RandomStream) -> Field:
    """Draw a compressed breast at the left edge: fat, glandular strands, pectoral muscle, skin, calcifications."""
    depth = depth_inside(x, y, smooth_outline(BREAST, 4))
    exponent = np.float32(0.020) * dome(depth, 26.0) + np.float32(0.05) * smooth_step(depth / 1) * smooth_step(
        2 - depth
    )
    gland = smooth_step((depth - np.float32(10)) / np.float32(26)) * smooth_step((x + 92) / np.float32(30))
    strands = (
        np.float32(0.5) + np.float32(0.3) * _mottle(x, y, 3.5, random) + np.float32(0.25) * _mottle(x, y, 1.1, random)
    )
    exponent = exponent + np.float32(0.55) * gland * np.maximum(strands, 0)
    muscle = depth_inside(x, y, smooth_outline(MUSCLE, 4))
    exponent = exponent + np.float32(0.45) * smooth_step(muscle / np.float32(14)) * smooth_step(depth / np.float32(6))
    for _ in range(9):
        calcification = (random.uniform(-30.0, -12.0), random.uniform(-6.0, 12.0))
        line = calcification, (calcification[0] + 0.2, calcification[1] + 0.3)
        depth_in_speck = np.float32(0.55) - distance_to(x, y, line)
        exponent = exponent + np.float32(0.5) * smooth_step(depth_in_speck / np.float32(0.4))
    return np.asarray(exponent, np.float32)


def _mottle(x: Field, y: Field, texel: float, random: RandomStream) -> Field:
    """Return the trabecula texture, enlarged to `texel` mm per cell."""
    offset = random_offset(random)
    x, y = np.broadcast_arrays(x / np.float32(texel), y / np.float32(texel))
    return trabeculae(x, y, offset)
