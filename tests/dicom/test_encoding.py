# SPDX-License-Identifier: MIT
"""DICOM is recognised without a preamble, other files are not taken for DICOM, and the encoding is detected."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib

import pytest
from tests.support.dicom_files import encode_dataset, encode_element, encode_file, image_dataset

from plainfilm.dicom.codestream_header import read_codestream_header
from plainfilm.dicom.encoding import Encoding, detect_encoding, find_first_element
from plainfilm.dicom.transfer_syntax import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    native_transfer_syntax,
)

ENCODINGS = {
    EXPLICIT_LITTLE: Encoding(implicit=False, big_endian=False),
    EXPLICIT_BIG: Encoding(implicit=False, big_endian=True),
    IMPLICIT_LITTLE: Encoding(implicit=True, big_endian=False),
}
every_encoding = pytest.mark.parametrize("syntax", ENCODINGS)


@every_encoding
def test_a_file_with_a_preamble_begins_after_it(syntax: str) -> None:
    assert find_first_element(encode_file(image_dataset(), syntax)) == 132


def test_a_preamble_may_hold_anything() -> None:
    content = encode_file(image_dataset())
    assert find_first_element(b"II*\0" + b"\xff" * 124 + content[128:]) == 132


@every_encoding
def test_a_file_may_begin_with_the_prefix(syntax: str) -> None:
    assert find_first_element(encode_file(image_dataset(), syntax)[128:]) == 4


@every_encoding
def test_a_file_may_begin_with_its_file_meta(syntax: str) -> None:
    assert find_first_element(encode_file(image_dataset(), syntax)[132:]) == 0


@every_encoding
def test_a_bare_data_set_is_recognised(syntax: str) -> None:
    assert find_first_element(encode_dataset(image_dataset(), syntax)) == 0


@every_encoding
def test_a_data_set_may_begin_with_a_group_length(syntax: str) -> None:
    order = ">" if syntax == EXPLICIT_BIG else "<"
    lengths = {0x00080000: ("UL", struct.pack(f"{order}I", 90)), 0x00080001: ("UL", struct.pack(f"{order}I", 900))}
    assert find_first_element(encode_dataset(image_dataset(), syntax, lengths)) == 0


@every_encoding
def test_a_data_set_may_begin_with_the_group_of_acr_nema(syntax: str) -> None:
    odd = {0x00040000: ("UL", b"\0\0\0\0"), 0x00041220: ("LO", b"NOTHING ")}
    assert find_first_element(encode_dataset(image_dataset(), syntax, odd)) == 0


@every_encoding
def test_a_long_second_element_does_not_hide_a_data_set(syntax: str) -> None:
    odd = {0x00080005: ("CS", b"ISO_IR 100"), 0x00080006: ("UT", b"x" * 9000)}
    assert find_first_element(encode_dataset(image_dataset(), syntax, odd)[:4096]) == 0


def zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.dcm", b"x" * 300)
    return stream.getvalue()


OTHERS = {
    "nothing": b"",
    "one byte": b"\x08",
    "zeros": bytes(5000),
    "ones": b"\xff" * 5000,
    "text": b"Lorem ipsum dolor sit amet.\n" * 100,
    "utf-16 text": "Lorem ipsum dolor sit amet.\n".encode("utf-16") * 100,
    "csv": b"a,b,c\n1,2,3\n" * 500,
    "html": b"<!DOCTYPE html>\n<html><head><title>DICM</title></head></html>\n" + b" " * 5000,
    "json": b'{"00080005": {"vr": "CS", "Value": ["ISO_IR 100"]}}',
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n",
    "png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\x08\0\0\0\0" + bytes(200),
    "jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + bytes(200),
    "gif": b"GIF89a\1\0\1\0\x80\0\0\xff\xff\xff\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;",
    "tiff": b"II*\0\x08\0\0\0\2\0\0\1\4\0\1\0\0\0\0\2\0\0" + bytes(200),
    "bigtiff": b"MM\0+\0\x08\0\0\0\0\0\0\0\0\0\x10" + bytes(200),
    "zip": zipped(),
    "gzip": b"\x1f\x8b\x08\0\0\0\0\0\0\3" + zlib.compress(b"x" * 500),
    "elf": b"\x7fELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0>\0\1\0\0\0" + bytes(300),
    "windows program": b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0" + bytes(300),
    "icon": b"\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0\x68\4\0\0\x16\0\0\0" + bytes(1128),
    "sqlite": b"SQLite format 3\0\x10\0\1\1\0@  " + bytes(3000),
    "mp4": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(300),
    # begin as an element of group 0002 or 0008 would in implicit VR: a small number and a length
    "android resources": b"\2\0\x0c\0" + struct.pack("<II", 700_000, 1) + b"\1\0\x1c\0" + bytes(5000),
    "a length and text": b"\x08\0\1\0" + struct.pack("<I", 9000) + b"text " * 2000,
    "elements out of order": b"\x08\0\5\0\2\0\0\0ab\x08\0\1\0\2\0\0\0cd\x08\0\2\0\2\0\0\0ef" + bytes(50),
    "the same element again": b"\x08\0\5\0\2\0\0\0ab" * 20,
    "an element cut short": b"\x08\0\5\0CS\x0a\0ISO",
}


@pytest.mark.parametrize("content", OTHERS.values(), ids=OTHERS.keys())
def test_other_files_are_not_dicom(content: bytes) -> None:
    assert find_first_element(content[:4096]) is None


def test_random_bytes_are_not_dicom() -> None:
    taken = []
    for seed in range(6000):
        random_bytes = random.Random(seed)
        if find_first_element(random_bytes.randbytes(random_bytes.randrange(4096))) is not None:
            taken.append(seed)
    assert taken == []


def test_random_bytes_after_a_group_number_are_not_dicom() -> None:
    begins = (b"\x08\0", b"\0\x08", b"\2\0", b"\0\2")
    taken = sum(
        find_first_element(begins[seed % 4] + random.Random(seed).randbytes(600)) is not None for seed in range(6000)
    )
    assert taken == 0


@every_encoding
def test_the_first_element_shows_the_encoding(syntax: str) -> None:
    assert detect_encoding(encode_dataset(image_dataset(), syntax)[:8]) == ENCODINGS[syntax]


@pytest.mark.parametrize("group", [0x0002, 0x0004, 0x0008, 0x0010, 0x0018, 0x0028, 0x00FF])
@every_encoding
def test_an_element_of_any_usual_first_group_shows_the_encoding(syntax: str, group: int) -> None:
    element = encode_element(group << 16 | 0x0010, "LO", b"ABCD", syntax)
    assert detect_encoding(element[:8]) == ENCODINGS[syntax]


@pytest.mark.parametrize(
    "head", [b"", b"\x08", b"\x08\0\5\0", b"\x08\0\5\0C", b"\x08\0\5\0\x0a\0\0\0", b"\x08\0\5\0cs\0\0"]
)
def test_an_element_without_a_vr_is_implicit(head: bytes) -> None:
    assert detect_encoding(head) == Encoding(implicit=True, big_endian=False)


@every_encoding
def test_an_encoding_has_a_native_transfer_syntax(syntax: str) -> None:
    assert native_transfer_syntax(ENCODINGS[syntax]) == syntax


def jpeg(start_of_frame: int) -> bytes:
    """The head of a JPEG with APP0, a comment that looks like markers, and a frame header."""
    comment = b"\xff\xfe\0\x08" + b"\xff\xc0\xff\xc3\xff\xf7"
    return b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + comment + bytes([0xFF, start_of_frame, 0, 11]) + bytes(9)


CODESTREAMS = {
    "1.2.840.10008.1.2.4.50": jpeg(0xC0),
    "1.2.840.10008.1.2.4.51": jpeg(0xC1),
    "1.2.840.10008.1.2.4.55": jpeg(0xC2),
    "1.2.840.10008.1.2.4.70": jpeg(0xC3),
    "1.2.840.10008.1.2.4.81": jpeg(0xF7),
    "1.2.840.10008.1.2.4.91": b"\xff\x4f\xff\x51\0\x29" + bytes(41),
    "1.2.840.10008.1.2.5": struct.pack("<16I", 2, 64, 90, *[0] * 13) + b"\x02abc",
}


@pytest.mark.parametrize("syntax", CODESTREAMS)
def test_a_codestream_shows_its_transfer_syntax(syntax: str) -> None:
    header = read_codestream_header(CODESTREAMS[syntax])
    assert header is not None
    assert header.syntaxes[0] == syntax


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xd8", b"\xff\xd8\0\0", jpeg(0xC9), struct.pack("<16I", 16, 64, *[0] * 14), bytes(99)]
)
def test_an_unknown_codestream_has_no_transfer_syntax(content: bytes) -> None:
    assert read_codestream_header(content) is None


@pytest.mark.parametrize("syntax", CODESTREAMS)
def test_a_truncated_codestream_shows_the_same_transfer_syntax_or_none(syntax: str) -> None:
    codestream = CODESTREAMS[syntax]
    headers = [read_codestream_header(codestream[:length]) for length in range(len(codestream))]
    assert {None if header is None else header.syntaxes[0] for header in headers} == {None, syntax}
