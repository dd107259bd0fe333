# SPDX-License-Identifier: MIT
"""Read the attributes that may differ between frames from the nearest level that has them (PS3.3 C.7.6.16).

The levels are the per-frame functional groups, the shared functional groups and the top level of the data set.
"""

from __future__ import annotations

from typing import TypeVar

from plainfilm.dicom.instance import FrameAttributes, ImagePixel, ModalityLevel, Shutter, VoiLevel
from plainfilm.dicom.lut_attributes import read_modality_level, read_voi_level
from plainfilm.dicom.shutter import read_shutter
from plainfilm.dicom.values import Values
from plainfilm.findings import Finding, FindingCode
from plainfilm.pickling import dataclass

T = TypeVar("T")

_DISPLAY_REPAIRS = {
    "PixelValueTransformation": FindingCode.MODALITY_LUT_INVALID,
    "FrameVOILUT": FindingCode.VOI_INVALID,
}
_VOI_KEYWORDS = ("WindowCenter", "WindowWidth", "VOILUTSequence")
_MISPLACED_NOTE = (
    "the VOI (FrameVOILUTSequence, or WindowCenter and WindowWidth) is outside its functional group; it is used, "
    "because no level has a VOI in its place"
)

# The macros that affect an image (PS3.3 C.7.6.16.2, and C.8.19.6 for X-ray frames).
_MACROS = (
    *("PixelValueTransformation", "FrameVOILUT", "PixelMeasures", "FramePixelDataProperties", "FrameDisplayShutter"),
    *("FrameAnatomy", "PatientOrientationInFrame", "PlaneOrientation"),
)


@dataclass(frozen=True, slots=True)
class _LevelAttributes:
    """The attributes of one level: a functional group, or the top level of the data set."""

    modality: ModalityLevel | None
    voi: VoiLevel | None
    pixel_spacing: tuple[float, float] | None = None
    findings: tuple[Finding, ...] = ()
    shutter: Shutter | None = None
    laterality: str = ""
    patient_orientation: tuple[str, str] | None = None
    image_orientation: tuple[float, ...] | None = None
    misplaced_voi: VoiLevel | None = None


def read_frame_attributes(values: Values, pixel: ImagePixel) -> tuple[FrameAttributes, ...]:
    """Return the attributes of each frame that has its own, and last those that all other frames share.

    The result is never empty.
    """
    shared_groups = _read_groups(values, "SharedFunctionalGroupsSequence")[:1]
    frame_groups = _read_groups(values, "PerFrameFunctionalGroupsSequence")[: pixel.number_of_frames]
    # These levels are read once, because they may hold large tables and there may be many frames.
    common = (*(_read_group(group, pixel) for group in shared_groups), _read_top_level(values))
    return (*(_merge((_read_group(group, pixel), *common)) for group in frame_groups), _merge(common))


def _read_groups(values: Values, keyword: str) -> tuple[Values, ...]:
    """Return the items of functional groups. A sequence that cannot be read may have decided the picture."""
    if not values.has(keyword):
        return ()
    findings_before = len(values.findings)
    groups = values.items(keyword)
    if not groups and len(values.findings) > findings_before:
        values.add_unusable(keyword, "cannot be read, so the attributes in it are left out")
    return groups


def _merge(levels: tuple[_LevelAttributes, ...]) -> FrameAttributes:
    """Return each kind of attribute from the nearest level that has it. levels: from per-frame to the top level."""
    voi_levels = tuple([level.voi for level in levels if level.voi is not None])
    misplaced = _nearest([level.misplaced_voi for level in levels])
    findings = tuple([finding for level in levels for finding in level.findings])
    if misplaced is not None and not any(map(_has_voi, voi_levels)):
        voi_levels = (misplaced, *voi_levels)
        findings = (*findings, Finding(FindingCode.VOI_MISPLACED, _MISPLACED_NOTE))
    return FrameAttributes(
        modality=_nearest([level.modality for level in levels]) or ModalityLevel(),
        voi_levels=voi_levels,
        pixel_spacing=_nearest([level.pixel_spacing for level in levels]),
        findings=findings,
        shutter=_nearest([level.shutter for level in levels]),
        laterality=_nearest([level.laterality or None for level in levels]) or "",
        patient_orientation=_nearest([level.patient_orientation for level in levels]),
        image_orientation=_nearest([level.image_orientation for level in levels]),
    )


def _has_voi(level: VoiLevel) -> bool:
    return bool(level.luts or level.windows)


def _nearest(values: list[T | None]) -> T | None:
    for value in values:
        if value is not None:
            return value
    return None


def _read_group(group: Values, pixel: ImagePixel) -> _LevelAttributes:
    """Return the attributes of a functional group. Findings in it belong to its frames and not to the instance."""
    findings: list[Finding] = []
    values = Values(group.dataset, findings)
    macros = {name: _read_macro(values, name) for name in _MACROS}
    transformation, voi = macros["PixelValueTransformation"], macros["FrameVOILUT"]
    shutter, anatomy = macros["FrameDisplayShutter"], macros["FrameAnatomy"]
    return _LevelAttributes(
        modality=None if transformation is None else read_modality_level(transformation),
        voi=None if voi is None else read_voi_level(voi, findings),
        pixel_spacing=_read_spacing(macros["PixelMeasures"], macros["FramePixelDataProperties"]),
        shutter=None if shutter is None else read_shutter(shutter, pixel.rows, pixel.columns),
        laterality="" if anatomy is None else anatomy.code("FrameLaterality"),
        patient_orientation=_read_patient_orientation(macros["PatientOrientationInFrame"]),
        image_orientation=_read_image_orientation(macros["PlaneOrientation"]),
        misplaced_voi=_read_misplaced_voi(values, findings) if voi is None else None,
        # must be last, because the calls above add to the findings
        findings=tuple(findings),
    )


def _read_macro(values: Values, name: str) -> Values | None:
    """Return the item of a macro. One that cannot be read, and decides the picture, is a repair."""
    keyword, findings_before = f"{name}Sequence", len(values.findings)
    macro = values.first_item(keyword)
    if macro is None and name in _DISPLAY_REPAIRS and len(values.findings) > findings_before:
        values.findings.append(Finding(_DISPLAY_REPAIRS[name], f"{keyword} cannot be read and is left out"))
    return macro


def _read_misplaced_voi(values: Values | None, findings: list[Finding]) -> VoiLevel | None:
    """Return the VOI of an item in which it does not belong, None if it has none.

    Some writers leave out the item of Frame VOI LUT Sequence, or put the sequence at the top level.
    """
    if values is None or not any(map(values.has_value, _VOI_KEYWORDS)):
        return None
    level = read_voi_level(values, findings)
    return level if _has_voi(level) else None


def _read_spacing(measures: Values | None, properties: Values | None) -> tuple[float, float] | None:
    """Return Pixel Spacing (C.7.6.16.2.1), else Imager Pixel Spacing of an X-ray frame (C.8.19.6.4), in mm."""
    spacing = None if measures is None else measures.pair("PixelSpacing")
    return spacing or (None if properties is None else properties.pair("ImagerPixelSpacing"))


def _read_patient_orientation(values: Values | None) -> tuple[str, str] | None:
    """Return the patient directions of the rows and of the columns as letters (C.7.6.1.1.1)."""
    if values is None or not values.has("PatientOrientation"):
        return None
    letters = Values(values.dataset, []).texts("PatientOrientation")
    return (letters[0].upper(), letters[1].upper()) if len(letters) >= 2 else None


def _read_image_orientation(values: Values | None) -> tuple[float, ...] | None:
    """Return the six direction cosines of the first row and the first column (C.7.6.2.1.1)."""
    if values is None or not values.has("ImageOrientationPatient"):
        return None
    cosines = Values(values.dataset, []).numbers("ImageOrientationPatient")
    return cosines if len(cosines) == 6 else None


def _read_top_level(values: Values) -> _LevelAttributes:
    """Return the attributes of the top level. Its Pixel Spacing and its shutter are those of the instance."""
    findings: list[Finding] = []
    return _LevelAttributes(
        modality=read_modality_level(values),
        voi=read_voi_level(values, findings),
        patient_orientation=_read_patient_orientation(values),
        image_orientation=_read_image_orientation(values),
        misplaced_voi=_read_misplaced_voi(values.first_item("FrameVOILUTSequence"), findings),
        # must be last, because the calls above add to the findings
        findings=tuple(findings),
    )
