# SPDX-License-Identifier: MIT
"""Find the quarter turns and the flip with which a viewer displays an image (PS3.3 C.7.6.1.1.1).

Radiologists call the usual orientation of an image on a viewer its hanging."""

from __future__ import annotations

from plainfilm.dicom.instance import FrameAttributes, Instance
from plainfilm.dicom.orientation import TURNS, Turn
from plainfilm.findings import Finding, FindingCode

# The direction in which each patient coordinate grows, and its opposite (C.7.6.2.1.1).
_AXES = (("L", "R"), ("P", "A"), ("H", "F"))
# The least cosine between a direction and an axis; below it the image is oblique.
_LEAST_COSINE = 0.8
_FRONTAL_VIEWS = ("AP", "PA")


def hanging_turn(instance: Instance, frame: int) -> tuple[Turn, tuple[Finding, ...]]:
    """The turn of a frame, counted from 0, and its findings; no turn where the orientation or the target is unknown.

    Frontal views: the patient's left is on the right, the feet are below. Lateral views: the feet are below; the image
    is not flipped. Slices: left on the right and back below, or front on the left and feet below. Breasts: the chest
    wall of the right breast is on the right, that of the left breast on the left; the lateral side or the head is
    above.
    """
    attributes = instance.frame_attributes(frame)
    directions = _directions(attributes)
    if directions is None:
        return Turn(), (
            _unknown("Patient Orientation and Image Orientation (Patient) are missing, unreadable or oblique"),
        )
    axes = {_axis(directions[0]), _axis(directions[1])}
    target = _target(instance, attributes, axes)
    if target is None:
        return Turn(), (_unknown("the side of the breast is not known"),)
    turn = next(turn for turn in TURNS if _matches(turn.directions(*directions), target))
    view = instance.description.view_position
    if view in _FRONTAL_VIEWS and axes != {"L", "H"} and instance.description.modality != "MG":
        orientation = f"{directions[0]}\\{directions[1]}"
        note = f"View Position {view} and Patient Orientation {orientation}; the orientation is used"
        return turn, (Finding(FindingCode.ORIENTATION_CONFLICT, note),)
    return turn, ()


def _unknown(reason: str) -> Finding:
    return Finding(FindingCode.ORIENTATION_UNKNOWN, f"{reason}; the image stays as stored")


def _directions(attributes: FrameAttributes) -> tuple[str, str] | None:
    """The patient directions of the stored rows (to the right) and columns (down), one letter each.

    None where one is unknown or oblique, or where both lie on one axis.
    """
    letters = attributes.patient_orientation
    if letters is None and attributes.image_orientation is not None:
        letters = _letter(attributes.image_orientation[:3]), _letter(attributes.image_orientation[3:])
    if letters is None or any(not letter or set(letter) - set("LRAPHF") for letter in letters):
        return None
    right, bottom = letters[0][0], letters[1][0]
    return None if _axis(right) == _axis(bottom) else (right, bottom)


def _letter(cosines: tuple[float, ...]) -> str:
    """The letter of a direction along an axis, '' for an oblique one."""
    axis = max(range(3), key=lambda number: abs(cosines[number]))
    if abs(cosines[axis]) < _LEAST_COSINE:
        return ""
    return _AXES[axis][0 if cosines[axis] > 0 else 1]


def _axis(letter: str) -> str:
    return {"R": "L", "P": "A", "F": "H"}.get(letter, letter)


def _target(instance: Instance, attributes: FrameAttributes, axes: set[str]) -> tuple[str, str] | None:
    """The directions that right and bottom should have; '' allows both directions. None where they are unknown."""
    if instance.description.modality == "MG":
        side = attributes.laterality or instance.description.laterality
        if side not in ("L", "R") or "A" not in axes:
            return None
        # The lateral side of a breast is above, so the medial side is below.
        return "P" if side == "R" else "A", "F" if "H" in axes else "L" if side == "R" else "R"
    if "L" in axes:
        return "L", "F" if "H" in axes else "P"
    is_slice = attributes.patient_orientation is None
    return "P" if is_slice else "", "F"


def _matches(directions: tuple[str, str], target: tuple[str, str]) -> bool:
    """Whether directions meet a target. TURNS begins without a flip, so '' never causes one."""
    return all(required in ("", direction) for direction, required in zip(directions, target, strict=True))
