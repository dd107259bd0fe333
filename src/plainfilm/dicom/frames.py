# SPDX-License-Identifier: MIT
"""The value of Pixel Data -> where each frame's bytes are, and those of one (PS3.5 8, A.4; PS3.3 C.7.6.3.1.8).

Encapsulated data are walked item by item, by their lengths: what looks like a delimiter inside a codestream is none.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from itertools import pairwise

from plainfilm.dicom.content import Octets, ValueField, most_parts
from plainfilm.dicom.instance import ImagePixel, PixelData
from plainfilm.errors import DecodeError, LimitError, Reason, TruncatedError, UnsupportedError
from plainfilm.findings import Finding, FindingCode

_ITEM, _DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
# How the first fragment of a frame begins: JPEG and JPEG-LS (SOI), JPEG 2000 (SOC and SIZ, or a JP2 signature), JPEG XL
# (a container's signature), RLE (a header of 1 to 15 segments, the first at byte 64).
_FIRST_BYTES = re.compile(
    rb"\xff\xd8\xff|\xff\x4f\xff\x51|\x00\x00\x00\x0cjP  |\x00\x00\x00\x0cJXL |[\x01-\x0f]\x00\x00\x00\x40\x00\x00\x00"
)
_MOST_FIRST_BYTES = 12
# A frame may be as long as four times its pixels and this much more: metadata that encoders put beside them.
_MOST_OVERHEAD = 16 * 1024**2
_HALVED_CHROMA = ("YBR_FULL_422", "YBR_PARTIAL_422")


@dataclass(frozen=True, slots=True)
class Fragment:
    """One item of encapsulated Pixel Data: where its header and its bytes begin, and the length that it declares."""

    item: int
    start: int
    declared: int


@dataclass(frozen=True, slots=True)
class FrameTable:
    """Where the frames of an instance are. Encapsulated: the fragments of each.

    frame_bits: what a frame takes as native data, be it encapsulated or not.
    present: how many of the declared frames Pixel Data has bytes for; the others fail when they are asked for.
    allow_truncated: the last one present may be cut short, and is given as far as it goes.
    swapped_words: native cells smaller than a word, two or more to a word written in big endian (PS3.5 8.1.1, A.3).
    """

    declared: int
    present: int
    allow_truncated: bool = False
    frame_bits: int = 0
    swapped_words: bool = False
    encapsulated: tuple[tuple[Fragment, ...], ...] | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class FrameBytes:
    """The encoded bytes of one frame, of a native one a view; small cells may begin at a `first_bit` of the first."""

    octets: Octets
    first_bit: int = 0
    big_endian: bool = False

    @property
    def data(self) -> bytes:
        """The bytes as `bytes`: those of a view are copied."""
        return bytes(self.octets)


def locate_frames(pixel: ImagePixel, data: PixelData, allow_truncated: bool = False) -> FrameTable:
    """Find every frame of an instance; nothing is decoded and nothing as large as a frame is allocated.

    Raises TruncatedError (truncated_pixel_data) where native data cannot hold the frames declared (nothing at all where
    `allow_truncated`), or encapsulated data hold none, and DecodeError where the value is not a sequence of items.
    """
    locate = _locate_encapsulated if data.encapsulated else _locate_native
    return locate(pixel, data, allow_truncated)


def frame_bytes(table: FrameTable, data: PixelData, frame: int) -> FrameBytes:
    """The encoded bytes of a frame, counted from 0.

    Raises TruncatedError (truncated_pixel_data) where the frame is missing, empty or cut short, LimitError where it
    is encoded in far more bytes than its pixels are.
    """
    if frame >= table.present:
        raise _short(f"Pixel Data holds {table.present} of the {table.declared} frames that Number of Frames declares")
    if table.encapsulated is None:
        return _native_frame(table, data, frame)
    fragments = table.encapsulated[frame]
    cut = next((fragment for fragment in fragments if fragment.start + fragment.declared > len(data.value)), None)
    if cut is not None and not table.allow_truncated:
        raise _short(f"a fragment declares {cut.declared} bytes, {len(data.value) - cut.start} are there")
    length = sum(fragment.declared for fragment in fragments)
    if length > _MOST_OVERHEAD + 4 * (table.frame_bits // 8):
        raise LimitError(f"the fragments of the frame are {length} bytes long, its pixels {table.frame_bits // 8}")
    joined = b"".join(data.value[fragment.start : fragment.start + fragment.declared] for fragment in fragments)
    if not joined:
        raise _short("the fragments of the frame are empty")
    return FrameBytes(joined)


def _short(message: str) -> TruncatedError:
    return TruncatedError(message, reason=Reason.TRUNCATED_PIXEL_DATA)


def _locate_native(pixel: ImagePixel, data: PixelData, allow_truncated: bool) -> FrameTable:
    """Native frames lie one after another, without a gap, from the first bit on (PS3.5 8.1.1, 8.2)."""
    frame_bits, findings = _native_frame_bits(pixel, len(data.value))
    needed = (frame_bits * pixel.number_of_frames + 7) // 8
    declared, present = pixel.number_of_frames, len(data.value)
    if present < needed and not (allow_truncated and present):
        frames = f"{pixel.number_of_frames} frames" if pixel.number_of_frames > 1 else "one frame"
        raise _short(f"Pixel Data has {present} bytes, {frames} of {pixel.rows} x {pixel.columns} pixels need {needed}")
    if present > needed + needed % 2:
        note = f"Pixel Data has {present} bytes, {needed} are needed; the rest is left out"
        findings = (*findings, Finding(FindingCode.EXCESS_PIXEL_DATA, note))
    swapped = data.big_endian and data.vr == "OW" and pixel.bits_allocated < 16
    begun = min(declared, -(-present * 8 // frame_bits))
    return FrameTable(declared, begun, allow_truncated, frame_bits, swapped, findings=findings)


def _native_frame_bits(pixel: ImagePixel, present: int) -> tuple[int, tuple[Finding, ...]]:
    """Bits of a native frame: two samples a pixel where the chroma is halved (PS3.3 C.7.6.3.1.2)."""
    bits = pixel.rows * pixel.columns * pixel.bits_allocated
    if pixel.photometric_interpretation not in _HALVED_CHROMA:
        return bits * pixel.samples_per_pixel, ()
    whole = bits * 3 * pixel.number_of_frames // 8
    if present in (whole, whole + whole % 2):
        note = f"{pixel.photometric_interpretation}, but Pixel Data has three samples for every pixel"
        return bits * 3, (Finding(FindingCode.COLOR_TRANSFORM_DISAGREES, note),)
    if pixel.columns % 2:
        message = f"{pixel.photometric_interpretation} with an odd number of Columns, {pixel.columns}"
        raise UnsupportedError(message)
    return bits * 2, ()


def _native_frame(table: FrameTable, data: PixelData, frame: int) -> FrameBytes:
    first, last = frame * table.frame_bits, (frame + 1) * table.frame_bits
    start, stop = first // 8, (last + 7) // 8
    if not table.swapped_words:
        return FrameBytes(data.value[start:stop], first % 8, data.big_endian)
    # the words begin at even bytes, whatever the frames do
    words = bytearray(data.value[start - start % 2 : stop + stop % 2])
    words[0:-1:2], words[1::2] = words[1::2], words[0:-1:2]
    return FrameBytes(bytes(words[start % 2 : start % 2 + stop - start]), first % 8, data.big_endian)


def _locate_encapsulated(pixel: ImagePixel, data: PixelData, allow_truncated: bool) -> FrameTable:
    fragments, findings = _walk(data.value)
    table, fragments = _split_offset_table(data.value, fragments)
    if not fragments:
        raise _short("Pixel Data has no fragments")
    frames = pixel.number_of_frames
    groups, noted = _by_offset_tables(data, fragments, _offsets_of(table, 4), frames)
    if groups is None:
        groups = _by_first_bytes(data.value, fragments, frames)
    if len(groups) > frames:
        note = f"Pixel Data has {len(groups)} frames, Number of Frames says {frames}; the rest is left out"
        noted = (*noted, Finding(FindingCode.EXCESS_PIXEL_DATA, note))
    frame_bits = pixel.rows * pixel.columns * pixel.samples_per_pixel * pixel.bits_allocated
    groups = groups[:frames]
    noted = (*findings, *noted)
    return FrameTable(frames, len(groups), allow_truncated, frame_bits, encapsulated=groups, findings=noted)


def _walk(value: ValueField) -> tuple[tuple[Fragment, ...], tuple[Finding, ...]]:
    """The items up to the sequence delimiter, the offset table among them; the last one may be cut."""
    most = most_parts(len(value))
    if len(value) > 0 and value[:4] != _ITEM:
        raise DecodeError("encapsulated Pixel Data does not begin with an item")
    found, position = list[Fragment](), 0
    while len(head := value[position : position + 8]) == 8 and head[:4] == _ITEM:
        length = int.from_bytes(head[4:], "little")
        found.append(Fragment(position, position + 8, length))
        if len(found) > most:
            raise LimitError(f"Pixel Data has more than {most} fragments")
        position += 8 + length
        # an odd length, the pad byte not counted in it
        if length % 2 and value[position + 1 : position + 5] in (_ITEM, _DELIMITER):
            position += 1
    if value[position : position + 4] == _DELIMITER:
        return tuple(found), ()
    note = f"the {len(found)} items of Pixel Data do not end in a sequence delimiter"
    return tuple(found), (Finding(FindingCode.SEQUENCE_DELIMITER_MISSING, note),)


def _split_offset_table(value: ValueField, items: tuple[Fragment, ...]) -> tuple[bytes, tuple[Fragment, ...]]:
    """The Basic Offset Table's bytes and the fragments; files exist that begin with the first fragment at once."""
    if not items or _FIRST_BYTES.match(value[items[0].start : items[0].start + _MOST_FIRST_BYTES]):
        return b"", items
    first = items[0]
    if first.declared > 4 * len(items):  # no table of these fragments, whatever it holds
        return bytes(4 * len(items)), items[1:]
    return bytes(value[first.start : first.start + first.declared]), items[1:]


def _offsets_of(table: bytes, size: int) -> tuple[int, ...]:
    """Little-endian offsets of `size` bytes each; an incomplete last one is left out."""
    count = len(table) // size
    return struct.unpack_from(f"<{count}{'I' if size == 4 else 'Q'}", table)


def _by_offset_tables(
    data: PixelData, fragments: tuple[Fragment, ...], offsets: tuple[int, ...], frames: int
) -> tuple[tuple[tuple[Fragment, ...], ...] | None, tuple[Finding, ...]]:
    """The frames by the Extended or Basic Offset Table; None, with a finding, where these contradict the fragments."""
    if data.extended_offsets is not None and all(len(each) <= 8 * len(fragments) for each in data.extended_offsets):
        extended = _offsets_of(data.extended_offsets[0], 8)
        lengths = _offsets_of(data.extended_offsets[1], 8)
        groups = _by_offsets(data.value, fragments, extended, frames)
        if groups is not None and _lengths_agree(groups, lengths):
            return groups, ()
    groups = _by_offsets(data.value, fragments, offsets, frames) if offsets else None
    if groups is not None or not (offsets or data.extended_offsets is not None):
        return groups, ()
    note = f"the offset table does not fit the {len(fragments)} fragments of {frames} frames, which are believed"
    return None, (Finding(FindingCode.OFFSET_TABLE_IGNORED, note),)


def _by_offsets(
    value: ValueField, fragments: tuple[Fragment, ...], offsets: tuple[int, ...], frames: int
) -> tuple[tuple[Fragment, ...], ...] | None:
    """The fragments from each offset up to the next; None unless every offset is a fragment and begins a frame."""
    index = {fragment.item - fragments[0].item: number for number, fragment in enumerate(fragments)}
    firsts = [index.get(offset, -1) for offset in offsets]
    if len(firsts) < frames or firsts[0] != 0 or any(b <= a for a, b in pairwise(firsts)):
        return None
    groups = tuple(fragments[a:b] for a, b in zip(firsts, [*firsts[1:], len(fragments)], strict=True))
    starts = sum(_begins_frame(value, fragment) for fragment in fragments)
    fits = all(_begins_frame(value, group[0]) for group in groups)
    return groups if fits or starts != frames else None


def _lengths_agree(groups: tuple[tuple[Fragment, ...], ...], lengths: tuple[int, ...]) -> bool:
    """Whether the frames are as long as the Extended Offset Table Lengths say, a pad byte apart."""
    sizes = [sum(fragment.declared for fragment in group) for group in groups]
    return len(sizes) == len(lengths) and all(0 <= a - b <= 1 for a, b in zip(sizes, lengths, strict=True))


def _begins_frame(value: ValueField, fragment: Fragment) -> bool:
    first = value[fragment.start : fragment.start + _MOST_FIRST_BYTES]
    return fragment.declared > 0 and _FIRST_BYTES.match(first) is not None


def _by_first_bytes(
    value: ValueField, fragments: tuple[Fragment, ...], frames: int
) -> tuple[tuple[Fragment, ...], ...]:
    """The frames where no offset table says: a fragment each where that fits, else from first bytes to first bytes."""
    filled = tuple(fragment for fragment in fragments if fragment.declared > 0)
    if len(fragments) == frames > 1:
        return tuple((fragment,) for fragment in fragments)
    starts = [number for number, fragment in enumerate(filled) if _begins_frame(value, fragment)]
    if len(filled) > frames and starts:
        starts[0] = 0
        return tuple(filled[a:b] for a, b in zip(starts, [*starts[1:], len(filled)], strict=True))
    return (filled,) if frames == 1 else tuple((fragment,) for fragment in filled)
