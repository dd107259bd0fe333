# SPDX-License-Identifier: MIT
"""Fear: a lossless scan that lacks its last samples is taken for whole, or a whole one for cut."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
import pytest

from plainfilm.decode.codestream import JpegHeader, read_jpeg
from plainfilm.decode.jpeg_lossless import is_whole

CASES = [(bits, predictor, color) for bits in (8, 12, 16) for predictor in range(1, 8) for color in (False, bits == 8)]


def encoded(image: Any, bits: int, predictor: int) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(image, lossless=True, bitspersample=bits, predictor=predictor))


def decoded(codestream: bytes) -> tuple[Any, JpegHeader]:
    header = read_jpeg(codestream)
    colors = None if header.size.components == 1 else "RGB"
    return imagecodecs.jpeg8_decode(codestream, colorspace=colors, outcolorspace=colors), header


@pytest.mark.parametrize(("bits", "predictor", "color"), CASES)
def test_every_predictor_is_counted_to_the_bit(make_image: Any, bits: int, predictor: int, color: bool) -> None:
    """Wrong by one bit it would be cut, or have more than what fills a byte."""
    codestream = encoded(make_image((40, 50, 3) if color else (40, 50), bits), bits, predictor)
    assert is_whole(*decoded(codestream), codestream) is True


@pytest.mark.parametrize("missing", [1, 2, 3, 5, 9, 200])
def test_a_scan_that_is_short_is_cut_even_where_the_picture_hardly_changes(make_image: Any, missing: int) -> None:
    codestream = encoded(make_image((40, 50), 12), 12, 1)
    cut = codestream[: -2 - missing].rstrip(b"\xff") + codestream[-2:]
    assert is_whole(*decoded(cut), cut) is False


def test_a_scan_that_holds_more_is_not_known(make_image: Any) -> None:
    codestream = encoded(make_image((40, 50), 12), 12, 1)
    longer = codestream[:-2] + b"\x12\x34" + codestream[-2:]
    assert is_whole(*decoded(longer), longer) is None


def test_a_large_frame_is_counted_band_by_band() -> None:
    image = np.random.default_rng(1).integers(0, 4096, (900, 700)).astype(np.uint16)
    codestream = encoded(image, 12, 4)
    assert is_whole(*decoded(codestream), codestream) is True
