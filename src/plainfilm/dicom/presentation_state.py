# SPDX-License-Identifier: MIT
"""A data set -> the Grayscale Softcopy Presentation State that it is, as frozen values (PS3.3 A.33.1)."""

from __future__ import annotations

from dataclasses import dataclass

from plainfilm.dicom.functional_groups import modality_level, voi_level
from plainfilm.dicom.instance import LutItem, ModalityLevel, Overlay, Shutter, VoiLevel
from plainfilm.dicom.orientation import Turn
from plainfilm.dicom.overlays import GROUPS, overlays_of
from plainfilm.dicom.shutter import shutter_of
from plainfilm.dicom.values import Values
from plainfilm.errors import AttributeValueError
from plainfilm.findings import Finding, FindingCode

GRAYSCALE_SOFTCOPY = "1.2.840.10008.5.1.4.1.1.11.1"
_ANY_SIZE = (65535, 65535)
_ACTIVATION_LAYER = 0x1001

ReferencedImages = tuple["ReferencedImage", ...]
Area = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class ReferencedImage:
    """An image that a module refers to by its SOP Instance UID; frames from 1, () for all."""

    sop_instance_uid: str
    frames: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ScopedVoi:
    """A VOI and the images that it is for; () for all (C.11.8)."""

    references: ReferencedImages
    voi: VoiLevel


@dataclass(frozen=True, slots=True)
class ScopedArea:
    """A displayed area, two corners (column, row, column, row), the shape of its pixels, for which images (C.10.4)."""

    references: ReferencedImages
    area: Area | None
    pixel_aspect_ratio: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class PresentationState:
    """What is to be done to the images that it refers to; each part that is absent is done to none of them."""

    sop_instance_uid: str
    created: str
    references: ReferencedImages
    modality: ModalityLevel = ModalityLevel()
    voi: tuple[ScopedVoi, ...] = ()
    lut: LutItem | None = None
    inverted: bool = False
    shutter: Shutter | None = None
    overlays: tuple[Overlay, ...] = ()
    active_groups: tuple[int, ...] = ()
    turn: Turn = Turn()
    areas: tuple[ScopedArea, ...] = ()
    findings: tuple[Finding, ...] = ()


def refers_to(references: ReferencedImages, sop_instance_uid: str, frame: int) -> bool:
    """Whether references include a frame of an instance, counted from 0."""
    return any(
        one.sop_instance_uid == sop_instance_uid and (not one.frames or frame + 1 in one.frames) for one in references
    )


def presentation_state_of(values: Values) -> PresentationState:
    """The presentation state. Raises AttributeValueError where it is none or refers to no image."""
    if values.text("SOPClassUID") != GRAYSCALE_SOFTCOPY:
        raise AttributeValueError("SOPClassUID", message="no Grayscale Softcopy Presentation State")
    references = tuple(one for series in values.items("ReferencedSeriesSequence") for one in _references(series))
    if not references:
        raise AttributeValueError("ReferencedSeriesSequence", message="the presentation state refers to no image")
    overlays = overlays_of(values, None)
    shutter = shutter_of(values, _ANY_SIZE, overlays)
    return PresentationState(
        sop_instance_uid=values.text("SOPInstanceUID"),
        created=values.text("PresentationCreationDate") + values.text("PresentationCreationTime"),
        references=references,
        modality=modality_level(values) or ModalityLevel(),
        voi=tuple(_voi(item) for item in values.items("SoftcopyVOILUTSequence")),
        lut=_presentation_lut(values),
        inverted=values.code("PresentationLUTShape") == "INVERSE",
        shutter=shutter,
        overlays=tuple(overlay for overlay in overlays if shutter is None or overlay is not shutter.bitmap),
        active_groups=tuple(group for group in GROUPS if values.text(group << 16 | _ACTIVATION_LAYER)),
        turn=_turn(values),
        areas=tuple(_area(item) for item in values.items("DisplayedAreaSelectionSequence")),
        findings=(*_unused(values), *values.findings),
    )


def _references(values: Values) -> ReferencedImages:
    items = values.items("ReferencedImageSequence")
    return tuple(
        ReferencedImage(item.text("ReferencedSOPInstanceUID"), item.integers("ReferencedFrameNumber")) for item in items
    )


def _voi(item: Values) -> ScopedVoi:
    return ScopedVoi(_references(item), voi_level(item, item.findings))


def _area(item: Values) -> ScopedArea:
    corners = (
        *item.integers("DisplayedAreaTopLeftHandCorner")[:2],
        *item.integers("DisplayedAreaBottomRightHandCorner")[:2],
    )
    area = (corners[0], corners[1], corners[2], corners[3]) if len(corners) == 4 else None
    shape = item.pair("PresentationPixelSpacing") or item.pair("PresentationPixelAspectRatio")
    return ScopedArea(_references(item), area, shape)


def _presentation_lut(values: Values) -> LutItem | None:
    item = next(iter(values.items("PresentationLUTSequence")), None)
    return None if item is None else item.lut("LUTDescriptor", "LUTData")


def _turn(values: Values) -> Turn:
    """Image Rotation, clockwise, before Image Horizontal Flip (C.10.6)."""
    degrees = values.integer("ImageRotation") or 0
    if degrees % 90:
        note = f"Image Rotation {degrees} is no quarter turn and is left out"
        values.findings.append(Finding(FindingCode.PRESENTATION_INCOMPLETE, note))
        degrees = 0
    return Turn(degrees // 90 % 4, values.code("ImageHorizontalFlip") == "Y")


def _unused(values: Values) -> tuple[Finding, ...]:
    """What a presentation state may have and is not drawn; and what of it could not be read."""
    findings = []
    if values.items("GraphicAnnotationSequence"):
        note = "graphic or text annotations are not drawn"
        findings.append(Finding(FindingCode.PRESENTATION_GRAPHICS, note))
    if values.items("MaskSubtractionSequence"):
        note = "the subtraction of a mask frame is left out"
        findings.append(Finding(FindingCode.PRESENTATION_INCOMPLETE, note))
    if values.items("PresentationLUTSequence") and _presentation_lut(Values(values.dataset, [])) is None:
        findings.append(Finding(FindingCode.PRESENTATION_INCOMPLETE, "the Presentation LUT cannot be used"))
    return tuple(findings)
