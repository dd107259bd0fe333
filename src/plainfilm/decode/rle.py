# SPDX-License-Identifier: MIT
"""Decode RLE frames (PS3.5 G)."""

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
# A replicate run of two bytes gives at most 128 bytes (PS3.5 G.3.2).
_MAX_EXPANSION = 64


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
        raise mismatch(
            f"the RLE frame has {len(segments)} segments; "
            f"Bits Allocated {bits} and Samples per Pixel {samples} make {expected}"
        )
    decode_planes = _decode_bit_planes if bits == 1 else _decode_byte_planes
    planes = decode_planes(pixel, segments)
    cells = planes[:, :, 0] if samples == 1 else planes
    return DecodedFrame(cells, None, None, "", full_chroma(pixel.photometric_interpretation))


def _decode_byte_planes(pixel: ImagePixel, segments: list[bytes]) -> Array:
    """Join the bytes of each sample; the segment of the most significant byte comes first (PS3.5 G.2)."""
    count, width = pixel.rows * pixel.columns, pixel.bits_allocated // 8
    for segment in segments:
        if count > len(segment) * _MAX_EXPANSION:
            raise mismatch(f"{len(segment)} bytes of RLE cannot hold {pixel.rows} rows of {pixel.columns} columns")
    octets = np.empty((count, pixel.samples_per_pixel, width), np.uint8)
    for number, segment in enumerate(segments):
        sample, byte = divmod(number, width)
        octets[:, sample, width - 1 - byte] = np.frombuffer(_decode_segment(segment, (count,)), np.uint8)
    cells = octets.view(f"<u{width}").reshape(pixel.rows, pixel.columns, pixel.samples_per_pixel)
    return cells.astype(f"u{width}", copy=False)


def _decode_bit_planes(pixel: ImagePixel, segments: list[bytes]) -> Array:
    """Decode 1-bit samples. Files hold eight of them in a byte; the text of PS3.5 G.2 means one byte for each."""
    count = pixel.rows * pixel.columns
    packed = (count + 7) // 8
    planes = np.empty((count, pixel.samples_per_pixel), np.uint8)
    for sample, segment in enumerate(segments):
        content = _decode_segment(segment, (packed, packed + packed % 2, count, count + count % 2))
        is_packed = len(content) < count
        planes[:, sample] = unpacked(content, 0, count, 1) if is_packed else np.frombuffer(content, np.uint8, count) & 1
    return planes.reshape(pixel.rows, pixel.columns, pixel.samples_per_pixel)


def _decode_segment(segment: bytes, lengths: tuple[int, ...]) -> bytes:
    """Decode a segment, which must give one of the lengths in bytes. Raises TruncatedError and DecodeError."""
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
