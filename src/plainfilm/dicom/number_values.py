# SPDX-License-Identifier: MIT
"""Convert the value of an element to numbers or to 16-bit words, whatever its VR is (PS3.5 6.2, 6.4)."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any

from pydicom.datadict import dictionary_VR


def numbers_of(value: Any, attribute: str | int, byte_order: str) -> tuple[float, ...]:
    """Return all numbers of a value.

    value: a number, a text, bytes, or a sequence of numbers or texts. attribute: keyword or tag. byte_order: as in the
    `struct` module.

    Raises ValueError, or another of `values.VALUE_ERRORS`, if a part is not a finite number or no part has a value.
    """
    numbers = tuple(float(part) for part in _parts_of(value, attribute, byte_order))
    if not numbers or not all(math.isfinite(number) for number in numbers):
        raise ValueError
    return numbers


def _parts_of(value: Any, attribute: str | int, byte_order: str) -> list[Any]:
    """Return the single values. Empty values at the end, as after a trailing backslash, are left out.

    Bytes are of a wrong VR. They are 16-bit words if the dictionary's VR is US or SS, and text otherwise.
    """
    if isinstance(value, bytes) and dictionary_VR(attribute).startswith(("US", "SS")):
        return list(struct.unpack(f"{byte_order}{len(value) // 2}H", value))
    if isinstance(value, bytes):
        value = value.decode("ascii")
    parts = value.split("\\") if isinstance(value, str) else list(value) if isinstance(value, Sequence) else [value]
    while parts and isinstance(parts[-1], str) and not parts[-1].strip(" \0"):
        parts.pop()
    return [part.strip(" \0") if isinstance(part, str) else part for part in parts]


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
