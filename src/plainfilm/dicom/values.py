# SPDX-License-Identifier: MIT
"""A pydicom Dataset and a keyword -> numbers and texts, however the value is written; what cannot be read is noted, not raised."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any

from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset

from plainfilm.dicom.instance import LutItem
from plainfilm.findings import Finding, FindingCode


class Values:
    """Reads the values of one Dataset; `findings` fills with what could not be read."""

    def __init__(self, dataset: Dataset, findings: list[Finding]) -> None:
        self.dataset = dataset
        self.findings = findings

    def raw(self, keyword: str) -> Any:
        """The value as pydicom gives it; None where the attribute is absent, empty or unreadable."""
        if keyword not in self.dataset:
            return None
        try:
            value = self.dataset[keyword].value
        except (ValueError, KeyError, TypeError, OverflowError, struct.error, NotImplementedError, UnicodeError):
            self.invalid(keyword)
            return None
        return None if value is None or (isinstance(value, (str, bytes, Sequence)) and len(value) == 0) else value

    def invalid(self, keyword: str) -> None:
        """Note that an attribute holds what it cannot hold."""
        self.findings.append(Finding(FindingCode.ATTRIBUTE_INVALID, f"{keyword} cannot be read and is left out"))

    def has(self, keyword: str) -> bool:
        """Whether the attribute is there, empty or not."""
        return keyword in self.dataset

    def numbers(self, keyword: str) -> tuple[float, ...]:
        """All finite numbers of a multi-valued attribute; empty where it is absent, empty or not numeric."""
        value = self.raw(keyword)
        if value is None:
            return ()
        try:
            numbers = tuple(float(part) for part in self._parts(keyword, value))
        except (ValueError, TypeError, struct.error):
            numbers = ()
        if not numbers or not all(math.isfinite(number) for number in numbers):
            self.invalid(keyword)
            return ()
        return numbers

    def number(self, keyword: str) -> float | None:
        """The first number, or None."""
        numbers = self.numbers(keyword)
        return numbers[0] if numbers else None

    def integer(self, keyword: str) -> int | None:
        """The first number as a whole number, or None; a fraction cannot be read."""
        number = self.number(keyword)
        if number is None or number != int(number):
            if number is not None:
                self.invalid(keyword)
            return None
        return int(number)

    def integers(self, keyword: str) -> tuple[int, ...]:
        """All numbers, each cut to a whole one."""
        return tuple(int(number) for number in self.numbers(keyword))

    def text(self, keyword: str) -> str:
        """The first value as text without padding; '' where there is none."""
        value = self.raw(keyword)
        if value is None:
            return ""
        if isinstance(value, bytes):
            value = value.decode("ascii", "replace")
        elif isinstance(value, Sequence) and not isinstance(value, str):
            value = value[0]
        return str(value).strip(" \0")

    def texts(self, keyword: str) -> tuple[str, ...]:
        """Every value as text."""
        value = self.raw(keyword)
        if value is None:
            return ()
        values = value if isinstance(value, Sequence) and not isinstance(value, (str, bytes)) else [value]
        return tuple(str(part).strip(" \0") for part in values)

    def code(self, keyword: str) -> str:
        """The first value of a code string, in capitals."""
        return self.text(keyword).upper()

    def items(self, keyword: str) -> tuple[Values, ...]:
        """The items of a sequence."""
        value = self.raw(keyword)
        if value is None:
            return ()
        if not all(isinstance(item, Dataset) for item in value):
            self.invalid(keyword)
            return ()
        return tuple(Values(item, self.findings) for item in value)

    def lut(self, descriptor: str, data: str, explanation: str = "LUTExplanation") -> LutItem | None:
        """A LUT Descriptor and its LUT Data; None, and a finding where one of them is there, unless both can be read."""
        words = self._descriptor(descriptor)
        content = self._words(data)
        if words is None or not content:
            if words is not None or content:
                self.invalid(data if words is not None else descriptor)
            return None
        return LutItem(words, content, self.text(explanation) or None)

    def _descriptor(self, keyword: str) -> tuple[int, int, int] | None:
        values = self.integers(keyword)
        return (values[0] & 0xFFFF, values[1] & 0xFFFF, values[2] & 0xFFFF) if len(values) == 3 else None

    def _words(self, keyword: str) -> bytes:
        """LUT Data in little-endian byte order, whether its VR is US, SS, OW, OB or UN."""
        value = self.raw(keyword)
        if value is None:
            return b""
        if isinstance(value, bytes):
            return self._swapped(value) if self._is_big_endian and self.dataset[keyword].VR != "OB" else value
        words = [value] if isinstance(value, int) else list(value)
        return b"".join((int(word) & 0xFFFF).to_bytes(2, "little") for word in words)

    @property
    def _is_big_endian(self) -> bool:
        return self.dataset.original_encoding[1] is False

    @staticmethod
    def _swapped(value: bytes) -> bytes:
        even = value + b"\0" * (len(value) % 2)
        swapped = bytearray(even)
        swapped[0::2], swapped[1::2] = even[1::2], even[0::2]
        return bytes(swapped)

    def _parts(self, keyword: str, value: Any) -> list[Any]:
        """The single values; bytes under a wrong VR are 16-bit words or text, as the dictionary has the attribute."""
        if isinstance(value, bytes):
            if not dictionary_VR(keyword).startswith(("US", "SS")):
                return list(value.strip(b" \0").split(b"\\"))
            order = ">" if self._is_big_endian else "<"
            return list(struct.unpack(f"{order}{len(value) // 2}H", value))
        if isinstance(value, Sequence) and not isinstance(value, str):
            return list(value)
        return [value]
