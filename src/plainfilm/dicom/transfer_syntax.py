# SPDX-License-Identifier: MIT
"""Determine the transfer syntax of Pixel Data if the declared one is absent or wrong (PS3.5 A); name it (PS3.6 A)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from plainfilm.dicom.byte_source import ValueField
from plainfilm.dicom.encoding import ITEM_BYTES, Encoding
from plainfilm.findings import Finding, FindingCode

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
ENCAPSULATED = "1.2.840.10008.1.2.1.98"
NATIVE = frozenset((IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED))

# The data dictionary of the oldest supported pydicom does not have these transfer syntaxes.
_NEWER_NAMES = {
    "1.2.840.10008.1.2.4.110": "JPEG XL Lossless",
    "1.2.840.10008.1.2.4.111": "JPEG XL JPEG Recompression",
    "1.2.840.10008.1.2.4.112": "JPEG XL",
    "1.2.840.10008.1.2.8.1": "Deflated Image Frame Compression",
}
_JPEG_2000 = "1.2.840.10008.1.2.4.91"
_RLE = "1.2.840.10008.1.2.5"
# The JPEG transfer syntax by the code of the start-of-frame marker (ITU-T T.81 B.1.1.3; F7 is JPEG-LS).
_JPEG_BY_START_OF_FRAME = {
    0xC0: "1.2.840.10008.1.2.4.50",
    0xC1: "1.2.840.10008.1.2.4.51",
    0xC2: "1.2.840.10008.1.2.4.55",
    0xC3: "1.2.840.10008.1.2.4.70",
    0xF7: "1.2.840.10008.1.2.4.81",
}
# 1 to 15 segments, the first of which begins after the header of 64 bytes (PS3.5 G.5).
_RLE_HEADER = re.compile(rb"[\x01-\x0f]\x00\x00\x00\x40\x00\x00\x00")
_MAX_CODESTREAM_HEADER = 65536


@dataclass(frozen=True, slots=True)
class ResolvedTransferSyntax:
    """The transfer syntax that Pixel Data are read with. `findings` has one finding if it is not the declared one."""

    uid: str
    encapsulated: bool
    findings: tuple[Finding, ...]


def transfer_syntax_name(uid: str) -> str:
    """Return the name of a transfer syntax, or '' if the UID is not one of a known transfer syntax."""
    from pydicom.uid import UID_dictionary

    name, kind = UID_dictionary.get(uid, ("", "", "", "", ""))[:2]
    return name if kind == "Transfer Syntax" else _NEWER_NAMES.get(uid, "")


def native_transfer_syntax(encoding: Encoding) -> str:
    """Return the native transfer syntax in which a data set of this encoding is written."""
    if encoding.implicit:
        return IMPLICIT_LITTLE
    return EXPLICIT_BIG if encoding.big_endian else EXPLICIT_LITTLE


def resolve_transfer_syntax(
    declared: str, value: ValueField, has_undefined_length: bool, encoding: Encoding
) -> ResolvedTransferSyntax:
    """Return the declared transfer syntax if the pixel element can have it, else the one that the bytes show.

    declared: Transfer Syntax UID, '' if the file has none. value: the value of the pixel element.
    """
    encapsulated = has_undefined_length or (declared not in NATIVE and value[:4] == ITEM_BYTES)
    if encapsulated:
        is_usable = bool(declared) and declared not in NATIVE
        uid = declared if is_usable else _transfer_syntax_of_items(value) or ENCAPSULATED
    else:
        native = native_transfer_syntax(encoding)
        is_usable = bool(declared) and (declared not in NATIVE or declared in (DEFLATED, native))
        uid = declared if is_usable else native
    if uid == declared:
        return ResolvedTransferSyntax(uid, encapsulated, ())
    note = f"{'the file says ' + declared if declared else 'the file has no Transfer Syntax UID'}; taken for {uid}"
    return ResolvedTransferSyntax(uid, encapsulated, (Finding(FindingCode.ASSUMED_TRANSFER_SYNTAX, note),))


def _transfer_syntax_of_items(value: ValueField) -> str | None:
    """Return what the first fragment with a codestream shows; a Basic Offset Table may precede it (PS3.5 A.4)."""
    second_item = 8 + int.from_bytes(value[4:8], "little")
    codestreams = (bytes(value[start : start + _MAX_CODESTREAM_HEADER]) for start in (8, second_item + 8))
    return next(filter(None, map(transfer_syntax_of_codestream, codestreams)), None)


def transfer_syntax_of_codestream(codestream: bytes) -> str | None:
    """Return a transfer syntax that a bare codestream can have, or None if the bytes are not a known codestream."""
    if codestream[:4] == b"\xff\x4f\xff\x51":
        return _JPEG_2000
    if _RLE_HEADER.match(codestream):
        return _RLE
    if codestream[:2] != b"\xff\xd8":
        return None
    position = 2
    while position + 4 <= len(codestream) and codestream[position] == 0xFF:
        marker, length = codestream[position + 1], int.from_bytes(codestream[position + 2 : position + 4], "big")
        if marker in _JPEG_BY_START_OF_FRAME:
            return _JPEG_BY_START_OF_FRAME[marker]
        position += 2 + length
    return None
