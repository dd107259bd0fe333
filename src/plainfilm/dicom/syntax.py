# SPDX-License-Identifier: MIT
"""Bytes -> is it DICOM, and how is it encoded, where nothing says so (PS3.10 7.1, PS3.5 A)."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
ENCAPSULATED = "1.2.840.10008.1.2.1.98"

# The VRs whose length takes 32 bits (PS3.5 7.1.2).
LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
VRS = LONG_VRS | frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
_FIRST_GROUPS = (0x0002, 0x0004, 0x0008)
_JPEG_SYNTAX_OF_FRAME = {
    0xC0: "1.2.840.10008.1.2.4.50",
    0xC1: "1.2.840.10008.1.2.4.51",
    0xC2: "1.2.840.10008.1.2.4.55",
    0xC3: "1.2.840.10008.1.2.4.70",
    0xF7: "1.2.840.10008.1.2.4.81",
}


# 1 to 15 segments, the first of which begins after the header of 64 bytes (PS3.5 G.5).
_RLE_HEADER = re.compile(rb"[\x01-\x0f]\x00\x00\x00\x40\x00\x00\x00")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a data set is written: with or without VRs, in which byte order."""

    implicit: bool
    big_endian: bool

    @property
    def transfer_syntax(self) -> str:
        """The native transfer syntax of this encoding."""
        if self.implicit:
            return IMPLICIT_LITTLE
        return EXPLICIT_BIG if self.big_endian else EXPLICIT_LITTLE


def start_of(head: bytes) -> int | None:
    """The offset of the first element of a DICOM file, or None where the bytes are not DICOM.

    Files without preamble, and bare data sets without file meta, are told by their first elements.
    """
    if head[128:132] == b"DICM":
        return 132
    if head[:4] == b"DICM":
        return 4
    return 0 if any(_walks(head, encoding) for encoding in _ENCODINGS) else None


def encoding_of(head: bytes) -> Encoding:
    """The encoding that the first element of a data set shows; implicit little endian where it shows none."""
    if head[4:6] not in VRS:
        return Encoding(implicit=True, big_endian=False)
    little, big = int.from_bytes(head[:2], "little"), int.from_bytes(head[:2], "big")
    return Encoding(implicit=False, big_endian=big < little and big < 0x0400)


def transfer_syntax_of_codestream(codestream: bytes) -> str | None:
    """The transfer syntax that a bare codestream suggests, or None: for files that leave it out."""
    if codestream[:4] == b"\xff\x4f\xff\x51":
        return "1.2.840.10008.1.2.4.91"
    if _RLE_HEADER.match(codestream):
        return "1.2.840.10008.1.2.5"
    if codestream[:2] != b"\xff\xd8":
        return None
    position = 2
    while position + 4 <= len(codestream) and codestream[position] == 0xFF:
        marker, length = codestream[position + 1], int.from_bytes(codestream[position + 2 : position + 4], "big")
        if marker in _JPEG_SYNTAX_OF_FRAME:
            return _JPEG_SYNTAX_OF_FRAME[marker]
        position += 2 + length
    return None


_ENCODINGS = (Encoding(False, False), Encoding(False, True), Encoding(True, False))


def _walks(head: bytes, encoding: Encoding) -> bool:
    """Whether the first three elements that lie in `head` follow one another as those of a data set do.

    One element alone is enough only where it has a VR: other formats begin with a small number and a length too.
    """
    order = ">" if encoding.big_endian else "<"
    position, previous, seen = 0, -1, 0
    while seen < 3 and position + 12 <= len(head):
        group, element = struct.unpack_from(f"{order}HH", head, position)
        tag, size = group << 16 | element, _element_size(head, position, encoding)
        if tag <= previous or size is None or (seen == 0 and group not in _FIRST_GROUPS):
            return False
        position, previous, seen = position + size, tag, seen + 1
    return seen > 1 or (seen == 1 and not encoding.implicit and position > len(head) - 12)


def _element_size(head: bytes, position: int, encoding: Encoding) -> int | None:
    order = ">" if encoding.big_endian else "<"
    if encoding.implicit:
        length = int(struct.unpack_from(f"{order}I", head, position + 4)[0])
        return 8 + length if length < 0x10000000 else None
    vr = head[position + 4 : position + 6]
    if vr not in VRS:
        return None
    if vr in LONG_VRS:
        return 12 + int(struct.unpack_from(f"{order}I", head, position + 8)[0])
    return 8 + int(struct.unpack_from(f"{order}H", head, position + 6)[0])
