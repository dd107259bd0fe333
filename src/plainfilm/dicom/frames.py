# SPDX-License-Identifier: MIT
"""The value of Pixel Data -> where each frame's bytes are, and those of one (PS3.5 8, A.4; PS3.3 C.7.6.3.1.8).

Encapsulated data are walked item by item, by their lengths: what looks like a delimiter inside a codestream is none.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from itertools import pairwise

from plainfilm.dicom.instance import ImagePixel, Octets, PixelData
from plainfilm.errors import DecodeError, Reason, TruncatedError, UnsupportedError
from plainfilm.findings import Finding, FindingCode

_ITEM, _DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
# How the first fragment of a frame begins: JPEG and JPEG-LS (SOI), JPEG 2000 (SOC and SIZ, or a JP2 signature), JPEG XL
# (a container's signature), RLE (a header of 1 to 15 segments, the first at byte 64).
_FIRST_BYTES = re.compile(
    rb"\xff\xd8\xff|\xff\x4f\xff\x51|\x00\x00\x00\x0cjP  |\x00\x00\x00\x0cJXL |[\x01-\x0f]\x00\x00\x00\x40\x00\x00\x00"
)
_HALVED_CHROMA = ("YBR_FULL_422", "YBR_PARTIAL_422")


@dataclass(frozen=True, slots=True)
class Fragment:
    """One item of encapsulated Pixel Data: where its header and its bytes begin, and the length that it declares."""

    item: int
    start: int
    declared: int


@dataclass(frozen=True, slots=True)
class FrameTable:
    """Where the frames of an instance are. Encapsulated: the fragments of each; native: the bits that a frame takes.

    `encapsulated` may hold fewer frames than are declared: those that are missing fail when they are asked for.
    swapped_words: native cells smaller than a word, two or more to a word written in big endian (PS3.5 8.1.1, A.3).
    """

    declared: int
    frame_bits: int = 0
    swapped_words: bool = False
    encapsulated: tuple[tuple[Fragment, ...], ...] | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def present(self) -> int:
        """How many of the declared frames Pixel Data has bytes for."""
        return self.declared if self.encapsulated is None else len(self.encapsulated)


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


def locate_frames(pixel: ImagePixel, data: PixelData) -> FrameTable:
    """Find every frame of an instance; nothing is decoded and nothing as large as a frame is allocated.

    Raises TruncatedError (truncated_pixel_data) where native data cannot hold the frames declared, or encapsulated data
    hold none, and DecodeError where the value is not a sequence of items.
    """
    return _locate_encapsulated(pixel, data) if data.encapsulated else _locate_native(pixel, data)


def frame_bytes(table: FrameTable, data: PixelData, frame: int) -> FrameBytes:
    """The encoded bytes of a frame, counted from 0.

    Raises TruncatedError (truncated_pixel_data) where the frame is missing, empty or cut short.
    """
    if table.encapsulated is None:
        return _native_frame(table, data, frame)
    if frame >= len(table.encapsulated):
        raise _short(f"Pixel Data holds {table.present} of the {table.declared} frames that Number of Frames declares")
    fragments = table.encapsulated[frame]
    cut = next((fragment for fragment in fragments if fragment.start + fragment.declared > len(data.value)), None)
    if cut is not None:
        raise _short(f"a fragment declares {cut.declared} bytes, {len(data.value) - cut.start} are there")
    joined = b"".join(data.value[fragment.start : fragment.start + fragment.declared] for fragment in fragments)
    if not joined:
        raise _short("the fragments of the frame are empty")
    return FrameBytes(joined)


def _short(message: str) -> TruncatedError:
    return TruncatedError(message, reason=Reason.TRUNCATED_PIXEL_DATA)


def _locate_native(pixel: ImagePixel, data: PixelData) -> FrameTable:
    """Native frames lie one after another, without a gap, from the first bit on (PS3.5 8.1.1, 8.2)."""
    frame_bits, findings = _native_frame_bits(pixel, len(data.value))
    needed = (frame_bits * pixel.number_of_frames + 7) // 8
    present = len(data.value)
    if present < needed:
        frames = f"{pixel.number_of_frames} frames" if pixel.number_of_frames > 1 else "one frame"
        raise _short(f"Pixel Data has {present} bytes, {frames} of {pixel.rows} x {pixel.columns} pixels need {needed}")
    if present > needed + needed % 2:
        note = f"Pixel Data has {present} bytes, {needed} are needed; the rest is left out"
        findings = (*findings, Finding(FindingCode.EXCESS_PIXEL_DATA, note))
    swapped = data.big_endian and data.vr == "OW" and pixel.bits_allocated < 16
    return FrameTable(pixel.number_of_frames, frame_bits, swapped, findings=findings)


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


def _locate_encapsulated(pixel: ImagePixel, data: PixelData) -> FrameTable:
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
    return FrameTable(frames, encapsulated=groups[:frames], findings=(*findings, *noted))


def _walk(value: Octets) -> tuple[tuple[Fragment, ...], tuple[Finding, ...]]:
    """The items up to the sequence delimiter, the offset table among them; the last one may be cut."""
    if value and value[:4] != _ITEM:
        raise DecodeError("encapsulated Pixel Data does not begin with an item")
    found, position = [], 0
    while value[position : position + 4] == _ITEM and position + 8 <= len(value):
        (length,) = struct.unpack_from("<I", value, position + 4)
        found.append(Fragment(position, position + 8, length))
        position += 8 + length
        # an odd length, the pad byte not counted in it
        if length % 2 and value[position + 1 : position + 5] in (_ITEM, _DELIMITER):
            position += 1
    if value[position : position + 4] == _DELIMITER:
        return tuple(found), ()
    note = f"the {len(found)} items of Pixel Data do not end in a sequence delimiter"
    return tuple(found), (Finding(FindingCode.SEQUENCE_DELIMITER_MISSING, note),)


def _split_offset_table(value: Octets, items: tuple[Fragment, ...]) -> tuple[bytes, tuple[Fragment, ...]]:
    """The Basic Offset Table's bytes and the fragments; files exist that begin with the first fragment at once."""
    if not items or _FIRST_BYTES.match(value, items[0].start):
        return b"", items
    first = items[0]
    return bytes(value[first.start : first.start + first.declared]), items[1:]


def _offsets_of(table: bytes, size: int) -> tuple[int, ...]:
    """Little-endian offsets of `size` bytes each; an incomplete last one is left out."""
    count = len(table) // size
    return struct.unpack_from(f"<{count}{'I' if size == 4 else 'Q'}", table)


def _by_offset_tables(
    data: PixelData, fragments: tuple[Fragment, ...], offsets: tuple[int, ...], frames: int
) -> tuple[tuple[tuple[Fragment, ...], ...] | None, tuple[Finding, ...]]:
    """The frames by the Extended or Basic Offset Table; None, with a finding, where these contradict the fragments."""
    if data.extended_offsets is not None:
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
    value: Octets, fragments: tuple[Fragment, ...], offsets: tuple[int, ...], frames: int
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


def _begins_frame(value: Octets, fragment: Fragment) -> bool:
    return fragment.declared > 0 and _FIRST_BYTES.match(value, fragment.start) is not None


def _by_first_bytes(value: Octets, fragments: tuple[Fragment, ...], frames: int) -> tuple[tuple[Fragment, ...], ...]:
    """The frames where no offset table says: a fragment each where that fits, else from first bytes to first bytes."""
    filled = tuple(fragment for fragment in fragments if fragment.declared > 0)
    if len(fragments) == frames > 1:
        return tuple((fragment,) for fragment in fragments)
    starts = [number for number, fragment in enumerate(filled) if _begins_frame(value, fragment)]
    if len(filled) > frames and starts:
        starts[0] = 0
        return tuple(filled[a:b] for a, b in zip(starts, [*starts[1:], len(filled)], strict=True))
    return (filled,) if frames == 1 else tuple((fragment,) for fragment in filled)
