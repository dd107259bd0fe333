# SPDX-License-Identifier: MIT
"""Simple values are converted as pydicom converts them, and all others are left to pydicom."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.charset import convert_encodings
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from plainfilm.dicom import values as values_module
from plainfilm.dicom.simple_values import simple_text, simple_value
from plainfilm.dicom.values import Values

TAG = Tag(0x0010, 0x4000)
VRS = ("AE", "AS", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "TM", "UI", "UL", "US")
CHARACTER_SETS = (
    "",
    "ISO_IR 100",
    "ISO_IR 13",
    "ISO_IR 192",
    "GB18030",
    "\\ISO 2022 IR 87",
    "ISO 2022 IR 13\\ISO 2022 IR 87",
)

likely = st.text(alphabet="0123456789+-.eE \\^=~ABab\0\x1b", max_size=20).map(str.encode)
numbers = st.one_of(st.integers(-(10**11), 10**11), st.floats()).map(lambda number: f"{number} ".encode())


def element(vr: str | None, value: bytes, little: bool = True) -> RawDataElement:
    return RawDataElement(TAG, vr, len(value), value, 0, vr is None, little)


def dataset(raw: RawDataElement, character_set: str) -> Dataset:
    encodings = convert_encodings(character_set.split("\\"))
    made = Dataset({TAG: raw}, parent_encoding=encodings)
    made.set_original_encoding(False, raw.is_little_endian, encodings)
    return made


def read(raw: RawDataElement, character_set: str) -> tuple[Any, ...]:
    """The results and findings of every method that reads one value."""
    found: list[Any] = []
    for name in ("texts", "text", "code", "numbers", "number", "integer", "integers", "pair"):
        findings: list[Any] = []
        found += [getattr(Values(dataset(raw, character_set), findings), name)(int(TAG)), findings]
    return tuple(map(repr, found))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("little", [True, False])
@pytest.mark.parametrize("vr", VRS)
@given(value=st.one_of(st.binary(max_size=9), likely, numbers), character_set=st.sampled_from(CHARACTER_SETS))
def test_simple_values_equal_those_of_pydicom(vr: str, little: bool, value: bytes, character_set: str) -> None:
    raw = element(vr, value, little)
    quick = read(raw, character_set)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(values_module, "simple_value", lambda *_: None)
        patch.setattr(values_module, "simple_number", lambda *_: None)
        patch.setattr(values_module, "simple_text", lambda *_: None)
        assert quick == read(raw, character_set)


@pytest.mark.parametrize(
    ("vr", "value", "expected"),
    [
        ("CS", b"MONOCHROME1 ", "MONOCHROME1 "),
        ("LO", b"A. Maker", "A. Maker"),
        ("IS", b"+12 ", "+12 "),
        ("DS", b" 1.5e3", " 1.5e3"),
        ("UI", b"1.2.3\0", "1.2.3\0"),
        ("US", b"\x01\x02", 513),
    ],
)
def test_simple_values_are_converted_without_pydicom(vr: str, value: bytes, expected: object) -> None:
    assert simple_value(element(vr, value)) == expected


@pytest.mark.parametrize(
    ("vr", "value"),
    [
        (None, b"12"),
        ("UN", b"12"),
        ("LO", b"a\\b"),
        ("LO", b"\x1b$Babc"),
        ("LO", b"a~"),
        ("LO", b"\xe4"),
        ("CS", b"  "),
        ("CS", b""),
        ("IS", b"1.5"),
        ("US", b"\x01\x02\x03\x04"),
        ("PN", b"Doe^J"),
    ],
)
def test_other_values_are_left_to_pydicom(vr: str | None, value: bytes) -> None:
    assert simple_value(element(vr, value)) is None


@pytest.mark.parametrize(("value", "expected"), [(b"Doe^J ", "Doe^J "), (b"Doe^J=", None), (b"D\xc3\xb6^J", None)])
def test_a_plain_name_is_a_text(value: bytes, expected: str | None) -> None:
    assert simple_text(element("PN", value)) == expected
