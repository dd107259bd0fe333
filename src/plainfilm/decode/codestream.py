# SPDX-License-Identifier: MIT
"""Read the header of a codestream and check it against the DICOM header, before the codestream is decoded.

The formats are JPEG (ITU-T T.81 B, T.871, T.872), JPEG-LS (T.87 C), JPEG 2000 (T.800 A) and RLE (PS3.5 G.5). A
codestream without an end marker is rejected here, because most decoders fill missing data without an error.
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
# The markers that may follow entropy-coded data, in which a zero byte follows each FF (JPEG-LS: a zero bit).
# The patterns have a single FF, although fill bytes may precede it: a pattern that begins with a repeated byte is
# twenty times as slow.
_AFTER_SCAN = re.compile(rb"\xff[\xc4\xcc\xd9-\xdd\xe0-\xef\xfe]")
_AFTER_LS_SCAN = re.compile(rb"\xff[\xd9-\xdd\xe0-\xef\xf8\xfe]")
_END_AND_PAD = re.compile(rb"\xff\xd9[\x00\xff]{0,64}\Z")


@dataclass(frozen=True, slots=True)
class ImageSize:
    """The image size that every codestream declares. signed: None where the format cannot declare a sign."""

    rows: int
    columns: int
    components: int
    precision: int
    signed: bool | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A marker segment of a JPEG codestream.

    marker: second byte of the marker. start, stop: range of the bytes of the segment, the marker included.
    """

    marker: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """The header of a JPEG or JPEG-LS codestream.

    process: second byte of the SOF marker. component_ids, vertical_sampling: in the order of the frame header.
    adobe_transform: colour transform of the Adobe APP14 segment, None without one. jfif: whether a JFIF APP0 segment
    is present. stop: position of the first byte after EOI.
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
class _CodingStyle:
    """The fields of the COD segment (T.800 A.6.1)."""

    multiple_component_transform: bool = False
    levels: int = 0
    code_block_style: int = 0
    wavelet: int = 0


@dataclass(frozen=True, slots=True)
class Jpeg2000Header:
    """The header of a JPEG 2000 codestream, which occupies the bytes from `start` to `stop` of the frame.

    multiple_component_transform: whether the first three components were transformed (SGcod of COD, T.800 A.6.1).
    reversible: whether the wavelet is the reversible 5-3 filter. high_throughput: whether the code-blocks are those of
    T.814. levels: number of decomposition levels, each of which halves the resolution.
    """

    size: ImageSize
    multiple_component_transform: bool
    start: int
    stop: int
    reversible: bool = False
    high_throughput: bool = False
    levels: int = 0


def truncated(message: str) -> TruncatedError:
    """Return the error for a codestream that ends too early."""
    return TruncatedError(message, reason=Reason.TRUNCATED_PIXEL_DATA, stage=Stage.DECODE)


def mismatch(message: str) -> DecodeError:
    """Return the error for a codestream that contradicts the DICOM header."""
    return DecodeError(message, reason=Reason.CODESTREAM_MISMATCH)


def check_size(size: ImageSize, pixel: ImagePixel) -> None:
    """Raise DecodeError (codestream_mismatch) where size, components or precision contradict the DICOM header."""
    if (size.rows, size.columns, size.components) != (pixel.rows, pixel.columns, pixel.samples_per_pixel):
        raise mismatch(
            f"the codestream has {size.rows} rows, {size.columns} columns and {size.components} components; "
            f"the header says Rows {pixel.rows}, Columns {pixel.columns}, Samples per Pixel {pixel.samples_per_pixel}"
        )
    if size.precision > pixel.bits_allocated:
        raise mismatch(f"the codestream has {size.precision} bits a sample, Bits Allocated is {pixel.bits_allocated}")


def read_jpeg(data: bytes) -> JpegHeader:
    """Read the header of a complete JPEG or JPEG-LS codestream.

    Raises DecodeError where the data do not begin with SOI or have no frame header, TruncatedError
    (truncated_pixel_data) where the EOI marker or the scan of a component is missing.
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
    vertical_sampling = tuple(octet & 0x0F for octet in data[frame.start + 11 : frame.stop : 3][:components])
    return JpegHeader(size, frame.marker, identifiers, segments, adobe, jfif, segments[-1].stop, vertical_sampling)


def is_8bit_dct(data: bytes) -> bool:
    """Whether the frame header declares Huffman-coded 8-bit DCT, sequential or progressive (T.81 B.2.2)."""
    try:
        frame = next((segment for segment in _jpeg_segments(data) if segment.marker in _START_OF_FRAME), None)
    except ConversionError:
        return False
    return (
        frame is not None and frame.marker in (0xC0, 0xC1, 0xC2) and data[frame.start + 4 : frame.start + 5] == b"\x08"
    )


def _jpeg_segments(data: bytes) -> Iterator[Segment]:
    """Yield every marker segment up to and including EOI; skip the entropy-coded data."""
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
            next_marker = after_scan.search(data, stop)
            position = next_marker.end() - 2 if next_marker else len(data)
    raise truncated("the JPEG codestream has no EOI marker: it is cut short")


def _check_scans(data: bytes, segments: tuple[Segment, ...], identifiers: bytes) -> None:
    """Raise TruncatedError where a component is in no scan: a decoder would leave its samples empty."""
    scanned = set[int]()
    for segment in segments:
        if segment.marker == START_OF_SCAN:
            count = data[segment.start + 4]
            scanned.update(data[segment.start + 5 : segment.start + 5 + 2 * count : 2])
    absent = set(identifiers) - scanned
    if absent:
        raise truncated(f"{len(absent)} of {len(identifiers)} components have no scan: the codestream is cut short")


def _adobe_transform(data: bytes, segments: tuple[Segment, ...]) -> int | None:
    """Return the colour transform of the Adobe segment: 0 none, 1 YCbCr (T.872 6.5.3).

    Return None without such a segment; a segment that is too short is ignored.
    """
    for segment in segments:
        if segment.marker == 0xEE and segment.stop - segment.start >= 16 and _payload(data, segment)[:5] == b"Adobe":
            return _payload(data, segment)[11]
    return None


def _is_jfif(data: bytes, segments: tuple[Segment, ...]) -> bool:
    """Whether a JFIF segment is present: it declares that three components are YCbCr (T.871 10.1)."""
    return any(segment.marker == 0xE0 and _payload(data, segment)[:5] == b"JFIF\0" for segment in segments)


def _payload(data: bytes, segment: Segment) -> bytes:
    return data[segment.start + 4 : segment.stop]


def read_jpeg2000(data: bytes) -> Jpeg2000Header:
    """Read the header of a complete JPEG 2000 codestream, with or without JP2 boxes around it.

    Raises DecodeError where the codestream does not begin with SOC and SIZ, UnsupportedError where the components
    differ from one another or are subsampled, TruncatedError (truncated_pixel_data) without an EOC marker.
    """
    start = _codestream_start(data)
    if data[start : start + 4] != b"\xff\x4f\xff\x51":
        raise DecodeError("the codestream does not begin with the JPEG 2000 markers SOC and SIZ")
    try:
        size = _read_size(data, start + 4)
        coding, first_tile_part = _read_coding_style(data, start + 2)
    except struct.error:
        raise truncated("the JPEG 2000 codestream ends inside its main header") from None
    return Jpeg2000Header(
        size=size,
        multiple_component_transform=coding.multiple_component_transform,
        start=start,
        stop=_end_of_tile_parts(data, first_tile_part),
        reversible=coding.wavelet == 1,
        high_throughput=bool(coding.code_block_style & 0x40),
        levels=coding.levels,
    )


def _codestream_start(data: bytes) -> int:
    """Return the position of the contiguous codestream: 0, or inside the jp2c box of a JP2 file (T.800 I)."""
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


def _read_size(data: bytes, position: int) -> ImageSize:
    """Read the SIZ segment, of which `position` is the length field (T.800 A.5.1)."""
    width, height, left, top = struct.unpack_from(">4I", data, position + 4)
    (components,) = struct.unpack_from(">H", data, position + 36)
    component_types = {struct.unpack_from(">3B", data, position + 38 + 3 * number) for number in range(components)}
    if len(component_types) != 1:
        message = "the components of the JPEG 2000 codestream differ in precision, sign or sampling"
        raise UnsupportedError(message, stage=Stage.DECODE)
    bit_depth, column_step, row_step = component_types.pop()
    if (column_step, row_step) != (1, 1):
        message = f"the JPEG 2000 codestream has one sample for {column_step} x {row_step} pixels"
        raise UnsupportedError(message, stage=Stage.DECODE)
    return ImageSize(height - top, width - left, components, (bit_depth & 0x7F) + 1, bool(bit_depth & 0x80))


def _read_coding_style(data: bytes, position: int) -> tuple[_CodingStyle, int]:
    """Read the main header; return the COD segment and the position of the first tile-part."""
    coding = _CodingStyle()
    while True:
        marker, length = struct.unpack_from(">HH", data, position)
        if marker == _TILE_PART:
            return coding, position
        if marker < 0xFF01:
            raise DecodeError("a JPEG 2000 marker is expected in the main header")
        if marker == _CODING:
            coding = _CodingStyle(*struct.unpack_from(">?B2x2B", data, position + 8))
        position += 2 + length


def _end_of_tile_parts(data: bytes, position: int) -> int:
    """Return the position after EOC: follow the lengths of the tile-parts, or search the end of the data for EOC.

    Raises TruncatedError where neither finds an EOC marker.
    """
    while data[position : position + 2] == b"\xff\x90" and position + 12 <= len(data):
        length = int.from_bytes(data[position + 6 : position + 10], "big")
        if length < 12:
            break
        position += length
    if data[position : position + 2] == b"\xff\xd9":
        return position + 2
    end_marker = _END_AND_PAD.search(data, max(0, len(data) - 66))
    if end_marker is None:
        raise truncated("the JPEG 2000 codestream has no EOC marker: it is cut short")
    return end_marker.start() + 2


def read_rle(data: bytes) -> tuple[slice, ...]:
    """Return the byte ranges of the segments of an RLE frame, none of them empty (PS3.5 G.5).

    Raises DecodeError where the header is inconsistent, TruncatedError where a segment begins after the last byte.
    """
    if len(data) < 64:
        raise truncated(f"the RLE frame has {len(data)} bytes, its header takes 64")
    count, *offsets = struct.unpack_from("<16I", data)
    starts = offsets[:count]
    if not 1 <= count <= 15 or starts[0] != 64 or any(b <= a for a, b in pairwise(starts)):
        raise DecodeError("the header of the RLE frame is damaged")
    if starts[-1] >= len(data):
        raise truncated(f"a segment of the RLE frame begins at byte {starts[-1]}, the frame has {len(data)} bytes")
    return tuple(slice(a, b) for a, b in pairwise((*starts, len(data))))
