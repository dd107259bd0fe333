# SPDX-License-Identifier: MIT
"""Lossless JPEG XL frames are decoded exactly, and the bit-packed header is read correctly for every size."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.codestreams import decode_codestream, describe_image, synthetic_image

from plainfilm.decode.codestream import ImageSize
from plainfilm.decode.jpegxl import read_jpegxl
from plainfilm.errors import ConversionError, DecodeError, Reason, UnsupportedError

LOSSLESS, LOSSY = "1.2.840.10008.1.2.4.110", "1.2.840.10008.1.2.4.112"


def encoded(image: Any, bits: int, **options: Any) -> bytes:
    bits_of = {} if bits in (8, 16) else {"bitspersample": bits}
    return bytes(imagecodecs.jpegxl_encode(image, **{"lossless": True, "effort": 3, **bits_of, **options}))


@pytest.mark.parametrize("boxes", [False, True])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("shape", [(24, 40), (37, 41), (1, 700), (600, 5), (30, 20, 3)])
def test_lossless_jpegxl_is_exact(shape: tuple[int, ...], bits: int, boxes: bool) -> None:
    image = synthetic_image(shape, bits)
    decoded = decode_codestream(describe_image(image, bits), encoded(image, bits, usecontainer=boxes) + b"\0", LOSSLESS)
    assert np.array_equal(decoded.samples, image)
    assert decoded.samples.dtype == image.dtype
    assert (decoded.precision, decoded.signed) == (bits, None)


@pytest.mark.parametrize("shape", [(8, 8), (256, 256), (240, 320), (90, 160), (480, 640), (260, 200), (3, 3000)])
def test_every_encoding_of_a_size_is_read(shape: tuple[int, int]) -> None:
    codestream = encoded(np.zeros(shape, np.uint8), 8, usecontainer=False)
    assert read_jpegxl(codestream).size == ImageSize(*shape, 1, 8)


def test_lossy_color_is_decoded() -> None:
    image = synthetic_image((40, 30, 3), 8)
    decoded = decode_codestream(describe_image(image, 8), encoded(image, 8, lossless=False, level=98), LOSSY)
    assert decoded.photometric_interpretation == "RGB"
    assert np.abs(decoded.samples.astype(int) - image).mean() < 8


@pytest.mark.parametrize("boxes", [False, True])
@pytest.mark.parametrize("lossless", [False, True])
def test_a_codestream_truncated_anywhere_is_rejected(lossless: bool, boxes: bool) -> None:
    image = synthetic_image((60, 50), 12)
    codestream = encoded(image, 12, usecontainer=boxes, lossless=lossless)
    for length in range(1, len(codestream), max(1, len(codestream) // 60)):
        with pytest.raises(ConversionError):
            decode_codestream(describe_image(image, 12), codestream[:length], LOSSLESS)


@pytest.mark.parametrize("change", [{"rows": 61}, {"columns": 49}, {"samples_per_pixel": 3}, {"bits_allocated": 8}])
def test_a_contradicting_header_is_a_mismatch(change: dict[str, int]) -> None:
    image = synthetic_image((60, 50), 12)
    with pytest.raises(DecodeError) as caught:
        decode_codestream(describe_image(image, 12, **change), encoded(image, 12), LOSSLESS)
    assert caught.value.reason is Reason.CODESTREAM_MISMATCH


def test_extra_channels_are_rejected() -> None:
    image = np.zeros((20, 20, 4), np.uint8)
    with pytest.raises(UnsupportedError, match="extra channels"):
        decode_codestream(describe_image(image, 8), encoded(image, 8), LOSSLESS)


@given(codestream=st.binary(max_size=60), kind=st.sampled_from([b"", b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"]))
def test_arbitrary_bytes_give_a_header_or_a_conversion_error(codestream: bytes, kind: bytes) -> None:
    with suppress(ConversionError):
        read_jpegxl(kind + codestream)
