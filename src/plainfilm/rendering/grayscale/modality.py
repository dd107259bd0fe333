# SPDX-License-Identifier: MIT
"""Map stored values to modality output by a Modality LUT or a rescale (PS3.3 C.11.1), or leave them unchanged."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.dicom.instance import Instance, ModalityLevel
from plainfilm.findings import Finding, FindingCode
from plainfilm.pickling import dataclass
from plainfilm.rendering.grayscale.lut import LookupTable, lookup_table
from plainfilm.rendering.grayscale.stored import StoredRules

Array = npt.NDArray[Any]

# The SOP classes of XA and XRF images, whose Modality LUT is for measurements and not for display (PS3.4 N.2.5).
_NOT_FOR_DISPLAY = frozenset(f"1.2.840.10008.5.1.4.1.1.12.{number}" for number in (1, 2, 3))
# The SOP classes of DX, MG and intra-oral images, whose rescale shall be the identity (PS3.3 C.8.11.3).
_IDENTITY_ONLY = frozenset(f"1.2.840.10008.5.1.4.1.1.1.{number}{tail}" for number in (1, 2, 3) for tail in ("", ".1"))


@dataclass(frozen=True, slots=True)
class ModalityTransform:
    """The Modality LUT step: a table, or otherwise slope and intercept. The default is the identity."""

    slope: float = 1.0
    intercept: float = 0.0
    lut: LookupTable | None = None

    @property
    def is_identity(self) -> bool:
        """Whether the modality output is equal to the stored value."""
        return self.lut is None and self.slope == 1.0 and self.intercept == 0.0

    def apply(self, values: Array) -> npt.NDArray[np.float64]:
        """Return the modality output of stored values, as float64 of the same shape."""
        if self.lut is not None:
            return self.lut.look_up(values).astype(np.float64)
        output = values.astype(np.float64)
        return output if self.is_identity else output * self.slope + self.intercept

    def output_is_signed(self, rules: StoredRules) -> bool:
        """Whether the output can be negative for a value in the range of Bits Stored.

        A VOI LUT that is applied to this output has a signed first input mapped if so.
        """
        if self.lut is not None:
            return False
        if self.is_identity:
            return rules.signed
        bounds = (rules.lowest * self.slope + self.intercept, rules.highest * self.slope + self.intercept)
        return min(bounds) < 0


def modality_of(
    instance: Instance, level: ModalityLevel, rules: StoredRules
) -> tuple[ModalityTransform, tuple[Finding, ...]]:
    """Choose the Modality LUT step of a frame, with findings on what was ignored or corrected."""
    slope, intercept, findings = rescale_of(level)
    has_rescale = (slope, intercept) != (1.0, 0.0)
    if instance.identity.sop_class_uid in _NOT_FOR_DISPLAY:
        if level.lut is None and not has_rescale:
            return ModalityTransform(), ()
        note = "the Modality LUT of XA and XRF images is not for display (PS3.4 N.2.5)"
        return ModalityTransform(), (Finding(FindingCode.MODALITY_NOT_APPLIED, note),)
    if instance.identity.sop_class_uid in _IDENTITY_ONLY and (has_rescale or level.lut is not None):
        note = f"slope {slope:g}, intercept {intercept:g} in an object whose rescale should be 1 and 0; applied"
        findings = (*findings, Finding(FindingCode.RESCALE_NOT_IDENTITY, note))
    if level.lut is None:
        return ModalityTransform(slope, intercept), findings
    table, lut_findings = lookup_table(level.lut, rules.signed)
    if table.entries.size == 0:
        note = "the Modality LUT has no entries and is ignored"
        return ModalityTransform(slope, intercept), (*findings, Finding(FindingCode.MODALITY_LUT_INVALID, note))
    if has_rescale:
        note = f"a Modality LUT and a rescale of {slope:g}, {intercept:g}; the Modality LUT is used"
        findings = (*findings, Finding(FindingCode.MODALITY_LUT_AND_RESCALE, note))
    return ModalityTransform(lut=table), (*findings, *lut_findings)


def rescale_of(level: ModalityLevel) -> tuple[float, float, tuple[Finding, ...]]:
    """Return slope, intercept and findings. A missing slope is 1, a missing intercept 0, and a slope of 0 becomes 1."""
    slope = 1.0 if level.slope is None else level.slope
    intercept = 0.0 if level.intercept is None else level.intercept
    if slope == 0:
        return 1.0, intercept, (Finding(FindingCode.RESCALE_SLOPE_ZERO, "Rescale Slope is 0; 1 is used instead"),)
    return slope, intercept, ()
