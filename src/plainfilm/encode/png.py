# SPDX-License-Identifier: MIT
"""Encode an 8 or 16-bit grey or RGB image as PNG (ISO/IEC 15948), with no other chunks than those in this module."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from isal import isal_zlib

from plainfilm.encode.compression import BACKEND, Backend, compress_image
from plainfilm.errors import EncodeError
from plainfilm.kernels.levels import Levels
from plainfilm.pickling import dataclass

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _TRUECOLOR = 0, 2
_pack_header, _pack_length = struct.Struct(">IIBBBBB").pack, struct.Struct(">I").pack
_CHECKSUMS = {kind: isal_zlib.crc32(kind) for kind in (b"IHDR", b"iCCP", b"tEXt", b"IDAT", b"IEND")}
_MAX_SIDE = 2**31 - 1  # rows or columns, section 11.2.2


@dataclass(frozen=True, slots=True)
class Ancillary:
    """The contents of the ancillary chunks: `software` is ISO 8859-1 text without NUL, `icc_profile` a whole profile.

    The profile must be one for the channels of the image: a grey one for grey, an RGB one for RGB (section 11.3.3.3).
    """

    software: str
    icc_profile: bytes | None = None


def encode_png(image: Levels, ancillary: Ancillary, backend: Backend = BACKEND) -> bytes:
    """Return the PNG of an image, (rows, columns) or (rows, columns, 3), uint8 or uint16; arrays of either byte order.

    The chunks are in the order of section 5.6, with one IDAT chunk for each piece of compressed pixels.
    The same image gives the same bytes with the same backend and the same versions of isal and zlib. Raises EncodeError
    where the image has another shape or type.
    """
    has_shape = len(image.shape) == 2 or (len(image.shape) == 3 and image.shape[2] == 3)
    has_type = image.dtype.kind == "u" and image.dtype.itemsize in (1, 2)
    if not has_shape or not has_type or min(image.shape) == 0 or max(image.shape) > _MAX_SIDE:
        raise EncodeError(f"PNG holds 8 or 16-bit grey and RGB images, not {image.dtype} of shape {image.shape}")
    if isinstance(image, np.ndarray):
        image = np.ascontiguousarray(image, image.dtype.newbyteorder("="))
    parts = [_SIGNATURE, *_chunk(b"IHDR", _header(image))]
    if ancillary.icc_profile is not None:
        parts += _chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(ancillary.icc_profile))
    parts += _chunk(b"tEXt", b"Software\0" + ancillary.software.encode("latin-1"))
    for piece in compress_image(image, backend):
        parts += _chunk(b"IDAT", piece)
    return b"".join((*parts, *_chunk(b"IEND", b"")))


def _header(image: Levels) -> bytes:
    """Columns, rows, bits per sample, colour type; the compression, filter and interlace methods are 0 (11.2.2)."""
    rows, columns = image.shape[:2]
    color_type = _GREY if len(image.shape) == 2 else _TRUECOLOR
    return _pack_header(columns, rows, image.dtype.itemsize * 8, color_type, 0, 0, 0)


def _chunk(kind: bytes, data: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """Length, type, data and checksum of a chunk (section 5.3)."""
    return _pack_length(len(data)), kind, data, _pack_length(isal_zlib.crc32(data, _CHECKSUMS[kind]))
