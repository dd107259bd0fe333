# SPDX-License-Identifier: MIT
"""Read a Grayscale Softcopy Presentation State into frozen values (PS3.3 A.33.1)."""

from __future__ import annotations

from plainfilm.dicom.instance import LutItem, ModalityLevel, Overlay, Shutter, VoiLevel
from plainfilm.dicom.lut_attributes import read_lut, read_modality_level, read_voi_level
from plainfilm.dicom.orientation import Turn
from plainfilm.dicom.overlays import OVERLAY_GROUPS, read_overlays
from plainfilm.dicom.shutter import read_shapes
from plainfilm.dicom.values import Values
from plainfilm.errors import AttributeValueError
from plainfilm.findings import Finding, FindingCode
from plainfilm.pickling import dataclass

GRAYSCALE_SOFTCOPY = "1.2.840.10008.5.1.4.1.1.11.1"
# A presentation state does not know the size of its images. With the largest size, every usable shape is kept.
_MAX_ROWS, _MAX_COLUMNS = 65535, 65535
_ACTIVATION_LAYER = 0x1001

ReferencedImages = tuple["ReferencedImage", ...]
Area = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class ReferencedImage:
    """A reference to an image by its SOP Instance UID (PS3.3 10.3). frames: counted from 1; () for all frames."""

    sop_instance_uid: str
    frames: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SoftcopyVoi:
    """A VOI LUT or windows, and the images that they are for; () for all images (PS3.3 C.11.8)."""

    references: ReferencedImages
    voi: VoiLevel


@dataclass(frozen=True, slots=True)
class DisplayedArea:
    """A displayed area, and the images that it is for; () for all images (PS3.3 C.10.4).

    area: two opposite corners (column, row, column, row), counted from 1. pixel_aspect_ratio: vertical and horizontal
    size of a pixel, in mm or relative.
    """

    references: ReferencedImages
    area: Area | None
    pixel_aspect_ratio: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class PresentationState:
    """How the images that it refers to are displayed (PS3.3 A.33.1). An absent part is not applied to any of them.

    created: Presentation Creation Date and Time, joined. lut: Presentation LUT. inverted: whether Presentation LUT
    Shape is INVERSE (C.11.6). active_groups: the groups with an Overlay Activation Layer (C.11.7).
    """

    sop_instance_uid: str
    created: str
    references: ReferencedImages
    modality: ModalityLevel = ModalityLevel()
    voi: tuple[SoftcopyVoi, ...] = ()
    lut: LutItem | None = None
    inverted: bool = False
    shutter: Shutter | None = None
    overlays: tuple[Overlay, ...] = ()
    active_groups: tuple[int, ...] = ()
    turn: Turn = Turn()
    areas: tuple[DisplayedArea, ...] = ()
    findings: tuple[Finding, ...] = ()


def has_reference(references: ReferencedImages, sop_instance_uid: str, frame: int) -> bool:
    """Whether one of the references includes a frame of an instance, counted from 0."""
    return any(
        image.sop_instance_uid == sop_instance_uid and (not image.frames or frame + 1 in image.frames)
        for image in references
    )


def build_presentation_state(values: Values) -> PresentationState:
    """Return the presentation state. Raises AttributeValueError if it is of another class or refers to no image."""
    if values.text("SOPClassUID") != GRAYSCALE_SOFTCOPY:
        raise AttributeValueError("SOPClassUID", message="the object is not a Grayscale Softcopy Presentation State")
    references = tuple(
        image for series in values.items("ReferencedSeriesSequence") for image in _read_references(series)
    )
    if not references:
        raise AttributeValueError("ReferencedSeriesSequence", message="the presentation state refers to no image")
    overlays = read_overlays(values, None)
    shutter = read_shapes(values, _MAX_ROWS, _MAX_COLUMNS, overlays)
    return PresentationState(
        sop_instance_uid=values.text("SOPInstanceUID"),
        created=values.text("PresentationCreationDate") + values.text("PresentationCreationTime"),
        references=references,
        modality=read_modality_level(values) or ModalityLevel(),
        voi=tuple(_read_voi(item) for item in values.items("SoftcopyVOILUTSequence")),
        lut=_read_presentation_lut(values),
        inverted=values.code("PresentationLUTShape") == "INVERSE",
        shutter=shutter,
        overlays=tuple(overlay for overlay in overlays if shutter is None or overlay is not shutter.bitmap),
        active_groups=tuple(group for group in OVERLAY_GROUPS if values.text(group << 16 | _ACTIVATION_LAYER)),
        turn=_read_turn(values),
        areas=tuple(_read_area(item) for item in values.items("DisplayedAreaSelectionSequence")),
        findings=(*_findings_of_unused(values), *values.findings),
    )


def _read_references(values: Values) -> ReferencedImages:
    items = values.items("ReferencedImageSequence")
    return tuple(
        ReferencedImage(item.text("ReferencedSOPInstanceUID"), item.integers("ReferencedFrameNumber")) for item in items
    )


def _read_voi(item: Values) -> SoftcopyVoi:
    return SoftcopyVoi(_read_references(item), read_voi_level(item, item.findings))


def _read_area(item: Values) -> DisplayedArea:
    corners = (
        *item.integers("DisplayedAreaTopLeftHandCorner")[:2],
        *item.integers("DisplayedAreaBottomRightHandCorner")[:2],
    )
    area = (corners[0], corners[1], corners[2], corners[3]) if len(corners) == 4 else None
    aspect_ratio = item.pair("PresentationPixelSpacing") or item.pair("PresentationPixelAspectRatio")
    return DisplayedArea(_read_references(item), area, aspect_ratio)


def _read_presentation_lut(values: Values) -> LutItem | None:
    item = values.first_item("PresentationLUTSequence")
    return None if item is None else read_lut(item)


def _read_turn(values: Values) -> Turn:
    """Return Image Rotation, clockwise, and Image Horizontal Flip, which follows it (PS3.3 C.10.6)."""
    degrees = values.integer("ImageRotation") or 0
    if degrees % 90:
        note = f"Image Rotation {degrees} is not a multiple of 90 degrees and is ignored"
        values.findings.append(Finding(FindingCode.PRESENTATION_INCOMPLETE, note))
        degrees = 0
    return Turn(degrees // 90 % 4, values.code("ImageHorizontalFlip") == "Y")


def _findings_of_unused(values: Values) -> tuple[Finding, ...]:
    """Return a finding for each part of a presentation state that is not drawn or cannot be read."""
    findings = []
    if values.items("GraphicAnnotationSequence"):
        note = "graphic or text annotations are not drawn"
        findings.append(Finding(FindingCode.PRESENTATION_GRAPHICS, note))
    if values.items("MaskSubtractionSequence"):
        note = "the subtraction of a mask frame is left out"
        findings.append(Finding(FindingCode.PRESENTATION_INCOMPLETE, note))
    if values.items("PresentationLUTSequence") and _read_presentation_lut(Values(values.dataset, [])) is None:
        findings.append(Finding(FindingCode.PRESENTATION_INCOMPLETE, "the Presentation LUT cannot be used"))
    return tuple(findings)
