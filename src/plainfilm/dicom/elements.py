# SPDX-License-Identifier: MIT
"""Split the bytes of a data set into its elements, without converting their values (PS3.5 7.1).

Every length and every count is checked here before a value is used. pydicom converts the values, and the items of a
sequence, when they are asked for. Its own reader is not used: it parses nested items by recursion and without a limit.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Container
from contextlib import suppress
from typing import NoReturn, cast

from pydicom.datadict import dictionary_has_tag
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

from plainfilm.dicom.byte_source import ByteSource
from plainfilm.dicom.element_header import (
    ElementHeader,
    is_sequence,
    is_undefined_length_sequence,
    read_element_header,
)
from plainfilm.dicom.encoding import ITEM_DELIMITER, LONG_VRS, SEQUENCE_DELIMITER, UNDEFINED_LENGTH, VRS, Encoding
from plainfilm.dicom.sequences import ElementCounter, SequenceWalker
from plainfilm.errors import LimitError, TruncatedError

Elements = dict[int, RawDataElement]
"""The elements of a data set by their tags, which are plain integers: pydicom's are slow to compare."""

# Values beyond this total are not kept in memory. No header that describes an image is as long.
_MAX_VALUE_BYTES = 64 * 1024**2
_FIRST_GROUP = 0x0008
_MAX_TRAILING_ZEROS, _BLOCK = 64 * 1024**2, 1024**2
# The VRs of values that are no sequence, and the layout of their headers in little endian: tag, VR, a length of 16
# bits, and one of 32 bits, which some of them have instead (PS3.5 7.1.2).
_PLAIN_VRS = {vr: vr.decode() for vr in VRS - {b"SQ", b"UN"}}
_UNPACK_PLAIN = struct.Struct("<HH2sHI").unpack_from
# a raw element of its fields, without the call of its constructor
_OTHER_FIELDS = tuple(RawDataElement._field_defaults.values())
_new_tuple = cast("Callable[[type[RawDataElement], tuple[object, ...]], RawDataElement]", tuple.__new__)


class ElementScanner:
    """Reads elements one after another from `position` on.

    elements: those read so far. Of an element that is repeated, the first that is not empty.
    repeated_tags: the tags of the elements that are repeated.
    """

    def __init__(self, content: ByteSource, encoding: Encoding, position: int, counter: ElementCounter) -> None:
        self.content = content
        self.encoding = encoding
        self.position = position
        self.counter = counter
        self.elements: Elements = {}
        self.repeated_tags: set[int] = set()
        self._remaining_value_bytes = _MAX_VALUE_BYTES
        self._may_end_in_zeros = True

    def scan(self, ends: Container[int]) -> None:
        """Read the elements up to the first one whose tag is in `ends`, or to the end of the content.

        Raises TruncatedError if the content ends inside an element, and LimitError (too_large, too_deep).
        """
        while True:
            self._scan_plain(ends)
            header = self._read_header()
            if header is None or header.tag in ends:
                return
            self._scan_element(header)

    def _scan_plain(self, ends: Container[int]) -> None:
        """Read consecutive elements of the most common kind, as `_scan_element` does, with a tenth of its calls.

        These are elements in memory, in explicit VR little endian, with a known VR, a length that fits, and a tag that
        was not read before. The first element of another kind, and one at the very end, ends the scan.
        """
        content, elements = self.content, self.elements
        if not isinstance(content, bytes) or self.encoding.implicit or self.encoding.big_endian:
            return
        size, position, most = len(content), self.position, self.counter.remaining
        while position + 12 <= size and most > 0:
            group, number, vr, length, long_length = _UNPACK_PLAIN(content, position)
            if vr not in _PLAIN_VRS:
                break
            start = position + 8
            if vr in LONG_VRS:
                start, length = position + 12, long_length
            tag, stop = group << 16 | number, start + length
            if stop > size or tag in elements or tag in ends or length > self._remaining_value_bytes:
                break
            self._remaining_value_bytes -= length
            most -= 1
            position = stop
            fields = BaseTag(tag), _PLAIN_VRS[vr], length, content[start:stop], 0, False, True, *_OTHER_FIELDS
            elements[tag] = _new_tuple(RawDataElement, fields)
        self.position, self.counter.remaining = position, most

    def scan_tail(self, ends: Container[int]) -> None:
        """Read the elements behind Pixel Data up to one whose tag is in `ends`.

        The scan ends without an error at the first bytes that are not a whole element.
        """
        with suppress(TruncatedError, LimitError):
            while (header := self._read_header()) is not None and header.tag not in ends:
                if not self._is_plausible(header):
                    break
                self._scan_element(header)

    @property
    def tail_length(self) -> int:
        """The number of bytes from the position to the end of the content, 0 if all of them are zero."""
        length = len(self.content) - self.position
        has_bytes = any(
            self.content[start : start + _BLOCK].strip(b"\0")
            for start in range(self.position, len(self.content), _BLOCK)
        )
        return length if has_bytes else 0

    def _scan_element(self, header: ElementHeader) -> None:
        self.counter.count()
        if header.tag in (ITEM_DELIMITER, SEQUENCE_DELIMITER):  # of a sequence that has a length as well
            self.position += 8
            return
        element = self._read_element(header)
        first = self.elements.get(header.tag)
        if first is not None:
            self.repeated_tags.add(header.tag)
        if first is None or first.length == 0:
            self.elements[header.tag] = element

    def _is_plausible(self, header: ElementHeader) -> bool:
        """Whether a header behind Pixel Data is that of an element, and not what other bytes look like."""
        if header.tag in (ITEM_DELIMITER, SEQUENCE_DELIMITER):
            return True
        if header.tag >> 16 < _FIRST_GROUP:
            return False
        if not self.encoding.implicit:
            return header.vr is not None and header.vr.encode("latin-1") in VRS
        return bool(header.tag >> 16 & 1) or header.tag & 0xFFFF == 0 or dictionary_has_tag(header.tag)

    def _read_header(self) -> ElementHeader | None:
        """Return the header at the position, or None if fewer than 8 bytes, or only zeros, remain."""
        head = self.content[self.position : self.position + 12]
        if len(head) < 8 or (self._may_end_in_zeros and head[:8] == bytes(8) and self._skip_trailing_zeros()):
            return None
        header = read_element_header(head, self.encoding)
        if header is None:
            raise TruncatedError("the file ends inside the header of an element")
        return header

    def _skip_trailing_zeros(self) -> bool:
        """Move to the end if only zeros follow, with which some writers fill a block. This is examined only once."""
        self._may_end_in_zeros = False
        stop = min(len(self.content), self.position + _MAX_TRAILING_ZEROS)
        if any(self.content[start : start + _BLOCK].strip(b"\0") for start in range(self.position, stop, _BLOCK)):
            return False
        self.position = len(self.content)
        return True

    def _read_element(self, header: ElementHeader) -> RawDataElement:
        if header.length == UNDEFINED_LENGTH:
            return self._read_undefined_length(header)
        if header.vr is not None and header.length == 0 and header.vr.encode() not in VRS:
            # a VR that is newer than this list has 16 zero bits and a length of 32 bits (PS3.5 7.1.2)
            header = self._fitting_alternative(header) or header
        if self.position + header.size + header.length > len(self.content):
            header = self._fitting_alternative(header) or self._raise_truncated(header)
        start = self.position + header.size
        stop = start + header.length
        self.position = stop
        if header.length and is_sequence(header):
            return self._read_sequence(header, start, stop)
        return self._raw_element(header.tag, header.vr, header.length, self._value(start, stop))

    def _read_undefined_length(self, header: ElementHeader) -> RawDataElement:
        """Read a sequence or a value in fragments, which a sequence delimiter ends."""
        start = self.position + header.size
        if is_undefined_length_sequence(header, self.content[start : start + 4], self.encoding):
            return self._read_sequence(header, start, None)
        walker = SequenceWalker(self.content, self.encoding, self.counter)
        self.position = walker.end_of_fragments(start)
        return self._raw_element(header.tag, header.vr, UNDEFINED_LENGTH, self._value(start, self.position - 8))

    def _read_sequence(self, header: ElementHeader, start: int, stop: int | None) -> RawDataElement:
        walker = SequenceWalker(self.content, self.encoding, self.counter)
        self.position = walker.end_of_sequence(start, stop)
        is_kept = walker.is_well_formed and self._reserve(self.position - start)
        value = walker.value_with_delimiters(start, self.position) if is_kept else None
        return self._raw_element(header.tag, "SQ", self.position - start if value is None else len(value), value)

    def _value(self, start: int, stop: int) -> bytes | None:
        """Return a value, or None if too many bytes are in memory already; pydicom raises when such a value is used."""
        return self.content[start:stop] if self._reserve(stop - start) else None

    def _reserve(self, length: int) -> bool:
        """Reserve memory for a value. Return False if the total would exceed the limit."""
        if length > self._remaining_value_bytes:
            return False
        self._remaining_value_bytes -= length
        return True

    def _raw_element(self, tag: int, vr: str | None, length: int, value: bytes | None) -> RawDataElement:
        encoding = self.encoding
        return RawDataElement(BaseTag(tag), vr, length, value, 0, encoding.implicit, not encoding.big_endian)

    def _fitting_alternative(self, header: ElementHeader) -> ElementHeader | None:
        """Return another reading of a header whose length does not fit: one that the next element follows, or None.

        Some writers mix elements without a VR into explicit VR, or use VRs of their own with either form of length.
        """
        head = self.content[self.position : self.position + 12]
        for alternative in header.alternatives(head, self.encoding):
            if self._is_next_element(self.position + alternative.size + alternative.length, header.tag):
                return alternative
        return None

    def _raise_truncated(self, header: ElementHeader) -> NoReturn:
        available = len(self.content) - self.position - header.size
        name = f"({header.tag >> 16:04X},{header.tag & 0xFFFF:04X})"
        raise TruncatedError(f"the file ends inside {name}: {max(available, 0)} of {header.length} bytes")

    def _is_next_element(self, position: int, previous_tag: int) -> bool:
        """Whether an element with a known VR and a tag above the previous one stands at a position."""
        head = self.content[position : position + 12]
        header = read_element_header(head, self.encoding) if len(head) == 12 else None
        return header is not None and previous_tag < header.tag and head[4:6] in VRS
