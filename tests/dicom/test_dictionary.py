# SPDX-License-Identifier: MIT
"""Only keywords of attributes that fit into a table are accepted as columns, each once and in the user's order."""

from __future__ import annotations

from typing import Any

import pytest
from pydicom.datadict import DicomDictionary

from plainfilm.dicom.dictionary import Keywords, parse_columns
from plainfilm.errors import OptionsError


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", ()),
        ("StudyDate", ("StudyDate",)),
        (" PatientName , KVP,PatientName,", ("PatientName", "KVP")),
        (["Rows", "TransferSyntaxUID"], ("Rows", "TransferSyntaxUID")),
        (Keywords(("KVP",)), ("KVP",)),
    ],
)
def test_keywords_are_parsed_without_duplicates_and_written_in_order(value: Any, words: tuple[str, ...]) -> None:
    parsed = parse_columns(value)
    assert parsed.words == words
    assert parse_columns(str(parsed)) == parsed


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("StudyDat", "'StudyDat'.*: is it StudyDate"),
        ("studydate", "is it StudyDate"),
        ("Study Date", "is it StudyDate"),
        ("Patient's Name", "is it PatientName"),
        ("KVP,Xyzzyquux", "'Xyzzyquux' is not the keyword.*private attributes have none"),
        ("00091001", "'00091001' is not the keyword"),
        ("(0009,1001)", "not the keyword"),
        ("OverlayDescription", "not the keyword"),
        ("OtherPatientIDsSequence", "a sequence"),
        ("PixelData", r"binary \(OB or OW\)"),
        ("EncapsulatedDocument", r"binary \(OB\)"),
        ("LUTData", r"binary \(US or OW\)"),
        ("Item", "binary"),
        (7, "KEYWORD"),
    ],
)
def test_an_unsuitable_column_is_refused_by_name(value: Any, message: str) -> None:
    with pytest.raises(OptionsError, match=f"--columns: .*{message}"):
        parse_columns(value)


def test_every_attribute_with_a_value_of_text_or_numbers_can_be_a_column() -> None:
    refused = ("SQ", "OB", "OD", "OF", "OL", "OV", "OW", "UN", "NONE")
    wanted = [
        entry[4] for entry in DicomDictionary.values() if entry[4] and not set(entry[0].split(" or ")) & {*refused}
    ]
    assert len(parse_columns(wanted).words) == len(wanted) > 3000
