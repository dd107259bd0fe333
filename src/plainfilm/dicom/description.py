# SPDX-License-Identifier: MIT
"""Read what identifies and describes an instance, and judge whether its pixels may contain text about the patient."""

from __future__ import annotations

from plainfilm.dicom.instance import Description, InstanceIdentity
from plainfilm.dicom.values import Values
from plainfilm.findings import Finding, FindingCode

# Modalities whose devices write text into the pixels: ultrasound, hard copies, digitizers, secondary captures.
_ANNOTATING_MODALITIES = frozenset({"US", "IVUS", "HC", "FILMD", "SC"})
# Conversion Type (PS3.3 C.8.6.1): digitized film, digitized video, workstation, scanned document, scanned image.
_ANNOTATING_CONVERSIONS = frozenset({"DF", "DV", "WSD", "SD", "SI"})
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_HARDCOPY = ("1.2.840.10008.5.1.1.29", "1.2.840.10008.5.1.1.30")
_ULTRASOUND = tuple(f"1.2.840.10008.5.1.4.1.1.{last}" for last in ("3", "3.1", "6", "6.1", "6.2"))


def read_identity(values: Values, media_storage_sop_class: str) -> InstanceIdentity:
    """Return the identifying attributes. media_storage_sop_class: the SOP class if the data set has none."""
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


def read_description(values: Values) -> Description:
    """Return the attributes that the tables contain unchanged."""
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
    """Return a finding if text is burned into the pixels, or likely to be (Burned In Annotation, PS3.3 C.7.6.1.1.2).

    It is likely for the kinds of image that usually have text, unless Burned In Annotation is NO.
    """
    if description.burned_in_annotation == "YES":
        return (Finding(FindingCode.BURNED_IN_ANNOTATION, "Burned In Annotation is YES"),)
    if description.burned_in_annotation == "NO":
        return ()
    conversion = values.code("ConversionType")
    sop_class = identity.sop_class_uid
    indications = {
        f"Modality is {description.modality}": description.modality in _ANNOTATING_MODALITIES,
        f"Conversion Type is {conversion}": conversion in _ANNOTATING_CONVERSIONS,
        "a secondary capture": sop_class == _SECONDARY_CAPTURE or sop_class.startswith(f"{_SECONDARY_CAPTURE}."),
        "a hard copy": sop_class in _HARDCOPY,
        "an ultrasound image": sop_class in _ULTRASOUND,
    }
    reasons = ", ".join(indication for indication, applies in indications.items() if applies)
    note = f"{reasons}; Burned In Annotation does not say NO"
    return (Finding(FindingCode.BURNED_IN_LIKELY, note),) if reasons else ()
