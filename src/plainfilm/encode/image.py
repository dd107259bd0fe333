# SPDX-License-Identifier: MIT
"""Encode an image in the format of the options. The same image and options give the same bytes."""

from __future__ import annotations

import io
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt

from plainfilm.encode.jpeg import LONGEST_SIDE, encode_jpeg
from plainfilm.encode.png import Ancillary, encode_png
from plainfilm.encode.tiff import encode_tiff
from plainfilm.errors import EncodeError
from plainfilm.kernels.levels import Levels, levels_array
from plainfilm.options.encoding import EncodingOptions, ImageFormat

Array = npt.NDArray[Any]

_MOST_PIXELS_PER_SIDE = {ImageFormat.JPEG: LONGEST_SIDE, ImageFormat.WEBP: 16_383}
_WEBP_METHOD, _JXL_EFFORT = 4, 5


def encode_image(levels: Levels, ancillary: Ancillary, options: EncodingOptions) -> bytes:
    """Return the file of an image, (rows, columns) or (rows, columns, 3), uint8 or uint16.

    ancillary: the software, which PNG, JPEG and TIFF hold, and the colour profile, which WebP holds too.
    Raises EncodeError where the format cannot hold the image.
    """
    if options.format is ImageFormat.PNG:
        return encode_png(levels, ancillary)
    image = levels_array(levels)
    _check(image, options.format)
    return _encode(image, ancillary, options)


def _encode(image: Array, ancillary: Ancillary, options: EncodingOptions) -> bytes:
    """Encode an array in a format other than PNG. Raises EncodeError."""
    match options.format:
        case ImageFormat.JPEG:
            return encode_jpeg(image, options.quality, ancillary.software, ancillary.icc_profile)
        case ImageFormat.WEBP:
            return _encode_webp(image, options, ancillary.icc_profile)
        case ImageFormat.TIFF:
            encoded = encode_tiff(image, ancillary.software, ancillary.icc_profile)
            if encoded is None:
                raise EncodeError("the image has more than 4 GiB, the limit of TIFF: choose png, or give --size")
            return encoded
        case ImageFormat.JXL:
            return _encode_jxl(image, options)
    return _encode_npy(image)


def _check(image: Array, image_format: ImageFormat) -> None:
    bits = image.dtype.itemsize * 8
    if bits not in image_format.bits and image_format is not ImageFormat.NPY:
        held = " or ".join(map(str, image_format.bits))
        raise EncodeError(f"{image_format} holds {held} bits, and the image has {bits}: choose --format tiff or npy")
    longest = _MOST_PIXELS_PER_SIDE.get(image_format)
    if longest is not None and max(image.shape[:2]) > longest:
        message = (
            f"{image_format} holds at most {longest} pixels along a side, and the image has {max(image.shape[:2])}"
        )
        raise EncodeError(f"{message}: choose --format png, or give --size")


def _encode_webp(image: Array, options: EncodingOptions, icc_profile: bytes | None) -> bytes:
    """Return the WebP of an image. The format has no grey: red, green and blue are equal."""
    from PIL import Image

    file = io.BytesIO()
    settings = {"icc_profile": icc_profile} if icc_profile is not None else {}
    # in lossless WebP, the quality is the effort
    quality = 75 if options.lossless else options.quality
    Image.fromarray(np.ascontiguousarray(image)).convert("RGB").save(
        file, "WEBP", lossless=options.lossless, quality=quality, method=_WEBP_METHOD, **settings
    )
    return file.getvalue()


def _encode_jxl(image: Array, options: EncodingOptions) -> bytes:
    # an image that is smaller than a tile of the encoder, and quality 100, are lossy too unless lossless is asked for
    settings: dict[str, Any] = {"lossless": True} if options.lossless else {"level": options.quality}
    encoded = imagecodecs.jpegxl_encode(np.ascontiguousarray(image), effort=_JXL_EFFORT, numthreads=1, **settings)
    return bytes(encoded)


def _encode_npy(image: Array) -> bytes:
    """Return the NPY of an image, in little-endian byte order whatever the machine's is."""
    file = io.BytesIO()
    little = np.ascontiguousarray(image, dtype=image.dtype.newbyteorder("<"))
    np.lib.format.write_array(file, little, version=(1, 0), allow_pickle=False)
    return file.getvalue()
