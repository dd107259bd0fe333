# SPDX-License-Identifier: MIT
"""A truncated lossless scan is never taken for complete, and a complete scan is never taken for truncated."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
import pytest
from tests.support.codestreams import synthetic_image

from plainfilm.decode.codestream import JpegHeader, read_jpeg
from plainfilm.decode.jpeg_lossless import count_scan_bits

CASES = [(bits, predictor, color) for bits in (8, 12, 16) for predictor in range(1, 8) for color in (False, bits == 8)]


def encoded(image: Any, bits: int, predictor: int) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(image, lossless=True, bitspersample=bits, predictor=predictor))


def decoded(codestream: bytes) -> tuple[Any, JpegHeader]:
    header = read_jpeg(codestream)
    colors = None if header.size.components == 1 else "RGB"
    return imagecodecs.jpeg8_decode(codestream, colorspace=colors, outcolorspace=colors), header


def is_complete(codestream: bytes) -> bool | None:
    bits = count_scan_bits(*decoded(codestream), codestream)
    return None if bits is None else bits.is_complete


@pytest.mark.parametrize(("bits", "predictor", "color"), CASES)
def test_the_bits_of_every_predictor_are_counted_exactly(bits: int, predictor: int, color: bool) -> None:
    """An error of one bit would make the scan truncated, or give it more bits than fill the last byte."""
    codestream = encoded(synthetic_image((40, 50, 3) if color else (40, 50), bits), bits, predictor)
    assert is_complete(codestream) is True


@pytest.mark.parametrize("missing", [1, 2, 3, 5, 9, 200])
def test_a_truncated_scan_is_detected_even_if_the_image_hardly_changes(missing: int) -> None:
    codestream = encoded(synthetic_image((40, 50), 12), 12, 1)
    cut = codestream[: -2 - missing].rstrip(b"\xff") + codestream[-2:]
    assert is_complete(cut) is False


def test_a_scan_with_excess_bytes_gives_no_answer() -> None:
    codestream = encoded(synthetic_image((40, 50), 12), 12, 1)
    longer = codestream[:-2] + b"\x12\x34" + codestream[-2:]
    assert is_complete(longer) is None


def test_a_large_frame_is_counted_in_bands() -> None:
    image = np.random.default_rng(1).integers(0, 4096, (900, 700)).astype(np.uint16)
    codestream = encoded(image, 12, 4)
    assert is_complete(codestream) is True
