# SPDX-License-Identifier: MIT
"""A data set -> what may differ from frame to frame, taken from the nearest level that has it (PS3.3 C.7.6.16)."""

from __future__ import annotations

from dataclasses import dataclass

from plainfilm.dicom.instance import FrameAttributes, ModalityLevel, VoiLevel, WindowItem
from plainfilm.dicom.values import Values
from plainfilm.findings import Finding, FindingCode


@dataclass(frozen=True, slots=True)
class _Level:
    """What one level says: a functional group, or the top of the data set."""

    modality: ModalityLevel | None
    voi: VoiLevel | None
    pixel_spacing: tuple[float, float] | None = None
    findings: tuple[Finding, ...] = ()


def frames_of(values: Values, number_of_frames: int) -> tuple[FrameAttributes, ...]:
    """The attributes of each frame that has its own, then those that all other frames share (always at least these)."""
    shared = values.items("SharedFunctionalGroupsSequence")[:1]
    own = values.items("PerFrameFunctionalGroupsSequence")[:number_of_frames]
    # read once: a table may be large, and the frames many
    common = (*(_group_level(group) for group in shared), _top_level(values))
    return (*(_frame((_group_level(group), *common)) for group in own), _frame(common))


def _frame(levels: tuple[_Level, ...]) -> FrameAttributes:
    """The nearest level's values of each kind, from per-frame to the top of the data set."""
    return FrameAttributes(
        modality=next((level.modality for level in levels if level.modality is not None), ModalityLevel()),
        voi_levels=tuple(level.voi for level in levels if level.voi is not None),
        pixel_spacing=next((level.pixel_spacing for level in levels if level.pixel_spacing is not None), None),
        findings=tuple(finding for level in levels for finding in level.findings),
    )


def _group_level(group: Values) -> _Level:
    findings: list[Finding] = []
    noted = Values(group.dataset, findings)
    transformation, voi = _macro(noted, "PixelValueTransformationSequence"), _macro(noted, "FrameVOILUTSequence")
    measures = _macro(noted, "PixelMeasuresSequence")
    modality = None if transformation is None else _modality(transformation)
    level = None if voi is None else _voi(voi, findings)
    spacing = None if measures is None else measures.pair("PixelSpacing")
    return _Level(modality, level, spacing, tuple(findings))


def _top_level(values: Values) -> _Level:
    """The top of the data set, whose Pixel Spacing is the instance's."""
    findings: list[Finding] = []
    modality, voi = _modality(values), _voi(values, findings)
    return _Level(modality, voi, findings=tuple(findings))


def _macro(group: Values, keyword: str) -> Values | None:
    return next(iter(group.items(keyword)), None)


def _modality(values: Values) -> ModalityLevel | None:
    """Modality LUT Sequence, Rescale Slope and Intercept of one level, or None where it has none of them."""
    item = _macro(values, "ModalityLUTSequence")
    lut = None if item is None else item.lut("LUTDescriptor", "LUTData")
    slope, intercept = values.number("RescaleSlope"), values.number("RescaleIntercept")
    return None if lut is None and slope is None and intercept is None else ModalityLevel(lut, slope, intercept)


def _voi(values: Values, findings: list[Finding]) -> VoiLevel:
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
