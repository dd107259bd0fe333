# SPDX-License-Identifier: MIT
"""Numbers that are written as text: decimal commas, text around a number, and values that are not numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydicom.datadict import dictionary_VR, tag_for_keyword
from tests.support.dicom_files import unconverted_dataset

import plainfilm.dicom
from plainfilm.dicom.number_values import number_of_text
from plainfilm.dicom.values import Values
from plainfilm.findings import FindingCode, codes_of

DECIMAL_STRINGS = (
    *("WindowCenter", "WindowWidth", "RescaleSlope", "RescaleIntercept", "PixelSpacing", "ImagerPixelSpacing"),
    *("NominalScannedPixelSpacing", "ImageOrientationPatient", "PresentationPixelSpacing"),
)
INTEGER_STRINGS = (
    *("NumberOfFrames", "PixelAspectRatio", "ShutterLeftVerticalEdge", "ShutterRightVerticalEdge"),
    *("ShutterUpperHorizontalEdge", "ShutterLowerHorizontalEdge", "CenterOfCircularShutter"),
    *("RadiusOfCircularShutter", "VerticesOfThePolygonalShutter", "PresentationPixelAspectRatio"),
    "ReferencedFrameNumber",
)
NOT_A_NUMBER = (b"", b" ", b"NaN", b"inf", b"-Infinity", b"1e999", b"1.#INF", b"abc", b"5 of 10", b"1,2,3", b"1_000")


def test_the_lists_have_every_number_in_text_that_the_reader_names() -> None:
    modules = Path(plainfilm.dicom.__file__).parent.glob("*.py")
    words = {word for module in modules for word in re.findall(r'"([A-Z]\w+)"', module.read_text(encoding="utf-8"))}
    named = {word for word in words if tag_for_keyword(word) is not None and dictionary_VR(word) in ("DS", "IS")}
    assert named <= {*DECIMAL_STRINGS, *INTEGER_STRINGS}


def values_of(keyword: str, vr: str, value: bytes, *, implicit: bool = False) -> Values:
    return Values(unconverted_dataset({keyword: (vr, value)}, implicit=implicit), [])


@pytest.mark.parametrize("text", ["1", "+1", "-1.5", "1.", ".5", " 1e3 ", "1E-3\0", "0012"])
def test_a_number_is_read_without_a_correction(text: str) -> None:
    assert number_of_text(text) == (float(text.strip(" \0")), False)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2048,5", 2048.5),
        ("-0,143", -0.143),
        ("1,5e2", 150.0),
        ("1,5 HU", 1.5),
        ("2048 HU", 2048.0),
        ("[2048]", 2048.0),
        ("(-3)", -3.0),
        ("2048,", 2048.0),
        (",5", 0.5),
        ("2048HU", 2048.0),
        ("--1", -1.0),
        ("1A", 1.0),
    ],
)
def test_a_decimal_comma_and_text_around_a_number_are_corrected(text: str, number: float) -> None:
    assert number_of_text(text) == (number, True)


@pytest.mark.parametrize(
    "text",
    ["", "abc", "2048, 1024", "[2048, 1024]", "5 of 10", "1,234,567", "1,234.5", "1 ,5", "1, 5", "1 2", "0x10", "1_0"],
)
def test_a_text_without_one_number_is_unreadable(text: str) -> None:
    assert number_of_text(text) is None


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("keyword", DECIMAL_STRINGS)
def test_a_decimal_comma_is_read_at_every_position(keyword: str, count: int, implicit: bool) -> None:
    for position in range(count):
        parts = [b"1.5"] * count
        parts[position] = b"2,25"
        values = values_of(keyword, "DS", b"\\".join(parts), implicit=implicit)
        assert values.numbers(keyword) == (*[1.5] * position, 2.25, *[1.5] * (count - position - 1))
        assert codes_of(tuple(values.findings)) == "attribute_corrected"
        assert keyword in values.findings[0].detail


@pytest.mark.parametrize(("part", "number"), [(b"7,0", 7.0), (b"7 px", 7.0), (b"[7]", 7.0)])
@pytest.mark.parametrize("keyword", INTEGER_STRINGS)
def test_an_integer_string_is_corrected_and_must_be_whole(keyword: str, part: bytes, number: float) -> None:
    values = values_of(keyword, "IS", b"4\\" + part)
    assert values.numbers(keyword) == (4.0, number)
    assert codes_of(tuple(values.findings)) == "attribute_corrected"
    values = values_of(keyword, "IS", b"4\\7,5\\9")
    assert values.numbers(keyword) == (4.0,)
    assert codes_of(tuple(values.findings)) == "attribute_invalid"


@pytest.mark.parametrize("spoiled", NOT_A_NUMBER)
@pytest.mark.parametrize("keyword", DECIMAL_STRINGS + INTEGER_STRINGS)
def test_the_values_before_the_first_unreadable_one_are_used(keyword: str, spoiled: bytes) -> None:
    vr = "DS" if keyword in DECIMAL_STRINGS else "IS"
    for position in range(3):
        parts = [b"4", b"5", b"6", b"7"]
        parts[position] = spoiled
        values = values_of(keyword, vr, b"\\".join(parts))
        assert values.numbers(keyword) == (4.0, 5.0, 6.0)[:position]
        assert [finding.code for finding in values.findings] == [FindingCode.ATTRIBUTE_INVALID]
        assert keyword in values.findings[0].detail


def test_a_long_value_is_not_split() -> None:
    values = values_of("WindowCenter", "DS", b"1\\" * 200_000)
    assert values.numbers("WindowCenter") == ()
    assert codes_of(tuple(values.findings)) == "attribute_invalid"
