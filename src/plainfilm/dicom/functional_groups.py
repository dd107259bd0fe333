# SPDX-License-Identifier: MIT
"""A data set -> what may differ from frame to frame, taken from the nearest level that has it (PS3.3 C.7.6.16)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from plainfilm.dicom.instance import FrameAttributes, ImagePixel, ModalityLevel, Shutter, VoiLevel, WindowItem
from plainfilm.dicom.shutter import shutter_of
from plainfilm.dicom.values import Values
from plainfilm.findings import Finding, FindingCode

T = TypeVar("T")

# PS3.3 C.7.6.16.2, and C.8.19.6 of X-ray frames; the rest, such as what a converter left unassigned, draws nothing.
_MACROS = (
    *("PixelValueTransformation", "FrameVOILUT", "PixelMeasures", "FramePixelDataProperties", "FrameDisplayShutter"),
    *("FrameAnatomy", "PatientOrientationInFrame", "PlaneOrientation"),
)


@dataclass(frozen=True, slots=True)
class _Level:
    """What one level says: a functional group, or the top of the data set."""

    modality: ModalityLevel | None
    voi: VoiLevel | None
    pixel_spacing: tuple[float, float] | None = None
    findings: tuple[Finding, ...] = ()
    shutter: Shutter | None = None
    laterality: str = ""
    patient_orientation: tuple[str, str] | None = None
    image_orientation: tuple[float, ...] | None = None


def frames_of(values: Values, pixel: ImagePixel) -> tuple[FrameAttributes, ...]:
    """The attributes of each frame that has its own, then those that all other frames share (always at least these)."""
    shared = values.items("SharedFunctionalGroupsSequence")[:1]
    own = values.items("PerFrameFunctionalGroupsSequence")[: pixel.number_of_frames]
    # read once: a table may be large, and the frames many
    size = (pixel.rows, pixel.columns)
    common = (*(_group_level(group, size) for group in shared), _top_level(values))
    return (*(_frame((_group_level(group, size), *common)) for group in own), _frame(common))


def _frame(levels: tuple[_Level, ...]) -> FrameAttributes:
    """The nearest level's values of each kind, from per-frame to the top of the data set."""
    return FrameAttributes(
        modality=next((level.modality for level in levels if level.modality is not None), ModalityLevel()),
        voi_levels=tuple(level.voi for level in levels if level.voi is not None),
        pixel_spacing=_nearest(level.pixel_spacing for level in levels),
        findings=tuple(finding for level in levels for finding in level.findings),
        shutter=_nearest(level.shutter for level in levels),
        laterality=_nearest(level.laterality or None for level in levels) or "",
        patient_orientation=_nearest(level.patient_orientation for level in levels),
        image_orientation=_nearest(level.image_orientation for level in levels),
    )


def _nearest(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)


def _group_level(group: Values, size: tuple[int, int]) -> _Level:
    findings: list[Finding] = []
    noted = Values(group.dataset, findings)
    macros = {name: _macro(noted, f"{name}Sequence") for name in _MACROS}
    transformation, voi = macros["PixelValueTransformation"], macros["FrameVOILUT"]
    shutter, anatomy = macros["FrameDisplayShutter"], macros["FrameAnatomy"]
    return _Level(
        modality=None if transformation is None else modality_level(transformation),
        voi=None if voi is None else voi_level(voi, findings),
        pixel_spacing=_spacing(macros["PixelMeasures"], macros["FramePixelDataProperties"]),
        shutter=None if shutter is None else shutter_of(shutter, size),
        laterality="" if anatomy is None else anatomy.code("FrameLaterality"),
        patient_orientation=_patient_orientation(macros["PatientOrientationInFrame"]),
        image_orientation=_image_orientation(macros["PlaneOrientation"]),
        # last: reading fills it
        findings=tuple(findings),
    )


def _spacing(measures: Values | None, properties: Values | None) -> tuple[float, float] | None:
    """Pixel Spacing (C.7.6.16.2.1), else the Imager Pixel Spacing of an X-ray frame (C.8.19.6.4)."""
    spacing = None if measures is None else measures.pair("PixelSpacing")
    return spacing or (None if properties is None else properties.pair("ImagerPixelSpacing"))


def _patient_orientation(values: Values | None) -> tuple[str, str] | None:
    """Where the rows and the columns lead in the patient, as letters (C.7.6.1.1.1)."""
    letters = () if values is None else Values(values.dataset, []).texts("PatientOrientation")
    return (letters[0].upper(), letters[1].upper()) if len(letters) >= 2 else None


def _image_orientation(values: Values | None) -> tuple[float, ...] | None:
    """The six direction cosines of the first row and the first column (C.7.6.2.1.1)."""
    cosines = () if values is None else Values(values.dataset, []).numbers("ImageOrientationPatient")
    return cosines if len(cosines) == 6 else None


def _top_level(values: Values) -> _Level:
    """The top of the data set, whose Pixel Spacing is the instance's."""
    findings: list[Finding] = []
    return _Level(
        modality=modality_level(values),
        voi=voi_level(values, findings),
        patient_orientation=_patient_orientation(values),
        image_orientation=_image_orientation(values),
        findings=tuple(findings),
    )


def _macro(group: Values, keyword: str) -> Values | None:
    return next(iter(group.items(keyword)), None)


def modality_level(values: Values) -> ModalityLevel | None:
    """Modality LUT Sequence, Rescale Slope and Intercept of one level, or None where it has none of them."""
    item = _macro(values, "ModalityLUTSequence")
    lut = None if item is None else item.lut("LUTDescriptor", "LUTData")
    slope, intercept = values.number("RescaleSlope"), values.number("RescaleIntercept")
    return None if lut is None and slope is None and intercept is None else ModalityLevel(lut, slope, intercept)


def voi_level(values: Values, findings: list[Finding]) -> VoiLevel:
    """VOI LUT Sequence and the windows of one level (PS3.3 C.11.2): centre i goes with width i."""
    items = (item.lut("LUTDescriptor", "LUTData") for item in values.items("VOILUTSequence"))
    centers, widths = values.numbers("WindowCenter"), values.numbers("WindowWidth")
    if len(centers) != len(widths):
        note = f"{len(centers)} values of Window Center and {len(widths)} of Window Width; the common ones are used"
        findings.append(Finding(FindingCode.WINDOW_COUNT_MISMATCH, note))
    function = values.code("VOILUTFunction") if values.has("VOILUTFunction") else None
    explanations = values.texts("WindowCenterWidthExplanation")
    windows = tuple(
        WindowItem(center, width, function, explanations[index] if index < len(explanations) else None)
        for index, (center, width) in enumerate(zip(centers, widths, strict=False))
    )
    return VoiLevel(tuple(lut for lut in items if lut is not None), windows)
