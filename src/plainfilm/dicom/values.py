# SPDX-License-Identifier: MIT
"""A pydicom Dataset and a keyword -> numbers and texts; what cannot be read is noted, not raised."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence, Set
from functools import cache
from typing import Any

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException
from pydicom.tag import BaseTag, Tag

from plainfilm.dicom.instance import LutItem
from plainfilm.dicom.plain import plain_value
from plainfilm.findings import Finding, FindingCode

# A keyword, or the tag of an attribute in a repeating group.
Attribute = str | int

# What pydicom raises where bytes are not what their VR says. Its messages may quote values, so they are not passed on.
VALUE_ERRORS = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    NotImplementedError,
    BytesLengthException,
    struct.error,
    EOFError,
    OSError,
)

# Twice the longest LUT Data. As a number or text each part of a value takes many times its bytes in the file.
_MOST_CONVERTED = 256 * 1024
_NOT_CONVERTED = ("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "UN")


@cache
def _tag_of(keyword: Attribute) -> BaseTag:
    """A tag as pydicom takes it without looking the keyword up again, which costs more than to find the element."""
    return Tag(keyword)


class Values:
    """Reads the values of one Dataset; `findings` fills with what could not be read."""

    def __init__(self, dataset: Dataset, findings: list[Finding]) -> None:
        self.dataset = dataset
        self.findings = findings
        # by plain numbers: pydicom's tags take long to compare, and most attributes that are asked for are absent
        self._elements = {int(tag): element for tag, element in dataset.items()}

    def raw(self, keyword: Attribute) -> Any:
        """The value as pydicom gives it, or its text; None where the attribute is absent, empty or unreadable."""
        tag = _tag_of(keyword)
        element = self._elements.get(int(tag))
        if element is None:
            return None
        if isinstance(element, RawDataElement) and (plain := plain_value(element)) is not None:
            return plain
        try:
            self._check_length(tag)
            value = self.dataset[tag].value
        except VALUE_ERRORS:
            self.invalid(keyword)
            return None
        return None if value is None or (isinstance(value, (str, bytes, Sequence)) and len(value) == 0) else value

    def _check_length(self, tag: BaseTag) -> None:
        """Raises ValueError for a value that would become more numbers or texts than an image can need."""
        raw = self.dataset.get_item(tag)
        if not isinstance(raw, RawDataElement) or raw.length <= _MOST_CONVERTED:
            return
        if (raw.VR or dictionary_VR(raw.tag)) not in _NOT_CONVERTED:
            raise ValueError

    def invalid(self, keyword: Attribute) -> None:
        """Note that an attribute holds what it cannot hold."""
        name = keyword if isinstance(keyword, str) else f"({keyword >> 16:04X},{keyword & 0xFFFF:04X})"
        self.findings.append(Finding(FindingCode.ATTRIBUTE_INVALID, f"{name} cannot be read and is left out"))

    def has(self, keyword: str) -> bool:
        """Whether the attribute is there, empty or not."""
        return int(_tag_of(keyword)) in self._elements

    @property
    def tags(self) -> Set[int]:
        """The tags of all that is there."""
        return self._elements.keys()

    def numbers(self, keyword: Attribute) -> tuple[float, ...]:
        """All finite numbers of a multi-valued attribute; empty where it is absent, empty or not numeric."""
        value = self.raw(keyword)
        if value is None:
            return ()
        try:
            numbers = tuple(float(part) for part in self._parts(keyword, value))
        except VALUE_ERRORS:
            numbers = ()
        if not numbers or not all(math.isfinite(number) for number in numbers):
            self.invalid(keyword)
            return ()
        return numbers

    def number(self, keyword: Attribute) -> float | None:
        """The first number, or None."""
        numbers = self.numbers(keyword)
        return numbers[0] if numbers else None

    def integer(self, keyword: Attribute) -> int | None:
        """The first number as a whole number, or None; a fraction cannot be read."""
        number = self.number(keyword)
        if number is None or number != int(number):
            if number is not None:
                self.invalid(keyword)
            return None
        return int(number)

    def integers(self, keyword: Attribute) -> tuple[int, ...]:
        """All numbers, each cut to a whole one."""
        return tuple(int(number) for number in self.numbers(keyword))

    def pair(self, keyword: str) -> tuple[float, float] | None:
        """The first two numbers, or None unless both are above 0."""
        numbers = self.numbers(keyword)
        return (numbers[0], numbers[1]) if len(numbers) >= 2 and min(numbers[:2]) > 0 else None

    def text(self, keyword: Attribute) -> str:
        """The first value as text without padding; '' where there is none."""
        return next(iter(self.texts(keyword)), "")

    def texts(self, keyword: Attribute) -> tuple[str, ...]:
        """Every value as text."""
        value = self.raw(keyword)
        if value is None:
            return ()
        if isinstance(value, bytes):
            value = value.decode("ascii", "replace").split("\\")
        values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        if any(isinstance(part, Dataset) for part in values):
            self.invalid(keyword)
            return ()
        return tuple(str(part).strip(" \0") for part in values)

    def code(self, keyword: Attribute) -> str:
        """The first value of a code string, in capitals."""
        return self.text(keyword).upper()

    def items(self, keyword: str) -> tuple[Values, ...]:
        """The items of a sequence."""
        value = self.raw(keyword)
        if value is None:
            return ()
        if not isinstance(value, Sequence) or not all(isinstance(item, Dataset) for item in value):
            self.invalid(keyword)
            return ()
        return tuple(Values(item, self.findings) for item in value)

    def lut(self, descriptor: str, data: str, explanation: str = "LUTExplanation") -> LutItem | None:
        """A LUT Descriptor and its LUT Data; None unless both can be read, with a finding where one is there."""
        words = self._descriptor(descriptor)
        content = self.words(data)
        if words is None or not content:
            if words is not None or content:
                self.invalid(data if words is not None else descriptor)
            return None
        return LutItem(words, content, self.text(explanation) or None)

    def _descriptor(self, keyword: str) -> tuple[int, int, int] | None:
        values = self.integers(keyword)
        return (values[0] & 0xFFFF, values[1] & 0xFFFF, values[2] & 0xFFFF) if len(values) == 3 else None

    def words(self, keyword: Attribute) -> bytes:
        """LUT Data or Overlay Data in little-endian byte order, whether its VR is US, SS, OW, OB or UN."""
        value = self.raw(keyword)
        if value is None:
            return b""
        if isinstance(value, bytes):
            return self._swapped(value) if self._is_big_endian and self.dataset[keyword].VR != "OB" else value
        try:
            words = [value] if isinstance(value, int) else list(value)
            return b"".join((int(word) & 0xFFFF).to_bytes(2, "little") for word in words)
        except VALUE_ERRORS:
            return b""

    @property
    def _is_big_endian(self) -> bool:
        return self.dataset.original_encoding[1] is False

    @staticmethod
    def _swapped(value: bytes) -> bytes:
        even = value + b"\0" * (len(value) % 2)
        swapped = bytearray(even)
        swapped[0::2], swapped[1::2] = even[1::2], even[0::2]
        return bytes(swapped)

    def _parts(self, keyword: Attribute, value: Any) -> list[Any]:
        """The single values; bytes under a wrong VR are 16-bit words or text, as the dictionary has the attribute.

        Values left empty at the end, as after a trailing backslash, are no values.
        """
        if isinstance(value, bytes) and dictionary_VR(keyword).startswith(("US", "SS")):
            order = ">" if self._is_big_endian else "<"
            return list(struct.unpack(f"{order}{len(value) // 2}H", value))
        if isinstance(value, bytes):
            value = value.decode("ascii")
        parts = value.split("\\") if isinstance(value, str) else list(value) if isinstance(value, Sequence) else [value]
        while parts and isinstance(parts[-1], str) and not parts[-1].strip(" \0"):
            parts.pop()
        return [part.strip(" \0") if isinstance(part, str) else part for part in parts]
