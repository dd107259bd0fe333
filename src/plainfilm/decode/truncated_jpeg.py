# SPDX-License-Identifier: MIT
"""A JPEG or JPEG-LS frame that is cut short -> the cells that are there, and which pixels are not.

Two decodes, each with other bytes in place of those that are missing, agree up to where the codestream was cut: the
tails begin with different bits, so the first symbol that needs one of them comes out differently.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.decode.codestream import JPEG_LS, JpegHeader, check_size, read_jpeg
from plainfilm.decode.decoded import DecodedFrame
from plainfilm.decode.jpeg import LOSSLESS, SEQUENTIAL, checked, decode_jpeg, decode_leniently
from plainfilm.decode.native import full_chroma
from plainfilm.decode.truncated_native import missing_after
from plainfilm.dicom.frames import FrameBytes
from plainfilm.dicom.instance import ImagePixel
from plainfilm.errors import DecodeError, Stage, TruncatedError, UnsupportedError

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
_END = b"\xff\xd9"
_TAIL = b"\x5a\xa5\x3c\xc3\x0f\xf0\x69\x96" * 8
_TAILS = (_TAIL, bytes(255 - octet for octet in _TAIL))


def decode_cut_jpeg(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """The cells of an 8-bit sequential DCT frame up to the row of blocks in which it is cut.

    Raises DecodeError, TruncatedError, and UnsupportedError where it is progressive: then all of it is coarser than it
    was.
    """
    body = _body(frame.data)
    try:
        return replace(decode_jpeg(pixel, FrameBytes(body + _END)), missing=np.zeros((pixel.rows, pixel.columns), bool))
    except TruncatedError:
        header = _sequential(read_jpeg(body + _END))
    first, second = (decode_jpeg(pixel, FrameBytes(body + tail + _END), strict=False) for tail in _TAILS)
    return replace(first, missing=_from_first_difference(pixel, header, (first.samples, second.samples)))


def decode_cut_jpeg_deep(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """The cells of a 12-bit sequential DCT frame, or of a lossless one, up to where it is cut. Raises as above."""
    body = _body(frame.data)
    header, space, findings = checked(pixel, FrameBytes(body + _END))
    _sequential(header)
    first, second = (decode_leniently(body + tail + _END, header) for tail in _TAILS)
    missing = _from_first_difference(pixel, header, (first, second))
    return DecodedFrame(first, header.size.precision, None, "", space, findings, missing)


def decode_cut_jpegls(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """The cells of a JPEG-LS frame up to where it is cut. Raises DecodeError and TruncatedError."""
    body = _body(frame.data)
    header = read_jpeg(body + _END)
    check_size(header.size, pixel)
    if header.process != JPEG_LS:
        raise DecodeError("the codestream is no JPEG-LS")
    first, second = (_jpegls_lines(body + tail + _END, header, fill) for fill, tail in enumerate(_TAILS))
    missing = _from_first_difference(pixel, header, (first, second))
    space = full_chroma(pixel.photometric_interpretation)
    return DecodedFrame(first, header.size.precision, None, "", space, missing=missing)


def _body(data: bytes) -> bytes:
    """The codestream without an end marker, and without a last byte that would make one with what follows it."""
    body = data.rstrip(b"\0") if data.rstrip(b"\0").endswith(_END) else data
    return body.removesuffix(_END).rstrip(b"\xff")


def _sequential(header: JpegHeader) -> JpegHeader:
    if header.process not in (*SEQUENTIAL, LOSSLESS):
        raise UnsupportedError("of a progressive codestream that is cut short nothing is whole", stage=Stage.DECODE)
    return header


def _jpegls_lines(codestream: bytes, header: JpegHeader, fill: int) -> Array:
    """The lines that CharLS gives before it refuses the codestream; `fill` in the others."""
    import imagecodecs

    size = header.size
    shape = (size.rows, size.columns) if size.components == 1 else (size.rows, size.columns, size.components)
    lines = np.full(shape, fill, np.uint8 if size.precision <= 8 else np.uint16)
    try:
        imagecodecs.jpegls_decode(codestream, out=lines)
    except (RuntimeError, ValueError):
        return lines
    return lines


def _from_first_difference(pixel: ImagePixel, header: JpegHeader, decoded: tuple[Array, Array]) -> Mask:
    """Which pixels do not come before the first in which two decodes differ.

    Of a DCT that is its whole row of minimum coded units (T.81 A.2); of JPEG-LS its line, along which the two may agree
    on a run that was shorter.
    """
    unlike = np.asarray(decoded[0] != decoded[1]).reshape(pixel.rows * pixel.columns, -1).any(axis=1)
    if not unlike.any():
        return missing_after(pixel, unlike.size)
    place = int(unlike.argmax())
    if header.process != LOSSLESS:
        height = 8 * max(header.vertical_sampling) if header.process in SEQUENTIAL else 1
        place = place // pixel.columns // height * height * pixel.columns
    return missing_after(pixel, place)
