# SPDX-License-Identifier: MIT
"""Combine the VOI and the Presentation LUT of a presentation state into one VOI (PS3.4 N.2, PS3.3 C.11.4)."""

from __future__ import annotations

from plainfilm.dicom.instance import FrameAttributes, LutItem, SoftcopyPresentation, WindowItem
from plainfilm.findings import Finding, FindingCode
from plainfilm.rendering.grayscale.lut import lookup_table
from plainfilm.rendering.grayscale.modality import ModalityTransform
from plainfilm.rendering.grayscale.stored import StoredRules
from plainfilm.rendering.grayscale.voi import Line, PlainVoi, PresentationLut, Voi
from plainfilm.rendering.grayscale.voi_candidates import voi_from_item


def presentation_state_voi(
    attributes: FrameAttributes, presentation: SoftcopyPresentation, modality: ModalityTransform, rules: StoredRules
) -> tuple[Voi, str, tuple[Finding, ...]]:
    """Return the VOI of a frame, followed by the Presentation LUT if there is one, the reason in words, and findings.

    attributes: the attributes of the frame, in which the VOI of the presentation state has replaced that of the image.
    """
    voi, reason, findings = _plain_voi(attributes, modality, rules)
    if presentation.lut is None:
        return voi, reason, findings
    table, lut_findings = lookup_table(presentation.lut, input_signed=False)
    if table.entries.size == 0 or not 1 <= table.bits <= 16:
        finding = Finding(FindingCode.PRESENTATION_INCOMPLETE, "the Presentation LUT cannot be used")
        return voi, reason, (*findings, finding)
    reason = f"{reason}, then the Presentation LUT of {table.entries.size} entries of {table.bits} bits"
    return PresentationLut(voi, table), reason, (*findings, *lut_findings)


def _plain_voi(
    attributes: FrameAttributes, modality: ModalityTransform, rules: StoredRules
) -> tuple[PlainVoi, str, tuple[Finding, ...]]:
    """The VOI LUT, otherwise the window, otherwise the whole range of the modality output.

    A presentation state states how the image is to be displayed, so a degenerate VOI is not replaced.
    """
    level = attributes.voi_levels[0]
    items: tuple[LutItem | WindowItem, ...] = (*level.luts[:1], *level.windows[:1])
    if not items:
        return _whole_range(modality, rules), "the presentation state has no VOI: the whole range", ()
    voi, findings = voi_from_item(items[0], modality.output_is_signed(rules))
    if voi is not None:
        return voi, "set by the presentation state", findings
    finding = Finding(FindingCode.PRESENTATION_INCOMPLETE, "the VOI of the presentation state cannot be used")
    reason = "the VOI of the presentation state cannot be used: the whole range"
    return _whole_range(modality, rules), reason, (*findings, finding)


def _whole_range(modality: ModalityTransform, rules: StoredRules) -> Line:
    """The line from the smallest to the largest modality output that Bits Stored can give."""
    if modality.lut is not None:
        return Line(0.0, float((1 << modality.lut.bits) - 1))
    if not rules.is_integer:
        return Line(0.0, 1.0)
    bounds = sorted(value * modality.slope + modality.intercept for value in (rules.lowest, rules.highest))
    return Line(float(bounds[0]), float(bounds[1]))
