# SPDX-License-Identifier: MIT
"""Codestreams encoded to measure, and the door through which they are decoded: fragments, frame table, codec row."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from plainfilm.decode import DecodedFrame, decode_frame
from plainfilm.dicom.frames import locate_frames
from plainfilm.dicom.instance import ImagePixel, PixelData

Array = npt.NDArray[Any]
Describe = Callable[..., ImagePixel]
DecodeBytes = Callable[[ImagePixel, bytes, str], DecodedFrame]
MakeImage = Callable[..., Array]


@pytest.fixture
def describe() -> Describe:
    """The header that goes with an image: its shape, and Bits Allocated that its cells need unless they are given."""

    def described(image: Array, bits: int, space: str = "", **more: Any) -> ImagePixel:
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
        return ImagePixel(**{**values, **more})

    return described


def _instance_of(codestream: bytes, syntax: str) -> PixelData:
    items = b"".join(b"\xfe\xff\x00\xe0" + struct.pack("<I", len(content)) + content for content in (b"", codestream))
    return PixelData(items + b"\xfe\xff\xdd\xe0\x00\x00\x00\x00", syntax, True)


@pytest.fixture
def decode_bytes() -> DecodeBytes:
    """Decode a codestream as the one fragment of an instance of a single frame."""

    def decoded(pixel: ImagePixel, codestream: bytes, syntax: str) -> DecodedFrame:
        data = _instance_of(codestream, syntax)
        return decode_frame(pixel, data, locate_frames(pixel, data), 0)

    return decoded


@pytest.fixture
def decode_cut() -> DecodeBytes:
    """Decode a codestream, as above, where one that is cut short is allowed."""

    def decoded(pixel: ImagePixel, codestream: bytes, syntax: str) -> DecodedFrame:
        data = _instance_of(codestream, syntax)
        return decode_frame(pixel, data, locate_frames(pixel, data, True), 0)

    return decoded


@pytest.fixture
def make_image() -> MakeImage:
    """A picture with slopes, edges and noise, in every value that the bits hold; signed ones about zero."""

    def made(shape: tuple[int, ...], bits: int, signed: bool = False, seed: int = 1) -> Array:
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

    return made
