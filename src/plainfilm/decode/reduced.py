# SPDX-License-Identifier: MIT
"""Decode frames at a lower resolution, on a grid that spans the frame from edge to edge (--decode reduced).

JPEG 2000 and HTJ2K are decoded without the wavelet levels that the output does not need (ITU-T T.800 B.5), 8-bit JPEG
with a smaller inverse DCT. The functions return None where the frame must be decoded at full resolution, which includes
every codestream with an unusual layout.
"""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from plainfilm.decode.decoded import DecodedFrame
from plainfilm.decode.jpeg import decode_jpeg
from plainfilm.decode.jpeg2000 import checked_codestream, decoded_frame
from plainfilm.decode.jpeg2000_header import Jpeg2000Header
from plainfilm.decode.process_state import record_refusal
from plainfilm.dicom.frames import FrameBytes
from plainfilm.dicom.instance import ImagePixel
from plainfilm.findings import Finding, FindingCode

Array = npt.NDArray[Any]

# the largest share of the samples that may overshoot Bits Stored
_MAX_OVERSHOOT = 1e-3
# the smallest inverse DCT of libjpeg-turbo gives one sample for a block of 8 x 8
_DCT_LEVELS = 3
_TILE_PART, _START_OF_DATA, _CODING = 0xFF90, 0xFF93, 0xFF52
# SIZ, CAP, COD, QCD, QCC, TLM, PLM, COM; and PLT, COM (T.800 A.2). Where a codestream has no other segments, every tile
# has the levels of COD and no region of interest.
_MAIN_MARKERS = frozenset((0xFF51, 0xFF50, _CODING, 0xFF5C, 0xFF5D, 0xFF55, 0xFF57, 0xFF64))
_TILE_PART_MARKERS = frozenset((0xFF58, 0xFF64))


def decode_reduced_jpeg2000(pixel: ImagePixel, frame: FrameBytes, min_shape: tuple[int, int]) -> DecodedFrame | None:
    """Decode a JPEG 2000 or HTJ2K frame with Pillow, without the wavelet levels that `min_shape` does not need.

    min_shape: rows and columns that the result needs at least. Sample i of level k lies at i * 2^k of the frame.
    Raises DecodeError, TruncatedError and UnsupportedError where the decoder of the full resolution raises them too.
    """
    header, codestream = checked_codestream(pixel, frame)
    level = _highest_level(pixel, min_shape, header.levels)
    if level == 0 or not _is_exact_in_pillow(header) or not _has_plain_layout(codestream):
        return None
    samples = wavelet_level(codestream, header, level)
    if samples is None:
        return None
    decoder = f"jpeg-2000-reduced Pillow-{_pillow_version()}"
    decoded = replace(decoded_frame(pixel, header, samples), decoder=decoder)
    return _on_grid(pixel, decoded, level, first_position=0.0)


def decode_reduced_jpeg(pixel: ImagePixel, frame: FrameBytes, min_shape: tuple[int, int]) -> DecodedFrame | None:
    """Decode an 8-bit JPEG frame with the smallest inverse DCT that `min_shape` (rows, columns) allows.

    Sample i of level k lies in the middle of the 2^k pixels that it represents. Raises DecodeError and TruncatedError.
    """
    level = _highest_level(pixel, min_shape, _DCT_LEVELS)
    if level == 0:
        return None
    decoded = decode_jpeg(pixel, frame, min_shape=_shape_of_level(pixel, level))
    return _on_grid(pixel, decoded, level, first_position=((1 << level) - 1) / 2)


def _highest_level(pixel: ImagePixel, min_shape: tuple[int, int], levels: int) -> int:
    """Return the highest of the levels that has at least the rows and columns of `min_shape`."""
    min_rows, min_columns = min_shape
    level = 0
    while level < levels:
        rows, columns = _shape_of_level(pixel, level + 1)
        if rows < min_rows or columns < min_columns:
            break
        level += 1
    return level


def _shape_of_level(pixel: ImagePixel, level: int) -> tuple[int, int]:
    """Return the rows and columns of a level; level 0 is the full resolution."""
    return -(-pixel.rows >> level), -(-pixel.columns >> level)


def _is_exact_in_pillow(header: Jpeg2000Header) -> bool:
    """Whether the image modes of Pillow and the filters of OpenCV represent the samples exactly."""
    size = header.size
    return (
        size.precision <= (16 if size.components == 1 else 8)
        and size.components in (1, 3)
        and (not size.signed or (size.components == 1 and size.precision > 8))
    )


def _has_plain_layout(codestream: bytes) -> bool:
    """Whether the origin is 0, all tiles have the same coding, and the tile-parts fill the codestream to its last byte.

    Other codestreams may be truncated or have their levels at other positions; they are decoded at full resolution.
    """
    width, height, *origin, tile_width, tile_height, left, top = struct.unpack_from(">8I", codestream, 8)
    if any((*origin, left, top)) or not tile_width or not tile_height:
        return False
    position = _end_of_header(codestream, 2, _MAIN_MARKERS, _TILE_PART)
    tiles = set[int]()
    while position is not None and codestream[position : position + 2] == b"\xff\x90":
        tile, length = struct.unpack_from(">HI", codestream, position + 4)
        if _end_of_header(codestream, position + 12, _TILE_PART_MARKERS, _START_OF_DATA) is None or length < 14:
            return False
        tiles.add(tile)
        position += length
    number = -(-width // tile_width) * -(-height // tile_height)
    return position == len(codestream) - 2 and tiles == set(range(number))


def _end_of_header(codestream: bytes, position: int, markers: frozenset[int], end: int) -> int | None:
    """Return the position of the marker `end` that ends a header.

    Return None where the header has a marker that is not one of `markers`, or no end.
    """
    while position + 4 <= len(codestream):
        marker, length = struct.unpack_from(">HH", codestream, position)
        if marker == end:
            return position
        if marker not in markers:
            return None
        position += 2 + length
    return None


def wavelet_level(codestream: bytes, header: Jpeg2000Header, level: int) -> Array | None:
    """Decode the samples of a level with Pillow.

    Return None where Pillow raises an error, and where it is configured to accept truncated files.
    """
    from PIL import ImageFile
    from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

    if ImageFile.LOAD_TRUNCATED_IMAGES:
        return None
    size = header.size
    columns, rows = -(-size.columns >> level), -(-size.rows >> level)
    try:
        image = Jpeg2KImageFile(io.BytesIO(codestream))
        # The property `reduce` of Pillow rounds the size to the nearest number and rejects the samples beyond it; these
        # assignments do the same with the size rounded up.
        image._size = columns, rows
        image.tile = [
            image.tile[0]._replace(extents=(0, 0, columns, rows), args=("j2k", level, 0, -1, len(codestream)))
        ]
        pixels = np.asarray(image)
    except (OSError, SyntaxError, ValueError):
        record_refusal("OpenJPEG")
        return None
    return _samples_of_pillow(pixels, header)


def _samples_of_pillow(pixels: Array, header: Jpeg2000Header) -> Array:
    """Convert the pixels of Pillow, which fill the top of 8 or 16 bits and have no sign, to samples."""
    precision = header.size.precision
    samples: Array = pixels >> pixels.dtype.type(8 * pixels.dtype.itemsize - precision)
    if header.size.signed:
        samples = (samples.astype(np.int32) - (1 << precision - 1)).astype(np.int16)
    return samples


def _on_grid(pixel: ImagePixel, decoded: DecodedFrame, level: int, first_position: float) -> DecodedFrame | None:
    """Resample the samples of a level to a grid that spans the frame from edge to edge.

    first_position: row and column of the first sample, in pixels of the frame. Return None where the samples are not
    plainly stored values: their meaning then follows only from all samples of the full resolution.
    """
    samples, (rows, columns) = decoded.samples, _shape_of_level(pixel, level)
    if samples.shape[:2] != (rows, columns) or not _has_only_stored_values(pixel, decoded):
        return None
    resampled = _resampled(samples.astype(np.float32), (pixel.rows, pixel.columns), level, first_position)
    samples = np.ascontiguousarray(np.rint(resampled).clip(*_stored_range(pixel)), samples.dtype)
    note = f"decoded at 1/{1 << level} of its resolution: {columns} x {rows} of {pixel.columns} x {pixel.rows}"
    return replace(decoded, samples=samples, findings=(*decoded.findings, Finding(FindingCode.REDUCED_DECODE, note)))


def _has_only_stored_values(pixel: ImagePixel, decoded: DecodedFrame) -> bool:
    """Whether the samples are the stored values themselves, except a few that exceed Bits Stored.

    A wavelet overshoots at edges; the codec clips at its own precision, which is often higher than Bits Stored.
    """
    if pixel.high_bit != pixel.bits_stored - 1 or pixel.signed != bool(decoded.signed):
        return False
    samples, (lowest, highest) = decoded.samples, _stored_range(pixel)
    if samples.min() >= lowest and samples.max() <= highest:
        return True
    return bool(np.count_nonzero((samples < lowest) | (samples > highest)) <= _MAX_OVERSHOOT * samples.size)


def _stored_range(pixel: ImagePixel) -> tuple[int, int]:
    """Return the smallest and the largest value of Bits Stored."""
    span = 1 << pixel.bits_stored
    return (-(span >> 1), (span >> 1) - 1) if pixel.signed else (0, span - 1)


def _resampled(samples: Array, frame_shape: tuple[int, int], level: int, first_position: float) -> Array:
    """Interpolate samples (float32) to a grid of as many positions that spans the frame (rows, columns) evenly.

    Sample i lies at first_position + i * 2^level of the frame. The interpolation is cubic (Catmull-Rom): linear
    interpolation would remove details, and the cubic interpolation of OpenCV moves slopes by a twentieth of a sample.
    """
    step = 1 << level
    if (samples.shape[0] << level, samples.shape[1] << level) == frame_shape:
        fraction = ((step - 1) / 2 - first_position) / step
        kernel = _cubic_weights(np.array(fraction))
        border = cv2.BORDER_REPLICATE
        return np.asarray(cv2.sepFilter2D(samples, -1, kernel, kernel, anchor=(1, 1), borderType=border))
    for length in frame_shape:
        # each pass interpolates along the first axis, then swaps both axes
        middles = (np.arange(samples.shape[0]) + 0.5) * (length / samples.shape[0]) - 0.5
        samples = _interpolate_rows(samples, (middles - first_position) / step).swapaxes(0, 1)
    return samples


def _interpolate_rows(samples: Array, positions: Array) -> Array:
    """Interpolate along the first axis at fractional row positions; rows beyond the edges repeat the edge."""
    before = np.floor(positions).astype(np.intp)
    weights = _cubic_weights(positions - before).astype(samples.dtype).reshape(4, -1, *[1] * (samples.ndim - 1))
    taps = [samples[(before + tap).clip(0, len(samples) - 1)] for tap in (-1, 0, 1, 2)]
    return np.asarray(sum(weight * tap for weight, tap in zip(weights, taps, strict=True)))


def _cubic_weights(fraction: Array) -> Array:
    """Return the weights of four samples for a value between the second (fraction 0) and the third (fraction 1)."""
    return np.stack(
        [
            ((1 - fraction / 2) * fraction - 0.5) * fraction,
            (1.5 * fraction - 2.5) * fraction**2 + 1,
            ((2 - 1.5 * fraction) * fraction + 0.5) * fraction,
            (fraction / 2 - 0.5) * fraction**2,
        ]
    )


def _pillow_version() -> str:
    from PIL import __version__

    return __version__
