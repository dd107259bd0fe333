# SPDX-License-Identifier: MIT
"""What a presentation state says of a frame -> its VOI and Presentation LUT as one step (PS3.4 N.2, PS3.3 C.11.4)."""

from __future__ import annotations

from plainfilm.dicom.instance import FrameAttributes, LutItem, Presented, WindowItem
from plainfilm.findings import Finding, FindingCode
from plainfilm.rendering.grayscale.lut import lookup_table
from plainfilm.rendering.grayscale.modality import ModalityTransform
from plainfilm.rendering.grayscale.stored import StoredRules
from plainfilm.rendering.grayscale.voi import Line, PlainVoi, PresentationLut, Voi
from plainfilm.rendering.grayscale.voi_candidates import voi_from_item


def presentation_state_voi(
    attributes: FrameAttributes, presented: Presented, modality: ModalityTransform, rules: StoredRules
) -> tuple[Voi, str, tuple[Finding, ...]]:
    """The VOI of a frame through the Presentation LUT, if there is one; in words why; and what was odd."""
    voi, reason, findings = _voi(attributes, modality, rules)
    if presented.lut is None:
        return voi, reason, findings
    table, notes = lookup_table(presented.lut, input_signed=False)
    if table.entries.size == 0 or not 1 <= table.bits <= 16:
        finding = Finding(FindingCode.PRESENTATION_INCOMPLETE, "the Presentation LUT cannot be used")
        return voi, reason, (*findings, finding)
    reason = f"{reason}, then the Presentation LUT of {table.entries.size} entries of {table.bits} bits"
    return PresentationLut(voi, table), reason, (*findings, *notes)


def _voi(
    attributes: FrameAttributes, modality: ModalityTransform, rules: StoredRules
) -> tuple[PlainVoi, str, tuple[Finding, ...]]:
    """A VOI LUT before a window; with neither the whole range of the modality output, never repaired."""
    level = attributes.voi_levels[0]
    items: tuple[LutItem | WindowItem, ...] = (*level.luts[:1], *level.windows[:1])
    for item in items[:1]:
        voi, findings = voi_from_item(item, modality.output_is_signed(rules))
        if voi is not None:
            return voi, "the presentation state says so", findings
        finding = Finding(FindingCode.PRESENTATION_INCOMPLETE, "the VOI of the presentation state cannot be used")
        return _whole_range(modality, rules), "the whole range, as the VOI cannot be used", (*findings, finding)
    return _whole_range(modality, rules), "the presentation state has no VOI: the whole range", ()


def _whole_range(modality: ModalityTransform, rules: StoredRules) -> Line:
    """From the smallest to the largest modality output that Bits Stored allow."""
    if modality.lut is not None:
        return Line(0.0, float((1 << modality.lut.bits) - 1))
    if not rules.is_integer:
        return Line(0.0, 1.0)
    ends = sorted(end * modality.slope + modality.intercept for end in (rules.lowest, rules.highest))
    return Line(float(ends[0]), float(ends[1]))
