# SPDX-License-Identifier: MIT
"""Chords have the length that geometry gives them, wherever the shape lies."""

from __future__ import annotations

import math

import numpy as np
import pytest

from plainfilm.demo.anatomy import METACARPAL
from plainfilm.demo.drawing import Grid, depth_inside, dome, draw_capsule, draw_tube, half_width, smooth_outline


def a_grid(**changes: object) -> Grid:
    given: dict[str, object] = {"rows": 120, "columns": 100, "pixel_spacing": 0.5, "origin": (50.0, 60.0)}
    return Grid(**(given | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("tilt", [0.0, 7.0, -20.0])
@pytest.mark.parametrize("mirrored", [False, True])
def test_positions_are_the_inverse_of_pixels(tilt: float, mirrored: bool) -> None:
    grid = a_grid(tilt=tilt, mirrored=mirrored)
    x, y = grid.positions(grid.whole)
    column, row = grid.to_pixels([(float(x[17, 33]), float(y[17, 33]))])[0]
    assert (column, row) == pytest.approx((33, 17), abs=1e-4)


def test_up_is_up_and_a_left_hand_is_mirrored() -> None:
    right, left = a_grid(), a_grid(mirrored=True)
    assert right.to_pixels([(3.0, 4.0)])[0] == pytest.approx((56, 52))
    assert left.to_pixels([(3.0, 4.0)])[0] == pytest.approx((44, 52))


def test_a_capsule_is_as_thick_as_twice_its_radius() -> None:
    patch, chord = draw_capsule(a_grid(), ((0.0, -10.0), (0.0, 10.0)), (6.0, 6.0))
    whole = np.zeros((120, 100))
    whole[patch] = chord
    assert whole[60, 50] == pytest.approx(12.0)
    assert whole[60, 56] == pytest.approx(2 * math.sqrt(36 - 9))
    assert whole[60, 63] == 0


def test_depth_is_the_distance_to_the_edge() -> None:
    grid = a_grid()
    square = [(-10.0, -10.0), (10.0, -10.0), (10.0, 10.0), (-10.0, 10.0)]
    depth = depth_inside(grid, square, grid.whole)
    assert depth[60, 50] == pytest.approx(10, abs=0.2)
    assert depth[60, 65] == pytest.approx(2.5, abs=0.2)
    assert depth[60, 75] == 0


def test_a_dome_is_flat_beyond_its_radius() -> None:
    assert dome(np.array([0.0, 2.0, 4.0, 9.0]), 4.0) == pytest.approx([0.0, 2 * math.sqrt(12), 8.0, 8.0])


def test_an_outline_goes_through_its_points() -> None:
    points = [(0.0, 0.0), (4.0, 0.0), (5.0, 3.0), (1.0, 4.0)]
    assert np.allclose(smooth_outline(points)[::8], points)


def test_a_profile_goes_through_its_knots() -> None:
    at, width = zip(*METACARPAL.profile, strict=True)
    assert half_width(np.array(at, np.float32), METACARPAL.profile) == pytest.approx(width, abs=1e-4)


def test_a_long_bone_has_wide_ends_a_narrow_shaft_and_marrow() -> None:
    grid = a_grid(rows=200, origin=(50.0, 100.0))
    bone = draw_tube(grid, ((0.0, -30.0), (0.0, 30.0)), METACARPAL, 1.0)
    wide = ((bone.cortex + bone.filling) > 0).sum(axis=1)
    middle = len(wide) // 2
    shaft = slice(middle - 3, middle + 3)
    assert wide[shaft].max() < 0.75 * wide[:middle].max()
    assert wide[shaft].max() < 0.75 * wide[middle:].max()
    assert bone.filling[shaft].max() > 0
    # the ray through the wall beside the marrow meets more cortex than the ray through the middle
    assert bone.cortex[middle].max() > 1.3 * bone.cortex[middle, bone.cortex.shape[1] // 2]


def test_what_lies_beyond_the_grid_is_no_error() -> None:
    bone = draw_tube(a_grid(), ((500.0, 500.0), (540.0, 500.0)), METACARPAL, 1.0)
    assert bone.cortex.size == 0
