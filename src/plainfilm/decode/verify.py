# SPDX-License-Identifier: MIT
"""Decode lossless frames with a second library, to verify the samples of the first (--verify).

The samples are only compared and never used: some of these libraries check a codestream less strictly than the first.
For a lossy frame the result is `_LOSSY`, which has no samples. If a result has findings, its samples do not verify the
frame.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.decode.codestream import START_OF_SCAN, read_jpeg, read_rle
from plainfilm.decode.decoded import DecodedFrame
from plainfilm.decode.jpeg import LOSSLESS, decode_leniently
from plainfilm.decode.jpeg2000_header import read_jpeg2000
from plainfilm.decode.jpeg_lossless import count_scan_bits
from plainfilm.decode.native import decode_native
from plainfilm.decode.process_state import record_refusal
from plainfilm.decode.rle import decode_rle_segments
from plainfilm.dicom.frames import FrameBytes
from plainfilm.dicom.instance import ImagePixel
from plainfilm.errors import DecodeError, Stage, UnsupportedError
from plainfilm.findings import Finding, FindingCode

Array = npt.NDArray[Any]
_LOSSY = DecodedFrame(np.zeros(0, np.uint8), None, None, "", "")


def decode_deflated_isal(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """Decode a deflated frame with igzip. Raises DecodeError."""
    from isal import isal_zlib

    inflate_error: Any = isal_zlib.error
    try:
        content = isal_zlib.decompress(frame.data, -zlib.MAX_WBITS)
    except inflate_error as error:
        raise _refusal("igzip", error) from error
    return _decoded_by("isal igzip", decode_native(pixel, FrameBytes(content)).samples)


def decode_rle_packbits(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """Decode an RLE frame with the PackBits codec of imagecodecs. Raises DecodeError.

    The decoded segments are encoded again as literal runs, so that `decode_rle_segments` can join their bytes.
    """
    import imagecodecs

    try:
        contents = [bytes(imagecodecs.packbits_decode(frame.data[segment])) for segment in read_rle(frame.data)]
    except (RuntimeError, ValueError) as error:
        raise _refusal("PackBits", error) from error
    segments = [_literal_runs(content) for content in contents]
    return _decoded_by("imagecodecs packbits", decode_rle_segments(pixel, segments).samples)


def _literal_runs(content: bytes) -> bytes:
    """Encode bytes as literal runs of at most 128 bytes (PS3.5 G.3.2)."""
    runs = (content[start : start + 128] for start in range(0, len(content), 128))
    return b"".join(bytes((len(run) - 1,)) + run for run in runs)


def decode_jpeg_lossless_jpegsof3(_pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """Decode a lossless JPEG frame with jpegsof3. Raises DecodeError, UnsupportedError for a point transform."""
    import imagecodecs

    header = read_jpeg(frame.data)
    if header.process != LOSSLESS:
        return _LOSSY
    scan = next(segment for segment in header.segments if segment.marker == START_OF_SCAN)
    if frame.data[scan.stop - 1] & 0x0F:
        raise UnsupportedError("a point transform, which the second library does not decode", stage=Stage.DECODE)
    codestream = frame.data[: header.stop]
    try:
        samples = imagecodecs.jpegsof3_decode(codestream)
    except (RuntimeError, ValueError) as error:
        record_refusal("jpegsof3")
        raise _refusal("jpegsof3", error) from error
    decoded = _decoded_by("imagecodecs jpegsof3", samples)
    if count_scan_bits(samples, header, codestream) is not None:
        return decoded
    note = "the bits of several scans or restart intervals are not counted, so that missing ones are not noticed"
    return replace(decoded, findings=(Finding(FindingCode.NOT_VERIFIED, note),))


def decode_jpeg_lossless_libjpeg(_pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """Decode a lossless JPEG frame with libjpeg-turbo. Raises DecodeError."""
    header = read_jpeg(frame.data)
    return _decoded_by("imagecodecs jpeg8", decode_leniently(frame.data[: header.stop], header))


def decode_jpegls(_pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """Raise UnsupportedError for a lossless codestream: JPEG-LS has no second library."""
    header = read_jpeg(frame.data)
    scans = (segment for segment in header.segments if segment.marker == START_OF_SCAN)
    if any(frame.data[scan.stop - 3] for scan in scans):
        return _LOSSY
    raise UnsupportedError("there is no second library for JPEG-LS", stage=Stage.DECODE)


def decode_jpeg2000_imagecodecs(_pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """Decode a reversible frame: HTJ2K with OpenJPH, JPEG 2000 with another version of OpenJPEG. Raises DecodeError."""
    import imagecodecs

    header = read_jpeg2000(frame.data)
    if not header.reversible:
        return _LOSSY
    name = "htj2k" if header.high_throughput else "jpeg2k"
    decode = imagecodecs.htj2k_decode if header.high_throughput else imagecodecs.jpeg2k_decode
    try:
        samples = decode(header.codestream_of(frame.data))
    except (RuntimeError, ValueError) as error:
        record_refusal(name)
        raise _refusal(name, error) from error
    decoded = _decoded_by(f"imagecodecs {name}", samples)
    if header.packets.is_complete_count:
        return decoded
    note = "the codestream does not tell how many packets it should have, so that missing ones are not noticed"
    return replace(decoded, findings=(Finding(FindingCode.NOT_VERIFIED, note),))


def decode_jpeg2000_alone(_pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """Raise UnsupportedError for a reversible frame: the other library has refused it already."""
    if not read_jpeg2000(frame.data).reversible:
        return _LOSSY
    raise UnsupportedError("the first library refused the codestream", stage=Stage.DECODE)


def decode_jpegxl(_pixel: ImagePixel, _frame: FrameBytes) -> DecodedFrame:
    """Raise UnsupportedError: JPEG XL has no second library."""
    raise UnsupportedError("there is no second library for JPEG XL", stage=Stage.DECODE)


def _refusal(name: str, error: Exception) -> DecodeError:
    return DecodeError(f"{name} refuses the codestream: {error}")


def _decoded_by(decoder: str, samples: Array) -> DecodedFrame:
    return DecodedFrame(samples, None, None, decoder, "")
