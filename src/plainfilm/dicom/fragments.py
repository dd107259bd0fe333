# SPDX-License-Identifier: MIT
"""Assign the fragments of encapsulated Pixel Data to frames (PS3.5 A.4, PS3.3 C.7.6.3.1.8).

The lengths of the items lead from one item to the next. Bytes of a codestream that look like a delimiter are not one.
"""

from __future__ import annotations

import re
import struct
from itertools import pairwise

from plainfilm.dicom.byte_source import ValueField, element_limit
from plainfilm.dicom.encoding import ITEM_BYTES, SEQUENCE_DELIMITER_BYTES
from plainfilm.dicom.instance import ExtendedOffsetTable, PixelData
from plainfilm.errors import DecodeError, LimitError, Reason, TruncatedError
from plainfilm.findings import Finding, FindingCode
from plainfilm.pickling import dataclass

# How the first fragment of a frame begins: JPEG and JPEG-LS (SOI), JPEG 2000 (SOC and SIZ, or a JP2 signature), JPEG XL
# (the signature of a container), RLE (a header of 1 to 15 segments, the first at byte 64).
_CODESTREAM_START = re.compile(
    rb"\xff\xd8\xff|\xff\x4f\xff\x51|\x00\x00\x00\x0cjP  |\x00\x00\x00\x0cJXL |[\x01-\x0f]\x00\x00\x00\x40\x00\x00\x00"
)
_CODESTREAM_START_SIZE = 12


@dataclass(frozen=True, slots=True)
class Fragment:
    """One item of encapsulated Pixel Data. The positions are relative to the value of Pixel Data.

    item: the position of the item's header. start: the position of its bytes. length: the declared length; the last
    fragment may be cut short.
    """

    item: int
    start: int
    length: int


FrameFragments = tuple[Fragment, ...]
"""The fragments of one frame."""


@dataclass(frozen=True, slots=True)
class FragmentTable:
    """The fragments of each frame, in the order of the frames. There may be fewer frames than declared."""

    frames: tuple[FrameFragments, ...]
    findings: tuple[Finding, ...] = ()


def assign_fragments(data: PixelData, number_of_frames: int) -> FragmentTable:
    """Return the fragments of each frame. More than `number_of_frames` frames are left out with a finding.

    The offset tables determine the frames; if they are absent or contradict the fragments, the codestreams do.

    Raises DecodeError if the value is not a sequence of items, TruncatedError (truncated_pixel_data) if there is no
    fragment, and LimitError (too_large) if there are too many.
    """
    if not data.has_items:
        return FragmentTable(((Fragment(0, 0, len(data.value)),),))
    items, findings = _items_with_findings(data.value)
    basic_offsets, fragments = _split_basic_offset_table(data.value, items)
    if not fragments:
        raise TruncatedError("Pixel Data has no fragments", reason=Reason.TRUNCATED_PIXEL_DATA)
    frames = _group_by_offset_tables(data, fragments, basic_offsets, number_of_frames)
    if frames is None:
        frames = _group_by_codestreams(data.value, fragments, number_of_frames)
        if basic_offsets or data.extended_offsets is not None:
            counts = f"{len(fragments)} fragments of {number_of_frames} frames"
            note = f"the offset table does not fit the {counts}; it is ignored"
            findings = (*findings, Finding(FindingCode.OFFSET_TABLE_IGNORED, note))
    if len(frames) > number_of_frames:
        note = f"Pixel Data has {len(frames)} frames, Number of Frames says {number_of_frames}; the rest is left out"
        findings = (*findings, Finding(FindingCode.EXCESS_PIXEL_DATA, note))
    return FragmentTable(frames[:number_of_frames], findings)


@dataclass(frozen=True, slots=True)
class ItemList:
    """The items of encapsulated Pixel Data, the Basic Offset Table included. The last may be cut short.

    end: the position after the sequence delimiter, None if there is no delimiter.
    """

    items: tuple[Fragment, ...]
    end: int | None

    @property
    def has_data(self) -> bool:
        """Whether there is a fragment. The only item may be an empty Basic Offset Table."""
        return any(item.length > 0 for item in self.items)


def _items_with_findings(value: ValueField) -> tuple[tuple[Fragment, ...], tuple[Finding, ...]]:
    if len(value) > 0 and value[:4] != ITEM_BYTES:
        raise DecodeError("encapsulated Pixel Data does not begin with an item")
    item_list = read_items(value)
    if item_list.end is not None:
        return item_list.items, ()
    note = f"the {len(item_list.items)} items of Pixel Data do not end in a sequence delimiter"
    return item_list.items, (Finding(FindingCode.SEQUENCE_DELIMITER_MISSING, note),)


def read_items(value: ValueField) -> ItemList:
    """Return the items up to the sequence delimiter. Raises LimitError (too_large) if there are too many."""
    limit = element_limit(len(value))
    items, position = list[Fragment](), 0
    while len(head := value[position : position + 8]) == 8 and head[:4] == ITEM_BYTES:
        length = int.from_bytes(head[4:], "little")
        items.append(Fragment(position, position + 8, length))
        if len(items) > limit:
            raise LimitError(f"Pixel Data has more than {limit} fragments")
        position += 8 + length
        # an odd length that does not include the pad byte
        if length % 2 and value[position + 1 : position + 5] in (ITEM_BYTES, SEQUENCE_DELIMITER_BYTES):
            position += 1
    has_delimiter = value[position : position + 4] == SEQUENCE_DELIMITER_BYTES
    return ItemList(tuple(items), position + 8 if has_delimiter else None)


def _split_basic_offset_table(
    value: ValueField, items: tuple[Fragment, ...]
) -> tuple[tuple[int, ...], tuple[Fragment, ...]]:
    """Return the offsets of the Basic Offset Table and the fragments after it. Some files do not have the table."""
    if not items or _has_codestream_at(value, items[0].start):
        return (), items
    table = items[0]
    if table.length > 4 * len(items):  # longer than a table of these fragments; no offset in it is used
        return (0,) * len(items), items[1:]
    return _offsets_of(bytes(value[table.start : table.start + table.length]), 4), items[1:]


def _offsets_of(table: bytes, size: int) -> tuple[int, ...]:
    """Return the little-endian offsets of `size` bytes each. An incomplete last offset is left out."""
    count = len(table) // size
    return struct.unpack_from(f"<{count}{'I' if size == 4 else 'Q'}", table)


def _group_by_offset_tables(
    data: PixelData, fragments: tuple[Fragment, ...], basic_offsets: tuple[int, ...], number_of_frames: int
) -> tuple[FrameFragments, ...] | None:
    """Return the frames by the Extended or the Basic Offset Table, or None if neither fits the fragments."""
    extended = data.extended_offsets
    if extended is not None and _has_plausible_size(extended, len(fragments)):
        frames = _group_by_offsets(data.value, fragments, _offsets_of(extended.offsets, 8), number_of_frames)
        if frames is not None and _have_lengths(frames, _offsets_of(extended.lengths, 8)):
            return frames
    return _group_by_offsets(data.value, fragments, basic_offsets, number_of_frames) if basic_offsets else None


def _has_plausible_size(table: ExtendedOffsetTable, fragment_count: int) -> bool:
    return max(len(table.offsets), len(table.lengths)) <= 8 * fragment_count


def _group_by_offsets(
    value: ValueField, fragments: tuple[Fragment, ...], offsets: tuple[int, ...], number_of_frames: int
) -> tuple[FrameFragments, ...] | None:
    """Return the fragments from each offset up to the next, or None if an offset does not begin a frame."""
    index = {fragment.item - fragments[0].item: number for number, fragment in enumerate(fragments)}
    firsts = [index.get(offset, -1) for offset in offsets]
    if len(firsts) < number_of_frames or firsts[0] != 0 or any(b <= a for a, b in pairwise(firsts)):
        return None
    frames = tuple(fragments[a:b] for a, b in zip(firsts, [*firsts[1:], len(fragments)], strict=True))
    start_count = sum(_is_codestream_start(value, fragment) for fragment in fragments)
    fits = all(_is_codestream_start(value, frame[0]) for frame in frames)
    return frames if fits or start_count != number_of_frames else None


def _have_lengths(frames: tuple[FrameFragments, ...], lengths: tuple[int, ...]) -> bool:
    """Whether the frames have the Extended Offset Table Lengths, or one pad byte more."""
    sizes = [sum(fragment.length for fragment in frame) for frame in frames]
    return len(sizes) == len(lengths) and all(0 <= a - b <= 1 for a, b in zip(sizes, lengths, strict=True))


def _is_codestream_start(value: ValueField, fragment: Fragment) -> bool:
    """Whether a fragment begins as the first fragment of a frame does."""
    return fragment.length > 0 and _has_codestream_at(value, fragment.start)


def _has_codestream_at(value: ValueField, position: int) -> bool:
    return _CODESTREAM_START.match(value[position : position + _CODESTREAM_START_SIZE]) is not None


def _group_by_codestreams(
    value: ValueField, fragments: tuple[Fragment, ...], number_of_frames: int
) -> tuple[FrameFragments, ...]:
    """Return the frames without an offset table: one fragment each if the counts agree, else one codestream each."""
    filled = tuple(fragment for fragment in fragments if fragment.length > 0)
    if len(fragments) == number_of_frames > 1:
        return tuple((fragment,) for fragment in fragments)
    starts = [number for number, fragment in enumerate(filled) if _is_codestream_start(value, fragment)]
    if len(filled) > number_of_frames and starts:
        starts[0] = 0
        return tuple(filled[a:b] for a, b in zip(starts, [*starts[1:], len(filled)], strict=True))
    return (filled,) if number_of_frames == 1 else tuple((fragment,) for fragment in filled)
