# SPDX-License-Identifier: MIT
"""Decode RLE frames (PS3.5 G)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.decode.codestream import mismatch_error, read_rle, truncated_error
from plainfilm.decode.decoded import DecodedFrame
from plainfilm.decode.native import full_chroma_space, unpack_cells
from plainfilm.decode.process_state import require_memory
from plainfilm.dicom.frames import FrameBytes
from plainfilm.dicom.instance import ImagePixel
from plainfilm.errors import Stage, UnsupportedError
from plainfilm.findings import Finding, FindingCode
from plainfilm.options.counting import counted

Array = npt.NDArray[Any]
# A replicate run of two bytes gives at most 128 bytes (PS3.5 G.3.2).
_MAX_EXPANSION = 64
_BYTES_OF_LIBRARY = 2 << 20
_RUNS_CHECKED = 4096
"""Runs at the beginning of each segment whose ends are compared with the ends of rows."""


def decode_rle(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """Decode an RLE frame; its segments, one plane for each byte of each sample, become (rows, columns[, samples]).

    Raises DecodeError (corrupt_codestream; codestream_mismatch where the number of segments does not follow from Bits
    Allocated and Samples per Pixel), TruncatedError, UnsupportedError.
    """
    bits = pixel.bits_allocated
    if bits != 1 and bits not in (8, 16, 32, 64):
        raise UnsupportedError(f"RLE with Bits Allocated {bits}", stage=Stage.DECODE)
    return decode_rle_segments(pixel, [frame.data[segment] for segment in read_rle(frame.data)])


def decode_rle_segments(pixel: ImagePixel, segments: list[bytes]) -> DecodedFrame:
    """Decode the segments of an RLE frame, of a checked Bits Allocated. Raises the errors of `decode_rle`."""
    bits, samples = pixel.bits_allocated, pixel.samples_per_pixel
    expected = samples * max(1, bits // 8)
    if len(segments) != expected:
        raise mismatch_error(
            f"the RLE frame has {counted(len(segments), 'segment')}; "
            f"Bits Allocated {bits} and Samples per Pixel {samples} make {expected}"
        )
    if bits != 1:
        _check_rows(pixel, segments)
    decode_planes = _decode_bit_planes if bits == 1 else _decode_byte_planes
    planes, excess = decode_planes(pixel, segments)
    cells = planes[:, :, 0] if samples == 1 else planes
    note = f"the RLE segments hold {excess} bytes more than the pixels take; these are ignored"
    findings = (Finding(FindingCode.EXCESS_PIXEL_DATA, note),) if excess else ()
    return DecodedFrame(cells, None, None, "", full_chroma_space(pixel.photometric_interpretation), findings)


def _check_rows(pixel: ImagePixel, segments: list[bytes]) -> None:
    """Raise DecodeError (codestream_mismatch) where the runs prove that rows and columns are exchanged.

    Each row is encoded separately (PS3.5 G.3.1), although not every encoder keeps to this. If runs cross the ends of
    the rows of the header, and none crosses those of rows with the exchanged length, the header is wrong.
    """
    if pixel.rows == pixel.columns or not all(_crosses_rows(segment, pixel.columns) for segment in segments):
        return
    if not any(_crosses_rows(segment, pixel.rows) for segment in segments):
        message = f"the runs of the RLE frame end with rows of {pixel.rows} columns; Columns is {pixel.columns}"
        raise mismatch_error(message)


def _crosses_rows(segment: bytes, columns: int) -> bool:
    """Whether one of the first runs of a segment extends beyond the end of a row of this length."""
    position = column = 0
    for _ in range(_RUNS_CHECKED):
        if position >= len(segment):
            break
        header = segment[position]
        length = header + 1 if header < 128 else 257 - header if header > 128 else 0
        position += 1 + (length if header < 128 else 1 if header > 128 else 0)
        column += length
        if column > columns:
            return True
        column %= columns
    return False


def _decode_byte_planes(pixel: ImagePixel, segments: list[bytes]) -> tuple[Array, int]:
    """Join the bytes of each sample; the segment of the most significant byte comes first (PS3.5 G.2).

    Return the cells, (rows, columns, samples), and the number of excess bytes.
    """
    count, width = pixel.rows * pixel.columns, pixel.bits_allocated // 8
    for segment in segments:
        if count > len(segment) * _MAX_EXPANSION:
            raise mismatch_error(
                f"{len(segment)} bytes of RLE cannot hold {pixel.rows} rows of {pixel.columns} columns"
            )
    octets = np.empty((count, pixel.samples_per_pixel, width), np.uint8)
    excess = 0
    for number, segment in enumerate(segments):
        sample, byte = divmod(number, width)
        content = _decode_segment(segment, count)
        _check_excess(content[count:], pixel.columns)
        octets[:, sample, width - 1 - byte] = np.frombuffer(content, np.uint8, count)
        excess += len(content) - count
    cells = octets.view(f"<u{width}").reshape(pixel.rows, pixel.columns, pixel.samples_per_pixel)
    return cells.astype(f"u{width}", copy=False), excess


def _decode_bit_planes(pixel: ImagePixel, segments: list[bytes]) -> tuple[Array, int]:
    """Decode 1-bit samples. Files hold eight of them in a byte; the text of PS3.5 G.2 means one byte for each.

    Return the cells, (rows, columns, samples), and the number of excess bytes.
    """
    count = pixel.rows * pixel.columns
    packed = (count + 7) // 8
    planes = np.empty((count, pixel.samples_per_pixel), np.uint8)
    excess = 0
    for sample, segment in enumerate(segments):
        content = _decode_segment(segment, packed)
        if packed + packed % 2 < len(content) < count:
            raise truncated_error(
                f"a segment of the RLE frame holds {len(content)} bytes, {packed} or {count} are needed"
            )
        is_packed = len(content) < count
        _check_excess(content[packed if is_packed else count :], pixel.columns)
        planes[:, sample] = (
            unpack_cells(content, 0, count, 1) if is_packed else np.frombuffer(content, np.uint8, count) & 1
        )
        expected = packed if is_packed else count
        excess += max(0, len(content) - expected - expected % 2)
    return planes.reshape(pixel.rows, pixel.columns, pixel.samples_per_pixel), excess


def _check_excess(excess: bytes, columns: int) -> None:
    """Raise DecodeError where a segment holds a further row: the header has fewer rows than were encoded."""
    if len(excess) >= columns > 1 and excess.strip(b"\0"):
        raise mismatch_error(f"a segment of the RLE frame holds {len(excess)} bytes more than the pixels take")


def _decode_segment(segment: bytes, length: int) -> bytes:
    """Decode a segment, which must give at least `length` bytes. Raises TruncatedError and MemoryError."""
    from rle.utils import decode_segment

    # the library ends the process where memory is short; its buffer grows by doubling, and is copied in the end
    require_memory(4 * length + _BYTES_OF_LIBRARY)
    try:
        content: bytes = decode_segment(segment)
    except ValueError as error:
        raise truncated_error(f"a segment of the RLE frame is cut short: {error}") from error
    if len(content) < length:
        raise truncated_error(f"a segment of the RLE frame holds {len(content)} bytes, {length} are needed")
    return content
