# SPDX-License-Identifier: MIT
"""The table of encoders: each output format with its bit depths, and the encoder that this installation uses."""

from __future__ import annotations

from importlib.metadata import version

from plainfilm.kernels import HAS_CORE
from plainfilm.options.encoding import ImageFormat

# not encode.compression, which loads large libraries: a run needs this table before its first image
from plainfilm.pickling import dataclass
from plainfilm.version import VERSION


@dataclass(frozen=True, slots=True)
class EncoderStatus:
    """An output format with its bits per sample, and the encoder in use with its version.

    missing: the faster encoder that is not installed, and how to install it; None where the fastest is in use.
    """

    format: str
    bits: tuple[int, ...]
    library: str
    version: str
    missing: str | None


def encoder_status() -> tuple[EncoderStatus, ...]:
    """Return the formats that this installation can write."""
    return (_png_status(), *map(_library_status, _LIBRARIES))


_LIBRARIES = {
    ImageFormat.JPEG: ("JPEG", "simplejpeg"),
    ImageFormat.WEBP: ("WebP", "Pillow"),
    ImageFormat.TIFF: ("TIFF", "Pillow"),
    ImageFormat.JXL: ("JPEG XL", "imagecodecs"),
    ImageFormat.NPY: ("NPY", "numpy"),
}
"""The name of each further format, and the library that encodes it."""


def _library_status(image_format: ImageFormat) -> EncoderStatus:
    name, library = _LIBRARIES[image_format]
    return EncoderStatus(name, image_format.bits, library, version(library), None)


def _png_status() -> EncoderStatus:
    if HAS_CORE:
        return EncoderStatus("PNG", (8, 16), "plainfilm compiled", VERSION, None)
    missing = "plainfilm compiled: install plainfilm from its source where there is a C compiler"
    return EncoderStatus("PNG", (8, 16), "isal", version("isal"), missing)
