# SPDX-License-Identifier: MIT
"""Test that the outline of an exposed field follows its true edge, and that air and skin are no margin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from plainfilm.rendering.geometry.border_search import PixelBlock
from plainfilm.rendering.geometry.outline import common_outline, outline_mask
from plainfilm.rendering.geometry.outline_search import find_outline

Array = NDArray[Any]
ROWS, COLUMNS = 900, 700


@dataclass(frozen=True)
class Film:
    values: Array
    masked: Array | None = None

    @property
    def size(self) -> tuple[int, int]:
        return self.values.shape[0], self.values.shape[1]

    def block(self, rows: slice, columns: slice) -> PixelBlock:
        masked = None if self.masked is None else self.masked[rows, columns]
        return PixelBlock(self.values[rows, columns], masked)


def polygon(*points: tuple[float, float]) -> Array:
    inside = np.zeros((ROWS, COLUMNS), np.uint8)
    cv2.fillConvexPoly(inside, np.array(points, np.int32), 1)
    return inside.astype(np.bool_)


def tilted(degrees: float) -> Array:
    corners = cv2.boxPoints(((COLUMNS / 2, ROWS / 2), (480, 700), degrees))
    return polygon(*[(float(x), float(y)) for x, y in corners])


def circle() -> Array:
    inside = np.zeros((ROWS, COLUMNS), np.uint8)
    cv2.circle(inside, (COLUMNS // 2, ROWS // 2), 345, 1, cv2.FILLED)
    return inside.astype(np.bool_)


def film(inside: Array, margin: float = 3800, noise: float = 5) -> Film:
    """A field with some anatomy in it, and a margin with noise."""
    rng = np.random.default_rng(3)
    field = cv2.GaussianBlur(rng.normal(0, 1, inside.shape).astype(np.float32), (0, 0), 25)
    field = 1200 + 500 * field / np.abs(field).max()
    values = np.where(inside, field, margin) + rng.normal(0, noise, inside.shape)
    return Film(values.astype(np.float32))


FIELDS = {"upright": tilted(0), "tilted": tilted(4), "steep": tilted(-11), "round": circle()}


@pytest.mark.parametrize("shape", FIELDS)
@pytest.mark.parametrize("margin", [3800.0, 20.0])
@pytest.mark.parametrize("noise", [0.0, 5.0, 15.0])
def test_the_outline_follows_the_true_edge(shape: str, margin: float, noise: float) -> None:
    inside = FIELDS[shape]
    outside = outline_mask(find_outline(film(inside, margin, noise)), ROWS, COLUMNS)
    near_edge = cv2.dilate(inside.astype(np.uint8), np.ones((9, 9))) - cv2.erode(
        inside.astype(np.uint8), np.ones((9, 9))
    )
    wrong = (outside == inside) & (near_edge == 0)
    assert not wrong.any(), "every pixel that is more than four pixels from the edge is on the right side"


def test_a_field_that_reaches_two_sides_is_followed_along_the_others() -> None:
    inside = polygon((0, 0), (500, 0), (560, ROWS), (0, ROWS))
    outside = outline_mask(find_outline(film(inside)), ROWS, COLUMNS)
    assert (outside == ~inside).mean() > 0.985
    assert not outside[:, :400].any()


def test_a_marker_in_the_margin_is_margin() -> None:
    inside = tilted(3)
    values = film(inside).values
    values[30:60, 20:50] = 200
    outside = outline_mask(find_outline(Film(values)), ROWS, COLUMNS)
    assert outside[30:60, 20:50].all()


def test_the_air_around_a_hand_is_no_margin() -> None:
    values = np.full((ROWS, COLUMNS), 300, np.float32)
    for finger in range(5):
        cv2.line(values, (350, 620), (90 + 130 * finger, 140), 1500, 60)
    cv2.rectangle(values, (270, 500), (430, ROWS), 1500, cv2.FILLED)
    values += np.random.default_rng(1).normal(0, 10, values.shape).astype(np.float32)
    assert find_outline(Film(values)) == ()


def test_a_body_whose_skin_fades_into_air_has_no_outline() -> None:
    y, x = np.mgrid[:ROWS, :COLUMNS]
    depth = np.clip(1 - np.hypot((x - 350) / 300, (y - 450) / 400), 0, 1)
    values = 300 + 2500 * depth + np.random.default_rng(1).normal(0, 10, depth.shape)
    assert find_outline(Film(values.astype(np.float32))) == ()


def test_a_frame_without_a_margin_has_no_outline() -> None:
    assert find_outline(film(np.ones((ROWS, COLUMNS), np.bool_))) == ()
    assert find_outline(Film(np.full((ROWS, COLUMNS), 7, np.float32))) == ()
    assert find_outline(Film(np.zeros((20, 20), np.float32))) == ()


def test_masked_pixels_are_margin_whatever_their_value_is() -> None:
    inside = FIELDS["round"]
    values = film(np.ones_like(inside)).values
    outside = outline_mask(find_outline(Film(values, ~inside)), ROWS, COLUMNS)
    assert (outside == ~inside).mean() > 0.99


def test_several_frames_share_the_outline_around_all_of_them() -> None:
    first, second = ((10, 10), (50, 10), (50, 50), (10, 50)), ((40, 40), (90, 40), (90, 90), (40, 90))
    corners = set(common_outline([first, second]))
    assert corners == {(10, 10), (50, 10), (90, 40), (90, 90), (40, 90), (10, 50)}
    assert common_outline([first, ()]) == ()
