# SPDX-License-Identifier: MIT
"""The affine of a turn maps each pixel to the position to which the turn moves it."""

from __future__ import annotations

import numpy as np
import pytest

from plainfilm.dicom.orientation import TURNS, Turn


@pytest.mark.parametrize("turn", TURNS, ids=str)
def test_the_affine_maps_every_pixel_to_its_new_position(turn: Turn) -> None:
    image = np.arange(12).reshape(3, 4)
    turned = turn.apply(image)
    a, b, c, d, e, f = turn.affine(4, 3)
    assert turned.shape[::-1] == turn.size(4, 3)
    for row in range(3):
        for column in range(4):
            x, y = a * column + b * row + c, d * column + e * row + f
            assert turned[int(y), int(x)] == image[row, column]


def test_a_quarter_turn_is_clockwise_and_precedes_the_flip() -> None:
    image = np.array([[1, 2], [3, 4]])
    assert Turn(1).apply(image).tolist() == [[3, 1], [4, 2]]
    assert Turn(1, flipped=True).apply(image).tolist() == [[1, 3], [2, 4]]


@pytest.mark.parametrize("turn", TURNS, ids=str)
def test_patient_directions_turn_with_the_pixels(turn: Turn) -> None:
    """The first column of the affine gives the new direction of the former right."""
    a, _, _, d, _, _ = turn.affine(4, 4)
    right, bottom = turn.directions("L", "F")
    ways = {right: (1, 0), bottom: (0, 1)}
    opposite = {"L": "R", "R": "L", "F": "H", "H": "F"}
    ways |= {opposite[letter]: (-x, -y) for letter, (x, y) in ways.items()}
    assert ways["L"] == (a, d)
