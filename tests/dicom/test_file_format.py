# SPDX-License-Identifier: MIT
"""The message for a file that is not DICOM names its format."""

from __future__ import annotations

import pytest
from tests.support.dicom_files import read_error

from plainfilm.dicom.file_format import APPLE_DOUBLE, describe_non_dicom
from plainfilm.errors import CompanionFileError, Reason

FORMATS = {
    b"PK\3\4\x14\0": "ZIP",
    b"\x1f\x8b\x08\0": "gzip",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff\xe0\0\x10JFIF": "JPEG",
    b"%PDF-1.7": "PDF",
    b"<!DOCTYPE html><html>": "HTML",
    b"\n  <HTML>": "HTML",
    APPLE_DOUBLE + b"\0\2\0\0Mac OS X": "AppleDouble",
    b"--abc\r\nContent-Type: application/dicom\r\n\r\n": "multipart",
    b"\r\n--abc\r\nContent-Type: application/dicom\r\n\r\n" + bytes(128) + b"DICM": "multipart",
    b"\x89HDF\r\n\x1a\n": "HDF5",
    bytes(344) + b"n+1\0": "NIfTI",
    b"\x5c\1\0\0" + bytes(340) + b"ni1\0": "NIfTI",
    b"\x93NUMPY\1\0": "NumPy",
}


@pytest.mark.parametrize("start", FORMATS)
def test_a_message_names_the_format_of_a_file(start: bytes) -> None:
    error = read_error(start + bytes(300))
    assert error.reason is Reason.NOT_DICOM
    assert FORMATS[start] in error.message
    assert isinstance(error, CompanionFileError) == start.startswith(APPLE_DOUBLE)


@pytest.mark.parametrize("start", [b"", b"BMI of 25", b"--", b"plain text", b"\1\2\3\4"])
def test_other_bytes_are_only_not_dicom(start: bytes) -> None:
    assert describe_non_dicom(start).startswith("the file has neither the prefix DICM nor")
