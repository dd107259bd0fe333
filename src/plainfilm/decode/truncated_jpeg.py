# SPDX-License-Identifier: MIT
"""Decode truncated JPEG and JPEG-LS frames: the pixels that the data hold, and a mask of the missing pixels.

The codestream is decoded twice, each time with other bytes in place of the missing ones. Both results agree up to the
truncation. The two tails begin with different bits, so the first symbol that needs a missing bit has different values
in the two results.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.decode.codestream import JPEG_LS, JpegHeader, check_size, read_jpeg
from plainfilm.decode.decoded import DecodedFrame
from plainfilm.decode.jpeg import (
    LOSSLESS,
    SEQUENTIAL,
    checked_header,
    decode_jpeg,
    decode_leniently,
    deep_frame,
    with_near,
)
from plainfilm.decode.native import full_chroma_space
from plainfilm.decode.truncated_native import missing_after
from plainfilm.dicom.frames import FrameBytes
from plainfilm.dicom.instance import ImagePixel
from plainfilm.errors import DecodeError, Stage, TruncatedError, UnsupportedError

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
_END = b"\xff\xd9"
_TAIL = b"\x5a\xa5\x3c\xc3\x0f\xf0\x69\x96" * 8
_TAILS = (_TAIL, bytes(255 - octet for octet in _TAIL))


def decode_truncated_jpeg(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """Decode a truncated 8-bit sequential DCT frame up to the row of blocks with the truncation.

    Raises DecodeError, TruncatedError, and UnsupportedError where the frame is progressive: its last scans refine every
    pixel, so that no pixel is complete.
    """
    body = _without_end_marker(frame.data)
    try:
        complete = decode_jpeg(pixel, FrameBytes(body + _END))
        return replace(complete, missing=np.zeros((pixel.rows, pixel.columns), bool))
    except TruncatedError:
        header = read_jpeg(body + _END)
        _check_is_sequential(header)
    first, second = (decode_jpeg(pixel, FrameBytes(body + tail + _END), strict=False) for tail in _TAILS)
    return replace(first, missing=_missing_pixels(pixel, header, first.samples, second.samples))


def decode_truncated_jpeg_deep(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """Decode a truncated 12-bit sequential DCT or lossless frame. Raises the errors of `decode_truncated_jpeg`."""
    body = _without_end_marker(frame.data)
    checked = checked_header(pixel, FrameBytes(body + _END))
    header = checked.header
    _check_is_sequential(header)
    first, second = (decode_leniently(body + tail + _END, header) for tail in _TAILS)
    missing = _missing_pixels(pixel, header, first, second)
    return deep_frame(first, checked, missing)


def decode_truncated_jpegls(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """Decode a truncated JPEG-LS frame. Raises DecodeError and TruncatedError."""
    body = _without_end_marker(frame.data)
    header = read_jpeg(body + _END)
    check_size(header.size, pixel)
    if header.process != JPEG_LS:
        raise DecodeError("the codestream is not JPEG-LS")
    first, second = (_decode_jpegls_lines(body + tail + _END, header, fill) for fill, tail in enumerate(_TAILS))
    missing = _missing_pixels(pixel, header, first, second)
    space = full_chroma_space(pixel.photometric_interpretation)
    decoded = DecodedFrame(first, header.size.precision, None, "", space, missing=missing)
    return with_near(decoded, body, header)


def _without_end_marker(data: bytes) -> bytes:
    """Remove the padding, the end marker, and a last byte FF that would form a marker with the bytes that follow."""
    body = data.rstrip(b"\0") if data.rstrip(b"\0").endswith(_END) else data
    return body.removesuffix(_END).rstrip(b"\xff")


def _check_is_sequential(header: JpegHeader) -> None:
    if header.process not in (*SEQUENTIAL, LOSSLESS):
        raise UnsupportedError("no pixel of a truncated progressive codestream is complete", stage=Stage.DECODE)


def _decode_jpegls_lines(codestream: bytes, header: JpegHeader, fill: int) -> Array:
    """Return the lines that CharLS decodes before it rejects the codestream, and `fill` in the other lines."""
    import imagecodecs

    size = header.size
    shape = (size.rows, size.columns) if size.components == 1 else (size.rows, size.columns, size.components)
    lines = np.full(shape, fill, np.uint8 if size.precision <= 8 else np.uint16)
    try:
        imagecodecs.jpegls_decode(codestream, out=lines)
    except (RuntimeError, ValueError):
        return lines
    return lines


def _missing_pixels(pixel: ImagePixel, header: JpegHeader, first: Array, second: Array) -> Mask:
    """Return the mask of all pixels from the first one on in which two decodes differ.

    For DCT the mask begins with the whole row of minimum coded units (T.81 A.2). For JPEG-LS it begins with the whole
    line, because the two decodes can agree along a run that was shorter.
    """
    differs = np.asarray(first != second).reshape(pixel.rows * pixel.columns, -1).any(axis=1)
    if not differs.any():
        return missing_after(pixel, differs.size)
    position = int(differs.argmax())
    if header.process != LOSSLESS:
        unit_rows = 8 * max(header.vertical_sampling) if header.process in SEQUENTIAL else 1
        position = position // pixel.columns // unit_rows * unit_rows * pixel.columns
    return missing_after(pixel, position)
