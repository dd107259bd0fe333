# SPDX-License-Identifier: MIT
"""Test that body parts are read from Body Part Examined and from Anatomic Region Sequence."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset
from tests.support.cases.build import build_case, to_bytes

from plainfilm.dicom.dictionary import Keywords
from plainfilm.dicom.header import Header
from plainfilm.dicom.read import read_header
from plainfilm.errors import NotAnImageError


def region(code: str, scheme: str = "SCT") -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, scheme, "free text"
    return item


def header(body_part: str = "", *codes: str) -> Header:
    dataset, _ = build_case()
    dataset.BodyPartExamined = body_part
    dataset.AnatomicRegionSequence = [region(code) for code in codes]
    return read_header(to_bytes(dataset), Keywords())


@pytest.mark.parametrize(
    ("code", "term"),
    [("85562004", "HAND"), ("T-D8700", "HAND"), ("51185008", "CHEST"), ("816094009", "CHEST"), ("122496007", "LSPINE")],
)
def test_the_code_of_a_region_is_a_term_of_body_part_examined(code: str, term: str) -> None:
    assert header("", code).body_parts == (term,)


def test_both_attributes_count_and_body_part_examined_comes_first() -> None:
    assert header("WRIST", "85562004", "74670003").body_parts == ("WRIST", "HAND")


def test_a_code_that_is_not_in_the_table_gives_no_body_part() -> None:
    assert header("", "1234").body_parts == ()


def test_the_header_of_an_object_without_an_image_is_refused() -> None:
    dataset, _ = build_case()
    for keyword in ("PixelData", "Rows", "Columns"):
        delattr(dataset, keyword)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.88.11"
    with pytest.raises(NotAnImageError):
        read_header(to_bytes(dataset), Keywords())
