# SPDX-License-Identifier: MIT
"""Values are read under any VR, and an unreadable value is a finding and not an error."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from tests.support.dicom_files import sequence_item, unconverted_dataset

from plainfilm.dicom.lut_attributes import read_lut
from plainfilm.dicom.values import Values
from plainfilm.findings import Finding, FindingCode

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
LITTLE_AND_BIG = pytest.mark.parametrize("order", ["<", ">"])


def values_of(keyword: str | int, vr: str, value: bytes, order: str = "<") -> Values:
    return Values(unconverted_dataset({keyword: (vr, value)}, big_endian=order == ">"), [])


def codes(values: Values) -> list[FindingCode]:
    return [finding.code for finding in values.findings]


INVALID = [FindingCode.ATTRIBUTE_INVALID]


@pytest.mark.parametrize("vr", ["US", "SS", "OB", "OW", "UN"])
@LITTLE_AND_BIG
def test_a_16_bit_number_is_read_under_any_vr(vr: str, order: str) -> None:
    values = values_of("Rows", vr, struct.pack(f"{order}H", 1234), order)
    assert values.integer("Rows") == 1234
    assert values.findings == []


@pytest.mark.parametrize(
    ("vr", "value"),
    [
        ("UL", struct.pack("<I", 1234)),
        ("SL", struct.pack("<i", 1234)),
        ("FL", struct.pack("<f", 1234)),
        ("FD", struct.pack("<d", 1234)),
        ("IS", b"1234"),
        ("IS", b" 1234 "),
        ("DS", b"1.234E3 "),
        ("LO", b"1234"),
        ("SH", b"1234"),
        ("CS", b"1234"),
        ("UT", b"1234"),
    ],
)
def test_a_number_is_read_under_vrs_that_are_not_its_own(vr: str, value: bytes) -> None:
    values = values_of("Rows", vr, value)
    assert values.integer("Rows") == 1234
    assert values.findings == []


def test_a_number_is_read_without_a_vr() -> None:
    values = Values(unconverted_dataset({"Rows": ("", b"\xd2\4"), "WindowCenter": ("", b"100 ")}, implicit=True), [])
    assert (values.integer("Rows"), values.number("WindowCenter")) == (1234, 100.0)


@pytest.mark.parametrize("vr", ["DS", "IS", "UN", "OB", "LO", "SH", "UT", "ST"])
def test_numbers_as_text_are_read_under_any_vr(vr: str) -> None:
    assert values_of("WindowCenter", vr, b"100\\-20 ").numbers("WindowCenter") == (100.0, -20.0)


@pytest.mark.parametrize("vr", ["FL", "FD"])
@LITTLE_AND_BIG
def test_a_window_in_binary_is_read(vr: str, order: str) -> None:
    value = struct.pack(f"{order}2{'f' if vr == 'FL' else 'd'}", 100.5, 200)
    assert values_of("WindowCenter", vr, value, order).numbers("WindowCenter") == (100.5, 200.0)


@pytest.mark.parametrize(
    "value",
    [
        b"abc ",
        b"NaN ",
        b"inf ",
        b"-Infinity ",
        b"1.#QNAN ",
        b"1e999 ",
        b"1 2 ",
        b"1,000.5 ",
        b"\xff\xfe",
        b"\\7",
        b"\\\\",
        b"x\\7 ",
    ],
)
@pytest.mark.parametrize("vr", ["DS", "UN", "LO", "OB"])
def test_a_value_that_is_not_a_finite_number_is_left_out_with_a_finding(vr: str, value: bytes) -> None:
    values = values_of("WindowCenter", vr, value)
    assert values.numbers("WindowCenter") == ()
    assert codes(values) == INVALID
    assert values.number("WindowCenter") is None


@pytest.mark.parametrize("value", [b"1A2 ", b"1.5 ", b"1,5 ", b"abc ", b"NaN ", b"9e999 "])
def test_a_value_that_is_not_an_integer_is_left_out_with_a_finding(value: bytes) -> None:
    values = values_of("NumberOfFrames", "IS", value)
    assert values.integer("NumberOfFrames") is None
    assert codes(values) == INVALID


@pytest.mark.parametrize("value", [struct.pack("<f", float("nan")), struct.pack("<f", float("-inf"))])
def test_a_binary_number_that_is_not_finite_is_ignored(value: bytes) -> None:
    values = values_of("FloatPixelPaddingValue", "FL", value)
    assert values.number("FloatPixelPaddingValue") is None
    assert codes(values) == INVALID


@pytest.mark.parametrize("value", [b"", b" ", b"  ", b"\0\0", b" \0"])
@pytest.mark.parametrize("vr", ["DS", "UN", "LO"])
def test_an_empty_value_counts_as_absent_without_a_finding(vr: str, value: bytes) -> None:
    values = values_of("WindowCenter", vr, value)
    assert (values.numbers("WindowCenter"), values.number("WindowCenter")) == ((), None)
    assert (values.integer("WindowCenter"), values.pair("WindowCenter"), values.text("WindowCenter")) == (
        None,
        None,
        "",
    )
    assert values.findings == []
    assert values.has("WindowCenter")


def test_an_absent_attribute_gives_no_value_and_no_finding() -> None:
    values = values_of("Rows", "US", b"\1\0")
    assert not values.has("WindowCenter")
    assert values.raw("WindowCenter") is None
    assert (values.numbers("WindowCenter"), values.texts("WindowCenter"), values.items("VOILUTSequence")) == (
        (),
        (),
        (),
    )
    assert values.findings == []


def test_empty_values_at_the_end_are_ignored() -> None:
    assert values_of("WindowCenter", "DS", b"100\\\\").numbers("WindowCenter") == (100.0,)


@pytest.mark.parametrize("vr", ["US", "SS", "UL", "FD", "OB", "UN", "OW"])
def test_bytes_that_do_not_fill_their_vr_are_ignored(vr: str) -> None:
    values = values_of("Rows", vr, b"\1\0\1")
    assert values.integer("Rows") is None
    assert codes(values) == INVALID


@pytest.mark.parametrize("vr", ["XX", "??", "ZZ"])
def test_a_value_of_unknown_vr_is_ignored(vr: str) -> None:
    values = values_of("Rows", vr, b"\1\0")
    assert values.integer("Rows") is None
    assert codes(values) == INVALID


def test_a_sequence_instead_of_a_number_or_text_is_ignored() -> None:
    dataset = Dataset()
    dataset.add_new("WindowCenter", "SQ", Sequence([sequence_item(PatientName="QZQZ")]))
    dataset.add_new("Manufacturer", "SQ", Sequence([sequence_item(PatientName="QZQZ")]))
    values = Values(dataset, [])
    assert (values.numbers("WindowCenter"), values.text("Manufacturer")) == ((), "")
    assert codes(values) == INVALID * 2
    assert "QZ" not in str(values.findings)


def test_findings_name_the_attribute_and_not_its_value() -> None:
    values = values_of("WindowCenter", "LO", b"QZQZ")
    assert values.numbers("WindowCenter") == ()
    assert values.findings == [Finding(FindingCode.ATTRIBUTE_INVALID, "WindowCenter cannot be read and is left out")]


def test_an_attribute_of_a_repeating_group_is_read_by_its_tag() -> None:
    assert values_of(0x60020102, "US", b"\x0c\0").integer(0x60020102) == 12
    damaged = values_of(0x60020102, "US", b"\x0c")
    assert damaged.integer(0x60020102) is None
    assert damaged.findings[0].detail.startswith("(6002,0102)")


def test_all_numbers_are_read_and_integer_is_the_first() -> None:
    values = values_of("Rows", "US", struct.pack("<3H", 7, 8, 9))
    assert (values.integer("Rows"), values.integers("Rows"), values.numbers("Rows")) == (7, (7, 8, 9), (7.0, 8.0, 9.0))


@pytest.mark.parametrize(
    ("value", "pair"),
    [
        (b"0.1\\0.2 ", (0.1, 0.2)),
        (b"0.1\\0.2\\3 ", (0.1, 0.2)),
        (b"0.1 ", None),
        (b"0\\0.2 ", None),
        (b"-1\\1", None),
        (b"0.1\\a ", None),
    ],
)
def test_a_pair_is_two_numbers_above_zero(value: bytes, pair: tuple[float, float] | None) -> None:
    assert values_of("PixelSpacing", "DS", value).pair("PixelSpacing") == pair


@pytest.mark.parametrize("vr", ["CS", "LO", "UN", "OB", "SH", "UI"])
def test_text_is_read_under_any_vr(vr: str) -> None:
    values = values_of("ShutterShape", vr, b"circular \\POLYGONAL")
    assert values.texts("ShutterShape") == ("circular", "POLYGONAL")
    assert (values.text("ShutterShape"), values.code("ShutterShape")) == ("circular", "CIRCULAR")
    assert values.findings == []


@pytest.mark.parametrize("padded", [b"DX", b"DX\0\0", b" DX ", b"dx\0 ", b"DX\\CR "])
def test_a_code_is_the_first_value_without_padding_in_capitals(padded: bytes) -> None:
    assert values_of("Modality", "CS", padded).code("Modality") == "DX"


def test_a_number_can_be_read_as_text() -> None:
    assert values_of("Manufacturer", "US", b"\5\0").text("Manufacturer") == "5"


@pytest.mark.parametrize(
    ("vr", "value"), [("US", b"\5\0"), ("LO", b"text"), ("OB", b"\1\2"), ("FD", bytes(8)), ("SQ", b"\1\2\3")]
)
def test_an_attribute_that_is_not_a_sequence_has_no_items(vr: str, value: bytes) -> None:
    values = values_of("VOILUTSequence", vr, value)
    assert values.items("VOILUTSequence") == ()
    assert codes(values) == INVALID


def test_items_share_the_findings() -> None:
    dataset = Dataset()
    dataset.VOILUTSequence = [unconverted_dataset({"WindowCenter": ("DS", b"x ")})]
    values = Values(dataset, [])
    (item,) = values.items("VOILUTSequence")
    assert item.number("WindowCenter") is None
    assert codes(values) == INVALID


ENTRIES = (0, 1, 258, 4095, 65535)


def lut_of(descriptor: tuple[str, bytes], data: tuple[str, bytes], order: str) -> Any:
    dataset = unconverted_dataset({"LUTDescriptor": descriptor, "LUTData": data}, big_endian=order == ">")
    values = Values(dataset, [])
    return read_lut(values), values.findings


@pytest.mark.parametrize("vr", ["US", "SS", "OW", "UN"])
@pytest.mark.parametrize("descriptor_vr", ["US", "SS", "OB", "OW", "UN"])
@LITTLE_AND_BIG
def test_lut_data_are_returned_in_little_endian(descriptor_vr: str, vr: str, order: str) -> None:
    descriptor = struct.pack(f"{order}3H", 5, 65436, 16)
    data = struct.pack(f"{order}5H", *ENTRIES)
    lut, findings = lut_of((descriptor_vr, descriptor), (vr, data), order)
    assert lut.descriptor == (5, 65436, 16)
    assert struct.unpack("<5H", lut.data) == ENTRIES
    assert (lut.explanation, findings) == (None, [])


@LITTLE_AND_BIG
def test_packed_bytes_keep_their_order(order: str) -> None:
    lut, _ = lut_of(("US", struct.pack(f"{order}3H", 4, 0, 8)), ("OB", b"\1\2\3\4"), order)
    assert lut.data == b"\1\2\3\4"


def test_words_of_an_odd_number_of_bytes_are_read_in_big_endian() -> None:
    lut, _ = lut_of(("US", struct.pack(">3H", 2, 0, 16)), ("OW", b"\1\2\3"), ">")
    assert lut.data == b"\2\1\0\3"


def test_a_lut_without_vrs_is_read() -> None:
    elements = {"LUTDescriptor": ("", struct.pack("<3H", 5, 0, 16)), "LUTData": ("", struct.pack("<5H", *ENTRIES))}
    lut = read_lut(Values(unconverted_dataset(elements, implicit=True), []))
    assert lut is not None
    assert struct.unpack("<5H", lut.data) == ENTRIES


def test_a_lut_of_one_entry_is_read() -> None:
    lut, _ = lut_of(("US", struct.pack("<3H", 1, 0, 16)), ("US", b"\7\1"), "<")
    assert lut.data == b"\7\1"


def test_a_lut_has_its_explanation() -> None:
    elements = {"LUTDescriptor": ("US", bytes(6)), "LUTData": ("OW", bytes(4)), "LUTExplanation": ("LO", b"BONE ")}
    lut = read_lut(Values(unconverted_dataset(elements), []))
    assert lut is not None
    assert lut.explanation == "BONE"


@pytest.mark.parametrize(
    ("descriptor", "data"),
    [
        (("US", b"\1\0"), ("OW", b"\1\2")),
        (("US", b"\1\0\0\0\x10"), ("OW", b"\1\2")),
        (("LO", b"abc "), ("OW", b"\1\2")),
        (("US", b""), ("OW", b"\1\2")),
        (("US", b"\1\0\0\0\x10\0"), ("OW", b"")),
        (("US", b"\1\0\0\0\x10\0"), ("US", b"\1\2\3")),
        (("US", b"\1\0\0\0\x10\0"), ("LO", b"some text ")),
        (("US", b"\1\0\0\0\x10\0"), ("FD", bytes(8))),
        (("US", b"\1\0\0\0\x10\0"), ("XX", bytes(8))),
    ],
)
def test_an_incomplete_lut_is_left_out_with_a_finding(descriptor: tuple[str, bytes], data: tuple[str, bytes]) -> None:
    lut, findings = lut_of(descriptor, data, "<")
    assert lut is None
    assert {finding.code for finding in findings} == set(INVALID)


def test_lut_data_without_a_descriptor_are_left_out_with_a_finding() -> None:
    for implicit in (False, True):
        values = Values(unconverted_dataset({"LUTData": ("OW", b"\1\2")}, implicit=implicit), [])
        assert read_lut(values) is None
        assert set(codes(values)) == set(INVALID)


def test_an_absent_lut_gives_no_finding() -> None:
    values = Values(unconverted_dataset({}), [])
    assert read_lut(values) is None
    assert values.findings == []


def test_lut_data_given_as_integers_in_memory_become_words() -> None:
    dataset = sequence_item(LUTDescriptor=[3, 0, 12], LUTData=[1, 2, 4095])
    lut = read_lut(Values(dataset, []))
    assert lut is not None
    assert (lut.descriptor, lut.data) == ((3, 0, 12), struct.pack("<3H", 1, 2, 4095))


@pytest.mark.parametrize(
    ("words", "data", "descriptor", "code"),
    [
        ((2, 5, 16, 9), b"\1\0\2\0", (2, 5, 16), "lut_descriptor_invalid"),
        ((2, 5, 12, 0, 0), b"\1\0\2\0", (2, 5, 12), "lut_descriptor_invalid"),
        ((2, 5), b"\1\0\xff\x0f", (2, 5, 12), "attribute_unusable"),
        ((2, 5), b"\1\x7f", (2, 5, 7), "attribute_unusable"),
        ((2, 5), bytes(4), (2, 5, 1), "attribute_unusable"),
    ],
)
def test_a_descriptor_of_another_length_is_used(
    words: tuple[int, ...], data: bytes, descriptor: tuple[int, ...], code: str
) -> None:
    lut, findings = lut_of(("US", struct.pack(f"<{len(words)}H", *words)), ("OW", data), "<")
    assert (lut.descriptor, [finding.code for finding in findings]) == (descriptor, [code])
    assert "LUTDescriptor" in findings[0].detail
