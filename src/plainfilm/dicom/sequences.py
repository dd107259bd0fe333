# SPDX-License-Identifier: MIT
"""Find where a sequence ends by stepping through all that is nested in it, without recursion (PS3.5 7.5).

The walker records the item and sequence delimiters that a writer left out, so that pydicom gets a complete sequence.
"""

from __future__ import annotations

import struct
from dataclasses import field

from plainfilm.dicom.byte_source import ByteSource
from plainfilm.dicom.element_header import is_sequence, is_undefined_length_sequence, read_element_header
from plainfilm.dicom.encoding import ITEM, ITEM_DELIMITER, SEQUENCE_DELIMITER, UNDEFINED_LENGTH, Encoding
from plainfilm.errors import LimitError, Reason, TruncatedError
from plainfilm.pickling import dataclass

MAX_DEPTH = 64
"""How many sequences may be nested in one another."""

_BLOCK = 1024**2


class ElementCounter:
    """Counts the elements and items of a data set, nested ones too, against a limit."""

    def __init__(self, limit: int) -> None:
        self.limit = self.remaining = limit

    def count(self) -> None:
        """Count one element or item. Raises LimitError (too_large) if the limit is exceeded."""
        self.remaining -= 1
        if self.remaining < 0:
            raise LimitError(f"more than {self.limit} elements and items in a data set")


@dataclass(slots=True)
class _OpenLevel:
    """A sequence or an item whose end is not reached yet.

    stop: the end that its length gives, None if a delimiter ends it. limit: the end of the nearest enclosing level
    that has a length; the level cannot extend beyond it.
    """

    is_item: bool
    stop: int | None
    limit: int
    implicit: bool


@dataclass(frozen=True, slots=True)
class _MissingDelimiter:
    """A delimiter that a writer left out, and the position where it belongs."""

    position: int
    tag: int


@dataclass(slots=True)
class SequenceWalker:
    """Steps through a sequence and all that is nested in it.

    is_well_formed: whether every length fits. If not, only the end of the sequence is known.
    missing_delimiters: the delimiters that are absent, in the order of their positions.
    """

    content: ByteSource
    encoding: Encoding
    counter: ElementCounter
    is_well_formed: bool = True
    missing_delimiters: list[_MissingDelimiter] = field(default_factory=list)
    levels: list[_OpenLevel] = field(default_factory=list)

    def end_of_sequence(self, start: int, stop: int | None) -> int:
        """Return the position after a sequence whose value begins at `start`.

        stop: the end that the sequence's length gives, None if the length is undefined.
        Raises LimitError (too_large, too_deep) and TruncatedError.
        """
        limit = len(self.content) if stop is None else stop
        self.levels = [_OpenLevel(False, stop, limit, self.encoding.implicit)]
        position = start
        while self.levels:
            position = self._step(position)
        return position

    def end_of_fragments(self, start: int) -> int:
        """Return the position after a value in fragments and its delimiter (PS3.5 A.4).

        The lengths of the fragments lead to the delimiter; if they do not, it is searched for.
        Raises TruncatedError if there is no delimiter, and LimitError.
        """
        position, limit = start, self.levels[-1].limit if self.levels else len(self.content)
        while position + 8 <= limit:
            tag, length = self._tag_and_length(position)
            position += 8
            self.counter.count()
            if tag == SEQUENCE_DELIMITER:
                return position
            if tag != ITEM:
                break
            position += length
        return self._search_sequence_delimiter(start, limit)

    def value_with_delimiters(self, start: int, stop: int) -> bytes:
        """Return the value of the sequence with the missing delimiters inserted."""
        pieces, position = list[bytes](), start
        for delimiter in self.missing_delimiters:
            pieces += [self.content[position : delimiter.position], self._delimiter_bytes(delimiter.tag)]
            position = delimiter.position
        return b"".join((*pieces, self.content[position:stop]))

    def _step(self, position: int) -> int:
        """Read what stands at `position` in the innermost level. Return the position after it."""
        level = self.levels[-1]
        if position == level.stop:
            self.levels.pop()
            return position
        if position + 8 > level.limit:
            has_enclosing_length = any(outer.stop is not None for outer in self.levels)
            if has_enclosing_length and position == level.limit:
                return self._end_without_delimiter(position)
            return self._skip_damaged_levels(position)
        tag, length = self._tag_and_length(position)
        if tag == ITEM:
            return self._begin_item(position, length)
        if tag in (ITEM_DELIMITER, SEQUENCE_DELIMITER):
            return self._read_delimiter(position, tag)
        if level.is_item:
            return self._read_element(position)
        # in a sequence, an element can only be the next one of the enclosing item or data set
        return self._end_without_delimiter(position) if tag > 0 else self._skip_damaged_levels(position)

    def _begin_item(self, position: int, length: int) -> int:
        level, start = self.levels[-1], position + 8
        if level.is_item:
            return self._end_without_delimiter(position)
        self.counter.count()
        stop = None if length == UNDEFINED_LENGTH else start + length
        if stop is not None and stop > level.limit:
            return self._skip_damaged_levels(position)
        implicit = level.implicit or not self._has_vr(start)
        self.levels.append(_OpenLevel(True, stop, level.limit if stop is None else stop, implicit))
        return start

    def _has_vr(self, start: int) -> bool:
        """Whether the first element of an item has a VR, decided as pydicom does; some writers omit it in items."""
        vr = self.content[start + 4 : start + 6]
        return len(vr) < 2 or all(0x40 < letter < 0x5B for letter in vr)

    def _read_delimiter(self, position: int, tag: int) -> int:
        level = self.levels[-1]
        matching = ITEM_DELIMITER if level.is_item else SEQUENCE_DELIMITER
        if level.stop is not None:  # some writers give a length and a delimiter
            is_at_end = tag == matching and position + 8 == level.stop
            return position + 8 if is_at_end else self._skip_damaged_levels(position)
        if tag == matching:
            self.levels.pop()
            return position + 8
        if level.is_item:
            return self._end_without_delimiter(position)
        self.counter.count()  # pydicom reads an item delimiter in a sequence as an item without elements
        return position + 8

    def _read_element(self, position: int) -> int:
        self.counter.count()
        level = self.levels[-1]
        encoding = Encoding(level.implicit, self.encoding.big_endian)
        header = read_element_header(self.content[position : min(position + 12, level.limit)], encoding)
        start = level.limit + 1 if header is None else position + header.size
        if header is None or start > level.limit:
            return self._skip_damaged_levels(position)
        if header.length == UNDEFINED_LENGTH:
            if is_undefined_length_sequence(header, self.content[start : start + 4], encoding):
                return self._begin_sequence(start, None)
            return self.end_of_fragments(start)
        stop = start + header.length
        if stop > level.limit:
            return self._skip_damaged_levels(position)
        return self._begin_sequence(start, stop) if is_sequence(header) else stop

    def _begin_sequence(self, start: int, stop: int | None) -> int:
        level = self.levels[-1]
        if len(self.levels) // 2 >= MAX_DEPTH:
            raise LimitError(f"sequences are nested more than {MAX_DEPTH} deep", reason=Reason.TOO_DEEP)
        self.levels.append(_OpenLevel(False, stop, level.limit if stop is None else stop, level.implicit))
        return start

    def _end_without_delimiter(self, position: int) -> int:
        """End a sequence or item of undefined length that has no delimiter. One with a length is damaged."""
        level = self.levels[-1]
        if level.stop is not None:
            return self._skip_damaged_levels(position)
        self.levels.pop()
        tag = ITEM_DELIMITER if level.is_item else SEQUENCE_DELIMITER
        self.missing_delimiters.append(_MissingDelimiter(position, tag))
        # an inserted delimiter does not fit into an enclosing level of defined length
        self.is_well_formed &= all(outer.stop is None for outer in self.levels[1:])
        return position

    def _skip_damaged_levels(self, position: int) -> int:
        """Return the end of the innermost level that has a length, and end the levels up to it.

        Raises TruncatedError if no level has a length.
        """
        self.is_well_formed = False
        while self.levels:
            stop = self.levels.pop().stop
            if stop is not None:
                return stop
        remaining = len(self.content) - position
        raise TruncatedError(f"the file ends inside a sequence: an element in it does not fit into {remaining} bytes")

    def _search_sequence_delimiter(self, start: int, limit: int) -> int:
        """Return the position after the first sequence delimiter from `start` on, wherever it stands."""
        tag_bytes = self._delimiter_bytes(SEQUENCE_DELIMITER)[:4]
        for position in range(start, limit, _BLOCK):
            offset = self.content[position : min(position + _BLOCK + 3, limit)].find(tag_bytes)
            if offset >= 0 and position + offset + 8 <= limit:
                return position + offset + 8
        return self._skip_damaged_levels(start)

    def _tag_and_length(self, position: int) -> tuple[int, int]:
        order = self.encoding.byte_order
        group, element, length = struct.unpack(f"{order}HHI", self.content[position : position + 8])
        return group << 16 | element, length

    def _delimiter_bytes(self, tag: int) -> bytes:
        return struct.pack(f"{self.encoding.byte_order}HHI", tag >> 16, tag & 0xFFFF, 0)
