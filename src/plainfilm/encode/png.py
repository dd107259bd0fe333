# SPDX-License-Identifier: MIT
"""An image, 8 or 16 bits, grey or RGB -> the bytes of a PNG (ISO/IEC 15948) with one text chunk, `Software`."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from plainfilm.errors import EncodeError

_AFTER_HEADER = 33  # signature 8, IHDR: length 4, type 4, data 13, crc 4
_LEVEL = 1  # films are noise: higher levels cost much time and save little


def encode_png(image: npt.NDArray[Any], software: str, profile: bytes | None = None) -> bytes:
    """The PNG of an image, (rows, columns) or (rows, columns, 3), uint8 or uint16; `software` is ISO 8859-1 text.

    profile: the ICC profile of an RGB image.

    Raises EncodeError where the image has another shape or type, or the encoder refuses it.
    """
    has_shape = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    if image.dtype not in (np.uint8, np.uint16) or not has_shape or image.size == 0:
        raise EncodeError(f"PNG holds 8 or 16-bit grey and RGB images, not {image.dtype} of shape {image.shape}")
    channels = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(".png", channels, [cv2.IMWRITE_PNG_COMPRESSION, _LEVEL])
    if not done:
        raise EncodeError(f"the PNG encoder refuses an image of shape {image.shape}")
    content = encoded.tobytes()
    chunks = b"" if profile is None else _chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(profile))
    chunks += _chunk(b"tEXt", b"Software\0" + software.encode("latin-1"))
    return content[:_AFTER_HEADER] + chunks + content[_AFTER_HEADER:]


def _chunk(kind: bytes, data: bytes) -> bytes:
    """Length, type, data and checksum (ISO/IEC 15948 5.3)."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
