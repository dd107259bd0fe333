# SPDX-License-Identifier: MIT
"""A data set's bytes -> its elements, not converted yet, each held against the limits before anything is made of it.

pydicom converts values, and the items of a sequence when they are asked for; its reader, which parses nested items by
recursion and as many as come, sees nothing that was not counted here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

from plainfilm.dicom.content import Content
from plainfilm.dicom.nesting import (
    END_OF_ITEM,
    END_OF_SEQUENCE,
    UNDEFINED,
    Budget,
    Header,
    Nesting,
    header_of,
    is_sequence,
    opens_items,
)
from plainfilm.dicom.syntax import VRS, Encoding
from plainfilm.errors import TruncatedError

# Values of more than this, all together, are left in the file: no header that a picture is made from is as long.
_MOST_HELD = 64 * 1024**2
_MOST_ZEROS, _STEP = 64 * 1024**2, 1024**2


@dataclass(frozen=True, slots=True)
class Scanned:
    """The elements of a data set by their tags, and where the first one begins that is not among them."""

    elements: dict[BaseTag, RawDataElement]
    stop: int


class Scanner:
    """Reads elements one after another from `position` on, under one budget."""

    def __init__(self, content: Content, encoding: Encoding, position: int, budget: Budget) -> None:
        self.content = content
        self.encoding = encoding
        self.position = position
        self.budget = budget
        self.held = _MOST_HELD
        self.zeros_expected = True

    def scan(self, stop: Callable[[int], bool]) -> Scanned:
        """The elements up to the first whose tag `stop` is true of, or to the end.

        Raises TruncatedError where the content ends inside one, LimitError (too_large, too_deep).
        """
        elements: dict[BaseTag, RawDataElement] = {}
        while (header := self._header()) is not None and not stop(header.tag):
            self.budget.count()
            if header.tag in (END_OF_ITEM, END_OF_SEQUENCE):  # of a sequence that gave its length as well
                self.position += 8
                continue
            element = self._element(header)
            elements[element.tag] = element
        return Scanned(elements, self.position)

    def _header(self) -> Header | None:
        """The header at the position, or None where less than one, or nothing but zeros, is left."""
        head = self.content[self.position : self.position + 12]
        if len(head) < 8 or (self.zeros_expected and head[:8] == bytes(8) and self._ends_in_zeros()):
            return None
        header = header_of(head, self.encoding)
        if header is None:
            raise TruncatedError("the file ends inside the header of an element")
        return header

    def _ends_in_zeros(self) -> bool:
        """Whether zeros alone follow, with which some writers fill a block up; looked at once."""
        self.zeros_expected = False
        stop = min(len(self.content), self.position + _MOST_ZEROS)
        if any(self.content[start : start + _STEP].strip(b"\0") for start in range(self.position, stop, _STEP)):
            return False
        self.position = len(self.content)
        return True

    def _element(self, header: Header) -> RawDataElement:
        if header.length == UNDEFINED:
            return self._undefined(header)
        if header.vr is not None and header.length == 0 and header.vr.encode() not in VRS:
            # perhaps a length of 32 bits after two that are zero, as all VRs have that are younger than the standard's
            header = self._written_otherwise(header) or header
        if self.position + header.size + header.length > len(self.content):
            header = self._written_otherwise(header) or self._refuse(header)
        start = self.position + header.size
        stop = start + header.length
        self.position = stop
        if header.length and is_sequence(header):
            return self._sequence(header, start, stop)
        return self._raw(header.tag, header.vr, header.length, self._held(start, stop))

    def _undefined(self, header: Header) -> RawDataElement:
        """An element that ends in a sequence delimiter: a sequence, or a value in fragments."""
        start = self.position + header.size
        if opens_items(header, self.content[start : start + 4], self.encoding):
            return self._sequence(header, start, None)
        nesting = Nesting(self.content, self.encoding, self.budget)
        self.position = nesting.end_of_fragments(start)
        return self._raw(header.tag, header.vr, UNDEFINED, self._held(start, self.position - 8))

    def _sequence(self, header: Header, start: int, stop: int | None) -> RawDataElement:
        nesting = Nesting(self.content, self.encoding, self.budget)
        self.position = nesting.end_of_sequence(start, stop)
        held = nesting.well_formed and self._has_room(self.position - start)
        value = nesting.closed(start, self.position) if held else None
        return self._raw(header.tag, "SQ", self.position - start if value is None else len(value), value)

    def _held(self, start: int, stop: int) -> bytes | None:
        return self.content[start:stop] if self._has_room(stop - start) else None

    def _has_room(self, length: int) -> bool:
        """Whether a value may still be held. pydicom raises where one is asked for that is not."""
        if length > self.held:
            return False
        self.held -= length
        return True

    def _raw(self, tag: int, vr: str | None, length: int, value: bytes | None) -> RawDataElement:
        encoding = self.encoding
        return RawDataElement(BaseTag(tag), vr, length, value, 0, encoding.implicit, not encoding.big_endian)

    def _written_otherwise(self, header: Header) -> Header | None:
        """A header whose length does not fit, read in the form after which the data set goes on, if there is one.

        Writers put elements without a VR among others, and VRs of their own with either form of length.
        """
        head = self.content[self.position : self.position + 12]
        for form in header.other_forms(head, self.encoding):
            if self._goes_on(self.position + form.size + form.length, header.tag):
                return form
        return None

    def _refuse(self, header: Header) -> NoReturn:
        here = len(self.content) - self.position - header.size
        name = f"({header.tag >> 16:04X},{header.tag & 0xFFFF:04X})"
        raise TruncatedError(f"the file ends inside {name}: {max(here, 0)} of {header.length} bytes")

    def _goes_on(self, position: int, tag: int) -> bool:
        """Whether an element with a VR stands at a position, as the next one after a tag would."""
        head = self.content[position : position + 12]
        following = header_of(head, self.encoding) if len(head) == 12 else None
        return following is not None and tag < following.tag and head[4:6] in VRS
