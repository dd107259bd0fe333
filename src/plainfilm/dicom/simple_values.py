# SPDX-License-Identifier: MIT
"""Convert values that are one ASCII text or one binary number; pydicom converts all others.

Most values are of these kinds. pydicom's conversion is slow for them, because it looks at character sets and checks the
values.
"""

from __future__ import annotations

import re
import struct

from pydicom.dataelem import RawDataElement

from plainfilm.dicom.number_values import dictionary_vr_of

# Printable and not blank, without the value separator (\) and without ~, both of which are other characters in some
# character sets.
_TEXT = re.compile(rb"[ -\[\]-}]*[!-\[\]-}][ -\[\]-}]*")
# pydicom removes empty groups of a name, which = separates.
_NAME = re.compile(rb"[ -<>-\[\]-}]*[!-<>-\[\]-}][ -<>-\[\]-}]*")
_UID = re.compile(rb"[0-9.]{1,64}\0?")
_INTEGER_STRING = re.compile(rb" *[+-]?[0-9]{1,9} *")
_DECIMAL_STRING = re.compile(
    rb" {0,2}[+-]?(?:[0-9]{1,10}(?:\.[0-9]{0,10})?|\.[0-9]{1,10})(?:[eE][+-]?[0-9]{1,2})? {0,2}"
)
_DATE = re.compile(rb"[0-9]{8}")
_MAX_TEXT = 64
# What a simple value of each VR matches (PS3.5 6.2).
_PATTERNS = {
    **dict.fromkeys(("AE", "AS", "CS", "DT", "LO", "SH", "TM"), _TEXT),
    "DA": _DATE,
    "UI": _UID,
    "IS": _INTEGER_STRING,
    "DS": _DECIMAL_STRING,
}
_PATTERNS_WITH_NAMES = {**_PATTERNS, "PN": _NAME}
# How the number of each VR is unpacked, by VR and "is little endian".
_UNPACK = {
    (vr, little): struct.Struct(("<" if little else ">") + code).unpack
    for vr, code in (("US", "H"), ("SS", "h"), ("UL", "I"), ("SL", "i"), ("FL", "f"), ("FD", "d"))
    for little in (True, False)
}


def simple_value(element: RawDataElement) -> str | float | None:
    """Return the text with its padding, or the number, of an element; None if only pydicom can convert the value."""
    return simple_text(element) if element.VR in _PATTERNS else _binary_number(element)


def simple_text(element: RawDataElement) -> str | None:
    """Return the text of an element with its padding, also that of a name; None if only pydicom can convert it."""
    pattern, value = _PATTERNS_WITH_NAMES.get(element.VR), element.value
    if pattern is None or not isinstance(value, bytes) or value[_MAX_TEXT:] or not pattern.fullmatch(value):
        return None
    return value.decode("ascii")


def _binary_number(element: RawDataElement) -> float | None:
    unpack = _UNPACK.get((element.VR, element.is_little_endian))
    if unpack is None:
        return None
    try:
        (number,) = unpack(element.value)
    except (struct.error, TypeError):  # another number of bytes, or no bytes
        return None
    return number  # type: ignore[no-any-return]  # an integer or a float, as the layout says


def simple_number(element: RawDataElement, attribute: str | int) -> float | None:
    """Return the only number of an element, finite and spelled as the standard says, or None.

    attribute: keyword or tag. One whose numbers are integers as texts (VR IS) has no fraction.
    """
    if element.VR in ("DS", "IS"):
        text = simple_text(element)
        number = None if text is None else float(text)
    else:
        number = _binary_number(element)
    if number is None or number - number != 0 or (number % 1 and dictionary_vr_of(attribute) == "IS"):
        return None
    return float(number)
