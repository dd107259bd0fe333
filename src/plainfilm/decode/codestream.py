# SPDX-License-Identifier: MIT
"""The bytes of a codestream -> what its own header says, checked against the DICOM header before anything is decoded.

JPEG (ITU-T T.81 B, T.871, T.872), JPEG-LS (T.87 C), JPEG 2000 (T.800 A) and RLE (PS3.5 G.5). A codestream that does not
end is refused here: most decoders fill what is missing without a word.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from plainfilm.dicom.instance import ImagePixel
from plainfilm.errors import ConversionError, DecodeError, Reason, Stage, TruncatedError, UnsupportedError

_START_OF_FRAME = frozenset((*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0), 0xF7))
JPEG_LS, START_OF_SCAN = 0xF7, 0xDA
_END, _CODING, _TILE_PART = 0xD9, 0xFF52, 0xFF90
# The markers that may follow entropy-coded data, which stuffs a zero after each FF (JPEG-LS: a zero bit).
# (one byte FF, though more may fill: a pattern that begins with a repeat is looked for twenty times as long)
_AFTER_SCAN = re.compile(rb"\xff[\xc4\xcc\xd9-\xdd\xe0-\xef\xfe]")
_AFTER_LS_SCAN = re.compile(rb"\xff[\xd9-\xdd\xe0-\xef\xf8\xfe]")
_END_AND_PAD = re.compile(rb"\xff\xd9[\x00\xff]{0,64}\Z")


@dataclass(frozen=True, slots=True)
class ImageSize:
    """What every codestream says of its image. signed: None where it cannot say."""

    rows: int
    columns: int
    components: int
    precision: int
    signed: bool | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A marker segment of a JPEG codestream: its marker's second byte, and its bytes from the marker to the last."""

    marker: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """The header of a JPEG or JPEG-LS codestream.

    process: second byte of the SOF marker. component_ids, vertical_sampling: in the order of the frame header.
    adobe_transform: of the
    APP14 segment, None without one. jfif: whether there is a JFIF APP0 segment. stop: the first byte after EOI.
    """

    size: ImageSize
    process: int
    component_ids: bytes
    segments: tuple[Segment, ...]
    adobe_transform: int | None
    jfif: bool
    stop: int
    vertical_sampling: tuple[int, ...] = (1,)


@dataclass(frozen=True, slots=True)
class Jpeg2000Header:
    """The header of a JPEG 2000 codestream, which lies in the frame's bytes from `start` to `stop`.

    multiple_component_transform: whether the first three components were transformed (SGcod of COD, T.800 A.6.1).
    reversible: whether the wavelet is the 5-3 one. high_throughput: whether the code-blocks are those of T.814.
    levels: how many times the wavelet halves the image.
    """

    size: ImageSize
    multiple_component_transform: bool
    start: int
    stop: int
    reversible: bool = False
    high_throughput: bool = False
    levels: int = 0


def truncated(message: str) -> TruncatedError:
    """The error for a codestream that ends too early."""
    return TruncatedError(message, reason=Reason.TRUNCATED_PIXEL_DATA, stage=Stage.DECODE)


def mismatch(message: str) -> DecodeError:
    """The error for a codestream that is not the image of the DICOM header."""
    return DecodeError(message, reason=Reason.CODESTREAM_MISMATCH)


def check_size(size: ImageSize, pixel: ImagePixel) -> None:
    """Raises DecodeError (codestream_mismatch) where size, components or precision contradict the DICOM header."""
    if (size.rows, size.columns, size.components) != (pixel.rows, pixel.columns, pixel.samples_per_pixel):
        raise mismatch(
            f"the codestream has {size.rows} rows, {size.columns} columns and {size.components} components; "
            f"the header says Rows {pixel.rows}, Columns {pixel.columns}, Samples per Pixel {pixel.samples_per_pixel}"
        )
    if size.precision > pixel.bits_allocated:
        raise mismatch(f"the codestream has {size.precision} bits a sample, Bits Allocated is {pixel.bits_allocated}")


def read_jpeg(data: bytes) -> JpegHeader:
    """The header of a complete JPEG or JPEG-LS codestream.

    Raises DecodeError where it does not begin as one, TruncatedError (truncated_pixel_data) without an EOI marker or
    where a component has no scan.
    """
    if data[:3] != b"\xff\xd8\xff":
        raise DecodeError("the codestream does not begin with a JPEG SOI marker")
    segments = tuple(_jpeg_segments(data))
    frame = next((segment for segment in segments if segment.marker in _START_OF_FRAME), None)
    if frame is None:
        raise DecodeError("the JPEG codestream has no frame header")
    precision, rows, columns, components = struct.unpack_from(">BHHB", data, frame.start + 4)
    identifiers = data[frame.start + 10 : frame.stop : 3][:components]
    size = ImageSize(rows, columns, components, precision)
    _check_scans(data, segments, identifiers)
    adobe, jfif = _adobe_transform(data, segments), _is_jfif(data, segments)
    sampling = tuple(octet & 0x0F for octet in data[frame.start + 11 : frame.stop : 3][:components])
    return JpegHeader(size, frame.marker, identifiers, segments, adobe, jfif, segments[-1].stop, sampling)


def is_shallow_dct(data: bytes) -> bool:
    """Whether a JPEG codestream begins as an 8-bit DCT one, sequential or progressive, Huffman-coded (T.81 B.2.2)."""
    try:
        frame = next((segment for segment in _jpeg_segments(data) if segment.marker in _START_OF_FRAME), None)
    except ConversionError:
        return False
    return (
        frame is not None and frame.marker in (0xC0, 0xC1, 0xC2) and data[frame.start + 4 : frame.start + 5] == b"\x08"
    )


def _jpeg_segments(data: bytes) -> Iterator[Segment]:
    """Every marker segment up to EOI, that included; entropy-coded data are stepped over."""
    position, after_scan = 2, _AFTER_SCAN
    while position + 2 <= len(data):
        marker = data[position + 1]
        if data[position] != 0xFF:
            raise DecodeError(f"a JPEG marker is expected at byte {position} of the codestream")
        if marker == 0xFF:
            position += 1
            continue
        if marker == _END:
            yield Segment(marker, position, position + 2)
            return
        stop = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        yield Segment(marker, position, stop)
        after_scan = _AFTER_LS_SCAN if marker == JPEG_LS else after_scan
        position = stop
        if marker == START_OF_SCAN:
            found = after_scan.search(data, stop)
            position = found.end() - 2 if found else len(data)
    raise truncated("the JPEG codestream has no EOI marker: it is cut short")


def _check_scans(data: bytes, segments: tuple[Segment, ...], identifiers: bytes) -> None:
    """Raises TruncatedError where a component is in no scan: a decoder would leave its samples empty."""
    scanned = set[int]()
    for segment in segments:
        if segment.marker == START_OF_SCAN:
            count = data[segment.start + 4]
            scanned.update(data[segment.start + 5 : segment.start + 5 + 2 * count : 2])
    missing = set(identifiers) - scanned
    if missing:
        raise truncated(f"{len(missing)} of {len(identifiers)} components have no scan: the codestream is cut short")


def _adobe_transform(data: bytes, segments: tuple[Segment, ...]) -> int | None:
    """The colour transform of the Adobe segment: 0 none, 1 YCbCr (T.872 6.5.3); one that is too short says nothing."""
    for segment in segments:
        if segment.marker == 0xEE and segment.stop - segment.start >= 16 and _payload(data, segment)[:5] == b"Adobe":
            return _payload(data, segment)[11]
    return None


def _is_jfif(data: bytes, segments: tuple[Segment, ...]) -> bool:
    """Whether there is a JFIF segment, which means that three components are YCbCr (T.871 10.1)."""
    return any(segment.marker == 0xE0 and _payload(data, segment)[:5] == b"JFIF\0" for segment in segments)


def _payload(data: bytes, segment: Segment) -> bytes:
    return data[segment.start + 4 : segment.stop]


def read_jpeg2000(data: bytes) -> Jpeg2000Header:
    """The header of a complete JPEG 2000 codestream, bare or in JP2 boxes.

    Raises DecodeError where it does not begin as one, UnsupportedError where its components differ from one another,
    TruncatedError (truncated_pixel_data) without an EOC marker.
    """
    start = _codestream_of_boxes(data)
    if data[start : start + 4] != b"\xff\x4f\xff\x51":
        raise DecodeError("the codestream does not begin with the JPEG 2000 markers SOC and SIZ")
    try:
        size = _siz(data, start + 4)
        coding, first_tile_part = _main_header(data, start + 2)
    except struct.error:
        raise truncated("the JPEG 2000 codestream ends inside its main header") from None
    transform, levels, style, wavelet = coding
    stop = _end_of_tile_parts(data, first_tile_part)
    return Jpeg2000Header(size, transform, start, stop, wavelet == 1, bool(style & 0x40), levels)


def _codestream_of_boxes(data: bytes) -> int:
    """Where the contiguous codestream begins: 0, or inside the jp2c box of a JP2 file (T.800 I)."""
    if data[4:8] != b"jP  ":
        return 0
    position = 0
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        header = 16 if length == 1 else 8
        if kind == b"jp2c":
            return position + header
        if length == 1:
            length = int.from_bytes(data[position + 8 : position + 16], "big")
        if length < header:
            break
        position += length
    raise DecodeError("the JP2 boxes hold no codestream")


def _siz(data: bytes, position: int) -> ImageSize:
    """The SIZ segment from its length on (T.800 A.5.1)."""
    width, height, left, top = struct.unpack_from(">4I", data, position + 4)
    (components,) = struct.unpack_from(">H", data, position + 36)
    described = {struct.unpack_from(">3B", data, position + 38 + 3 * number) for number in range(components)}
    if len(described) != 1:
        message = "the components of the JPEG 2000 codestream differ in precision, sign or sampling"
        raise UnsupportedError(message, stage=Stage.DECODE)
    sample, across, down = described.pop()
    if (across, down) != (1, 1):
        message = f"the JPEG 2000 codestream has one sample for {across} x {down} pixels"
        raise UnsupportedError(message, stage=Stage.DECODE)
    return ImageSize(height - top, width - left, components, (sample & 0x7F) + 1, bool(sample & 0x80))


def _main_header(data: bytes, position: int) -> tuple[tuple[bool, int, int, int], int]:
    """COD (multiple component transform, levels, code-block style, wavelet), and where the first tile-part begins."""
    coding = False, 0, 0, 0
    while True:
        marker, length = struct.unpack_from(">HH", data, position)
        if marker == _TILE_PART:
            return coding, position
        if marker < 0xFF01:
            raise DecodeError("a JPEG 2000 marker is expected in the main header")
        if marker == _CODING:
            coding = struct.unpack_from(">?B2x2B", data, position + 8)
        position += 2 + length


def _end_of_tile_parts(data: bytes, position: int) -> int:
    """The first byte after EOC: found from tile-part to tile-part, or at the end where their lengths do not meet it."""
    while data[position : position + 2] == b"\xff\x90" and position + 12 <= len(data):
        length = int.from_bytes(data[position + 6 : position + 10], "big")
        if length < 12:
            break
        position += length
    if data[position : position + 2] == b"\xff\xd9":
        return position + 2
    found = _END_AND_PAD.search(data, max(0, len(data) - 66))
    if found is None:
        raise truncated("the JPEG 2000 codestream has no EOC marker: it is cut short")
    return found.start() + 2


def read_rle(data: bytes) -> tuple[slice, ...]:
    """Where the segments of an RLE frame lie, none of them empty (PS3.5 G.5).

    Raises DecodeError where its header makes no sense, TruncatedError where a segment lies beyond the end.
    """
    if len(data) < 64:
        raise truncated(f"an RLE frame begins with a header of 64 bytes, {len(data)} are there")
    count, *offsets = struct.unpack_from("<16I", data)
    starts = offsets[:count]
    if not 1 <= count <= 15 or starts[0] != 64 or any(b <= a for a, b in pairwise(starts)):
        raise DecodeError("the header of the RLE frame is damaged")
    if starts[-1] >= len(data):
        raise truncated(f"a segment of the RLE frame begins at byte {starts[-1]}, {len(data)} are there")
    return tuple(slice(a, b) for a, b in pairwise((*starts, len(data))))
