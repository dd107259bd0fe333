# SPDX-License-Identifier: MIT
"""A native, deflated or RLE frame that is cut short -> the cells that are there, and which pixels are not."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.decode.codestream import read_rle
from plainfilm.decode.decoded import DecodedFrame
from plainfilm.decode.native import decode_native, least_cells
from plainfilm.decode.rle import decode_rle_segments
from plainfilm.dicom.frames import FrameBytes
from plainfilm.dicom.instance import ImagePixel
from plainfilm.errors import DecodeError

Mask = npt.NDArray[np.bool_]
Array = npt.NDArray[Any]
# The control byte that gives no bytes; below it are literal runs, above it replicate runs.
_NOTHING = 128


def missing_after(pixel: ImagePixel, count: int) -> Mask:
    """The mask, (rows, columns), of all but the first `count` pixels."""
    return (np.arange(pixel.rows * pixel.columns) >= count).reshape(pixel.rows, pixel.columns)


def decode_cut_native(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """The whole cells that are there of a native frame. Raises UnsupportedError."""
    cells = max(0, len(frame.data) * 8 - frame.first_bit) // pixel.bits_allocated
    needed = (frame.first_bit + least_cells(pixel) * pixel.bits_allocated + 7) // 8
    whole = decode_native(pixel, replace(frame, octets=frame.data.ljust(needed, b"\0")))
    return replace(whole, missing=missing_after(pixel, _pixels_of(pixel, cells)))


def _pixels_of(pixel: ImagePixel, cells: int) -> int:
    """The pixels that the first `cells` cells make: those of which every sample is there."""
    plane, samples = pixel.rows * pixel.columns, pixel.samples_per_pixel
    if least_cells(pixel) < plane * samples:
        return cells // 4 * 2
    return max(0, cells - (samples - 1) * plane) if pixel.planar_configuration == 1 else cells // samples


def decode_cut_deflated(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """What a deflated frame gives before it ends. Raises DecodeError and UnsupportedError."""
    needed = (least_cells(pixel) * pixel.bits_allocated + 7) // 8
    try:
        content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(frame.data, needed)
    except zlib.error as error:
        raise DecodeError(f"the deflated frame is damaged: {error}") from error
    return decode_cut_native(pixel, FrameBytes(content))


def decode_cut_rle(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """The pixels of which every segment of an RLE frame holds its byte. Raises as `decode_rle` does."""
    segments = [_whole_runs(frame.data[segment]) for segment in read_rle(frame.data)]
    plane = pixel.rows * pixel.columns
    bytes_wanted = plane if pixel.bits_allocated > 1 else (plane + 7) // 8
    present = min(length for _, length in segments)
    filled = [segment + _zeros(bytes_wanted - length) for segment, length in segments]
    whole = decode_rle_segments(pixel, filled)
    return replace(whole, missing=missing_after(pixel, present if pixel.bits_allocated > 1 else present * 8))


def _whole_runs(segment: bytes) -> tuple[bytes, int]:
    """The runs of a segment, a literal one that is cut as far as it goes, and how many bytes they give (PS3.5 G.3)."""
    position = given = 0
    while position < len(segment):
        control, there = segment[position], len(segment) - position - 1
        if control == _NOTHING:
            taken, gives = 1, 0
        elif control > _NOTHING:
            taken, gives = 2, 257 - control
        else:
            taken, gives = control + 2, control + 1
        if position + taken > len(segment):
            literal = there > 0 and control < _NOTHING
            last = bytes((there - 1,)) + segment[position + 1 :] if literal else b""
            return segment[:position] + last, given + (there if literal else 0)
        position, given = position + taken, given + gives
    return segment, given


def _zeros(count: int) -> bytes:
    """Runs that give `count` zero bytes: replicate runs of 128 and one of the rest, a literal one where that is 1."""
    whole, rest = divmod(max(0, count), 128)
    last = b"" if rest == 0 else b"\0\0" if rest == 1 else bytes((257 - rest, 0))
    return b"\x81\x00" * whole + last
