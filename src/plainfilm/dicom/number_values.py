# SPDX-License-Identifier: MIT
"""Convert the value of an element to numbers or to 16-bit words, whatever its VR is (PS3.5 6.2, 6.4)."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from pydicom.datadict import dictionary_VR

from plainfilm.pickling import dataclass

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
# The same with a comma in place of the point.
_SPOILED_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?")
# How some C libraries write values that are not finite: their text begins with a digit.
_NOT_FINITE = re.compile(r"\.#(?:INF|IND|[QS]?NAN)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NumberList:
    """The numbers of an element up to the first value that is not a number.

    count: how many values the element has. is_corrected: whether a decimal comma, or text around a number, was read.
    """

    numbers: tuple[float, ...]
    count: int
    is_corrected: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether every value was read."""
        return len(self.numbers) == self.count


def numbers_of(value: Any, attribute: str | int, byte_order: str) -> NumberList:
    """Return the numbers of a value up to the first one that is empty, unreadable or not finite.

    value: a number, a text, bytes, or a sequence of numbers or texts. attribute: keyword or tag. byte_order: as in the
    `struct` module.

    Raises ValueError, or another of `values.VALUE_ERRORS`, if the value cannot be split into parts.
    """
    parts = _parts_of(value, attribute, byte_order)
    must_be_whole = dictionary_vr_of(attribute) == "IS"
    numbers, is_corrected = list[float](), False
    for part in parts:
        number = number_of_text(part) if isinstance(part, str) else TextNumber(float(part))
        if number is None or not math.isfinite(number.value) or (must_be_whole and number.value % 1):
            break
        numbers.append(number.value)
        is_corrected |= number.is_corrected
    return NumberList(tuple(numbers), len(parts), is_corrected)


class TextNumber(NamedTuple):
    """A number that was read from text. is_corrected: whether the text is not spelled as a number is."""

    value: float
    is_corrected: bool = False


def number_of_text(text: str) -> TextNumber | None:
    """Return the number of a text as it stands in a value of VR DS or IS (PS3.5 6.2), or None if it has none.

    One comma between digits, in a text without a point, is a decimal point. Text around a number is ignored, unless it
    has digits.
    """
    stripped = text.strip(" \0")
    if _NUMBER.fullmatch(stripped):
        return TextNumber(float(stripped))
    if _NOT_FINITE.search(stripped):
        return None
    match = _SPOILED_NUMBER.search(stripped)
    if match is None or any(map(str.isdigit, stripped[: match.start()] + stripped[match.end() :])):
        return None
    return TextNumber(float(match[0].replace(",", ".")), is_corrected=True)


def _parts_of(value: Any, attribute: str | int, byte_order: str) -> list[Any]:
    """Return the single values. Empty values at the end, as after a trailing backslash, are left out.

    Bytes are of a wrong VR. They are 16-bit words if the dictionary's VR is US or SS, and text otherwise.
    """
    if isinstance(value, bytes) and dictionary_vr_of(attribute).startswith(("US", "SS")):
        return list(struct.unpack(f"{byte_order}{len(value) // 2}H", value))
    if isinstance(value, bytes):
        value = value.decode("ascii")
    parts = value.split("\\") if isinstance(value, str) else list(value) if isinstance(value, Sequence) else [value]
    while parts and isinstance(parts[-1], str) and not parts[-1].strip(" \0"):
        parts.pop()
    return parts


@cache
def dictionary_vr_of(attribute: str | int) -> str:
    """Return the VR that the data dictionary has for an attribute. Raises KeyError where it does not have it."""
    return str(dictionary_VR(attribute))


def words_of_numbers(value: Any) -> bytes:
    """Return an integer or a sequence of integers as 16-bit words in little-endian byte order.

    Raises ValueError, or another of `values.VALUE_ERRORS`, if a part is not an integer.
    """
    numbers = [value] if isinstance(value, int) else list(value)
    return b"".join((int(number) & 0xFFFF).to_bytes(2, "little") for number in numbers)


def swap_words(value: bytes) -> bytes:
    """Return 16-bit words in the other byte order. An odd number of bytes is padded with a zero byte first."""
    even = value + b"\0" * (len(value) % 2)
    swapped = bytearray(even)
    swapped[0::2], swapped[1::2] = even[1::2], even[0::2]
    return bytes(swapped)
