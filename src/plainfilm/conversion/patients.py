# SPDX-License-Identifier: MIT
"""Report the patient of each source to the run, and refuse the instances of patients that were removed from OUT."""

from __future__ import annotations

from collections.abc import Callable

from plainfilm.conversion.job import ConvertJob
from plainfilm.conversion.pseudonyms import patient_id_hash, patient_pseudonym
from plainfilm.conversion.selection import check_selection
from plainfilm.dicom.byte_source import ByteSource
from plainfilm.dicom.instance import InstanceIdentity
from plainfilm.dicom.read import read_instance_identity
from plainfilm.errors import ConversionError, Reason, Stage
from plainfilm.ledger.stored_patients import SourcePatient
from plainfilm.rendering.opened_instance import OpenedInstance, open_instance
from plainfilm.workers.messages import Report, TaskNote


def open_selected_instance(
    content: ByteSource, convert_job: ConvertJob, report: Callable[[Report], None]
) -> OpenedInstance:
    """Open the instance of a job, and report its patient, also where the instance cannot be opened.

    Raises ConversionError: `excluded` for an instance that the options leave out or whose patient was removed, and the
    errors of `open_instance`.
    """
    context = convert_job.context
    try:
        check_selection(content, context.options, context.key)
        opened = open_instance(content, context.options, convert_job.boxes)
    except ConversionError:
        identity = _identity_or_none(content)
        if identity is not None:
            _check_patient(identity, convert_job, report)
        raise
    _check_patient(opened.instance.identity, convert_job, report)
    return opened


def _check_patient(identity: InstanceIdentity, convert_job: ConvertJob, report: Callable[[Report], None]) -> None:
    """Report the patient of an instance. Raises ConversionError (excluded) where this patient was removed."""
    context = convert_job.context
    if context.key is None or context.out is None:
        return
    patient = patient_pseudonym(identity, context.key)
    if patient in context.removed_patients:
        message = "its patient was removed from OUT by `plainfilm remove`"
        raise ConversionError(message, reason=Reason.EXCLUDED, stage=Stage.READ)
    patient_id = patient_id_hash(context.key, identity.patient_id)
    report(TaskNote(SourcePatient(convert_job.reference.source, patient, patient_id)))


def _identity_or_none(content: ByteSource) -> InstanceIdentity | None:
    try:
        return read_instance_identity(content)
    except ConversionError:
        return None
