# SPDX-License-Identifier: MIT
"""Recognise DICOM data, and determine the encoding of a data set from its first bytes (PS3.10 7.1, PS3.5 7.1, A)."""

from __future__ import annotations

import struct

from plainfilm.pickling import dataclass

# The VRs with a length field of 32 bits (PS3.5 7.1.2).
LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
VRS = LONG_VRS | frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())

# Tags without a VR (PS3.5 7.5), and the length that only a delimiter ends (PS3.5 7.1.1).
ITEM, ITEM_DELIMITER, SEQUENCE_DELIMITER = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
UNDEFINED_LENGTH = 0xFFFFFFFF
# The same tags in little-endian byte order, which all encapsulated Pixel Data have (PS3.5 A.4).
ITEM_BYTES, SEQUENCE_DELIMITER_BYTES = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"

_FIRST_GROUPS = (0x0002, 0x0004, 0x0008)
_MAX_IMPLICIT_LENGTH = 0x10000000


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the elements of a data set are written: without or with VRs, and in which byte order (PS3.5 7.1, 7.3)."""

    implicit: bool
    big_endian: bool

    @property
    def byte_order(self) -> str:
        """The byte order as the `struct` module writes it."""
        return ">" if self.big_endian else "<"


_ENCODINGS = (Encoding(False, False), Encoding(False, True), Encoding(True, False), Encoding(True, True))
# Command Group Length (0000,0000) with its length of 4, without and with a VR.
_COMMAND_SETS = (bytes(4) + b"\4\0\0\0", bytes(4) + b"UL\4\0")


def find_first_element(head: bytes) -> int | None:
    """Return the offset of the first element of a DICOM file, or None if the bytes are not DICOM.

    head: the first bytes of the file; 4096 are enough.

    A file with a preamble or with the prefix DICM is recognised by the prefix (PS3.10 7.1). A file without both, and a
    bare data set without File Meta Information, are recognised by their first elements.
    """
    if head[128:132] == b"DICM":
        return 132
    if head[:4] == b"DICM":
        return 4
    if begins_with_command_set(head):
        return 0
    return 0 if begins_with_elements(head) else None


def detect_encoding(head: bytes) -> Encoding:
    """Return the encoding that the first element of a data set shows.

    Implicit big endian is that of ACR-NEMA files, which are older than DICOM.
    """
    little, big = int.from_bytes(head[:2], "little"), int.from_bytes(head[:2], "big")
    if head[4:6] in VRS:
        return Encoding(implicit=False, big_endian=big < little and big < 0x0400)
    return Encoding(implicit=True, big_endian=len(head) > 1 and big in _FIRST_GROUPS)


def begins_with_command_set(head: bytes) -> bool:
    """Whether the first element is that of a DIMSE command set (PS3.7 6.3)."""
    return head.startswith(_COMMAND_SETS)


def begins_with_elements(head: bytes) -> bool:
    """Whether the bytes begin with the elements of a data set in any encoding."""
    return any(_starts_with_elements(head, encoding) for encoding in _ENCODINGS)


def _starts_with_elements(head: bytes, encoding: Encoding) -> bool:
    """Whether the first elements in `head`, three at most, have ascending tags and plausible lengths.

    A single element is enough only if it has a VR: files of other formats begin with a small number and a length too.
    """
    position, previous_tag, count = 0, -1, 0
    while count < 3 and position + 12 <= len(head):
        group, element = struct.unpack_from(f"{encoding.byte_order}HH", head, position)
        tag, size = group << 16 | element, _size_of_element(head, position, encoding)
        if tag <= previous_tag or size is None or (count == 0 and group not in _FIRST_GROUPS):
            return False
        position, previous_tag, count = position + size, tag, count + 1
    return count > 1 or (count == 1 and not encoding.implicit and position > len(head) - 12)


def _size_of_element(head: bytes, position: int, encoding: Encoding) -> int | None:
    """Return the size of an element in bytes, header included, or None if no data set begins with such an element."""
    order = encoding.byte_order
    if encoding.implicit:
        length = int(struct.unpack_from(f"{order}I", head, position + 4)[0])
        return 8 + length if length < _MAX_IMPLICIT_LENGTH else None
    vr = head[position + 4 : position + 6]
    if vr not in VRS:
        return None
    if vr in LONG_VRS:
        return 12 + int(struct.unpack_from(f"{order}I", head, position + 8)[0])
    return 8 + int(struct.unpack_from(f"{order}H", head, position + 6)[0])
