# SPDX-License-Identifier: MIT
"""A damaged or hostile file does not crash or hang the reader, and the error has the right reason."""

from __future__ import annotations

import random
import struct
import zlib

import pytest
from tests.support.dicom_files import (
    MAX_PIXELS,
    encode_dataset,
    encode_element,
    encode_file,
    encode_file_meta,
    image_dataset,
    read_error,
    read_outcome,
    sequence_item,
    small_file,
    wrap_in_file,
)
from tests.support.memory import call_within

from plainfilm.dicom.instance import Instance
from plainfilm.dicom.read import read_instance
from plainfilm.dicom.transfer_syntax import DEFLATED, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from plainfilm.errors import ConversionError, LimitError, Reason

NATIVE = (EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE)
FORMS = (*NATIVE, DEFLATED, "1.2.840.10008.1.2.4.50")
# What a cut file may be called; a cut between two elements cannot be told from a file that lacks what follows.
OF_CUT_FILES = {Reason.EMPTY, Reason.NOT_DICOM, Reason.TRUNCATED_FILE, Reason.MISSING_ATTRIBUTE}
SEQUENCE = struct.pack("<HH2s2xI", 0x0008, 0x1140, b"SQ", 0xFFFFFFFF)
ITEM = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
END_OF_ITEM, END_OF_SEQUENCE = struct.pack("<HHI", 0xFFFE, 0xE00D, 0), struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


def deflated_bomb(size: int) -> bytes:
    """A deflated file that inflates to more than `size` zeros from a thousandth of that."""
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    head = packer.compress(encode_dataset(image_dataset(PixelData=None))) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(1024**2)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(bytes(1024**2)) + packer.flush(zlib.Z_FULL_FLUSH)
    content: bytes = b"\0" * 128 + b"DICM" + encode_file_meta(DEFLATED)
    return content + head + block + again * (size // 1024**2 - 1)


@pytest.mark.parametrize("size", [100, 6000])
def test_a_deflate_bomb_takes_little_memory(size: int) -> None:
    content = deflated_bomb(size * 1024**2)
    refused = call_within(120 * 1024**2, read_error, content)
    assert isinstance(refused, LimitError)
    assert refused.reason is Reason.SUSPICIOUS_COMPRESSION


def test_a_blank_image_may_be_deflated_to_few_bytes() -> None:
    blank = image_dataset(Rows=2000, Columns=2000, PixelData=bytes(8_000_000))
    content = encode_file(blank, DEFLATED)
    assert len(content) < 20_000
    assert len(read_instance(content, MAX_PIXELS).data.value) == 8_000_000


def test_a_pad_byte_after_a_deflated_data_set_is_accepted() -> None:
    content = encode_file(image_dataset(), DEFLATED)
    assert read_instance(content + b"\0", MAX_PIXELS) == read_instance(content, MAX_PIXELS)


def test_a_deflated_file_cut_anywhere_is_truncated() -> None:
    content = small_file(DEFLATED)
    start = content.index(encode_file_meta(DEFLATED)) + len(encode_file_meta(DEFLATED))
    reasons = {read_error(content[:length]).reason for length in range(start, len(content))}
    assert reasons == {Reason.TRUNCATED_FILE}


def test_a_damaged_deflated_file_is_refused_or_read() -> None:
    content = small_file(DEFLATED)
    start = content.index(encode_file_meta(DEFLATED)) + len(encode_file_meta(DEFLATED))
    reasons = set()
    for position in range(start, len(content)):
        found = read_outcome(content[:position] + bytes([content[position] ^ 0x55]) + content[position + 1 :])
        reasons.add(found.reason if isinstance(found, ConversionError) else None)
    assert {Reason.CORRUPT_HEADER, Reason.TRUNCATED_FILE} <= reasons


def test_a_data_set_declared_deflated_that_is_something_else_is_corrupt() -> None:
    content = b"\0" * 128 + b"DICM" + encode_file_meta(DEFLATED) + b"\xff" * 1000
    assert read_error(content).reason is Reason.CORRUPT_HEADER


@pytest.mark.slow
@pytest.mark.parametrize("preamble", [True, False])
@pytest.mark.parametrize("syntax", FORMS)
def test_a_file_cut_anywhere_is_refused_or_keeps_its_header(syntax: str, preamble: bool) -> None:
    content = small_file(syntax)[0 if preamble else 132 :]
    pixels = content.find(b"\xe0\x7f") if syntax != EXPLICIT_BIG else content.find(b"\x7f\xe0")
    for length in range(len(content)):
        found = read_outcome(content[:length])
        if isinstance(found, ConversionError):
            assert found.reason in OF_CUT_FILES, (length, found)
            assert length < pixels + 12 or syntax == DEFLATED
        else:
            assert length >= pixels + 8


@pytest.mark.parametrize("syntax", NATIVE)
def test_a_bare_data_set_cut_anywhere_is_read_or_refused(syntax: str) -> None:
    content = encode_dataset(image_dataset(), syntax)
    for length in range(len(content)):
        found = read_outcome(content[:length])
        assert isinstance(found, Instance) or found.reason in {*OF_CUT_FILES, Reason.NO_PIXEL_DATA}


def test_a_cut_inside_an_element_is_a_truncated_file() -> None:
    elements = [
        encode_element("Modality", "CS", b"DX"),
        encode_element("PatientComments", "LT", b"QZQZ"),
        encode_element("Rows", "US", b"\4\0"),
    ]
    start = wrap_in_file(encode_dataset(sequence_item(SOPClassUID="1.2.840.10008.5.1.4.1.1.1.1")), EXPLICIT_LITTLE)
    for count in range(3):
        whole = start + b"".join(elements[:count])
        for cut in range(1, len(elements[count])):
            assert read_error(whole + elements[count][:cut]).reason is Reason.TRUNCATED_FILE, (count, cut)
        assert read_error(whole).reason is Reason.MISSING_ATTRIBUTE


@pytest.mark.slow
@pytest.mark.parametrize("syntax", FORMS)
def test_a_file_with_any_header_byte_flipped_is_read_or_refused(syntax: str) -> None:
    content = small_file(syntax)
    chance = random.Random(syntax)
    read = 0
    for _ in range(1200):
        position = chance.randrange(128, len(content) - 40)
        flipped = bytearray(content)
        flipped[position] ^= chance.choice([0xFF, 0x80, 1, 0x20, chance.randrange(1, 256)])
        read += isinstance(read_outcome(bytes(flipped)), Instance)
    assert 0 < read < 1200


@pytest.mark.parametrize("syntax", FORMS)
def test_a_file_with_several_damaged_bytes_is_read_or_refused(syntax: str) -> None:
    content = small_file(syntax)
    chance = random.Random(f"several {syntax}")
    for _ in range(400):
        damaged = bytearray(content)
        for _ in range(chance.randrange(2, 30)):
            start = chance.randrange(132, len(content))
            kind = chance.randrange(4)
            if kind == 0:
                damaged[start : start + 1] = chance.randbytes(1)
            elif kind == 1:
                del damaged[start : start + chance.randrange(1, 20)]
            elif kind == 2:
                damaged[start:start] = damaged[start - 40 : start]
            else:
                damaged[start : start + 4] = chance.choice(
                    [b"\xff" * 4, bytes(4), b"\xfe\xff\0\xe0", b"\xfe\xff\x0d\xe0"]
                )
        read_outcome(bytes(damaged))


def begun(*elements: bytes) -> bytes:
    """A file with the first elements of an image and then the given elements."""
    sop_class = encode_element("SOPClassUID", "UI", b"1.2.840.10008.5.1.4.1.1.1.1\0")
    content: bytes = wrap_in_file(sop_class + b"".join(elements), EXPLICIT_LITTLE)
    return content


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("depth", [1000, 100_000])
def test_items_nested_too_deep_are_refused(depth: int, closed: bool) -> None:
    content = begun((SEQUENCE + ITEM) * depth, (END_OF_ITEM + END_OF_SEQUENCE) * depth if closed else b"")
    refused = call_within(20 * 1024**2, read_error, content)
    assert isinstance(refused, LimitError)
    assert refused.reason is Reason.TOO_DEEP


def test_items_nested_too_deep_in_a_used_sequence_are_refused() -> None:
    inside = (SEQUENCE + ITEM) * 5000
    item = struct.pack("<HHI", 0xFFFE, 0xE000, len(inside)) + inside
    for keyword in ("SharedFunctionalGroupsSequence", "VOILUTSequence", "ModalityLUTSequence"):
        refused = read_error(encode_file(image_dataset(), odd={keyword: ("SQ", item)}))
        assert refused.reason is Reason.TOO_DEEP


@pytest.mark.parametrize("vr", ["OB", "UT", "UN", "SQ"])
def test_an_element_with_a_length_of_two_gigabytes_takes_no_memory(vr: str) -> None:
    claim = struct.pack("<HH2s2xI", 0x0009, 0x1010, vr.encode(), 2_000_000_000)
    refused = call_within(4 * 1024**2, read_error, begun(claim, bytes(800)))
    assert refused.reason is Reason.TRUNCATED_FILE


def test_pixel_data_with_a_length_of_two_gigabytes_take_no_memory() -> None:
    claim = struct.pack("<HH2s2xI", 0x7FE0, 0x0010, b"OW", 2_000_000_000)
    content = encode_file(image_dataset(PixelData=None)) + claim + bytes(48)
    instance = call_within(4 * 1024**2, read_instance, content, MAX_PIXELS)
    assert len(instance.data.value) == 48


@pytest.mark.parametrize("vr", ["SQ", "UN", "OB", "OW", "UT"])
@pytest.mark.parametrize("inside", [b"", ITEM, ITEM + END_OF_ITEM, ITEM + b"\x08\0\x60\0CS\2\0DX", bytes(800)])
def test_a_sequence_without_an_end_is_a_truncated_file(vr: str, inside: bytes) -> None:
    unclosed = struct.pack("<HH2s2xI", 0x0008, 0x1140, vr.encode(), 0xFFFFFFFF)
    assert read_error(begun(unclosed, inside)).reason is Reason.TRUNCATED_FILE


def test_too_many_elements_are_refused() -> None:
    private = [encode_element((0x0009 + 2 * (n >> 12)) << 16 | 0x1000 | n & 0xFFF, "LO", b"x ") for n in range(60_000)]
    refused = read_error(begun(*private))
    assert isinstance(refused, LimitError)
    assert refused.reason is Reason.TOO_LARGE


def test_many_trailing_zeros_are_padding() -> None:
    content = begun(bytes(80_000_000))
    refused = call_within(4 * 1024**2, read_error, content)
    assert refused.reason is Reason.MISSING_ATTRIBUTE


@pytest.mark.slow
def test_many_zeros_before_other_bytes_are_too_many_elements() -> None:
    content = begun(bytes(8_000_000) + b"x")
    refused = call_within(4 * 1024**2, read_error, content)
    assert refused.reason is Reason.TOO_LARGE


def test_a_few_trailing_zeros_are_accepted() -> None:
    for zeros in range(40):
        assert read_error(encode_file(image_dataset(PixelData=None)) + bytes(zeros)).reason is Reason.MISSING_ATTRIBUTE
