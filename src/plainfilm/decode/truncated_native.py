# SPDX-License-Identifier: MIT
"""Decode truncated native, deflated and RLE frames: the pixels that the data hold, and a mask of the missing pixels."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from plainfilm.decode.codestream import read_rle
from plainfilm.decode.decoded import DecodedFrame
from plainfilm.decode.native import decode_native, min_cells
from plainfilm.decode.rle import decode_rle_segments
from plainfilm.dicom.frames import FrameBytes
from plainfilm.dicom.instance import ImagePixel
from plainfilm.errors import DecodeError
from plainfilm.pickling import dataclass

Mask = npt.NDArray[np.bool_]
# The control byte without output; smaller control bytes begin literal runs, larger ones replicate runs (PS3.5 G.3.2).
_NO_OPERATION = 128


@dataclass(frozen=True, slots=True)
class _SegmentStart:
    """The complete runs at the start of a truncated RLE segment, and the number of bytes that they decode to."""

    runs: bytes
    decoded_length: int


def missing_after(pixel: ImagePixel, count: int) -> Mask:
    """Return the mask, (rows, columns), of all pixels after the first `count`."""
    return (np.arange(pixel.rows * pixel.columns) >= count).reshape(pixel.rows, pixel.columns)


def decode_truncated_native(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """Decode the complete pixel cells of a truncated native frame. Raises UnsupportedError."""
    cells = max(0, len(frame.data) * 8 - frame.first_bit) // pixel.bits_allocated
    needed = (frame.first_bit + min_cells(pixel) * pixel.bits_allocated + 7) // 8
    padded = decode_native(pixel, replace(frame, octets=frame.data.ljust(needed, b"\0")))
    return replace(padded, missing=missing_after(pixel, _complete_pixels(pixel, cells)))


def _complete_pixels(pixel: ImagePixel, cells: int) -> int:
    """Return the number of pixels with all their samples among the first `cells` pixel cells."""
    plane, samples = pixel.rows * pixel.columns, pixel.samples_per_pixel
    if min_cells(pixel) < plane * samples:
        return cells // 4 * 2
    return max(0, cells - (samples - 1) * plane) if pixel.planar_configuration == 1 else cells // samples


def decode_truncated_deflated(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """Decode what a truncated deflated frame inflates to. Raises DecodeError and UnsupportedError."""
    needed = (min_cells(pixel) * pixel.bits_allocated + 7) // 8
    try:
        content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(frame.data, needed)
    except zlib.error as error:
        raise DecodeError(f"the deflated frame is damaged: {error}") from error
    return decode_truncated_native(pixel, FrameBytes(content))


def decode_truncated_rle(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """Decode the pixels whose byte is present in every segment of a truncated RLE frame.

    Raises the errors of `decode_rle`.
    """
    segments = [_complete_runs(frame.data[segment]) for segment in read_rle(frame.data)]
    plane = pixel.rows * pixel.columns
    plane_bytes = plane if pixel.bits_allocated > 1 else (plane + 7) // 8
    present = min(segment.decoded_length for segment in segments)
    filled = [segment.runs + _zero_runs(plane_bytes - segment.decoded_length) for segment in segments]
    padded = decode_rle_segments(pixel, filled)
    return replace(padded, missing=missing_after(pixel, present if pixel.bits_allocated > 1 else present * 8))


def _complete_runs(segment: bytes) -> _SegmentStart:
    """Return the complete runs of a segment (PS3.5 G.3); a truncated literal run is shortened to its present bytes."""
    position = decoded_length = 0
    while position < len(segment):
        control = segment[position]
        if control == _NO_OPERATION:
            run_length, output_length = 1, 0
        elif control > _NO_OPERATION:
            run_length, output_length = 2, 257 - control
        else:
            run_length, output_length = control + 2, control + 1
        if position + run_length > len(segment):
            return _with_shortened_run(segment, position, decoded_length)
        position, decoded_length = position + run_length, decoded_length + output_length
    return _SegmentStart(segment, decoded_length)


def _with_shortened_run(segment: bytes, position: int, decoded_length: int) -> _SegmentStart:
    """Return the runs before `position`, and the present bytes of the truncated run there if it is a literal run."""
    present = len(segment) - position - 1
    if present == 0 or segment[position] >= _NO_OPERATION:
        return _SegmentStart(segment[:position], decoded_length)
    literal_run = bytes((present - 1,)) + segment[position + 1 :]
    return _SegmentStart(segment[:position] + literal_run, decoded_length + present)


def _zero_runs(count: int) -> bytes:
    """Return runs that decode to `count` zero bytes: replicate runs of 128, then one run for the rest.

    A rest of one byte is a literal run, because a replicate run has at least two bytes.
    """
    full_runs, rest = divmod(max(0, count), 128)
    last_run = b"" if rest == 0 else b"\0\0" if rest == 1 else bytes((257 - rest, 0))
    return b"\x81\x00" * full_runs + last_run
