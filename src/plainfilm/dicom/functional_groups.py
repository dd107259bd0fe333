# SPDX-License-Identifier: MIT
"""A data set -> what may differ from frame to frame, taken from the nearest level that has it (PS3.3 C.7.6.16)."""

from __future__ import annotations

from plainfilm.dicom.instance import FrameAttributes, ModalityLevel, VoiLevel, WindowItem
from plainfilm.dicom.values import Values
from plainfilm.findings import Finding, FindingCode


def frames_of(values: Values, number_of_frames: int) -> tuple[FrameAttributes, ...]:
    """The attributes of each frame that has its own, then those that all other frames share (always at least these)."""
    shared = next(iter(values.items("SharedFunctionalGroupsSequence")), None)
    own = values.items("PerFrameFunctionalGroupsSequence")[:number_of_frames]
    return (*(_frame(values, (group, shared)) for group in own), _frame(values, (None, shared)))


def _frame(top: Values, groups: tuple[Values | None, Values | None]) -> FrameAttributes:
    findings: list[Finding] = []
    present = [Values(group.dataset, findings) for group in groups if group is not None]
    modality_levels = [*(_macro(group, "PixelValueTransformationSequence") for group in present), top]
    voi_levels = [*(_macro(group, "FrameVOILUTSequence") for group in present), top]
    modality = (level for values in modality_levels if values is not None and (level := _modality(values)) is not None)
    measures = (_macro(group, "PixelMeasuresSequence") for group in present)
    spacing = (pair for values in measures if values is not None and len(pair := values.numbers("PixelSpacing")) == 2)
    return FrameAttributes(
        modality=next(modality, ModalityLevel()),
        voi_levels=tuple(_voi(values, findings) for values in voi_levels if values is not None),
        pixel_spacing=next(((rows, columns) for rows, columns in spacing if min(rows, columns) > 0), None),
        findings=tuple(findings),
    )


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
