# SPDX-License-Identifier: MIT
"""Make the row of metadata.csv for a rendered frame, and the text that its PNG contains."""

from __future__ import annotations

import hashlib
from typing import Any

from plainfilm.conversion.pseudonyms import NO_PSEUDONYMS, Key, Pseudonyms, age_in_years, patient_in_path, pseudonyms
from plainfilm.dicom.instance import Description, Instance
from plainfilm.findings import Finding, FindingCode, codes_of
from plainfilm.pickling import dataclass, field_values, made_of
from plainfilm.records import Record
from plainfilm.rendering.frame import RenderedFrame
from plainfilm.rendering.geometry.geometry import Geometry
from plainfilm.rendering.plan import PlanColumns
from plainfilm.rendering.statistics import Statistics, is_polarity_suspect
from plainfilm.sources.reference import Reference
from plainfilm.version import NOT_FOR_DIAGNOSIS, VERSION

# what the run decides after all rows are made
_OTHER_COLUMNS: dict[str, Any] = {"duplicate_of": "", "overlay_files": "", "split": "", "labels": ()}


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What the rows of all frames of an instance have in common.

    label_key: the key of the instance in the label file, '' where it is the name of the image.
    """

    reference: Reference
    instance: Instance
    pseudonyms: Pseudonyms
    findings: tuple[Finding, ...]
    label_key: str = ""


def source_context(reference: Reference, instance: Instance, key: Key | None, label_key: str = "") -> SourceContext:
    """Compute the keyed hashes of an instance, and check whether the user's path names the patient.

    Without a key the hashes are empty.
    """
    hashes = NO_PSEUDONYMS if key is None else pseudonyms(instance.identity, key)
    findings = hashes.findings
    if patient_in_path(instance.identity, reference.source):
        findings = (*findings, Finding(FindingCode.PATIENT_IN_PATH, "a component of the path names the patient"))
    return SourceContext(reference, instance, hashes, findings, label_key)


def record_of(context: SourceContext, rendered: RenderedFrame, file_name: str, encoded: bytes | None) -> Record:
    """Return the row of an image, which is `encoded` in a file named `file_name`.

    Without a file (None) `sha256` and the hash of the stored pixels are empty, and `file_name` is the name that a run
    would give the image.
    """
    findings = (*rendered.findings, *context.findings)
    columns = {
        **_OTHER_COLUMNS,
        "file_name": file_name,
        "source": context.reference.source,
        "sop_instance": context.pseudonyms.sop_instance,
        "patient": context.pseudonyms.patient,
        "study": context.pseudonyms.study,
        "series": context.pseudonyms.series,
        "frame": None if rendered.projection is not None else rendered.frame + 1,
        "findings": codes_of(findings),
        "decoder": rendered.decoder,
        "padding_fraction": rendered.padding_fraction,
        "polarity_suspect": is_polarity_suspect(findings),
        "sha256": "" if encoded is None else hashlib.sha256(encoded).hexdigest(),
        "stored_hash": "" if encoded is None else rendered.stored_hash,
        "carried": context.instance.extra_columns,
        "label_key": context.label_key,
        **_instance_columns(context.instance),
        **_field_columns(rendered.plan_columns),
        **_geometry_columns(rendered.geometry),
        **_field_columns(rendered.statistics),
    }
    return made_of(Record, columns)


def _field_columns(values: Description | Statistics | PlanColumns) -> dict[str, Any]:
    """Return the fields by name. `asdict` would copy each value, which takes longer than the rest of a row."""
    return dict(zip(values.__match_args__, field_values(values), strict=True))


def _instance_columns(instance: Instance) -> dict[str, Any]:
    """Return the columns that depend on the file alone."""
    columns = _field_columns(instance.description)
    return columns | {
        "patient_age": age_in_years(instance.description.patient_age),
        "frames": instance.pixel.number_of_frames,
        "transfer_syntax": instance.data.transfer_syntax,
        "photometric_interpretation": instance.pixel.photometric_interpretation,
    }


def _geometry_columns(geometry: Geometry) -> dict[str, Any]:
    """Return the columns that depend on rows, columns and pixel spacing."""
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


def software_text(rendered: RenderedFrame) -> str:
    """Return the text of a PNG: version, look, and the codes and numbers of the plan; no text of the data set."""
    plan = rendered.plan_columns
    parts = [
        f"plainfilm {VERSION}",
        f"look {plan.look}/{plan.look_version}",
        f"voi {plan.voi}",
        *([] if plan.low is None else [f"low {plan.low!r}", f"high {plan.high!r}"]),
        f"inverted {str(plan.inverted).lower()}",
        f"status {plan.status}",
        *([f"findings {codes_of(rendered.findings)}"] if rendered.findings else []),
        NOT_FOR_DIAGNOSIS,
    ]
    return "; ".join(parts)
