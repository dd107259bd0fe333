# SPDX-License-Identifier: MIT
"""Expand a segmented Palette Color Lookup Table into a table with one entry per input (PS3.3 C.7.9.2)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from plainfilm.dicom.instance import LutItem
from plainfilm.errors import AttributeValueError
from plainfilm.pickling import dataclass

_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2


@dataclass(frozen=True, slots=True)
class _SegmentedTable:
    """The words of a segmented table, the bytes per word (1 or 2), and the number of entries that it declares."""

    words: list[int]
    word_size: int
    count: int


def expand_segments(item: LutItem, color: str) -> LutItem:
    """Return the table with its segments expanded; entries beyond the declared number are dropped.

    color: Red, Green or Blue, for the error message. Raises AttributeValueError (unsupported_value) where the segments
    are invalid.
    """
    count, _, bits = item.descriptor
    word_size = 1 if bits == 8 else 2
    words = np.frombuffer(item.data[: len(item.data) // word_size * word_size], f"<u{word_size}").tolist()
    try:
        entries = _expanded_entries(_SegmentedTable(words, word_size, count or 65536))
    except (IndexError, ValueError):
        keyword = f"Segmented{color}PaletteColorLookupTableData"
        raise AttributeValueError(keyword, message="its segments are invalid") from None
    return replace(item, data=np.array(entries, f"<u{word_size}").tobytes())


def _expanded_entries(table: _SegmentedTable) -> list[int]:
    """The first `count` entries of all segments. Every segment adds an entry, so the loop ends."""
    words, entries = table.words, list[int]()
    position = 0
    # Fewer than three words at the end are padding and not a segment.
    while position + 2 < len(words) and len(entries) < table.count:
        if words[position] == _INDIRECT:
            _append_indirect_segment(table, position, entries)
            position += 4 if table.word_size == 2 else 6
        else:
            position = _append_segment(words, position, entries)
    return entries[: table.count]


def _append_segment(words: list[int], position: int, entries: list[int]) -> int:
    """Append the entries of a discrete segment (C.7.9.2.1) or a linear one (C.7.9.2.2).

    Returns the position of the next segment. Raises ValueError where the segment is invalid or indirect.
    """
    opcode, length = words[position : position + 2]
    if length == 0:
        raise ValueError("the segment has no entries")
    if opcode == _DISCRETE:
        stop = position + 2 + length
        entries.extend(words[position + 2 : stop])
        return stop
    if opcode != _LINEAR:
        raise ValueError("the opcode is not discrete or linear")
    first, last = entries[-1], words[position + 2]
    entries.extend(
        (2 * first * length + 2 * (last - first) * step + length) // (2 * length) for step in range(1, length + 1)
    )
    return position + 3


def _append_indirect_segment(table: _SegmentedTable, position: int, entries: list[int]) -> None:
    """Append the entries of the segments to which an indirect segment refers (C.7.9.2.3).

    The reference is a number of segments and a byte offset of 32 bits, of which the low 16 bits come first.
    """
    words, word_size = table.words, table.word_size
    offset_words = words[position + 2 : position + (4 if word_size == 2 else 6)]
    source = sum(word << 8 * word_size * index for index, word in enumerate(offset_words)) // word_size
    for _ in range(words[position + 1]):
        if len(entries) >= table.count:
            break
        source = _append_segment(words, source, entries)
