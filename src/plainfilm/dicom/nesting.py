# SPDX-License-Identifier: MIT
"""The header of an element, and where a sequence ends: found by steps and not by recursion (PS3.5 7.1, 7.5).

Item and sequence delimiters that a writer forgot are noted, so that pydicom can be given a sequence that has them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from pydicom.datadict import dictionary_VR

from plainfilm.dicom.content import Content
from plainfilm.dicom.syntax import LONG_VRS, VRS, Encoding
from plainfilm.errors import LimitError, Reason, TruncatedError

ITEM, END_OF_ITEM, END_OF_SEQUENCE = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
UNDEFINED = 0xFFFFFFFF
DEEPEST = 64
_STEP = 1024**2


class Budget:
    """How many elements and items, nested ones too, may still come."""

    def __init__(self, most: int) -> None:
        self.most = self.left = most

    def count(self) -> None:
        """One more. Raises LimitError (too_large)."""
        self.left -= 1
        if self.left < 0:
            raise LimitError(f"more than {self.most} elements and items in a data set")


class Header(NamedTuple):
    """Tag, VR (None: not written) and length of an element, and how many bytes they take."""

    tag: int
    vr: str | None
    length: int
    size: int

    def other_forms(self, head: bytes, encoding: Encoding) -> tuple[Header, ...]:
        """The same bytes with a length of 16 bits, of 32, and without a VR."""
        order = ">" if encoding.big_endian else "<"
        without, short = struct.unpack_from(f"{order}I", head, 4)[0], struct.unpack_from(f"{order}H", head, 6)[0]
        forms = [Header(self.tag, "UN", short, 8), Header(self.tag, None, without, 8)]
        if len(head) == 12:
            forms.insert(0, Header(self.tag, "UN", struct.unpack_from(f"{order}I", head, 8)[0], 12))
        return tuple(form for form in forms if form.length != UNDEFINED)


# Of little and of big endian: tag and length where no VR is written, and where it takes 16 bits; the length of 32 bits.
_FORMS = {
    False: (struct.Struct("<HHI").unpack_from, struct.Struct("<6xH").unpack_from, struct.Struct("<8xI").unpack_from),
    True: (struct.Struct(">HHI").unpack_from, struct.Struct(">6xH").unpack_from, struct.Struct(">8xI").unpack_from),
}
_TEXT_OF_VR = {vr: vr.decode() for vr in VRS}


def header_of(head: bytes, encoding: Encoding) -> Header | None:
    """The header in the 8 to 12 bytes given, read as pydicom reads it; None where it is cut short."""
    without, short, long = _FORMS[encoding.big_endian]
    group, element, length = without(head)
    vr = head[4:6]
    if encoding.implicit or not b"AA" <= vr <= b"ZZ":
        return Header(group << 16 | element, None, length, 8)
    text = _TEXT_OF_VR.get(vr) or vr.decode("latin-1")
    if vr not in LONG_VRS:
        return Header(group << 16 | element, text, short(head)[0], 8)
    return Header(group << 16 | element, text, long(head)[0], 12) if len(head) == 12 else None


@lru_cache(1024)
def _known_vr(tag: int) -> str:
    try:
        return str(dictionary_VR(tag))
    except KeyError:
        return ""


def is_sequence(header: Header) -> bool:
    """Whether an element of a defined length is a sequence: by its VR, else by the dictionary (PS3.5 6.2.2)."""
    return header.vr == "SQ" or (header.vr in (None, "UN") and _known_vr(header.tag) == "SQ")


def opens_items(header: Header, following: bytes, encoding: Encoding) -> bool:
    """Whether an element of undefined length is a sequence; one that nobody knows, by how its value begins."""
    if header.vr in ("SQ", "UN"):
        return True
    known = _known_vr(header.tag)
    begins = following == (b"\xff\xfe\xe0\x00" if encoding.big_endian else b"\xfe\xff\x00\xe0")
    return header.vr is None and (known == "SQ" or (not known and begins))


@dataclass(slots=True)
class _Level:
    """A sequence or item that is open. stop: where it ends, None before its delimiter; limit: where it must have."""

    is_item: bool
    stop: int | None
    limit: int
    implicit: bool


@dataclass(slots=True)
class Nesting:
    """A walk through a sequence and all that is nested in it.

    well_formed: whether every length fits; if not, where the sequence ends is all that is known of it.
    missing: the delimiters that are not there, each with the place where it belongs.
    """

    content: Content
    encoding: Encoding
    budget: Budget
    well_formed: bool = True
    missing: list[tuple[int, int]] = field(default_factory=list)
    levels: list[_Level] = field(default_factory=list)

    def end_of_sequence(self, start: int, stop: int | None) -> int:
        """The first byte after a sequence whose value begins at `start`. Raises LimitError and TruncatedError."""
        limit = len(self.content) if stop is None else stop
        self.levels = [_Level(False, stop, limit, self.encoding.implicit)]
        position = start
        while self.levels:
            position = self._step(position)
        return position

    def end_of_fragments(self, start: int) -> int:
        """The first byte after a value in fragments, delimiter included: by lengths, else by looking for the delimiter.

        Raises TruncatedError where there is none, LimitError.
        """
        position, limit = start, self.levels[-1].limit if self.levels else len(self.content)
        while position + 8 <= limit:
            tag, length = self._tag_and_length(position)
            position += 8
            self.budget.count()
            if tag == END_OF_SEQUENCE:
                return position
            if tag != ITEM:
                break
            position += length
        return self._find_delimiter(start, limit)

    def closed(self, start: int, stop: int) -> bytes:
        """The value of the sequence with the delimiters that are missing."""
        pieces, position = list[bytes](), start
        for place, tag in self.missing:
            pieces += [self.content[position:place], self._delimiter(tag)]
            position = place
        return b"".join((*pieces, self.content[position:stop]))

    def _step(self, position: int) -> int:
        level = self.levels[-1]
        if position == level.stop:
            self.levels.pop()
            return position
        if position + 8 > level.limit:
            enclosed = any(outer.stop is not None for outer in self.levels)
            return self._close(position) if enclosed and position == level.limit else self._break_off(position)
        tag, length = self._tag_and_length(position)
        if tag == ITEM:
            return self._begin_item(position, length)
        if tag in (END_OF_ITEM, END_OF_SEQUENCE):
            return self._delimited(position, tag)
        if level.is_item:
            return self._element(position)
        # nothing but an element of what the sequence is in can follow one without a delimiter
        return self._close(position) if tag > 0 else self._break_off(position)

    def _begin_item(self, position: int, length: int) -> int:
        level, start = self.levels[-1], position + 8
        if level.is_item:
            return self._close(position)
        self.budget.count()
        stop = None if length == UNDEFINED else start + length
        if stop is not None and stop > level.limit:
            return self._break_off(position)
        implicit = level.implicit or not self._has_vr(start)
        self.levels.append(_Level(True, stop, level.limit if stop is None else stop, implicit))
        return start

    def _has_vr(self, start: int) -> bool:
        """Whether the first element of an item has a VR, told as pydicom does; some writers leave it out there."""
        vr = self.content[start + 4 : start + 6]
        return len(vr) < 2 or all(0x40 < letter < 0x5B for letter in vr)

    def _delimited(self, position: int, tag: int) -> int:
        level, ends = self.levels[-1], END_OF_ITEM if self.levels[-1].is_item else END_OF_SEQUENCE
        if level.stop is not None:  # some writers give a length and a delimiter
            return position + 8 if tag == ends and position + 8 == level.stop else self._break_off(position)
        if tag == ends:
            self.levels.pop()
            return position + 8
        if level.is_item:
            return self._close(position)
        self.budget.count()  # pydicom takes it for an item without elements
        return position + 8

    def _element(self, position: int) -> int:
        self.budget.count()
        level = self.levels[-1]
        encoding = Encoding(level.implicit, self.encoding.big_endian)
        header = header_of(self.content[position : min(position + 12, level.limit)], encoding)
        start = level.limit + 1 if header is None else position + header.size
        if header is None or start > level.limit:
            return self._break_off(position)
        if header.length == UNDEFINED:
            if opens_items(header, self.content[start : start + 4], encoding):
                return self._begin_sequence(start, None)
            return self.end_of_fragments(start)
        stop = start + header.length
        if stop > level.limit:
            return self._break_off(position)
        return self._begin_sequence(start, stop) if is_sequence(header) else stop

    def _begin_sequence(self, start: int, stop: int | None) -> int:
        level = self.levels[-1]
        if len(self.levels) // 2 >= DEEPEST:
            raise LimitError(f"sequences are nested more than {DEEPEST} deep", reason=Reason.TOO_DEEP)
        self.levels.append(_Level(False, stop, level.limit if stop is None else stop, level.implicit))
        return start

    def _close(self, position: int) -> int:
        """End a sequence or item of undefined length that has no delimiter; one that has a length is damaged."""
        level = self.levels[-1]
        if level.stop is not None:
            return self._break_off(position)
        self.levels.pop()
        self.missing.append((position, END_OF_ITEM if level.is_item else END_OF_SEQUENCE))
        # what is put in would be beyond the length of what it is put into
        self.well_formed &= all(outer.stop is None for outer in self.levels[1:])
        return position

    def _break_off(self, position: int) -> int:
        """Go on after the innermost sequence or item whose length is known; without one the file ends too early."""
        self.well_formed = False
        while self.levels:
            stop = self.levels.pop().stop
            if stop is not None:
                return stop
        left = len(self.content) - position
        raise TruncatedError(f"the file ends inside a sequence: an element in it does not fit into {left} bytes")

    def _find_delimiter(self, start: int, limit: int) -> int:
        wanted = self._delimiter(END_OF_SEQUENCE)[:4]
        for position in range(start, limit, _STEP):
            found = self.content[position : min(position + _STEP + 3, limit)].find(wanted)
            if found >= 0 and position + found + 8 <= limit:
                return position + found + 8
        return self._break_off(start)

    def _tag_and_length(self, position: int) -> tuple[int, int]:
        order = ">" if self.encoding.big_endian else "<"
        group, element, length = struct.unpack(f"{order}HHI", self.content[position : position + 8])
        return group << 16 | element, length

    def _delimiter(self, tag: int) -> bytes:
        return struct.pack(f"{'>' if self.encoding.big_endian else '<'}HHI", tag >> 16, tag & 0xFFFF, 0)
