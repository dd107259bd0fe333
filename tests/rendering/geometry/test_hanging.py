# SPDX-License-Identifier: MIT
"""Test the orientation in which images are shown."""

from __future__ import annotations

from typing import Any

import pytest

from plainfilm.dicom.instance import Description, FrameAttributes, ImagePixel, Instance, InstanceIdentity, PixelData
from plainfilm.findings import codes_of
from plainfilm.rendering.geometry.hanging import hanging_turn


def instance_of_view(modality: str = "DX", side: str = "", view: str = "", **attributes: Any) -> Instance:
    pixel = ImagePixel(2, 2, 1, "MONOCHROME2", 0, 8, 8, 7, False, 1)
    description = Description(modality=modality, laterality=side, view_position=view)
    return Instance(InstanceIdentity(), description, pixel, PixelData(b"", "", False), (FrameAttributes(**attributes),))


def hung(letters: str, modality: str = "DX", side: str = "") -> str:
    """Where right and bottom lead of a picture that lies so, after it is hung."""
    right, bottom = letters.split("\\")
    turn, findings = hanging_turn(instance_of_view(modality, side, patient_orientation=(right, bottom)), 0)
    assert findings == ()
    return "\\".join(turn.directions(right[0], bottom[0]))


@pytest.mark.parametrize("stored", ["L\\F", "R\\F", "L\\H", "R\\H", "F\\L", "F\\R", "H\\L", "H\\R"])
def test_from_the_front_the_left_is_on_the_right_and_the_feet_below(stored: str) -> None:
    assert hung(stored) == "L\\F"


@pytest.mark.parametrize(
    ("stored", "shown"), [("A\\F", "A\\F"), ("P\\F", "P\\F"), ("P\\H", "A\\F"), ("F\\A", "P\\F"), ("F\\P", "A\\F")]
)
def test_from_the_side_the_feet_are_below_and_nothing_is_flipped(stored: str, shown: str) -> None:
    assert hung(stored) == shown


@pytest.mark.parametrize(
    ("side", "stored", "shown"),
    [
        ("R", "P\\L", "P\\L"),
        ("R", "A\\L", "P\\L"),
        ("R", "A\\R", "P\\L"),
        ("L", "A\\R", "A\\R"),
        ("L", "P\\L", "A\\R"),
        ("R", "P\\FL", "P\\F"),
        ("R", "A\\HL", "P\\F"),
        ("L", "P\\FR", "A\\F"),
    ],
)
def test_the_chest_wall_of_the_right_breast_is_on_the_right(side: str, stored: str, shown: str) -> None:
    assert hung(stored, "MG", side) == shown


@pytest.mark.parametrize(
    ("cosines", "size"),
    [
        ((1, 0, 0, 0, 1, 0), True),
        ((0, 1, 0, 0, 0, -1), True),
        ((1, 0, 0, 0, 0, -1), True),
        ((0.99, 0.1, 0, 0, 1, 0), True),
    ],
)
def test_slices_in_standard_orientation_are_unchanged(cosines: tuple[float, ...], size: bool) -> None:
    turn, findings = hanging_turn(instance_of_view("CT", image_orientation=cosines), 0)
    assert (turn.is_identity, findings) == (size, ())


def test_a_slice_in_another_orientation_is_rotated() -> None:
    turn, _ = hanging_turn(instance_of_view("CT", image_orientation=(-1, 0, 0, 0, -1, 0)), 0)
    assert (turn.quarters, turn.flipped) == (2, False)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"patient_orientation": ("L", "R")},
        {"patient_orientation": ("L", "")},
        {"patient_orientation": ("LE", "V")},
        {"image_orientation": (0.7, 0.7, 0, 0, 0, -1)},
        {"modality": "MG", "patient_orientation": ("A", "F")},
    ],
    ids=str,
)
def test_an_unknown_orientation_is_unchanged(given: dict[str, Any]) -> None:
    turn, findings = hanging_turn(instance_of_view(**given), 0)
    assert (turn.is_identity, codes_of(findings)) == (True, "orientation_unknown")


def test_a_view_that_contradicts_the_orientation_is_a_finding() -> None:
    _, findings = hanging_turn(instance_of_view(view="PA", patient_orientation=("A", "F")), 0)
    assert codes_of(findings) == "orientation_conflict"
