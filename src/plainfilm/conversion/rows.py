# SPDX-License-Identifier: MIT
"""A rendered frame -> its row in the tables and the text in its PNG; an error -> its row in failures."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from plainfilm.conversion.pseudonyms import Key, Pseudonyms, age_in_years, patient_in_path, pseudonyms
from plainfilm.dicom.instance import Description, Instance
from plainfilm.errors import ConversionError, NotAnImageError, NotDicomError, Reason
from plainfilm.findings import Finding, FindingCode, codes_of
from plainfilm.records import Failure, Record, Status
from plainfilm.rendering.color.plan import ColorPlan
from plainfilm.rendering.geometry.geometry import Geometry
from plainfilm.rendering.grayscale.plan import LOOK_VERSIONS, Plan
from plainfilm.rendering.pipeline import RenderedFrame
from plainfilm.rendering.statistics import Statistics, is_polarity_suspect
from plainfilm.sources.naming_rules import split_suffix
from plainfilm.sources.reference import Reference
from plainfilm.version import NOT_FOR_DIAGNOSIS, VERSION


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What is known of an instance for all its frames: its reference, its attributes and its pseudonyms."""

    reference: Reference
    instance: Instance
    pseudonyms: Pseudonyms
    findings: tuple[Finding, ...]


def witness(reference: Reference, instance: Instance, key: Key) -> SourceContext:
    """Hash the identity of an instance, and look for it in the user's own path."""
    hashed = pseudonyms(instance.identity, key)
    findings = hashed.findings
    if patient_in_path(instance.identity, reference.source):
        findings = (*findings, Finding(FindingCode.PATIENT_IN_PATH, "a component of the path names the patient"))
    return SourceContext(reference, instance, hashed, findings)


def record_of(known: SourceContext, rendered: RenderedFrame, file_name: str, encoded: bytes) -> Record:
    """The row of one image that has been written under `file_name`."""
    findings = (*rendered.findings, *known.findings)
    return Record(
        file_name=file_name,
        source=known.reference.source,
        sop_instance=known.pseudonyms.sop_instance,
        patient=known.pseudonyms.patient,
        study=known.pseudonyms.study,
        series=known.pseudonyms.series,
        frame=rendered.frame + 1,
        findings=codes_of(findings),
        decoder=rendered.decoder,
        padding_fraction=rendered.padding_fraction,
        polarity_suspect=is_polarity_suspect(findings),
        duplicate_of="",
        sha256=hashlib.sha256(encoded).hexdigest(),
        stored_hash=rendered.stored_hash,
        carried=known.instance.carried,
        **_of_instance(known.instance),
        **_of_plan(rendered.plan),
        **_of_geometry(rendered.geometry),
        **_columns_of(rendered.statistics),
    )


def _columns_of(values: Description | Statistics) -> dict[str, Any]:
    """Its fields by their names; `asdict` copies each, which takes longer than all the rest of a row."""
    return {name: getattr(values, name) for name in values.__match_args__}


def _of_instance(instance: Instance) -> dict[str, Any]:
    """The columns that the file decides."""
    columns = _columns_of(instance.description)
    return columns | {
        "patient_age": age_in_years(instance.description.patient_age),
        "frames": instance.pixel.number_of_frames,
        "transfer_syntax": instance.data.transfer_syntax,
        "photometric_interpretation": instance.pixel.photometric_interpretation,
    }


def _of_plan(plan: Plan | ColorPlan) -> dict[str, Any]:
    """The columns that the plan decides."""
    window, line = plan.window, plan.line
    return {
        "status": plan.status,
        "bits": plan.bits,
        "bits_stored": plan.bits_stored,
        "look": plan.look.value,
        "look_version": LOOK_VERSIONS[plan.look],
        "voi": plan.voi,
        "voi_available": plan.available,
        "voi_center": None if window is None else window.center,
        "voi_width": None if window is None else window.width,
        "voi_function": "" if window is None else window.function.dicom,
        "low": None if line is None else line[0],
        "high": None if line is None else line[1],
        "inverted": plan.inverted,
    }


def _of_geometry(geometry: Geometry) -> dict[str, Any]:
    """The columns that rows, columns and pixel spacing decide."""
    spacing_x, spacing_y = geometry.output_spacing
    return {
        "width": geometry.width,
        "height": geometry.height,
        "rows": geometry.rows,
        "columns": geometry.columns,
        "spacing_x_mm": spacing_x,
        "spacing_y_mm": spacing_y,
        "affine": geometry.affine,
    }


def failure_of(reference: Reference, frame: int | None, error: ConversionError) -> Failure:
    """The row of an instance, or of a frame of it (from 0), that gave no image.

    What is no DICOM and not named as DICOM, and what is no image, is skipped and no failure.
    """
    named_dicom = split_suffix(reference.path.name)[1] != ""
    skipped = (
        isinstance(error, NotAnImageError)
        or error.reason is Reason.EXCLUDED
        or (isinstance(error, NotDicomError) and not named_dicom)
    )
    return Failure(
        source=reference.source,
        frame=None if frame is None else frame + 1,
        status=Status.SKIPPED if skipped else Status.FAILED,
        reason=error.reason,
        stage=error.stage,
        message=error.message,
    )


def software_text(rendered: RenderedFrame) -> str:
    """What a PNG says of itself: version, look and the plan's codes and numbers, and no text of the data set."""
    plan = rendered.plan
    parts = [
        f"plainfilm {VERSION}",
        f"look {plan.look}/{LOOK_VERSIONS[plan.look]}",
        f"voi {plan.voi}",
        *([] if plan.line is None else [f"low {plan.line[0]!r}", f"high {plan.line[1]!r}"]),
        f"inverted {str(plan.inverted).lower()}",
        f"status {plan.status}",
        *([f"findings {codes_of(rendered.findings)}"] if rendered.findings else []),
        NOT_FOR_DIAGNOSIS,
    ]
    return "; ".join(parts)
