# SPDX-License-Identifier: MIT
"""Read the attributes of a pydicom Dataset as numbers and texts. An unreadable value is a finding, not an error."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence, Set
from functools import cache
from typing import Any

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException
from pydicom.tag import BaseTag, Tag

from plainfilm.dicom.number_values import numbers_of, swap_words, words_of_numbers
from plainfilm.dicom.raw_data_set import RawDataSet
from plainfilm.dicom.simple_values import simple_number, simple_text, simple_value
from plainfilm.findings import Finding, FindingCode

Attribute = str | int
"""A keyword, or the tag of an attribute in a repeating group."""

# What pydicom raises if bytes are not what their VR says. Its messages may quote values, so they are not passed on.
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

# Twice the length of the longest LUT Data. A value that is split into numbers or texts takes many times its bytes.
_MAX_CONVERTED_BYTES = 256 * 1024
_TEXT_VRS = ("AE", "AS", "CS", "DA", "DS", "IS", "LO", "SH", "TM", "UI")
# pydicom does not split the values of these VRs.
_UNSPLIT_VRS = ("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "UN")


@cache
def _tag_of(attribute: Attribute) -> BaseTag:
    """Return the tag in pydicom's type. It is cached, because looking up a keyword takes longer than the element."""
    return Tag(attribute)


@cache
def _number_of(attribute: Attribute) -> int:
    """Return the tag as a plain integer."""
    return int(Tag(attribute))


def _name_of(attribute: Attribute) -> str:
    return attribute if isinstance(attribute, str) else f"({attribute >> 16:04X},{attribute & 0xFFFF:04X})"


def _vr_of(element: RawDataElement) -> str:
    """Return the VR as written, or that of the dictionary if none is written ('' if it is not in the dictionary)."""
    if element.VR not in (None, "UN"):
        return str(element.VR)
    try:
        return str(dictionary_VR(element.tag))
    except KeyError:
        return ""


class Values:
    """Reads the values of one Dataset. Each value that cannot be read adds a finding to `findings`."""

    def __init__(self, dataset: Dataset | RawDataSet, findings: list[Finding]) -> None:
        self.dataset = dataset
        self.findings = findings
        # The keys are plain integers: pydicom's tags are slow to compare, and most attributes asked for are absent.
        self._elements: Mapping[int, RawDataElement | DataElement] = (
            dataset.elements if isinstance(dataset, RawDataSet) else {int(tag): item for tag, item in dataset.items()}
        )

    def raw(self, attribute: Attribute) -> Any:
        """Return the value as pydicom gives it, or its text; None if it is absent, empty or unreadable."""
        element = self._elements.get(_number_of(attribute))
        if element is None:
            return None
        tag = _tag_of(attribute)
        if isinstance(element, RawDataElement) and (simple := simple_value(element)) is not None:
            return simple
        try:
            self._check_length(tag)
            value = self.dataset[tag].value
        except VALUE_ERRORS:
            self.add_invalid(attribute)
            return None
        return None if value is None or (isinstance(value, (str, bytes, Sequence)) and len(value) == 0) else value

    def _check_length(self, tag: BaseTag) -> None:
        """Raise ValueError for a value that would become more numbers or texts than an image can need."""
        raw = self.dataset.get_item(tag)
        if not isinstance(raw, RawDataElement) or raw.length <= _MAX_CONVERTED_BYTES:
            return
        if (raw.VR or dictionary_VR(raw.tag)) not in _UNSPLIT_VRS:
            raise ValueError

    def add_invalid(self, attribute: Attribute) -> None:
        """Add the finding that an attribute cannot be read."""
        note = f"{_name_of(attribute)} cannot be read and is left out"
        self.findings.append(Finding(FindingCode.ATTRIBUTE_INVALID, note))

    def add_corrected(self, attribute: Attribute, note: str) -> None:
        """Add the finding that the spelling of an attribute was corrected. note: continues a sentence on it."""
        self.findings.append(Finding(FindingCode.ATTRIBUTE_CORRECTED, f"{_name_of(attribute)} {note}"))

    def add_unusable(self, attribute: Attribute, note: str) -> None:
        """Add the finding that what displays the image is in the file and cannot be used: the image is repaired."""
        self.findings.append(Finding(FindingCode.ATTRIBUTE_UNUSABLE, f"{_name_of(attribute)} {note}"))

    def has(self, keyword: str) -> bool:
        """Whether the Dataset has the attribute, empty or not."""
        return _number_of(keyword) in self._elements

    @property
    def tags(self) -> Set[int]:
        """The tags of all elements."""
        return self._elements.keys()

    def numbers(self, attribute: Attribute) -> tuple[float, ...]:
        """Return the numbers of an attribute; () if it is absent or empty, or if the first value is not a number.

        Numbers after a value that is empty, unreadable or not finite are left out with a finding.
        """
        element = self._elements.get(_number_of(attribute))
        if element is None:
            return ()
        if isinstance(element, RawDataElement) and (number := simple_number(element, attribute)) is not None:
            return (number,)
        value = self._number_text(attribute)
        if value is None:
            value = self.raw(attribute)
        if value is None:
            return ()
        try:
            result = numbers_of(value, attribute, ">" if self._is_big_endian else "<")
        except VALUE_ERRORS:
            self.add_invalid(attribute)
            return ()
        if not result.numbers:
            if self.has_value(attribute):
                self.add_invalid(attribute)
        elif not result.is_complete:
            note = f"value {len(result.numbers) + 1} of {result.count} cannot be read; the values before it are used"
            self.findings.append(Finding(FindingCode.ATTRIBUTE_INVALID, f"{_name_of(attribute)}: {note}"))
        if result.is_corrected:
            self.add_corrected(attribute, "is not written as a number; the number in it is used")
        return result.numbers

    def _number_text(self, attribute: Attribute) -> str | None:
        """Return the text of numbers that are written as text, which pydicom may refuse as a whole, or None."""
        element = self._elements.get(_number_of(attribute))
        if not isinstance(element, RawDataElement) or not isinstance(element.value, bytes) or not element.value:
            return None
        is_text = _vr_of(element) in ("DS", "IS") and len(element.value) <= _MAX_CONVERTED_BYTES
        return element.value.decode("latin-1") if is_text else None

    def has_value(self, attribute: Attribute) -> bool:
        """Whether the Dataset has the attribute with a value: one that is empty or blank counts as absent."""
        element = self._elements.get(_number_of(attribute))
        if element is None:
            return False
        value = element.value
        if value is None:  # of a raw element, a value that is too long or damaged
            return isinstance(element, RawDataElement) and element.length > 0
        if isinstance(element, RawDataElement) and isinstance(value, bytes) and _vr_of(element) in _TEXT_VRS:
            return len(value.strip(b" \0")) > 0
        if isinstance(value, str):
            return len(value.strip(" \0")) > 0
        return not (isinstance(value, (bytes, Sequence)) and len(value) == 0)

    def number(self, attribute: Attribute) -> float | None:
        """Return the first number, or None."""
        element = self._elements.get(_number_of(attribute))
        if element is None:
            return None
        if isinstance(element, RawDataElement) and (number := simple_number(element, attribute)) is not None:
            return number
        numbers = self.numbers(attribute)
        return numbers[0] if numbers else None

    def integer(self, attribute: Attribute) -> int | None:
        """Return the first number if it is an integer, or None. A fraction adds a finding."""
        element = self._elements.get(_number_of(attribute))
        if element is None:
            return None
        number = simple_number(element, attribute) if isinstance(element, RawDataElement) else None
        if number is None:
            number = self.number(attribute)
        if number is None or number != int(number):
            if number is not None:
                self.add_invalid(attribute)
            return None
        return int(number)

    def integers(self, attribute: Attribute) -> tuple[int, ...]:
        """Return all numbers, each truncated to an integer."""
        return tuple(int(number) for number in self.numbers(attribute))

    def pair(self, keyword: str) -> tuple[float, float] | None:
        """Return the first two numbers, or None unless both are above 0. Other numbers add a finding."""
        numbers = self.numbers(keyword)
        if len(numbers) >= 2 and min(numbers[:2]) > 0:
            return numbers[0], numbers[1]
        if numbers:
            self.add_invalid(keyword)
        return None

    def text(self, attribute: Attribute) -> str:
        """Return the first value as text without padding; '' if there is none."""
        element = self._elements.get(_number_of(attribute))
        if element is None:
            return ""
        simple = simple_text(element) if isinstance(element, RawDataElement) else None
        return next(iter(self.texts(attribute)), "") if simple is None else simple.strip(" \0")

    def texts(self, attribute: Attribute) -> tuple[str, ...]:
        """Return every value as text without padding."""
        value = self.raw(attribute)
        if value is None:
            return ()
        if isinstance(value, bytes):
            value = value.decode("ascii", "replace").split("\\")
        values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        if any(isinstance(part, Dataset) for part in values):
            self.add_invalid(attribute)
            return ()
        return tuple(str(part).strip(" \0") for part in values)

    def code(self, attribute: Attribute) -> str:
        """Return the first value of a code string in capitals; '' if there is none."""
        return self.text(attribute).upper() if _number_of(attribute) in self._elements else ""

    def items(self, keyword: str) -> tuple[Values, ...]:
        """Return the items of a sequence. They share `findings` with this object."""
        value = self.raw(keyword)
        if value is None:
            return ()
        if not isinstance(value, Sequence) or not all(isinstance(item, Dataset) for item in value):
            self.add_invalid(keyword)
            return ()
        return tuple(Values(item, self.findings) for item in value)

    def first_item(self, keyword: str) -> Values | None:
        """Return the first item of a sequence, or None if it has no items."""
        return next(iter(self.items(keyword)), None)

    def words(self, attribute: Attribute) -> bytes:
        """Return LUT Data or Overlay Data in little-endian byte order, whether the VR is US, SS, OW, OB or UN."""
        value = self.raw(attribute)
        if value is None:
            return b""
        if isinstance(value, bytes):
            is_swapped = self._is_big_endian and self.dataset[attribute].VR != "OB"
            return swap_words(value) if is_swapped else value
        try:
            return words_of_numbers(value)
        except VALUE_ERRORS:
            return b""

    @property
    def _is_big_endian(self) -> bool:
        return self.dataset.original_encoding[1] is False
