# SPDX-License-Identifier: MIT
"""A data set -> who it is of, what the tables say of it, and whether text of the patient may stand in its pixels."""

from __future__ import annotations

from plainfilm.dicom.instance import Description, InstanceIdentity
from plainfilm.dicom.values import Values
from plainfilm.findings import Finding, FindingCode

# Machines and programs that write on their pictures: ultrasound, hard copies, digitizers, secondary captures.
_ANNOTATING_MODALITIES = frozenset({"US", "IVUS", "HC", "FILMD", "SC"})
# Conversion Type (PS3.3 C.8.6.1): digitized film and video, workstation, scanned document, scanned image.
_ANNOTATING_CONVERSIONS = frozenset({"DF", "DV", "WSD", "SD", "SI"})
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_HARDCOPY = ("1.2.840.10008.5.1.1.29", "1.2.840.10008.5.1.1.30")
_ULTRASOUND = tuple(f"1.2.840.10008.5.1.4.1.1.{last}" for last in ("3", "3.1", "6", "6.1", "6.2"))


def identity_of(values: Values, media_storage_sop_class: str) -> InstanceIdentity:
    """Who and what the instance is; its SOP class is that of the file meta information where the data set has none."""
    return InstanceIdentity(
        sop_class_uid=values.text("SOPClassUID") or media_storage_sop_class,
        sop_instance_uid=values.text("SOPInstanceUID"),
        study_instance_uid=values.text("StudyInstanceUID"),
        series_instance_uid=values.text("SeriesInstanceUID"),
        patient_id=values.text("PatientID"),
        issuer_of_patient_id=values.text("IssuerOfPatientID"),
        patient_name=values.text("PatientName"),
        patient_birth_date=values.text("PatientBirthDate"),
        accession_number=values.text("AccessionNumber"),
    )


def description_of(values: Values) -> Description:
    """What the tables carry as it stands."""
    return Description(
        modality=values.code("Modality"),
        body_part=values.code("BodyPartExamined"),
        view_position=values.code("ViewPosition"),
        laterality=values.code("ImageLaterality") or values.code("Laterality"),
        patient_sex=values.code("PatientSex"),
        patient_age=values.code("PatientAge"),
        manufacturer=values.text("Manufacturer"),
        model=values.text("ManufacturerModelName"),
        presentation_intent=values.code("PresentationIntentType"),
        burned_in_annotation=values.code("BurnedInAnnotation"),
    )


def annotation_findings(values: Values, identity: InstanceIdentity, description: Description) -> tuple[Finding, ...]:
    """What is to be feared of Burned In Annotation (PS3.3 C.7.6.1.1.2): that it is there, or that it is likely.

    It counts as likely for the kinds of image that usually have it, unless the file says NO.
    """
    if description.burned_in_annotation == "YES":
        return (Finding(FindingCode.BURNED_IN_ANNOTATION, "Burned In Annotation is YES"),)
    if description.burned_in_annotation == "NO":
        return ()
    conversion = values.code("ConversionType")
    family = identity.sop_class_uid
    signs = {
        f"Modality is {description.modality}": description.modality in _ANNOTATING_MODALITIES,
        f"Conversion Type is {conversion}": conversion in _ANNOTATING_CONVERSIONS,
        "a secondary capture": family == _SECONDARY_CAPTURE or family.startswith(f"{_SECONDARY_CAPTURE}."),
        "a hard copy": family in _HARDCOPY,
        "an ultrasound image": family in _ULTRASOUND,
    }
    seen = ", ".join(sign for sign, found in signs.items() if found)
    note = f"{seen}; Burned In Annotation does not say NO"
    return (Finding(FindingCode.BURNED_IN_LIKELY, note),) if seen else ()
