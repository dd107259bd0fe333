# SPDX-License-Identifier: MIT
"""Build synthetic images and their headers, and decode a codestream as the only frame of an instance."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.decode import DecodedFrame, decode_frame
from plainfilm.dicom.frames import locate_frames
from plainfilm.dicom.instance import ImagePixel, PixelData

Array = npt.NDArray[Any]


def describe_image(image: Array, bits: int, space: str = "", **attributes: Any) -> ImagePixel:
    """The Image Pixel module of an image of this shape, Bits Stored and Photometric Interpretation."""
    samples = 1 if image.ndim == 2 else image.shape[2]
    values: dict[str, Any] = {
        "rows": image.shape[0],
        "columns": image.shape[1],
        "samples_per_pixel": samples,
        "photometric_interpretation": space or ("RGB" if samples == 3 else "MONOCHROME2"),
        "planar_configuration": 0,
        "bits_allocated": 8 if bits <= 8 else 16 if bits <= 16 else 32,
        "bits_stored": bits,
        "high_bit": bits - 1,
        "signed": image.dtype.kind == "i",
        "number_of_frames": 1,
    }
    return ImagePixel(**{**values, **attributes})


def encapsulate(*fragments: bytes) -> bytes:
    """Encapsulated Pixel Data of these fragments, with an empty offset table and the sequence delimiter."""
    items = (b"\xfe\xff\x00\xe0" + struct.pack("<I", len(content)) + content for content in (b"", *fragments))
    return b"".join(items) + b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"


def decode_codestream(pixel: ImagePixel, codestream: bytes, syntax: str) -> DecodedFrame:
    """Decode a codestream that is the only fragment of an instance of one frame."""
    data = PixelData(encapsulate(codestream), syntax, True)
    return decode_frame(pixel, data, locate_frames(pixel, data), 0)


def decode_truncated_codestream(pixel: ImagePixel, codestream: bytes, syntax: str) -> DecodedFrame:
    """Decode a codestream like `decode_codestream`, and allow that it is truncated."""
    data = PixelData(encapsulate(codestream), syntax, True)
    return decode_frame(pixel, data, locate_frames(pixel, data, True), 0)


def synthetic_image(shape: tuple[int, ...], bits: int, signed: bool = False, seed: int = 1) -> Array:
    """An image with slopes, edges and noise that uses every value of its bits; signed values are centred on zero."""
    random = np.random.default_rng(seed)
    rows, columns = shape[:2]
    slope = np.add.outer(np.arange(rows) * 3, np.arange(columns) * 2) / (3 * rows + 2 * columns)
    planes = [np.clip(slope + random.normal(0, 0.02, (rows, columns)), 0, 1) for _ in range((*shape, 1)[2])]
    planes[0][: rows // 3, : columns // 3] = 1.0
    levels = np.rint(np.stack(planes, -1) * ((1 << bits) - 1)).astype(np.int64)
    levels[0, 0], levels[-1, -1] = 0, (1 << bits) - 1
    size = 1 if bits <= 8 else 2 if bits <= 16 else 4
    image = (levels - (1 << bits - 1)).astype(f"i{size}") if signed else levels.astype(f"u{size}")
    return image[:, :, 0] if len(shape) == 2 else image
