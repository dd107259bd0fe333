# SPDX-License-Identifier: MIT
"""Small hostile files are refused with the right reason before they cost much memory or time."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from tests.support.dicom_files import (
    MAX_PIXELS,
    encapsulate_fragments,
    encode_dataset,
    encode_element,
    encode_file,
    image_dataset,
    read_error,
    read_outcome,
    wrap_in_file,
)
from tests.support.memory import call_within

from plainfilm.dicom.instance import Instance
from plainfilm.dicom.read import read_instance
from plainfilm.dicom.transfer_syntax import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from plainfilm.errors import ConversionError, Reason
from plainfilm.findings import codes_of
from plainfilm.options.limits import LimitOptions
from plainfilm.options.options import Options
from plainfilm.rendering.opened_instance import open_instance

MIB = 1024**2
UNDEFINED = 0xFFFFFFFF
JPEG_LS, JPEG_2000, HTJ2K = (f"1.2.840.10008.1.2.4.{number}" for number in (80, 90, 201))
NATIVE = (EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE)


def outcome(content: bytes, max_pixels: int = 500_000_000) -> Reason | None:
    """Open a file and decode its first frame. Return None, or the reason if that fails."""
    try:
        open_instance(content, Options(limits=LimitOptions(max_pixels=max_pixels))).load(0)
    except ConversionError as error:
        return error.reason
    return None


def siz(rows: int, columns: int, capabilities: int) -> bytes:
    """A JPEG 2000 codestream that has only a header and an end marker."""
    size = struct.pack(">HHIIIIIIIIH3B", 41, capabilities, columns, rows, 0, 0, columns, rows, 0, 0, 1, 15, 1, 1)
    coding = b"\xff\x52" + struct.pack(">H10B", 12, 0, 0, 0, 1, 0, 5, 4, 4, 0, 1)
    quantization = b"\xff\x5c" + struct.pack(">H4B", 6, 0x20, 0x40, 0x40, 0x40)
    tile = b"\xff\x90" + struct.pack(">HHIBB", 10, 0, 14, 0, 1) + b"\xff\x93"
    return b"\xff\x4f\xff\x51" + size + coding + quantization + tile + b"\xff\xd9"


def jpegls(rows: int, columns: int) -> bytes:
    """A JPEG-LS codestream that has only a header and an end marker."""
    frame = b"\xff\xf7" + struct.pack(">HBHHB3B", 11, 16, rows, columns, 1, 1, 0x11, 0)
    return b"\xff\xd8" + frame + b"\xff\xda" + struct.pack(">HB2B3B", 8, 1, 1, 0, 0, 0, 0) + b"\0\0\xff\xd9"


def codestream(syntax: str, rows: int, columns: int) -> bytes:
    return jpegls(rows, columns) if syntax == JPEG_LS else siz(rows, columns, 0x4000 if syntax == HTJ2K else 0)


def nested(depth: int, *, defined: bool, syntax: str = EXPLICIT_LITTLE) -> bytes:
    """Sequences nested in one another, as the value of an element (0008,1140)."""
    order = ">" if syntax == EXPLICIT_BIG else "<"
    vr = b"" if syntax == IMPLICIT_LITTLE else b"SQ\0\0"
    content = b""
    for _ in range(depth):
        item_length, end = (
            (len(content), b"") if defined else (UNDEFINED, struct.pack(f"{order}HHI", 0xFFFE, 0xE00D, 0))
        )
        item = struct.pack(f"{order}HHI", 0xFFFE, 0xE000, item_length) + content + end
        length, end = (len(item), b"") if defined else (UNDEFINED, struct.pack(f"{order}HHI", 0xFFFE, 0xE0DD, 0))
        content = struct.pack(f"{order}HH", 0x0008, 0x1140) + vr + struct.pack(f"{order}I", length) + item + end
    return content


def with_sequence(sequence: bytes, syntax: str = EXPLICIT_LITTLE) -> bytes:
    """A file whose data set begins with a sequence."""
    start = encode_element("SOPClassUID", "UI", b"1.2.840.10008.5.1.4.1.1.1.1\0", syntax)
    body = encode_dataset(image_dataset(SOPClassUID=None, SOPInstanceUID=None, Modality=None), syntax)
    content: bytes = wrap_in_file(start + sequence + body, syntax)
    return content


def test_an_image_of_gigapixels_is_refused_before_other_checks() -> None:
    content = encode_file(image_dataset(Rows=60_000, Columns=60_000, NumberOfFrames=100))
    assert call_within(2 * MIB, outcome, content) is Reason.TOO_LARGE


@pytest.mark.slow
def test_a_number_of_frames_is_checked_against_the_data() -> None:
    for syntax, data in ((EXPLICIT_LITTLE, bytes(48)), (JPEG_LS, encapsulate_fragments(jpegls(4, 6)))):
        for frames in (2_000, 2_000_000_000):
            content = encode_file(image_dataset(PixelData=data, NumberOfFrames=frames), syntax)
            assert call_within(2 * MIB, outcome, content) is Reason.TRUNCATED_PIXEL_DATA


@pytest.mark.parametrize("syntax", [JPEG_LS, JPEG_2000, HTJ2K])
def test_a_codestream_of_gigapixels_is_never_decoded(syntax: str) -> None:
    data = encapsulate_fragments(codestream(syntax, 65_535, 65_535))
    small = encode_file(image_dataset(PixelData=data), syntax)
    large = encode_file(image_dataset(PixelData=data, Rows=65_535, Columns=65_535), syntax)
    assert call_within(2 * MIB, outcome, small) is Reason.CODESTREAM_MISMATCH
    assert call_within(2 * MIB, outcome, large) is Reason.TOO_LARGE


@pytest.mark.parametrize("defined", [True, False])
@pytest.mark.parametrize("syntax", NATIVE)
def test_sequences_may_be_nested_64_deep_and_not_deeper(syntax: str, defined: bool) -> None:
    allowed = with_sequence(nested(64, defined=defined, syntax=syntax), syntax)
    assert read_instance(allowed, MAX_PIXELS).pixel.rows == 4
    refused = read_error(with_sequence(nested(65, defined=defined, syntax=syntax), syntax))
    assert refused.reason is Reason.TOO_DEEP


def test_a_hundred_thousand_nested_items_need_little_memory() -> None:
    head = struct.pack("<HH2s2xI", 0x0008, 0x1140, b"SQ", UNDEFINED) + struct.pack("<HHI", 0xFFFE, 0xE000, UNDEFINED)
    content = with_sequence(head * 100_000)
    assert call_within(2 * MIB, read_error, content).reason is Reason.TOO_DEEP


@pytest.mark.slow
@pytest.mark.parametrize("undefined", [True, False])
@pytest.mark.parametrize("keyword", ["VOILUTSequence", "IconImageSequence", 0x00091010])
def test_items_in_one_sequence_count_as_elements(keyword: str | int, undefined: bool) -> None:
    items = struct.pack("<HHI", 0xFFFE, 0xE000, 0) * 60_000
    value = items + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    element = encode_element(keyword, "SQ", value if undefined else items)
    if not undefined:
        element = element[:8] + struct.pack("<I", len(items)) + items
    content = wrap_in_file(element + encode_dataset(image_dataset()), EXPLICIT_LITTLE)
    assert call_within(2 * MIB, read_error, content).reason is Reason.TOO_LARGE


def test_zeros_instead_of_items_are_not_parsed() -> None:
    content = encode_file(image_dataset(), odd={"VOILUTSequence": ("SQ", bytes(8 * 200_000))})
    instance = call_within(2 * MIB, read_instance, content, MAX_PIXELS)
    assert codes_of(instance.frames[-1].findings + instance.findings) == "attribute_invalid;voi_invalid"


def test_many_elements_inside_an_item_are_too_many() -> None:
    inside = encode_element(0x00100010, "PN", b"") * 60_000
    value = struct.pack("<HHI", 0xFFFE, 0xE000, len(inside)) + inside
    assert read_error(encode_file(image_dataset(), odd={0x00081140: ("SQ", value)})).reason is Reason.TOO_LARGE


@pytest.mark.slow
@pytest.mark.parametrize("vr", ["OB", "OW", "UN", "UT", "SQ"])
@pytest.mark.parametrize("inside", [False, True])
def test_a_length_beyond_the_file_is_reported_and_not_allocated(vr: str, inside: bool) -> None:
    claim = struct.pack("<HH2s2xI", 0x0009, 0x1010, vr.encode(), 2_000_000_000) + bytes(600)
    if inside:
        item = struct.pack("<HHI", 0xFFFE, 0xE000, UNDEFINED)
        claim = struct.pack("<HH2s2xI", 0x0008, 0x1140, b"SQ", UNDEFINED) + item + claim
    content = wrap_in_file(encode_element("Modality", "CS", b"DX") + claim, EXPLICIT_LITTLE)
    assert call_within(2 * MIB, read_error, content).reason is Reason.TRUNCATED_FILE


LONG_VALUES = {
    "LUTData of numbers": ("RedPaletteColorLookupTableData", "UN", b"\1\0" * 4 * MIB),
    "window": ("WindowCenter", "UT", b"1\\" * 2 * MIB),
    "descriptor": ("RedPaletteColorLookupTableDescriptor", "UN", b"\1\0" * 4 * MIB),
    "frames": ("NumberOfFrames", "UT", b"9" * 4 * MIB),
    "name": ("PatientName", "UT", b"A" * 4 * MIB),
    "overlay": (0x60003000, "OB", bytes(8 * MIB)),
    "aspect ratio": ("PixelAspectRatio", "UC", b"1\\" * 2 * MIB),
}


@pytest.mark.slow
@pytest.mark.parametrize(("keyword", "vr", "value"), LONG_VALUES.values(), ids=LONG_VALUES)
def test_a_very_long_value_takes_no_more_memory_than_its_bytes(keyword: Any, vr: str, value: bytes) -> None:
    content = encode_file(image_dataset(), odd={keyword: (vr, value)})
    assert isinstance(call_within(4 * len(value), read_outcome, content), Instance)


def test_a_text_of_more_than_64_kib_is_read() -> None:
    instance = read_instance(encode_file(image_dataset(), odd={"PatientName": ("UT", b"A" * 70_000)}), MAX_PIXELS)
    assert len(instance.identity.patient_name) == 70_000


@pytest.mark.parametrize("value", [b"-1", b"0 ", b"x ", b"1e400 ", b"NaN ", b"9" * 400, b"1\\2\\3 ", b"1.5 ", b""])
def test_an_invalid_number_of_frames_is_1_or_refused(value: bytes) -> None:
    reason = outcome(encode_file(image_dataset(), odd={"NumberOfFrames": ("IS", value)}))
    assert reason in (None, Reason.TRUNCATED_PIXEL_DATA)


@pytest.mark.parametrize("keyword", ["Rows", "Columns"])
@pytest.mark.parametrize("value", [b"0 ", b"-5", b"1e300 ", b"1e999 "])
def test_invalid_rows_are_refused(keyword: str, value: bytes) -> None:
    reason = outcome(encode_file(image_dataset(), odd={keyword: ("DS", value)}))
    assert reason in (Reason.UNSUPPORTED_VALUE, Reason.TOO_LARGE)


@pytest.mark.slow
def test_too_many_fragments_are_refused() -> None:
    data = struct.pack("<HHI", 0xFFFE, 0xE000, 0) * 60_000
    content = encode_file(image_dataset(PixelData=data), JPEG_LS)
    assert call_within(16 * MIB, outcome, content) is Reason.TOO_LARGE


def test_a_codestream_far_longer_than_its_pixels_is_refused() -> None:
    data = encapsulate_fragments(jpegls(4, 6)[:-2] + bytes(17 * MIB) + b"\xff\xd9")
    assert outcome(encode_file(image_dataset(PixelData=data), JPEG_LS)) is Reason.TOO_LARGE


def test_an_offset_table_that_is_too_long_is_ignored() -> None:
    offsets = ("OV", bytes(8 * MIB))
    dataset = image_dataset(PixelData=encapsulate_fragments(jpegls(4, 6), jpegls(4, 6)), NumberOfFrames=2)
    content = encode_file(dataset, JPEG_LS, {"ExtendedOffsetTable": offsets, "ExtendedOffsetTableLengths": offsets})
    film = call_within(40 * MIB, open_instance, content, Options())
    assert codes_of(film.frame_table.findings) == "offset_table_ignored"
