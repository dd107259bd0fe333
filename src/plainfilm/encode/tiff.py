# SPDX-License-Identifier: MIT
"""Encode an 8 or 16-bit grey or RGB image as TIFF 6.0: one deflated strip with horizontal differencing.

Pillow writes the directory. It cannot write 16-bit RGB itself, and OpenCV embeds no colour profile.
"""

from __future__ import annotations

import io
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC, _STRIP_OFFSETS = 256, 257, 258, 259, 262, 273
_SAMPLES, _ROWS_PER_STRIP, _STRIP_BYTES, _PLANAR, _SOFTWARE, _PREDICTOR, _PROFILE = 277, 278, 279, 284, 305, 317, 34675
_DEFLATE, _BLACK_IS_ZERO, _RGB, _CONTIGUOUS, _HORIZONTAL = 8, 1, 2, 1, 2
_LEVEL = 6
_LARGEST = 2**32 - 2**20  # offsets have 32 bits


def encode_tiff(image: Array, software: str, icc_profile: bytes | None) -> bytes | None:
    """Return the TIFF of an image, (rows, columns) or (rows, columns, 3), uint8 or uint16; None for one above 4 GiB.

    The same image gives the same bytes with the same versions of zlib and Pillow.
    """
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    if image.nbytes > _LARGEST:
        return None
    rows, columns = image.shape[:2]
    samples = 1 if image.ndim == 2 else 3
    strip = zlib.compress(_differences(image).data, _LEVEL)
    directory = ImageFileDirectory_v2()
    directory[_WIDTH], directory[_LENGTH] = columns, rows
    directory[_BITS] = (image.dtype.itemsize * 8,) * samples
    directory[_COMPRESSION], directory[_PREDICTOR] = _DEFLATE, _HORIZONTAL
    directory[_PHOTOMETRIC] = _RGB if samples == 3 else _BLACK_IS_ZERO
    directory[_SAMPLES], directory[_PLANAR], directory[_ROWS_PER_STRIP] = samples, _CONTIGUOUS, rows
    directory[_STRIP_OFFSETS], directory[_STRIP_BYTES] = 0, len(strip)
    directory[_SOFTWARE] = software
    if icc_profile is not None:
        directory.tagtype[_PROFILE] = 7  # UNDEFINED, as the ICC specification asks for
        directory[_PROFILE] = icc_profile
    file = io.BytesIO()
    # the offset of the strip is relative to the end of the directory, and Pillow makes it absolute
    directory.save(file)
    return file.getvalue() + strip


def _differences(image: Array) -> Array:
    """Subtract from each sample that of the pixel on its left, modulo the range of the type (TIFF 6.0 section 14)."""
    little = np.ascontiguousarray(image, dtype=image.dtype.newbyteorder("<"))
    differences = little.copy()
    differences[:, 1:] -= little[:, :-1]
    return differences
