# SPDX-License-Identifier: MIT
"""How an image lies in the patient -> the quarter turns and the flip by which a viewer hangs it (PS3.3 C.7.6.1.1.1)."""

from __future__ import annotations

from plainfilm.dicom.instance import FrameAttributes, Instance
from plainfilm.dicom.orientation import TURNS, Turn
from plainfilm.findings import Finding, FindingCode

# Towards which a patient coordinate grows (C.7.6.2.1.1), and the least cosine of a plane that is not askew.
_AXES = (("L", "R"), ("P", "A"), ("H", "F"))
_LEAST_COSINE = 0.8
_FRONTAL_VIEWS = ("AP", "PA")


def hanging_turn(instance: Instance, frame: int) -> tuple[Turn, tuple[Finding, ...]]:
    """The turn of a frame, and what was odd; none where nothing says how it lies, or no way to hang it is usual.

    Seen from the front the patient's left is on the right and the feet below. Seen from the side the feet are below,
    without a flip. Slices: left on the right, back below; or the front on the left, feet below. Breasts: the chest
    wall of the right one is on the right, of the left one on the left; the lateral side or the head is above.
    """
    attributes = instance.frame_attributes(frame)
    found = _directions(attributes)
    if found is None:
        return Turn(), (_unknown("nothing says how the image lies in the patient, or it lies askew"),)
    axes = {_axis(found[0]), _axis(found[1])}
    wanted = _wanted(instance, attributes, axes)
    if wanted is None:
        return Turn(), (_unknown("a breast whose side is not known"),)
    turn = next(one for one in TURNS if _meets(one.directions(*found), wanted))
    view = instance.description.view_position
    if view in _FRONTAL_VIEWS and axes != {"L", "H"} and instance.description.modality != "MG":
        note = f"View Position {view} and Patient Orientation {found[0]}\\{found[1]}; the orientation is believed"
        return turn, (Finding(FindingCode.ORIENTATION_CONFLICT, note),)
    return turn, ()


def _unknown(why: str) -> Finding:
    return Finding(FindingCode.ORIENTATION_UNKNOWN, f"{why}; it stays as it is stored")


def _directions(attributes: FrameAttributes) -> tuple[str, str] | None:
    """Where right and bottom of the stored image lead, each as one letter; None where they are not on two axes."""
    letters = attributes.patient_orientation
    if letters is None and attributes.image_orientation is not None:
        letters = _letter(attributes.image_orientation[:3]), _letter(attributes.image_orientation[3:])
    if letters is None or any(not one or set(one) - set("LRAPHF") for one in letters):
        return None
    right, bottom = letters[0][0], letters[1][0]
    return None if _axis(right) == _axis(bottom) else (right, bottom)


def _letter(cosines: tuple[float, ...]) -> str:
    """The letter of a direction that leads along an axis, '' of one that is askew."""
    axis = max(range(3), key=lambda number: abs(cosines[number]))
    if abs(cosines[axis]) < _LEAST_COSINE:
        return ""
    return _AXES[axis][0 if cosines[axis] > 0 else 1]


def _axis(letter: str) -> str:
    return {"R": "L", "P": "A", "F": "H"}.get(letter, letter)


def _wanted(instance: Instance, attributes: FrameAttributes, axes: set[str]) -> tuple[str, str] | None:
    """Where right and bottom should lead ('' is either way); None where that is not known."""
    if instance.description.modality == "MG":
        side = attributes.laterality or instance.description.laterality
        if side not in ("L", "R") or "A" not in axes:
            return None
        # the lateral side of a breast is above, so the other one is below
        return "P" if side == "R" else "A", "F" if "H" in axes else "L" if side == "R" else "R"
    if "L" in axes:
        return "L", "F" if "H" in axes else "P"
    is_slice = attributes.patient_orientation is None
    return "P" if is_slice else "", "F"


def _meets(directions: tuple[str, str], wanted: tuple[str, str]) -> bool:
    """The first of the turns has no flip, so one that may lead either way is not flipped."""
    return all(want in ("", found) for found, want in zip(directions, wanted, strict=True))
