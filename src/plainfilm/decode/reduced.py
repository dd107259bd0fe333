# SPDX-License-Identifier: MIT
"""The bytes of a frame -> its cells at a lower resolution, on a grid that spans the frame (--decode reduced).

Of JPEG 2000 and HTJ2K the wavelet levels that an output needs (ITU-T T.800 B.5), of 8-bit JPEG a smaller inverse DCT.
Each function gives None where the frame has to be decoded whole: nothing is guessed about a codestream that is unusual.
"""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from plainfilm.decode.codestream import Jpeg2000Header
from plainfilm.decode.decoded import DecodedFrame
from plainfilm.decode.jpeg import decode_jpeg
from plainfilm.decode.jpeg2000 import checked, decoded_of
from plainfilm.dicom.frames import FrameBytes
from plainfilm.dicom.instance import ImagePixel
from plainfilm.findings import Finding, FindingCode

Array = npt.NDArray[Any]

# the share of the cells that may overshoot Bits Stored
_MOST_BEYOND = 1e-3
# libjpeg-turbo's smallest inverse DCT gives one sample of 8 x 8
_DCT_LEVELS = 3
_TILE_PART, _START_OF_DATA, _CODING = 0xFF90, 0xFF93, 0xFF52
# SIZ, CAP, COD, QCD, QCC, TLM, PLM, COM; and PLT, COM (T.800 A.2): with these every tile has the levels of COD, and
# its samples their plain place
_MAIN = frozenset((0xFF51, 0xFF50, _CODING, 0xFF5C, 0xFF5D, 0xFF55, 0xFF57, 0xFF64))
_OF_TILE_PART = frozenset((0xFF58, 0xFF64))


def reduced_jpeg2000(pixel: ImagePixel, frame: FrameBytes, least: tuple[int, int]) -> DecodedFrame | None:
    """A JPEG 2000 or HTJ2K frame without the wavelet levels beyond the least rows and columns, by Pillow.

    Sample i of level k lies at i * 2^k of the frame. Raises DecodeError, TruncatedError and UnsupportedError where the
    whole decoder does so too.
    """
    header, codestream = checked(pixel, frame)
    level = _level(pixel, least, header.levels)
    if level == 0 or not _is_held(header) or not _is_plain(codestream):
        return None
    samples = wavelet_level(codestream, header, level)
    if samples is None:
        return None
    decoder = f"jpeg-2000-reduced Pillow-{_pillow_version()}"
    return _on_grid(pixel, replace(decoded_of(pixel, header, samples), decoder=decoder), level, 0.0)


def reduced_jpeg(pixel: ImagePixel, frame: FrameBytes, least: tuple[int, int]) -> DecodedFrame | None:
    """An 8-bit JPEG frame, of each block of 8 x 8 as few samples as the least rows and columns ask for.

    Sample i of level k lies in the middle of the 2^k that it stands for. Raises DecodeError and TruncatedError.
    """
    level = _level(pixel, least, _DCT_LEVELS)
    if level == 0:
        return None
    decoded = decode_jpeg(pixel, frame, size=_size(pixel, level))
    return _on_grid(pixel, decoded, level, ((1 << level) - 1) / 2)


def _level(pixel: ImagePixel, least: tuple[int, int], levels: int) -> int:
    """The highest level that has the least rows and columns."""
    level = 0
    while level < levels and all(size >= needed for size, needed in zip(_size(pixel, level + 1), least, strict=True)):
        level += 1
    return level


def _size(pixel: ImagePixel, level: int) -> tuple[int, int]:
    """Rows and columns of a level."""
    return -(-pixel.rows >> level), -(-pixel.columns >> level)


def _is_held(header: Jpeg2000Header) -> bool:
    """Whether Pillow's pictures, and OpenCV's shifts, hold the samples to the last bit."""
    size = header.size
    return (
        size.precision <= (16 if size.components == 1 else 8)
        and size.components in (1, 3)
        and (not size.signed or (size.components == 1 and size.precision > 8))
    )


def _is_plain(codestream: bytes) -> bool:
    """Whether a codestream has its origin at 0, no tile is unlike the others, and tile-parts fill it to the last byte.

    One that lacks bytes, and one whose levels lie elsewhere, are left to the decoder of whole frames.
    """
    width, height, *origin, tile_width, tile_height, left, top = struct.unpack_from(">8I", codestream, 8)
    if any((*origin, left, top)) or not tile_width or not tile_height:
        return False
    position = _after_header(codestream, 2, _MAIN, _TILE_PART)
    tiles = set[int]()
    while position is not None and codestream[position : position + 2] == b"\xff\x90":
        tile, length = struct.unpack_from(">HI", codestream, position + 4)
        if _after_header(codestream, position + 12, _OF_TILE_PART, _START_OF_DATA) is None or length < 14:
            return False
        tiles.add(tile)
        position += length
    number = -(-width // tile_width) * -(-height // tile_height)
    return position == len(codestream) - 2 and tiles == set(range(number))


def _after_header(codestream: bytes, position: int, known: frozenset[int], end: int) -> int | None:
    """Where the marker lies that ends a header; None where another one is met that is not known, or no end."""
    while position + 4 <= len(codestream):
        marker, length = struct.unpack_from(">HH", codestream, position)
        if marker == end:
            return position
        if marker not in known:
            return None
        position += 2 + length
    return None


def wavelet_level(codestream: bytes, header: Jpeg2000Header, level: int) -> Array | None:
    """The samples of a level, as the codestream has them; None where Pillow refuses, or would keep what is broken."""
    from PIL import ImageFile
    from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

    if ImageFile.LOAD_TRUNCATED_IMAGES:
        return None
    size = header.size
    columns, rows = -(-size.columns >> level), -(-size.rows >> level)
    try:
        image = Jpeg2KImageFile(io.BytesIO(codestream))
        # what its `reduce` does, which rounds the size to the nearest number and then refuses samples beyond it
        image._size = columns, rows
        image.tile = [
            image.tile[0]._replace(extents=(0, 0, columns, rows), args=("j2k", level, 0, -1, len(codestream)))
        ]
        pixels = np.asarray(image)
    except (OSError, SyntaxError, ValueError):
        return None
    return _unshifted(pixels, header)


def _unshifted(pixels: Array, header: Jpeg2000Header) -> Array:
    """Pillow's pixels, which are shifted to the top of 8 or 16 bits and begin at 0, as the samples that they are."""
    precision = header.size.precision
    samples: Array = pixels >> pixels.dtype.type(8 * pixels.dtype.itemsize - precision)
    if header.size.signed:
        samples = (samples.astype(np.int32) - (1 << precision - 1)).astype(np.int16)
    return samples


def _on_grid(pixel: ImagePixel, decoded: DecodedFrame, level: int, phase: float) -> DecodedFrame | None:
    """The frame with its samples on a grid that spans it from edge to edge; phase: where its first sample lies.

    None where all of its cells are needed to tell what they are.
    """
    samples, size = decoded.samples, _size(pixel, level)
    if samples.shape[:2] != size or not _are_stored_values(pixel, decoded):
        return None
    shifted = _shifted(samples.astype(np.float32), (pixel.rows, pixel.columns), level, phase)
    samples = np.ascontiguousarray(np.rint(shifted).clip(*_range_of(pixel)), samples.dtype)
    note = f"decoded at 1/{1 << level} of its resolution: {size[1]} x {size[0]} of {pixel.columns} x {pixel.rows}"
    return replace(decoded, samples=samples, findings=(*decoded.findings, Finding(FindingCode.REDUCED_DECODE, note)))


def _are_stored_values(pixel: ImagePixel, decoded: DecodedFrame) -> bool:
    """Whether cells are the stored values themselves, but for few that lie beyond Bits Stored.

    A wavelet overshoots at edges; the codec cuts that off at its own precision, which is often above Bits Stored.
    """
    if pixel.high_bit != pixel.bits_stored - 1 or pixel.signed != bool(decoded.signed):
        return False
    samples, (lowest, highest) = decoded.samples, _range_of(pixel)
    if samples.min() >= lowest and samples.max() <= highest:
        return True
    return bool(np.count_nonzero((samples < lowest) | (samples > highest)) <= _MOST_BEYOND * samples.size)


def _range_of(pixel: ImagePixel) -> tuple[int, int]:
    """The smallest and the largest value that Bits Stored can hold."""
    span = 1 << pixel.bits_stored
    return (-(span >> 1), (span >> 1) - 1) if pixel.signed else (0, span - 1)


def _shifted(samples: Array, whole: tuple[int, int], level: int, phase: float) -> Array:
    """Samples (float32) at phase + i * 2^level of a frame, on a grid of as many that spans its (rows, columns) evenly.

    The curve between them is a cubic (Catmull and Rom): a straight line would take away what the wavelet has kept, and
    OpenCV's cubic moves slopes by a twentieth of a sample.
    """
    apart = 1 << level
    if (samples.shape[0] << level, samples.shape[1] << level) == whole:
        ahead = ((apart - 1) / 2 - phase) / apart
        kernel = _cubic(np.array(ahead))
        border = cv2.BORDER_REPLICATE
        return np.asarray(cv2.sepFilter2D(samples, -1, kernel, kernel, anchor=(1, 1), borderType=border))
    for length in whole:
        # every step takes one axis, and leaves the other one in front
        middles = (np.arange(samples.shape[0]) + 0.5) * (length / samples.shape[0]) - 0.5
        samples = _along_rows(samples, (middles - phase) / apart).swapaxes(0, 1)
    return samples


def _along_rows(samples: Array, places: Array) -> Array:
    """Samples at these places, in rows, of the curve through them; beyond the edges it is level."""
    before = np.floor(places).astype(np.intp)
    weights = _cubic(places - before).astype(samples.dtype).reshape(4, -1, *[1] * (samples.ndim - 1))
    taps = [samples[(before + tap).clip(0, len(samples) - 1)] for tap in (-1, 0, 1, 2)]
    return np.asarray(sum(weight * tap for weight, tap in zip(weights, taps, strict=True)))


def _cubic(ahead: Array) -> Array:
    """The weights of four samples for the value between the second and the third, 0 to 1 `ahead` of the second."""
    return np.stack(
        [
            ((1 - ahead / 2) * ahead - 0.5) * ahead,
            (1.5 * ahead - 2.5) * ahead**2 + 1,
            ((2 - 1.5 * ahead) * ahead + 0.5) * ahead,
            (ahead / 2 - 0.5) * ahead**2,
        ]
    )


def _pillow_version() -> str:
    from PIL import __version__

    return __version__
