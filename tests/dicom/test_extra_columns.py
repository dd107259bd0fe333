# SPDX-License-Identifier: MIT
"""Extra columns have the decoded values of the right attributes, limited in length, and never fail an image."""

from __future__ import annotations

import pytest
from tests.support.dicom_files import MAX_PIXELS, encode_element, encode_file, image_dataset

from plainfilm.dicom.dictionary import parse_columns
from plainfilm.dicom.extra_columns import MAX_CELL_LENGTH
from plainfilm.dicom.read import read_instance
from plainfilm.findings import codes_of


def carried(columns: str, content: bytes) -> tuple[str, ...]:
    instance = read_instance(content, MAX_PIXELS, parse_columns(columns))
    assert len(instance.extra_columns) == len(columns.split(","))
    return instance.extra_columns


def test_columns_have_the_users_order_and_the_values_of_the_file() -> None:
    dataset = image_dataset(
        PatientName="Doe^Jane^^Dr=JANE",
        StudyDate="20240131",
        ImageType=["ORIGINAL", "PRIMARY", ""],
        KVP="70.50",
        SeriesNumber="007",
        ExposureInuAs=12,
        PatientComments="a\\b\r\nc ",
        FrameIncrementPointer=0x00181063,
        StudyInstanceUID="1.2.3",
        EntranceDoseInmGy="",
    )
    columns = {
        "StudyDate": "20240131",
        "PatientName": "Doe^Jane^^Dr=JANE",
        "ImageType": "ORIGINAL\\PRIMARY\\",
        "KVP": "70.50",
        "SeriesNumber": "007",
        "ExposureInuAs": "12",
        "PatientComments": "a\\b\r\nc",
        "FrameIncrementPointer": "(0018,1063)",
        "StudyInstanceUID": "1.2.3",
        "EntranceDoseInmGy": "",
        "PatientID": "",
        "Rows": "4",
        "TransferSyntaxUID": "1.2.840.10008.1.2.1",
        "MediaStorageSOPInstanceUID": "1.2.3.4",
    }
    found = carried(",".join(columns), encode_file(dataset))
    assert dict(zip(columns, found, strict=True)) == columns


def test_there_are_no_extra_columns_by_default() -> None:
    assert read_instance(encode_file(image_dataset(PatientName="Doe")), MAX_PIXELS).extra_columns == ()


@pytest.mark.parametrize(
    ("character_set", "name", "encoded"),
    [
        ("ISO_IR 192", "M\u00fcller^\u732b", "M\u00fcller^\u732b".encode()),
        ("ISO_IR 100", "M\u00fcller^J\u00f6rg", "M\u00fcller^J\u00f6rg".encode("latin-1")),
        ("ISO_IR 144", "\u041b\u044e\u043ace", "\u041b\u044e\u043ace".encode("iso8859-5")),
        ("GB18030", "\u738b^\u5c0f\u4e1c", "\u738b^\u5c0f\u4e1c".encode("gb18030")),
        ("\\ISO 2022 IR 87", "Yamada=\u5c71\u7530", b"Yamada=\x1b$B;3ED\x1b(B"),
    ],
)
def test_text_is_decoded_by_its_character_set(character_set: str, name: str, encoded: bytes) -> None:
    padded = encoded + b" " * (len(encoded) % 2)
    odd = {
        "SpecificCharacterSet": ("CS", (character_set + " " * (len(character_set) % 2)).encode()),
        "PatientName": ("PN", padded),
        "PatientComments": ("LT", padded),
    }
    found = carried("PatientName,PatientComments", encode_file(image_dataset(), odd=odd))
    assert found == (name, name)


def test_bytes_outside_the_character_set_do_not_fail_the_image() -> None:
    for character_set in (b"ISO_IR 192", b"no such ", b"\xff\xfe", b"\\\\"):
        odd = {"SpecificCharacterSet": ("CS", character_set), "PatientName": ("PN", b"Doe\xff\x1b$B\x00 ")}
        (found,) = carried("PatientName", encode_file(image_dataset(), odd=odd))
        assert found.startswith("Doe")


def test_a_long_value_is_cut_to_the_limit() -> None:
    dataset = image_dataset(PatientComments="\u00e4" * 30_000, SpecificCharacterSet="ISO_IR 192")
    assert carried("PatientComments", encode_file(dataset)) == ("\u00e4" * MAX_CELL_LENGTH,)


def test_an_unreadable_value_is_empty_with_a_finding() -> None:
    odd = {"StudyDate": ("SQ", encode_element(0xFFFEE000, "", b"")[:0]), "KVP": ("DS", b"not a number")}
    content = encode_file(image_dataset(), odd={**odd, "SeriesNumber": ("US", b"\x01")})
    instance = read_instance(content, MAX_PIXELS, parse_columns("StudyDate,KVP,SeriesNumber,Modality"))
    assert instance.extra_columns[-1] == "DX"
    assert "attribute_invalid" in codes_of(instance.findings)
    assert "not a number" not in str(instance.findings)


@pytest.mark.parametrize(
    "vr", ["LO", "PN", "UN", "OB", "US", "DS", "IS", "CS", "UI", "SQ", "FD", "AT", "XX", "DA", "TM"]
)
@pytest.mark.parametrize("keyword", ["PatientName", "StudyDate", "KVP", "SeriesNumber", "ExposureInuAs", "PatientID"])
def test_an_attribute_of_any_vr_gives_a_text_and_never_fails_the_image(vr: str, keyword: str) -> None:
    for value in (b"", b"A\\B\\ ", b"\xff\xff\x00\x80", b"2024.01.31", b"1" * 1500):
        found = carried(keyword, encode_file(image_dataset(), odd={keyword: (vr, value)}))
        assert len(found[0]) <= MAX_CELL_LENGTH
