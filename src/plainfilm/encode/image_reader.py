# SPDX-License-Identifier: MIT
"""Decode the image files that the encoders write, for training code."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import cv2
import imagecodecs
import numpy as np
import numpy.typing as npt

from plainfilm.errors import DecodeError
from plainfilm.options.encoding import ImageFormat

Array = npt.NDArray[Any]

# those of imagecodecs are RuntimeErrors
_ERRORS = (RuntimeError, ValueError, TypeError, OSError, EOFError, cv2.error)


def decode_image(content: bytes, suffix: str) -> Array:
    """Return the image of a file with a suffix of ImageFormat: (rows, columns) or (rows, columns, 3), uint8 or uint16.

    WebP has no grey: the image always has three equal samples for each pixel. Raises DecodeError for a damaged file and
    for another suffix.
    """
    decode = _DECODERS.get(suffix.lower())
    if decode is None:
        raise DecodeError(f"the suffix {suffix!r} is none of an image that plainfilm writes")
    try:
        image = np.asarray(decode(content))
    except _ERRORS as error:
        raise _damaged_error(type(error).__name__) from error
    if image.ndim not in (2, 3) or image.dtype.newbyteorder("=") not in (np.uint8, np.uint16):
        raise _damaged_error("it holds no image of 8 or 16 bits")
    return np.ascontiguousarray(image, image.dtype.newbyteorder("="))


def _damaged_error(cause: str) -> DecodeError:
    return DecodeError(f"the image file is damaged ({cause}): `plainfilm verify OUT` lists such files")


def _decode_tiff(content: bytes) -> Array:
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise ValueError("no TIFF")
    samples: Array = image if image.ndim == 2 else image[..., ::-1]
    return samples


def _decode_npy(content: bytes) -> Array:
    image: Array = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    return image


_DECODERS: dict[str, Callable[[bytes], Any]] = {
    ImageFormat.PNG.suffix: imagecodecs.png_decode,
    ImageFormat.JPEG.suffix: imagecodecs.jpeg8_decode,
    ImageFormat.WEBP.suffix: imagecodecs.webp_decode,
    ImageFormat.TIFF.suffix: _decode_tiff,
    ImageFormat.JXL.suffix: imagecodecs.jpegxl_decode,
    ImageFormat.NPY.suffix: _decode_npy,
}
