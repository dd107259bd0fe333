# SPDX-License-Identifier: MIT
"""Read the lookup tables, the rescale values and the windows of one data set or item (PS3.3 C.11.1, C.11.2)."""

from __future__ import annotations

from plainfilm.dicom.instance import LutItem, ModalityLevel, VoiLevel, WindowItem
from plainfilm.dicom.values import Values
from plainfilm.findings import Finding, FindingCode


def read_lut(
    values: Values, descriptor_keyword: str = "LUTDescriptor", data_keyword: str = "LUTData"
) -> LutItem | None:
    """Return a LUT Descriptor with its LUT Data (PS3.3 C.11.1.1), or None unless both can be read.

    If only one of them can be read, a finding names the other.
    """
    descriptor = _read_descriptor(values, descriptor_keyword)
    data = values.words(data_keyword)
    if descriptor is None or not data:
        if descriptor is not None or data:
            values.add_invalid(data_keyword if descriptor is not None else descriptor_keyword)
        return None
    return LutItem(descriptor, data, values.text("LUTExplanation") or None)


def _read_descriptor(values: Values, keyword: str) -> tuple[int, int, int] | None:
    """Return the three values of a LUT Descriptor as unsigned 16-bit words, or None unless there are three."""
    numbers = values.integers(keyword)
    return (numbers[0] & 0xFFFF, numbers[1] & 0xFFFF, numbers[2] & 0xFFFF) if len(numbers) == 3 else None


def read_modality_level(values: Values) -> ModalityLevel | None:
    """Return Modality LUT Sequence, Rescale Slope and Rescale Intercept (C.11.1), or None if all are absent."""
    item = values.first_item("ModalityLUTSequence")
    lut = None if item is None else read_lut(item)
    slope, intercept = values.number("RescaleSlope"), values.number("RescaleIntercept")
    return None if lut is None and slope is None and intercept is None else ModalityLevel(lut, slope, intercept)


def read_voi_level(values: Values, findings: list[Finding]) -> VoiLevel:
    """Return VOI LUT Sequence and the windows (C.11.2). Window Center i goes with Window Width i.

    findings: gets a finding if the numbers of centers and widths differ.
    """
    luts = (read_lut(item) for item in values.items("VOILUTSequence"))
    centers, widths = values.numbers("WindowCenter"), values.numbers("WindowWidth")
    if len(centers) != len(widths):
        note = f"{len(centers)} values of Window Center and {len(widths)} of Window Width; the common prefix is used"
        findings.append(Finding(FindingCode.WINDOW_COUNT_MISMATCH, note))
    function = values.code("VOILUTFunction") if values.has("VOILUTFunction") else None
    explanations = values.texts("WindowCenterWidthExplanation")
    windows = tuple(
        WindowItem(center, width, function, explanations[index] if index < len(explanations) else None)
        for index, (center, width) in enumerate(zip(centers, widths, strict=False))
    )
    return VoiLevel(tuple(lut for lut in luts if lut is not None), windows)
