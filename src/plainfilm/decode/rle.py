# SPDX-License-Identifier: MIT
"""The bytes of an RLE frame -> its cells (PS3.5 G)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.decode.codestream import mismatch, read_rle, truncated
from plainfilm.decode.decoded import DecodedFrame
from plainfilm.decode.native import full_chroma, unpacked
from plainfilm.dicom.frames import FrameBytes
from plainfilm.dicom.instance import ImagePixel
from plainfilm.errors import Stage, UnsupportedError

Array = npt.NDArray[Any]
# Two bytes, a replicate run, give at most 128 (PS3.5 G.3.2).
_MOST_BYTES_A_BYTE = 64


def decode_rle(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """The cells of an RLE frame, a plane for each sample in the file, here (rows, columns[, samples]).

    Raises DecodeError (corrupt_codestream; codestream_mismatch where the segments are not those that Bits Allocated and
    Samples per Pixel make), TruncatedError, UnsupportedError.
    """
    bits = pixel.bits_allocated
    if bits != 1 and bits not in (8, 16, 32, 64):
        raise UnsupportedError(f"RLE with Bits Allocated {bits}", stage=Stage.DECODE)
    return decode_rle_segments(pixel, [frame.data[segment] for segment in read_rle(frame.data)])


def decode_rle_segments(pixel: ImagePixel, segments: list[bytes]) -> DecodedFrame:
    """The cells of the segments of an RLE frame, whose Bits Allocated are known to fit. Raises as `decode_rle` does."""
    bits, samples = pixel.bits_allocated, pixel.samples_per_pixel
    wanted = samples * max(1, bits // 8)
    if len(segments) != wanted:
        raise mismatch(
            f"the RLE frame has {len(segments)} segments; "
            f"Bits Allocated {bits} and Samples per Pixel {samples} make {wanted}"
        )
    planes_of = _bits_of if bits == 1 else _bytes_of
    planes = planes_of(pixel, segments)
    cells = planes[:, :, 0] if samples == 1 else planes
    return DecodedFrame(cells, None, None, "", full_chroma(pixel.photometric_interpretation))


def _bytes_of(pixel: ImagePixel, segments: list[bytes]) -> Array:
    """Whole cells: of each sample the most significant byte's segment comes first (PS3.5 G.2)."""
    count, width = pixel.rows * pixel.columns, pixel.bits_allocated // 8
    for segment in segments:
        if count > len(segment) * _MOST_BYTES_A_BYTE:
            raise mismatch(f"{len(segment)} bytes of RLE cannot hold {pixel.rows} rows of {pixel.columns} columns")
    octets = np.empty((count, pixel.samples_per_pixel, width), np.uint8)
    for number, segment in enumerate(segments):
        sample, place = divmod(number, width)
        octets[:, sample, width - 1 - place] = np.frombuffer(_unrolled(segment, (count,)), np.uint8)
    cells = octets.view(f"<u{width}").reshape(pixel.rows, pixel.columns, pixel.samples_per_pixel)
    return cells.astype(f"u{width}", copy=False)


def _bits_of(pixel: ImagePixel, segments: list[bytes]) -> Array:
    """1-bit cells: files hold eight of them in a byte; the standard's own words (PS3.5 G.2) mean a byte for each."""
    count = pixel.rows * pixel.columns
    packed = (count + 7) // 8
    planes = np.empty((count, pixel.samples_per_pixel), np.uint8)
    for sample, segment in enumerate(segments):
        content = _unrolled(segment, (packed, packed + packed % 2, count, count + count % 2))
        whole = len(content) >= count
        planes[:, sample] = np.frombuffer(content, np.uint8, count) & 1 if whole else unpacked(content, 0, count, 1)
    return planes.reshape(pixel.rows, pixel.columns, pixel.samples_per_pixel)


def _unrolled(segment: bytes, lengths: tuple[int, ...]) -> bytes:
    """The bytes of a segment, which must be of one of the lengths. Raises TruncatedError and DecodeError."""
    from rle.utils import decode_segment

    try:
        content: bytes = decode_segment(segment)
    except ValueError as error:
        raise truncated(f"a segment of the RLE frame is cut short: {error}") from error
    if len(content) < lengths[0]:
        raise truncated(f"a segment of the RLE frame holds {len(content)} bytes, {lengths[0]} are needed")
    if len(content) not in lengths:
        raise mismatch(f"a segment of the RLE frame holds {len(content)} bytes, {lengths[0]} are needed")
    return content
