# SPDX-License-Identifier: MIT
"""Distances and path lengths agree with geometry at every position."""

from __future__ import annotations

import math

import numpy as np
import pytest

from plainfilm.demo.bone import project
from plainfilm.demo.fingers import DISTAL, METACARPAL, MIDDLE, PROXIMAL
from plainfilm.demo.geometry import (
    Grid,
    depth_inside,
    distance_to,
    dome,
    enlarge,
    sample,
    smooth_line,
    smooth_outline,
    turned,
)

X = np.linspace(-15, 15, 61, dtype=np.float32)[None, :]
Y = np.linspace(-15, 15, 61, dtype=np.float32)[:, None]


@pytest.mark.parametrize("rotation", [0.0, 7.0, -20.0])
@pytest.mark.parametrize("mirrored", [False, True])
def test_positions_are_the_inverse_of_pixels(rotation: float, mirrored: bool) -> None:
    grid = Grid(120, 100, 0.5, (50.0, 60.0), rotation, mirrored, 0.8)
    x, y = grid.positions(grid.whole)
    assert grid.to_pixel((float(x[17, 33]), float(y[17, 33]))) == pytest.approx((33, 17), abs=1e-4)


def test_y_points_up_and_a_left_hand_is_mirrored() -> None:
    assert Grid(9, 9, 0.5, (4.0, 4.0)).to_pixel((1.0, 1.0)) == pytest.approx((6, 2))
    assert Grid(9, 9, 0.5, (4.0, 4.0), mirrored=True).to_pixel((1.0, 1.0)) == pytest.approx((2, 2))


def test_depth_is_the_distance_to_the_edge() -> None:
    square = [(-10.0, -10.0), (10.0, -10.0), (10.0, 10.0), (-10.0, 10.0)]
    depth = depth_inside(X, Y, square)
    expected = np.where(
        np.maximum(np.abs(X), np.abs(Y)) <= 10,
        10 - np.maximum(np.abs(X), np.abs(Y)),
        -np.hypot(np.maximum(np.abs(X) - 10, 0), np.maximum(np.abs(Y) - 10, 0)),
    )
    assert np.allclose(depth, expected, atol=1e-4)


def test_distance_to_a_line_ends_at_its_ends() -> None:
    near = distance_to(np.float32([[0.0, 9.0]]), np.float32([[3.0]]), ((-5.0, 0.0), (5.0, 0.0)))
    assert near[0] == pytest.approx([3.0, 5.0])


def test_a_dome_is_flat_deeper_than_its_radius() -> None:
    depth = np.array([0.0, 2.0, 4.0, 9.0], np.float32)
    assert dome(depth, 4.0) == pytest.approx([0.0, 2 * math.sqrt(12), 8.0, 8.0])


def test_curves_go_through_their_points() -> None:
    points = [(0.0, 0.0), (4.0, 0.0), (5.0, 3.0), (1.0, 4.0)]
    assert np.allclose(smooth_outline(points, 6)[::6], points)
    assert np.allclose(smooth_line(points, 4)[::4], points)


def test_resampling_is_exact_on_a_plane() -> None:
    plane = (2 * np.arange(9)[:, None] + np.arange(7)[None, :]).astype(np.float32)
    assert sample(plane, np.float32([1.5]), np.float32([2.25]))[0] == pytest.approx(5.25)
    large = enlarge(plane, 15, 11, 2.0)
    assert np.allclose(large, np.arange(15)[:, None] + 0.5 * np.arange(11)[None, :])


def test_cosine_and_sine_are_rounded() -> None:
    assert turned(90.0) == (0.0, 1.0)
    assert turned(30.0) == (0.866025404, 0.5)


@pytest.mark.parametrize("shape", [METACARPAL, PROXIMAL, MIDDLE], ids=["metacarpal", "proximal", "middle"])
def test_a_long_bone_has_wide_ends_a_narrow_shaft_and_walls(shape: object) -> None:
    shadow = project(shape)  # type: ignore[arg-type]
    wide = ((shadow.cortex + shadow.spongy) > 0).sum(axis=1)
    middle = len(wide) // 2
    assert wide[middle] < 0.75 * wide[:middle].max()
    assert wide[middle] < 0.85 * wide[middle:].max()
    # the ray through the wall beside the marrow meets more cortex than the ray through the middle
    row = shadow.cortex[middle]
    assert row.max() > 1.5 * row[len(row) // 2]
    assert shadow.spongy[middle].max() < 0.6 * shadow.spongy.max()


def test_a_distal_phalanx_ends_in_a_tuft() -> None:
    wide = ((project(DISTAL).cortex) > 0).sum(axis=1)
    shaft = wide[len(wide) // 2 : 3 * len(wide) // 4].min()
    assert wide[3 * len(wide) // 4 :].max() > 1.3 * shaft


def test_a_growth_plate_is_a_gap() -> None:
    closed, growing = project(PROXIMAL), project(PROXIMAL, 1.6)
    middle = closed.cortex.shape[1] // 2
    assert (growing.spongy[:, middle] < 0.05).sum() > (closed.spongy[:, middle] < 0.05).sum() + 4
