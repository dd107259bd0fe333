# SPDX-License-Identifier: MIT
"""What the tables say of an image: valid codes alone, and whether its pixels contain text about the patient."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.dicom_files import MAX_PIXELS, encode_file, image_dataset, sequence_item

from plainfilm.dicom.read import read_instance
from plainfilm.errors import ConversionError
from plainfilm.findings import FindingCode, codes_of

SC = "1.2.840.10008.5.1.4.1.1.7"


def codes(**changes: Any) -> str:
    content = encode_file(image_dataset(**changes))
    return codes_of(read_instance(content, MAX_PIXELS).findings)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ""),
        ({"BurnedInAnnotation": "YES"}, "burned_in_annotation"),
        ({"BurnedInAnnotation": "YES "}, "burned_in_annotation"),
        ({"BurnedInAnnotation": "NO"}, ""),
        ({"BurnedInAnnotation": "MAYBE"}, ""),
        ({"Modality": "US"}, "burned_in_likely"),
        ({"Modality": "US", "BurnedInAnnotation": ""}, "burned_in_likely"),
        ({"Modality": "US", "BurnedInAnnotation": "MAYBE"}, "burned_in_likely"),
        ({"Modality": "US", "BurnedInAnnotation": "YES"}, "burned_in_annotation"),
        ({"Modality": "US", "BurnedInAnnotation": "NO"}, ""),
        ({"SOPClassUID": SC}, "burned_in_likely"),
        ({"SOPClassUID": f"{SC}.2"}, "burned_in_likely"),
        ({"SOPClassUID": f"{SC}7.1.1"}, ""),
        ({"SOPClassUID": SC, "BurnedInAnnotation": "NO"}, ""),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.6.1"}, "burned_in_likely"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.66"}, ""),
        ({"SOPClassUID": "1.2.840.10008.5.1.1.29"}, "burned_in_likely"),
        *(({"ConversionType": kind}, "burned_in_likely") for kind in ("DF", "DV", "SD", "SI", "WSD")),
        *(({"ConversionType": kind}, "") for kind in ("DI", "SYN", "DRW")),
        ({"ConversionType": "DF", "BurnedInAnnotation": "NO"}, ""),
    ],
)
def test_burned_in_text_is_a_finding_if_declared_or_likely(changes: dict[str, str], expected: str) -> None:
    assert codes(**changes) == expected


PATIENT = {
    "PatientName": "Öztürk^Al Quxnam=Yamada",
    "PatientID": "PX-7719402",
    "AccessionNumber": "ACC55 81",
    "PatientBirthDate": "19470813",
}


@pytest.mark.filterwarnings("ignore:Invalid value for VR:UserWarning:pydicom")
@pytest.mark.parametrize(
    ("keyword", "field", "values"),
    [
        ("Modality", "modality", ("DX", "cr", "MG", "OT", "VF")),
        ("BodyPartExamined", "body_part", ("HAND", "hand", "C SPINE", "PX_2", "A_1 B")),
        ("ViewPosition", "view_position", ("PA", "RLO", "FB 2")),
        ("Laterality", "laterality", ("L", "r")),
        ("ImageLaterality", "laterality", ("L", "R", "U", "B")),
        ("PatientSex", "patient_sex", ("M", "F", "O")),
        ("PatientAge", "patient_age", ("093Y", "5Y", "003M")),
        ("PresentationIntentType", "presentation_intent", ("FOR PRESENTATION", "FOR PROCESSING")),
        ("BurnedInAnnotation", "burned_in_annotation", ("YES", "NO", "MAYBE")),
    ],
)
def test_a_valid_code_is_in_the_description(keyword: str, field: str, values: tuple[str, ...]) -> None:
    for value in values:
        instance = read_instance(
            encode_file(image_dataset(**{"PatientName": "No^One For", keyword: value})), MAX_PIXELS
        )
        assert getattr(instance.description, field) == value.upper()
        assert "code_not_valid" not in codes_of(instance.findings)


@pytest.mark.filterwarnings("ignore:Invalid value for VR:UserWarning:pydicom")
@pytest.mark.parametrize(
    ("keyword", "field", "values"),
    [
        ("Modality", "modality", ("X-RAY", "QUXNAM", "XX")),
        ("BodyPartExamined", "body_part", ("HAND-LEFT", "A" * 17, "Küche", "QUXNAM", "HAND AL", "HAND_OZTURK")),
        ("BodyPartExamined", "body_part", ("QUXNAMAL", "7719402", "771", "1947", "5581", "PX", "YAMADAS HAND")),
        ("ViewPosition", "view_position", ("P^A", "AL", "PA 19470813")),
        ("Laterality", "laterality", ("LEFT", "U", "B")),
        ("ImageLaterality", "laterality", ("LEFT", "QUXNAM")),
        ("PatientSex", "patient_sex", ("MALE", "X", "QUXNAM")),
        ("PatientAge", "patient_age", ("QUXNAM", "1947", "0093Y")),
        ("PresentationIntentType", "presentation_intent", ("FOR QUXNAM", "FOR-PROCESSING")),
        ("BurnedInAnnotation", "burned_in_annotation", ("NO^QUXNAM", "QUXNAM")),
    ],
)
def test_text_in_place_of_a_code_is_left_out_with_a_finding(keyword: str, field: str, values: tuple[str, ...]) -> None:
    for value in values:
        instance = read_instance(
            encode_file(image_dataset(**{**PATIENT, keyword: value}, SpecificCharacterSet="ISO_IR 192")), MAX_PIXELS
        )
        assert getattr(instance.description, field) == "", value
        (finding,) = [finding for finding in instance.findings if finding.code is FindingCode.CODE_NOT_VALID]
        assert finding.detail.startswith(f"{keyword} is no valid code")
        assert value not in finding.detail


def test_an_image_laterality_that_is_no_code_leaves_the_laterality_of_the_series() -> None:
    content = encode_file(image_dataset(ImageLaterality="LEFT", Laterality="L"))
    assert read_instance(content, MAX_PIXELS).description.laterality == "L"


def test_a_frame_laterality_that_is_no_code_is_left_out() -> None:
    for frame_laterality, laterality, findings in (("B", "B", ""), ("QUXNAM", "", "code_not_valid")):
        group = sequence_item(FrameAnatomySequence=[sequence_item(FrameLaterality=frame_laterality)])
        content = encode_file(image_dataset(NumberOfFrames=1, SharedFunctionalGroupsSequence=[group]))
        instance = read_instance(content, MAX_PIXELS)
        assert (instance.description.laterality, codes_of(instance.findings)) == (laterality, findings)


@pytest.mark.parametrize(("value", "is_quoted"), [("CMYK", True), ("QUXNAM", False), ("MONOCHROME3", False)])
def test_only_a_term_of_photometric_interpretation_is_quoted(value: str, is_quoted: bool) -> None:
    with pytest.raises(ConversionError) as refused:
        read_instance(encode_file(image_dataset(PhotometricInterpretation=value)), MAX_PIXELS)
    assert (value in refused.value.message) == is_quoted
