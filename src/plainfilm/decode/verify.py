# SPDX-License-Identifier: MIT
"""The bytes of a lossless frame -> its cells by a second library, for --verify; no cells of one that is lossy.

Only compared with, never handed on: some of these libraries are less strict than the first.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.decode.codestream import START_OF_SCAN, read_jpeg, read_jpeg2000, read_rle
from plainfilm.decode.decoded import DecodedFrame
from plainfilm.decode.jpeg import LOSSLESS
from plainfilm.decode.native import decode_native
from plainfilm.decode.rle import decode_rle_segments
from plainfilm.dicom.frames import FrameBytes
from plainfilm.dicom.instance import ImagePixel
from plainfilm.errors import DecodeError, Stage, UnsupportedError

Array = npt.NDArray[Any]
_LOSSY = DecodedFrame(np.zeros(0, np.uint8), None, None, "", "")


def second_deflated(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """A deflated frame by igzip. Raises DecodeError."""
    from isal import isal_zlib

    refusal: Any = isal_zlib.error
    try:
        content = isal_zlib.decompress(frame.data, -zlib.MAX_WBITS)
    except refusal as error:
        raise _refused("igzip", error) from error
    return _named("isal igzip", decode_native(pixel, FrameBytes(content)).samples)


def second_rle(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """An RLE frame whose segments are PackBits of imagecodecs, each given on as one literal run after another."""
    import imagecodecs

    try:
        contents = [bytes(imagecodecs.packbits_decode(frame.data[segment])) for segment in read_rle(frame.data)]
    except (RuntimeError, ValueError) as error:
        raise _refused("PackBits", error) from error
    return _named("imagecodecs packbits", decode_rle_segments(pixel, [_literal(one) for one in contents]).samples)


def _literal(content: bytes) -> bytes:
    """Literal runs of at most 128 bytes (PS3.5 G.3.2)."""
    runs = (content[start : start + 128] for start in range(0, len(content), 128))
    return b"".join(bytes((len(run) - 1,)) + run for run in runs)


def second_jpeg(_pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """A lossless JPEG frame by jpegsof3. Raises DecodeError."""
    import imagecodecs

    header = read_jpeg(frame.data)
    if header.process != LOSSLESS:
        return _LOSSY
    scan = next(segment for segment in header.segments if segment.marker == START_OF_SCAN)
    if frame.data[scan.stop - 1] & 0x0F:
        raise UnsupportedError("a point transform, which the second library does not know", stage=Stage.DECODE)
    try:
        samples = imagecodecs.jpegsof3_decode(frame.data[: header.stop])
    except (RuntimeError, ValueError) as error:
        raise _refused("jpegsof3", error) from error
    return _named("imagecodecs jpegsof3", samples)


def second_jpegls(_pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """There is no second library for JPEG-LS. Raises UnsupportedError where the codestream is lossless."""
    header = read_jpeg(frame.data)
    scans = (segment for segment in header.segments if segment.marker == START_OF_SCAN)
    if any(frame.data[scan.stop - 3] for scan in scans):
        return _LOSSY
    raise UnsupportedError("there is no second library for JPEG-LS", stage=Stage.DECODE)


def second_jpeg2000(_pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """A reversible frame: of HTJ2K by OpenJPH, of JPEG 2000 by another version of OpenJPEG. Raises DecodeError."""
    import imagecodecs

    header = read_jpeg2000(frame.data)
    if not header.reversible:
        return _LOSSY
    name = "htj2k" if header.high_throughput else "jpeg2k"
    decode = imagecodecs.htj2k_decode if header.high_throughput else imagecodecs.jpeg2k_decode
    try:
        samples = decode(frame.data[header.start : header.stop])
    except (RuntimeError, ValueError) as error:
        raise _refused(name, error) from error
    return _named(f"imagecodecs {name}", samples)


def second_jpegxl(_pixel: ImagePixel, _frame: FrameBytes) -> DecodedFrame:
    """There is no second library for JPEG XL. Raises UnsupportedError."""
    raise UnsupportedError("there is no second library for JPEG XL", stage=Stage.DECODE)


def _refused(name: str, error: Exception) -> DecodeError:
    return DecodeError(f"{name} refuses the codestream: {error}")


def _named(name: str, samples: Array) -> DecodedFrame:
    return DecodedFrame(samples, None, None, name, "")
