# SPDX-License-Identifier: MIT
"""Decide whether a planned image is repaired: whether the file has something for its display that cannot be used."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from plainfilm.dicom.instance import Instance
from plainfilm.errors import RepairRefusedError
from plainfilm.findings import MODALITY_REPAIRS, STORED_VALUE_REPAIRS, VOI_REPAIRS, Finding, FindingCode
from plainfilm.options.render import Look, RenderOptions, VoiKind
from plainfilm.records import Status
from plainfilm.rendering.color.plan import ColorPlan
from plainfilm.rendering.frame import LoadedFrame
from plainfilm.rendering.grayscale.plan import GrayscalePlan

P = TypeVar("P", GrayscalePlan, ColorPlan)

# The looks that apply the Modality LUT, and those that apply the VOI of the file.
_WITH_MODALITY = frozenset((Look.VIEWER, Look.CLAHE, Look.WINDOW))
_WITH_VOI = frozenset((Look.VIEWER, Look.CLAHE, Look.STRETCH, Look.MINMAX))


def with_repairs(plan: P, instance: Instance, loaded: LoadedFrame, options: RenderOptions) -> P:
    """Return the plan, with the status `repaired` if a finding requires it.

    Raises RepairRefusedError where `strict` forbids the repair.
    """
    repairs = _repairs(plan, instance, loaded, options)
    if not repairs:
        return plan
    if options.strict:
        raise RepairRefusedError(f"{repairs[0].detail}; --strict forbids this repair")
    return replace(plan, status=Status.REPAIRED)


def _repairs(
    plan: GrayscalePlan | ColorPlan, instance: Instance, loaded: LoadedFrame, options: RenderOptions
) -> tuple[Finding, ...]:
    """Return the findings that make the image a repaired one. Those on steps that the look does not apply do not."""
    attributes = instance.frame_attributes(loaded.setup.frame)
    stored = (*plan.findings, *loaded.decoded.findings)
    # a presentation state replaces the Modality LUT and the VOI of the image
    displayed = plan.findings if attributes.presentation is None else attributes.findings
    return (
        *(finding for finding in stored if finding.code in STORED_VALUE_REPAIRS),
        *(finding for finding in displayed if finding.code in _display_repairs(plan, options)),
    )


def _display_repairs(plan: GrayscalePlan | ColorPlan, options: RenderOptions) -> frozenset[FindingCode]:
    if isinstance(plan, ColorPlan):
        return frozenset()
    modality = MODALITY_REPAIRS if plan.look in _WITH_MODALITY else frozenset[FindingCode]()
    has_voi = plan.look in _WITH_VOI and options.voi.kind is not VoiKind.NONE
    return modality | VOI_REPAIRS if has_voi else modality
