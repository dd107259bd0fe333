# SPDX-License-Identifier: MIT
"""A segmented Palette Color Lookup Table -> a plain one (PS3.3 C.7.9.2)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from plainfilm.dicom.instance import LutItem
from plainfilm.errors import AttributeValueError

_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2


def unfolded(item: LutItem, color: str) -> LutItem:
    """The table with an entry for each input; what goes beyond the number of entries declared is left out.

    Raises AttributeValueError (unsupported_value) where the segments make no sense.
    """
    count, _, bits = item.descriptor
    width = 1 if bits == 8 else 2
    words = np.frombuffer(item.data[: len(item.data) // width * width], f"<u{width}").tolist()
    try:
        entries = _unfold(words, width, count or 65536)
    except (IndexError, ValueError):
        keyword = f"Segmented{color}PaletteColorLookupTableData"
        raise AttributeValueError(keyword, message="its segments make no sense") from None
    return replace(item, data=np.array(entries, f"<u{width}").tobytes())


def _unfold(words: list[int], width: int, count: int) -> list[int]:
    """The first `count` entries of all segments. Every segment gives an entry, so that this ends."""
    entries: list[int] = []
    position = 0
    # a pad byte, or a lone word, at the end is no segment
    while position + 2 < len(words) and len(entries) < count:
        if words[position] == _INDIRECT:
            _copy_segments(words, position, (width, count), entries)
            position += 4 if width == 2 else 6
        else:
            position = _append_segment(words, position, entries)
    return entries[:count]


def _append_segment(words: list[int], position: int, entries: list[int]) -> int:
    """Append what a discrete or a linear segment holds; the position of the next segment."""
    opcode, length = words[position : position + 2]
    if length == 0:
        raise ValueError("a segment of no entries")
    if opcode == _DISCRETE:
        stop = position + 2 + length
        entries.extend(words[position + 2 : stop])
        return stop
    if opcode != _LINEAR:
        raise ValueError("an opcode that is reserved")
    first, last = entries[-1], words[position + 2]
    entries.extend(
        (2 * first * length + 2 * (last - first) * step + length) // (2 * length) for step in range(1, length + 1)
    )
    return position + 3


def _copy_segments(words: list[int], position: int, size: tuple[int, int], entries: list[int]) -> None:
    """Append what the segments hold that an indirect segment points to by a byte offset, low 16 bits first.

    size: bytes a word, and the number of entries that suffices.
    """
    width, count = size
    pointer = words[position + 2 : position + (4 if width == 2 else 6)]
    source = sum(word << 8 * width * place for place, word in enumerate(pointer)) // width
    for _ in range(words[position + 1]):
        if len(entries) >= count:
            break
        source = _append_segment(words, source, entries)
