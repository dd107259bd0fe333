# SPDX-License-Identifier: MIT
"""Read the header of an element: its tag, its VR and its length (PS3.5 7.1)."""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import NamedTuple

from pydicom.datadict import dictionary_VR

from plainfilm.dicom.encoding import ITEM, ITEM_BYTES, LONG_VRS, UNDEFINED_LENGTH, VRS, Encoding


class ElementHeader(NamedTuple):
    """The header of an element. vr: None if the VR is not written. size: the size of the header itself in bytes."""

    tag: int
    vr: str | None
    length: int
    size: int

    def alternatives(self, head: bytes, encoding: Encoding) -> tuple[ElementHeader, ...]:
        """Return the same bytes read with a length of 32 bits, with one of 16 bits, and without a VR.

        head: the 8 to 12 bytes that the header was read from. Forms of undefined length are left out.
        """
        order = encoding.byte_order
        implicit, short = struct.unpack_from(f"{order}I", head, 4)[0], struct.unpack_from(f"{order}H", head, 6)[0]
        headers = [ElementHeader(self.tag, "UN", short, 8), ElementHeader(self.tag, None, implicit, 8)]
        if len(head) == 12:
            long = struct.unpack_from(f"{order}I", head, 8)[0]
            headers.insert(0, ElementHeader(self.tag, "UN", long, 12))
        return tuple(header for header in headers if header.length != UNDEFINED_LENGTH)


# By "is big endian": unpack tag and length without a VR; a length of 16 bits after a VR; one of 32 bits after a VR.
_UNPACK = {
    False: (struct.Struct("<HHI").unpack_from, struct.Struct("<6xH").unpack_from, struct.Struct("<8xI").unpack_from),
    True: (struct.Struct(">HHI").unpack_from, struct.Struct(">6xH").unpack_from, struct.Struct(">8xI").unpack_from),
}
_VR_NAMES = {vr: vr.decode() for vr in VRS}


def read_element_header(head: bytes, encoding: Encoding) -> ElementHeader | None:
    """Return the header in the 8 to 12 bytes of `head`, interpreted as pydicom does; None if it is cut short."""
    unpack_implicit, unpack_short, unpack_long = _UNPACK[encoding.big_endian]
    group, element, length = unpack_implicit(head)
    vr = head[4:6]
    if encoding.implicit or not b"AA" <= vr <= b"ZZ":
        return ElementHeader(group << 16 | element, None, length, 8)
    name = _VR_NAMES.get(vr) or vr.decode("latin-1")
    if vr not in LONG_VRS:
        return ElementHeader(group << 16 | element, name, unpack_short(head)[0], 8)
    return ElementHeader(group << 16 | element, name, unpack_long(head)[0], 12) if len(head) == 12 else None


@lru_cache(1024)
def _dictionary_vr(tag: int) -> str:
    """Return the VR that the data dictionary has for a tag (PS3.6), '' if it does not have the tag."""
    try:
        return str(dictionary_VR(tag))
    except KeyError:
        return ""


def is_sequence(header: ElementHeader) -> bool:
    """Whether an element of defined length is a sequence: by its VR, else by the dictionary (PS3.5 6.2.2)."""
    return header.vr == "SQ" or (header.vr in (None, "UN") and _dictionary_vr(header.tag) == "SQ")


def is_undefined_length_sequence(header: ElementHeader, value_start: bytes, encoding: Encoding) -> bool:
    """Whether an element of undefined length is a sequence, and not a value in fragments (PS3.5 6.2.2, 7.5.1, A.4).

    value_start: the first four bytes of the value, which decide if neither the VR nor the dictionary does.
    """
    if header.vr in ("SQ", "UN"):
        return True
    dictionary_vr = _dictionary_vr(header.tag)
    starts_with_item = value_start == (ITEM.to_bytes(4, "big") if encoding.big_endian else ITEM_BYTES)
    return header.vr is None and (dictionary_vr == "SQ" or (not dictionary_vr and starts_with_item))
