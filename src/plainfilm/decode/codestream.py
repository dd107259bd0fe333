# SPDX-License-Identifier: MIT
"""Read the header of a codestream and check it against the DICOM header, before the codestream is decoded.

The formats are JPEG (ITU-T T.81 B, T.871, T.872), JPEG-LS (T.87 C) and RLE (PS3.5 G.5). A codestream without an end
marker is rejected here, because most decoders fill missing data without an error.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from itertools import pairwise

from plainfilm.dicom.instance import ImagePixel
from plainfilm.errors import ConversionError, DecodeError, Reason, Stage, TruncatedError
from plainfilm.pickling import dataclass

_START_OF_FRAME = frozenset((*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0), 0xF7))
JPEG_LS, START_OF_SCAN = 0xF7, 0xDA
_PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)
_COEFFICIENTS = 64
_END = 0xD9
# The markers that may follow entropy-coded data, in which a zero byte follows each FF (JPEG-LS: a zero bit).
# The patterns have a single FF, although fill bytes may precede it: a pattern that begins with a repeated byte is
# twenty times as slow.
_AFTER_SCAN = re.compile(rb"\xff[\xc4\xcc\xd9-\xdd\xe0-\xef\xfe]")
_AFTER_LS_SCAN = re.compile(rb"\xff[\xd9-\xdd\xe0-\xef\xf8\xfe]")


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

    process: second byte of the SOF marker. component_ids, vertical_sampling and horizontal_sampling: in the order of
    the frame header. adobe_transform: colour transform of the Adobe APP14 segment, None without one. jfif: whether a
    JFIF APP0 segment is present. stop: position of the first byte after EOI.
    """

    size: ImageSize
    process: int
    component_ids: bytes
    segments: tuple[Segment, ...]
    adobe_transform: int | None
    jfif: bool
    stop: int
    vertical_sampling: tuple[int, ...] = (1,)
    horizontal_sampling: tuple[int, ...] = (1,)

    @property
    def has_subsampled_chroma(self) -> bool:
        """Whether components 2 and 3 of three are sampled more coarsely than the first: such samples are YCbCr."""
        if self.size.components != 3:
            return False
        first, *others = zip(self.horizontal_sampling, self.vertical_sampling, strict=True)
        return all(factors[0] * factors[1] < first[0] * first[1] for factors in others)


def truncated_error(message: str) -> TruncatedError:
    """Return the error for a codestream that ends too early."""
    return TruncatedError(message, reason=Reason.TRUNCATED_PIXEL_DATA, stage=Stage.DECODE)


def mismatch_error(message: str) -> DecodeError:
    """Return the error for a codestream that contradicts the DICOM header."""
    return DecodeError(message, reason=Reason.CODESTREAM_MISMATCH)


def check_size(size: ImageSize, pixel: ImagePixel, *, accepts_exchanged_sides: bool = False) -> None:
    """Raise DecodeError (codestream_mismatch) where size, components or precision contradict the DICOM header.

    accepts_exchanged_sides: do not raise where only the rows and the columns are exchanged.
    """
    sides = (size.rows, size.columns)
    is_exchanged = accepts_exchanged_sides and sides == (pixel.columns, pixel.rows)
    if (sides != (pixel.rows, pixel.columns) and not is_exchanged) or size.components != pixel.samples_per_pixel:
        raise mismatch_error(
            f"the codestream has {size.rows} rows, {size.columns} columns and {size.components} components; "
            f"the header says Rows {pixel.rows}, Columns {pixel.columns}, Samples per Pixel {pixel.samples_per_pixel}"
        )
    if size.precision > pixel.bits_allocated:
        raise mismatch_error(
            f"the codestream has {size.precision} bits a sample, Bits Allocated is {pixel.bits_allocated}"
        )


def read_jpeg(data: bytes) -> JpegHeader:
    """Read the header of a complete JPEG or JPEG-LS codestream.

    Raises DecodeError where the data do not begin with SOI or have no frame header, TruncatedError
    (truncated_pixel_data) where the EOI marker, the scan of a component, or a scan of a progressive image is missing.
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
    if frame.marker in _PROGRESSIVE:
        _check_progression(data, segments, identifiers)
    adobe, jfif = _adobe_transform(data, segments), _is_jfif(data, segments)
    factors = data[frame.start + 11 : frame.stop : 3][:components]
    vertical, horizontal = tuple(octet & 0x0F for octet in factors), tuple(octet >> 4 for octet in factors)
    return JpegHeader(size, frame.marker, identifiers, segments, adobe, jfif, segments[-1].stop, vertical, horizontal)


def is_8bit_dct(data: bytes) -> bool:
    """Whether the frame header declares Huffman-coded 8-bit DCT, sequential or progressive (T.81 B.2.2)."""
    frame = _frame_header(data)
    return (
        frame is not None and frame.marker in (0xC0, 0xC1, 0xC2) and data[frame.start + 4 : frame.start + 5] == b"\x08"
    )


def is_lossless_jpeg(data: bytes) -> bool:
    """Whether the frame header declares Huffman-coded lossless JPEG (T.81 annex H)."""
    frame = _frame_header(data)
    return frame is not None and frame.marker == 0xC3


def _frame_header(data: bytes) -> Segment | None:
    try:
        return next((segment for segment in _jpeg_segments(data) if segment.marker in _START_OF_FRAME), None)
    except ConversionError:
        return None


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
    raise truncated_error("the JPEG codestream has no EOI marker: it is cut short")


def _check_scans(data: bytes, segments: tuple[Segment, ...], identifiers: bytes) -> None:
    """Raise TruncatedError where a component is in no scan: a decoder would leave its samples empty."""
    scanned = set[int]()
    for segment in segments:
        if segment.marker == START_OF_SCAN:
            count = data[segment.start + 4]
            scanned.update(data[segment.start + 5 : segment.start + 5 + 2 * count : 2])
    absent = set(identifiers) - scanned
    if absent:
        raise truncated_error(
            f"{len(absent)} of {len(identifiers)} components have no scan: the codestream is cut short"
        )


def _check_progression(data: bytes, segments: tuple[Segment, ...], identifiers: bytes) -> None:
    """Raise TruncatedError where a coefficient of a progressive image is not sent at full precision (T.81 G.1.1.1).

    Decoders show such an image without an error, less sharp than the whole one.
    """
    missing_bits = {identifier: [_COEFFICIENTS] * _COEFFICIENTS for identifier in identifiers}
    for segment in segments:
        if segment.marker != START_OF_SCAN:
            continue
        count = data[segment.start + 4]
        scanned = data[segment.start + 5 : segment.start + 5 + 2 * count : 2]
        first, last, approximation = data[segment.start + 5 + 2 * count : segment.start + 8 + 2 * count]
        for identifier in scanned:
            if identifier in missing_bits:
                bits = missing_bits[identifier]
                bits[first : last + 1] = [approximation & 0x0F] * len(bits[first : last + 1])
    incomplete = sum(1 for bits in missing_bits.values() for bit in bits if bit)
    if incomplete:
        total = _COEFFICIENTS * len(identifiers)
        message = f"{incomplete} of {total} coefficients of the progressive JPEG are not sent at full precision"
        raise truncated_error(f"{message}: scans are missing")


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


def read_rle(data: bytes) -> tuple[slice, ...]:
    """Return the byte ranges of the segments of an RLE frame, none of them empty (PS3.5 G.5).

    Raises DecodeError where the header is inconsistent, TruncatedError where a segment begins after the last byte.
    """
    if len(data) < 64:
        raise truncated_error(f"the RLE frame has {len(data)} bytes, its header takes 64")
    count, *offsets = struct.unpack_from("<16I", data)
    starts = offsets[:count]
    if not 1 <= count <= 15 or starts[0] != 64 or any(b <= a for a, b in pairwise(starts)):
        raise DecodeError("the header of the RLE frame is damaged")
    if starts[-1] >= len(data):
        raise truncated_error(
            f"a segment of the RLE frame begins at byte {starts[-1]}, the frame has {len(data)} bytes"
        )
    return tuple(slice(a, b) for a, b in pairwise((*starts, len(data))))
