# SPDX-License-Identifier: MIT
"""Encode an 8-bit grey or RGB image as JPEG, with the software and the colour profile in segments of their own."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import simplejpeg

Array = npt.NDArray[Any]

LONGEST_SIDE = 65_500
_START, _COMMENT, _PROFILE = b"\xff\xd8", 0xFE, 0xE2
_PROFILE_NAME = b"ICC_PROFILE\0"
_MOST_PROFILE_BYTES = 65_519  # of a segment: 65,535 without its length, the name, and the number of the part
_MOST_PARTS = 255


def encode_jpeg(image: Array, quality: int, software: str, icc_profile: bytes | None) -> bytes:
    """Return the JPEG (JFIF) of an image, (rows, columns) or (rows, columns, 3), uint8. Chroma keeps all its pixels."""
    pixels = np.ascontiguousarray(image if image.ndim == 3 else image[..., None])
    if image.ndim == 3:
        encoded = simplejpeg.encode_jpeg(pixels, quality, "RGB", "444", fastdct=False)
    else:
        encoded = simplejpeg.encode_jpeg(pixels, quality, "GRAY", "Gray", fastdct=False)
    # the segments follow the JFIF segment, which comes first
    end = 4 + struct.unpack_from(">H", encoded, 4)[0]
    return b"".join((encoded[:end], *_segments(software, icc_profile), encoded[end:]))


def _segments(software: str, icc_profile: bytes | None) -> Iterator[bytes]:
    """Yield the segment of a comment, and those of the profile in parts (ICC.1 annex B.4)."""
    yield _segment(_COMMENT, software.encode("latin-1"))
    if icc_profile is None:
        return
    parts = [icc_profile[at : at + _MOST_PROFILE_BYTES] for at in range(0, len(icc_profile), _MOST_PROFILE_BYTES)]
    if len(parts) <= _MOST_PARTS:
        for number, part in enumerate(parts, 1):
            yield _segment(_PROFILE, _PROFILE_NAME + bytes((number, len(parts))) + part)


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content
