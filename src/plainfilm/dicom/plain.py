# SPDX-License-Identifier: MIT
"""A raw element -> its one value where it is plain ASCII text or one binary number; None for pydicom to convert.

Most values are plain, and pydicom's conversion, with its look at character sets and its checks, takes long for them.
"""

from __future__ import annotations

import re
import struct

from pydicom.dataelem import RawDataElement

# Printable and not blank, without what separates values or is another character in some character sets (\ ~).
_TEXT = re.compile(rb"[ -\[\]-}]*[!-\[\]-}][ -\[\]-}]*")
_UID = re.compile(rb"[0-9.]{1,64}\0?")
_WHOLE = re.compile(rb" *[+-]?[0-9]{1,9} *")
_DECIMAL = re.compile(rb" {0,2}[+-]?(?:[0-9]{1,10}(?:\.[0-9]{0,10})?|\.[0-9]{1,10})(?:[eE][+-]?[0-9]{1,2})? {0,2}")
_PATTERNS = {
    **dict.fromkeys(("AE", "AS", "CS", "DT", "LO", "SH", "TM"), _TEXT),
    **dict.fromkeys(("DA",), re.compile(rb"[0-9]{8}")),
    "UI": _UID,
    "IS": _WHOLE,
    "DS": _DECIMAL,
}
_NUMBERS = {
    (vr, little): struct.Struct(("<" if little else ">") + code)
    for vr, code in (("US", "H"), ("SS", "h"), ("UL", "I"), ("SL", "i"), ("FL", "f"), ("FD", "d"))
    for little in (True, False)
}


def plain_value(element: RawDataElement) -> str | float | None:
    """The value with its padding, of a binary VR the number; None where it is not plain, or its VR not written."""
    vr, value = element.VR, element.value
    if vr is None or not isinstance(value, bytes):
        return None
    pattern = _PATTERNS.get(vr)
    if pattern is not None:
        return value.decode("ascii") if len(value) <= 64 and pattern.fullmatch(value) else None
    number = _NUMBERS.get((vr, element.is_little_endian))
    if number is None or len(value) != number.size:
        return None
    (found,) = number.unpack(value)
    return float(found) if isinstance(found, float) else int(found)
