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
    data = values.words(data_keyword)
    descriptor = _read_descriptor(values, descriptor_keyword, data)
    if descriptor is None or not data:
        if descriptor is not None or data:
            values.add_invalid(data_keyword if descriptor is not None else descriptor_keyword)
        return None
    return LutItem(descriptor, data, values.text("LUTExplanation") or None)


def _read_descriptor(values: Values, keyword: str, data: bytes) -> tuple[int, int, int] | None:
    """Return the three values of a LUT Descriptor as unsigned 16-bit words, or None if there are fewer than two.

    If there are only two, the bits per entry are those of the largest entry. data: LUT Data.
    """
    words = [number & 0xFFFF for number in values.integers(keyword)]
    if len(words) < 2:
        return None
    if len(words) == 2:
        bits = _bits_of_largest_entry(data, words[0] or 65536)
        values.add_unusable(keyword, f"has two values; {bits} bits per entry are taken from the largest entry")
        return words[0], words[1], bits
    if len(words) > 3:
        note = f"{keyword} has {len(words)} values; the first three are used"
        values.findings.append(Finding(FindingCode.LUT_DESCRIPTOR_INVALID, note))
    return words[0], words[1], words[2]


def _bits_of_largest_entry(data: bytes, count: int) -> int:
    """Return the bits of the largest entry of LUT Data, which are bytes if there are too few of them for words."""
    entries = data[:count] if len(data) < 2 * count else memoryview(data[: 2 * count]).cast("H")
    return max(max(entries, default=0).bit_length(), 1)


def read_modality_level(values: Values) -> ModalityLevel | None:
    """Return Modality LUT Sequence, Rescale Slope and Rescale Intercept (C.11.1), or None if all are absent.

    If slope or intercept is there and unreadable, both are reset to 1 and 0.
    """
    luts = _read_luts(values, "ModalityLUTSequence", FindingCode.MODALITY_LUT_INVALID)
    lut = luts[0] if luts else None
    slope, intercept = values.number("RescaleSlope"), values.number("RescaleIntercept")
    for keyword, number in (("RescaleSlope", slope), ("RescaleIntercept", intercept)):
        if number is None and values.has_value(keyword):
            note = f"{keyword} cannot be read; a slope of 1 and an intercept of 0 are used"
            values.findings.append(Finding(FindingCode.RESCALE_INVALID, note))
            slope, intercept = 1.0, 0.0
    return None if lut is None and slope is None and intercept is None else ModalityLevel(lut, slope, intercept)


def read_voi_level(values: Values, findings: list[Finding]) -> VoiLevel:
    """Return VOI LUT Sequence and the windows (C.11.2). Window Center i goes with Window Width i.

    findings: gets a finding if the numbers of centers and widths differ.
    """
    return VoiLevel(_read_luts(values, "VOILUTSequence", FindingCode.VOI_INVALID), _read_windows(values, findings))


def _read_luts(values: Values, keyword: str, code: FindingCode) -> tuple[LutItem, ...]:
    """Return the lookup tables of a sequence. Items that are not empty and cannot be used are left out.

    code: of the finding that an item is left out.
    """
    if not values.has(keyword):
        return ()
    findings_before = len(values.findings)
    items = values.items(keyword)
    is_unreadable = not items and len(values.findings) > findings_before
    luts = [(item, read_lut(item)) for item in items]
    unusable = [number for number, (item, lut) in enumerate(luts, 1) if lut is None and _has_lut(item)]
    if is_unreadable:
        values.findings.append(Finding(code, f"{keyword} cannot be read and is left out"))
    if unusable:
        note = f"{keyword}: item {unusable[0]} of {len(items)} cannot be used and is left out"
        values.findings.append(Finding(code, note))
    return tuple(lut for _, lut in luts if lut is not None)


def _has_lut(item: Values) -> bool:
    """Whether an item has a part of a lookup table."""
    return item.has_value("LUTDescriptor") or item.has_value("LUTData")


def _read_windows(values: Values, findings: list[Finding]) -> tuple[WindowItem, ...]:
    centers, widths = values.numbers("WindowCenter"), values.numbers("WindowWidth")
    if len(centers) != len(widths):
        counts = f"{len(centers)} values of Window Center and {len(widths)} of Window Width"
        note = f"{counts} (WindowCenter, WindowWidth); the common prefix is used"
        findings.append(Finding(FindingCode.WINDOW_COUNT_MISMATCH, note))
    for keyword, numbers in (("WindowCenter", centers), ("WindowWidth", widths)):
        if not numbers and values.has_value(keyword):
            note = f"{keyword} cannot be read, so the window cannot be used"
            values.findings.append(Finding(FindingCode.VOI_INVALID, note))
    function = values.code("VOILUTFunction") if values.has_value("VOILUTFunction") else None
    explanations = values.texts("WindowCenterWidthExplanation")
    return tuple(
        WindowItem(center, width, function, explanations[index] if index < len(explanations) else None)
        for index, (center, width) in enumerate(zip(centers, widths, strict=False))
    )
