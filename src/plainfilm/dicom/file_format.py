# SPDX-License-Identifier: MIT
"""Name the format of a file that is not DICOM by its first bytes, and say what to do about it."""

from __future__ import annotations

APPLE_DOUBLE = b"\x00\x05\x16\x07"
"""The first bytes of the companion files that macOS writes beside files on other file systems (RFC 1740)."""

_UNKNOWN = "the file has neither the prefix DICM nor the first elements of a DICOM data set"
_NIFTI_MAGIC_AT, _NIFTI_MAGICS = 344, (b"n+1\0", b"ni1\0")
# The first bytes of each format, what it is, and what to do.
_FORMATS = (
    (APPLE_DOUBLE, "an AppleDouble companion file, which macOS writes beside another file", "ignore it"),
    (b"PK\x03\x04", "a ZIP archive", "unpack it and convert the folder"),
    (b"PK\x05\x06", "an empty ZIP archive", "copy it again from its source"),
    (b"\x1f\x8b", "a gzip file that does not hold a DICOM file", "unpack it and convert what it holds"),
    (b"BZh", "a bzip2 file", "unpack it"),
    (b"\xfd7zXZ\x00", "an xz file", "unpack it"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file", "unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it and convert the folder"),
    (b"Rar!\x1a\x07", "a RAR archive", "unpack it and convert the folder"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image", "export the DICOM file from its source"),
    (b"\xff\xd8\xff", "a JPEG image", "export the DICOM file from its source"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 image", "export the DICOM file from its source"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 codestream", "export the DICOM file from its source"),
    (b"GIF8", "a GIF image", "export the DICOM file from its source"),
    (b"BM", "a BMP image", "export the DICOM file from its source"),
    (b"II*\x00", "a TIFF image", "export the DICOM file from its source"),
    (b"MM\x00*", "a TIFF image", "export the DICOM file from its source"),
    (b"%PDF-", "a PDF document", "export the DICOM file from its source"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "export the DICOM file from its source"),
    (b"\x93NUMPY", "a NumPy array", "export the DICOM file from its source"),
    (b"NRRD", "an NRRD image", "export the DICOM file from its source"),
)
_TEXT_FORMATS = (
    ((b"<!doctype html", b"<html"), "an HTML page", "it is often a log-in page; download the file again"),
    ((b"<?xml", b"<"), "an XML document", "export the DICOM file from its source"),
    ((b"{", b"["), "a JSON document", "export the DICOM file from its source"),
    (
        (b"--", b"content-type: multipart", b"mime-version:"),
        "a multipart answer of a web service (WADO-RS)",
        "save each part as a file of its own",
    ),
)


def describe_non_dicom(head: bytes) -> str:
    """Return the message for a file that is not DICOM: what it is and what to do, as far as its first bytes tell."""
    if head[_NIFTI_MAGIC_AT : _NIFTI_MAGIC_AT + 4] in _NIFTI_MAGICS:
        return _message("a NIfTI image", "export the DICOM file from its source")
    for start, name, advice in _FORMATS:
        if head.startswith(start) and (start != b"BM" or _is_bitmap(head)):
            return _message(name, advice)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    for starts, name, advice in _TEXT_FORMATS:
        if text.startswith(starts) and (starts[0] != b"--" or _is_multipart(head)):
            return _message(name, advice)
    return _UNKNOWN


def _message(name: str, advice: str) -> str:
    return f"the file is not DICOM but {name}: {advice}"


def _is_bitmap(head: bytes) -> bool:
    """Whether the bytes after BM are a bitmap header: its reserved bytes are zero."""
    return head[6:10] == bytes(4)


def _is_multipart(head: bytes) -> bool:
    """Whether a boundary is followed by the header of a part (RFC 2046 5.1)."""
    return b"content-type:" in head[:1024].lower()
