# SPDX-License-Identifier: MIT
"""Oddities that do not affect the pixels do not prevent a file from being read."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any

import pytest
from tests.support.dicom_files import (
    CODESTREAMS,
    MAX_PIXELS,
    encapsulate_fragments,
    encode_dataset,
    encode_element,
    encode_file,
    image_dataset,
    lut_item,
    read_dataset,
    read_error,
    sequence_item,
    wrap_in_file,
)

from plainfilm.dicom.instance import Instance
from plainfilm.dicom.read import read_instance
from plainfilm.dicom.transfer_syntax import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from plainfilm.errors import NotDicomError, Reason
from plainfilm.findings import codes_of

NATIVE = (EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE)
UNDEFINED = 0xFFFFFFFF
VOI_LUT = 0x00283010


def marker(element: int, length: int, syntax: str = EXPLICIT_LITTLE) -> bytes:
    return struct.pack(f"{'>' if syntax == EXPLICIT_BIG else '<'}HHI", 0xFFFE, element, length)


def item(content: bytes, *, defined: bool, closed: bool = True, syntax: str = EXPLICIT_LITTLE) -> bytes:
    end = b"" if defined or not closed else marker(0xE00D, 0, syntax)
    return marker(0xE000, len(content) if defined else UNDEFINED, syntax) + content + end


def undefined(tag: int, vr: str, content: bytes, syntax: str = EXPLICIT_LITTLE) -> bytes:
    order = ">" if syntax == EXPLICIT_BIG else "<"
    written = b"" if syntax == IMPLICIT_LITTLE else vr.encode() + bytes(2)
    return struct.pack(f"{order}HH", tag >> 16, tag & 0xFFFF) + written + struct.pack(f"{order}I", UNDEFINED) + content


def file_with_element(element: bytes, tag: int, syntax: str = EXPLICIT_LITTLE, **changes: Any) -> bytes:
    """A file with an element inserted unchanged at the position of its tag."""
    dataset = image_dataset(**changes)
    before, after = (
        encode_dataset(
            dataset.__class__({at: dataset[at] for at in list(dataset.keys()) if (at < tag) is lower}), syntax
        )
        for lower in (True, False)
    )
    content: bytes = wrap_in_file(before + element + after, syntax)
    return content


def tables(instance: Instance) -> list[bytes]:
    return [lut.data for lut in instance.frames[-1].voi_levels[-1].luts]


def table(*entries: int, syntax: str = EXPLICIT_LITTLE) -> bytes:
    content: bytes = encode_dataset(lut_item(*entries, syntax=syntax), syntax)
    return content


TABLES = [struct.pack("<2H", 1, 2), struct.pack("<2H", 3, 4)]


@pytest.mark.parametrize("syntax", NATIVE)
@pytest.mark.parametrize("items_closed", [True, False])
@pytest.mark.parametrize("sequence_closed", [True, False])
def test_missing_delimiters_are_inserted(syntax: str, items_closed: bool, sequence_closed: bool) -> None:
    if not (items_closed or sequence_closed):
        pytest.skip("without either nothing tells where the sequence ends")
    pair = (table(1, 2, syntax=syntax), table(3, 4, syntax=syntax))
    content = b"".join(item(each, defined=False, closed=items_closed, syntax=syntax) for each in pair)
    content += marker(0xE0DD, 0, syntax) if sequence_closed else b""
    instance = read_instance(file_with_element(undefined(VOI_LUT, "SQ", content, syntax), VOI_LUT, syntax), MAX_PIXELS)
    assert tables(instance) == TABLES
    assert instance.data.value == image_dataset().PixelData


def test_a_sequence_may_have_a_length_and_a_delimiter() -> None:
    inside = item(table(1, 2), defined=True) + item(table(3, 4), defined=True)
    for value in (inside + marker(0xE0DD, 0), inside):
        element = encode_element(VOI_LUT, "SQ", b"")[:8] + struct.pack("<I", len(value)) + value
        after = marker(0xE0DD, 0) if value is inside else b""
        assert tables(read_instance(file_with_element(element + after, VOI_LUT), MAX_PIXELS)) == TABLES


def test_a_sequence_under_un_is_a_sequence_of_elements_without_vr() -> None:
    implicit = item(table(1, 2, syntax=IMPLICIT_LITTLE), defined=False)
    element = undefined(VOI_LUT, "UN", implicit + marker(0xE0DD, 0))
    assert tables(read_instance(file_with_element(element, VOI_LUT), MAX_PIXELS)) == TABLES[:1]
    long = item(table(*range(40_000), syntax=IMPLICIT_LITTLE), defined=True)
    element = struct.pack("<HH2s2xI", 0x0028, 0x3010, b"UN", len(long)) + long
    (found,) = tables(read_instance(file_with_element(element, VOI_LUT), MAX_PIXELS))
    assert len(found) == 80_000


def test_numbers_and_texts_under_un_are_read() -> None:
    odd = {"Rows": ("UN", b"\4\0"), "WindowCenter": ("UN", b"100 "), "WindowWidth": ("UN", b"7 ")}
    instance = read_instance(encode_file(image_dataset(Rows=None), odd=odd), MAX_PIXELS)
    assert (instance.pixel.rows, instance.frames[-1].voi_levels[-1].windows[0].center) == (4, 100)


@pytest.mark.parametrize(
    "odd",
    [
        struct.pack("<HH2sH", 0x0009, 0x1001, b"ZZ", 4) + b"abcd",
        struct.pack("<HH2s2xI", 0x0009, 0x1001, b"ZZ", 0x20000) + bytes(0x20000),
        struct.pack("<HH2sH", 0x0009, 0x1001, b"??", 4) + b"abcd",
        struct.pack("<HHI", 0x0009, 0x1001, 4) + b"abcd",
        struct.pack("<HH2sH", 0x0009, 0x1001, b"OB", 4) + b"abcd",
        struct.pack("<HH2sH", 0x0009, 0x1001, b"LO", 3) + b"abc",
    ],
    ids=["VR of its own", "VR of its own and a long length", "question marks", "no VR", "OB and a short length", "odd"],
)
def test_a_private_element_of_any_form_is_skipped(odd: bytes) -> None:
    instance = read_instance(file_with_element(odd, 0x00091001), MAX_PIXELS)
    assert (instance.pixel.rows, instance.data.value) == (4, image_dataset().PixelData)


def test_an_acr_nema_file_is_read() -> None:
    odd = {0x00080000: ("UL", b"\x2a\0\0\0"), 0x00080001: ("UL", b"\xff\0\0\0"), 0x00080010: ("LO", b"ACR-NEMA 2.0")}
    old = image_dataset(SOPClassUID=None, SOPInstanceUID=None, SamplesPerPixel=None, PhotometricInterpretation=None)
    instance = read_instance(encode_dataset(old, IMPLICIT_LITTLE, odd), MAX_PIXELS)
    assert (instance.pixel.photometric_interpretation, instance.pixel.bits_stored) == ("MONOCHROME2", 12)
    words = read_instance(encode_dataset(image_dataset(BitsAllocated=12), IMPLICIT_LITTLE, odd), MAX_PIXELS)
    assert words.pixel.bits_allocated == 16


@pytest.mark.parametrize("syntax", NATIVE)
@pytest.mark.parametrize("length", [0, 1, 10_000_000])
def test_the_group_length_of_the_file_meta_is_not_used(syntax: str, length: int) -> None:
    content = bytearray(encode_file(image_dataset(), syntax))
    content[140:144] = struct.pack("<I", length)
    assert read_instance(bytes(content), MAX_PIXELS).pixel.rows == 4
    without = bytes(content[:132] + content[144:])
    assert read_instance(without, MAX_PIXELS).pixel.rows == 4


@pytest.mark.parametrize("name", [b"", b"QZQZ", b"ISO_IR 6\\\\X", b"\xff\xfe", b"ISO 2022 IR 87\\ISO_IR 192", b"\\"])
def test_no_character_set_prevents_an_image_from_being_read(name: bytes) -> None:
    odd = {
        "SpecificCharacterSet": ("CS", name),
        "Manufacturer": ("LO", b"\x1b$B\xff\xfe"),
        "PatientName": ("PN", b"\x80"),
    }
    item_of_the_same = encode_element("SpecificCharacterSet", "CS", name) + table(1, 2)
    odd["VOILUTSequence"] = ("SQ", item(item_of_the_same, defined=True))
    instance = read_instance(encode_file(image_dataset(), odd=odd), MAX_PIXELS)
    assert (instance.pixel.rows, tables(instance)) == (4, TABLES[:1])


def test_elements_may_be_repeated_and_in_any_order() -> None:
    elements = [
        encode_dataset(image_dataset().__class__({at: image_dataset()[at]})) for at in list(image_dataset().keys())
    ]
    pixels = elements.pop()
    backwards = wrap_in_file(b"".join(elements[::-1]) + pixels, EXPLICIT_LITTLE)
    twice = wrap_in_file(b"".join(elements + elements) + pixels, EXPLICIT_LITTLE)
    expected = read_dataset(image_dataset())
    assert read_instance(backwards, MAX_PIXELS) == expected
    repeated = read_instance(twice, MAX_PIXELS)
    assert replace(repeated, findings=()) == expected
    assert codes_of(repeated.findings) == "element_repeated"


@pytest.mark.parametrize("syntax", [*NATIVE, "1.2.840.10008.1.2.4.50"])
def test_pixel_data_may_precede_their_description(syntax: str) -> None:
    value = encapsulate_fragments(CODESTREAMS[syntax]) if syntax in CODESTREAMS else image_dataset().PixelData
    dataset = image_dataset(PixelData=value)
    pixels = encode_dataset(dataset.__class__({0x7FE00010: dataset["PixelData"]}), syntax)
    rest = encode_dataset(image_dataset(PixelData=None, SOPClassUID=None), syntax)
    start = encode_element("SOPClassUID", "UI", b"1.2.840.10008.5.1.4.1.1.1.1\0", syntax)
    instance = read_instance(wrap_in_file(start + pixels + rest, syntax), MAX_PIXELS)
    assert (instance.pixel.rows, instance.pixel.bits_stored) == (4, 12)
    assert instance.data.value[: len(value)] == value


@pytest.mark.parametrize("zeros", [1, 7, 8, 12, 4096, 100_000])
def test_zeros_after_the_data_set_are_padding(zeros: int) -> None:
    assert read_instance(encode_file(image_dataset()) + bytes(zeros), MAX_PIXELS).pixel.rows == 4
    report = encode_dataset(sequence_item(SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", Modality="SR"))
    refused = read_error(wrap_in_file(report, EXPLICIT_LITTLE) + bytes(zeros))
    assert refused.reason is Reason.NO_PIXEL_DATA


@pytest.mark.parametrize(
    "start", [b"\xef\xbb\xbf", b"HTTP/1.1 200 OK\r\nContent-Type: application/dicom\r\n\r\n", b"\n"]
)
def test_bytes_before_the_preamble_make_a_file_not_dicom(start: bytes) -> None:
    assert isinstance(read_error(start + encode_file(image_dataset())), NotDicomError)
