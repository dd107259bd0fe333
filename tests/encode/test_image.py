# SPDX-License-Identifier: MIT
"""Test that every format holds the image, its depth and its colour profile, as other programs read them."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import Any

import cv2
import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from plainfilm.encode.image import encode_image
from plainfilm.encode.png import Ancillary
from plainfilm.errors import EncodeError, Reason
from plainfilm.options.encoding import EncodingOptions, ImageFormat

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
TEXT = Ancillary("plainfilm; not for diagnostic use")
LOSSLESS = [
    EncodingOptions(ImageFormat.PNG),
    EncodingOptions(ImageFormat.TIFF),
    EncodingOptions(ImageFormat.NPY),
    EncodingOptions(ImageFormat.WEBP, lossless=True),
    EncodingOptions(ImageFormat.JXL, lossless=True),
]
LOSSY = [EncodingOptions(image_format) for image_format in (ImageFormat.JPEG, ImageFormat.WEBP, ImageFormat.JXL)]


def picture(shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    noise = np.random.default_rng(7).normal(0, 1, shape).astype(np.float32)
    smooth = np.asarray(cv2.GaussianBlur(noise, (0, 0), 5)).reshape(shape)
    scaled = (smooth - smooth.min()) / np.ptp(smooth) * np.iinfo(dtype).max
    return scaled.astype(dtype)


def decoded(encoded: bytes, image_format: ImageFormat) -> NDArray[Any]:
    """The image as another program reads it; grey where red, green and blue are equal in WebP."""
    if image_format is ImageFormat.NPY:
        array: NDArray[Any] = np.load(io.BytesIO(encoded), allow_pickle=False)
        return array
    if image_format is ImageFormat.JXL:
        return np.asarray(imagecodecs.jpegxl_decode(encoded))
    image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED)
    assert image is not None
    if image.ndim == 2:
        return np.asarray(image)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def is_held(options: EncodingOptions, dtype: str) -> bool:
    return np.dtype(dtype).itemsize * 8 in options.format.bits


@pytest.mark.parametrize("options", LOSSLESS, ids=lambda options: options.format.value)
@pytest.mark.parametrize("shape", [(1, 1), (53, 71), (64, 33, 3)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_lossless_file_has_every_pixel(options: EncodingOptions, shape: tuple[int, ...], dtype: str) -> None:
    if not is_held(options, dtype):
        pytest.skip("the format holds 8 bits")
    image = picture(shape, dtype) if shape != (1, 1) else np.array([[200]], dtype)
    read = decoded(encode_image(image, TEXT, options), options.format)
    if options.format is ImageFormat.WEBP and image.ndim == 2:
        assert np.ptp(read, axis=2).max() == 0
        read = read[..., 0]
    assert read.dtype == image.dtype
    np.testing.assert_array_equal(read, image)


@pytest.mark.parametrize("options", LOSSY, ids=lambda options: options.format.value)
@pytest.mark.parametrize("shape", [(120, 90), (120, 90, 3)])
def test_a_lossy_file_is_close_and_smaller_with_less_quality(options: EncodingOptions, shape: tuple[int, ...]) -> None:
    image = picture(shape, "uint8")
    encoded = encode_image(image, TEXT, options)
    read = decoded(encoded, options.format)
    read = read[..., 0] if read.ndim > image.ndim else read
    assert np.abs(read.astype(int) - image).mean() < 4
    rough = encode_image(image, TEXT, EncodingOptions(options.format, quality=20))
    assert len(rough) < len(encoded)


def test_16_bits_are_kept_by_jpeg_xl_with_loss() -> None:
    image = picture((120, 90), "uint16")
    read = decoded(encode_image(image, TEXT, EncodingOptions(ImageFormat.JXL)), ImageFormat.JXL)
    assert read.dtype == np.uint16
    assert np.abs(read.astype(int) - image).mean() < 4 * 257


@pytest.mark.parametrize("image_format", [item for item in ImageFormat if item.holds_profile])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_the_colour_profile_is_embedded(image_format: ImageFormat, dtype: str) -> None:
    if not is_held(EncodingOptions(image_format), dtype):
        pytest.skip("the format holds 8 bits")
    profile = PROFILE + bytes(200_000)  # several segments of JPEG
    image = picture((20, 30, 3), dtype)
    encoded = encode_image(image, Ancillary("plainfilm", profile), EncodingOptions(image_format))
    if image_format is ImageFormat.TIFF and dtype == "uint16":
        assert profile in encoded  # Pillow does not read 16-bit RGB
        return
    assert Image.open(io.BytesIO(encoded)).info["icc_profile"] == profile


@pytest.mark.parametrize("image_format", [ImageFormat.PNG, ImageFormat.JPEG, ImageFormat.TIFF])
def test_the_software_is_in_the_file(image_format: ImageFormat) -> None:
    encoded = encode_image(picture((20, 30), "uint8"), TEXT, EncodingOptions(image_format))
    assert TEXT.software.encode() in encoded
    assert Image.open(io.BytesIO(encoded)).size == (30, 20)


@pytest.mark.parametrize(("image_format", "shape"), [(ImageFormat.WEBP, (1, 16_384)), (ImageFormat.JPEG, (65_501, 1))])
def test_an_image_that_is_too_long_for_the_format_is_refused(image_format: ImageFormat, shape: tuple[int, int]) -> None:
    with pytest.raises(EncodeError, match="pixels along a side") as raised:
        encode_image(np.zeros(shape, np.uint8), TEXT, EncodingOptions(image_format))
    assert raised.value.reason is Reason.ENCODE_UNSUPPORTED


def test_16_bits_are_refused_by_a_format_of_8_bits() -> None:
    with pytest.raises(EncodeError, match="jpeg holds 8 bits"):
        encode_image(np.zeros((4, 4), np.uint16), TEXT, EncodingOptions(ImageFormat.JPEG))


@pytest.mark.slow
def test_the_bytes_are_the_same_in_every_process() -> None:
    code = (
        "import hashlib, numpy as np\n"
        "from plainfilm.encode.image import encode_image\n"
        "from plainfilm.encode.png import Ancillary\n"
        "from plainfilm.options.encoding import EncodingOptions, ImageFormat\n"
        "image = (np.arange(90000) // 7 % 256).astype(np.uint8).reshape(300, 300)\n"
        "files = [encode_image(image, Ancillary('x'), EncodingOptions(item)) for item in ImageFormat]\n"
        "print([hashlib.sha256(file).hexdigest() for file in files])\n"
    )
    first, second = (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout for _ in "12"
    )
    assert first == second != ""
