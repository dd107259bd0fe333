# SPDX-License-Identifier: MIT
"""In truncated JPEG and JPEG-LS frames every present pixel is correct, and few present pixels are called missing."""

from __future__ import annotations

import io
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image
from tests.support.codestreams import decode_codestream, decode_truncated_codestream, describe_image, synthetic_image

from plainfilm.errors import ConversionError, DecodeError, TruncatedError
from plainfilm.findings import FindingCode

BASELINE, EXTENDED, PROGRESSIVE = (f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 55))
LOSSLESS, JPEG_LS = (f"1.2.840.10008.1.2.4.{number}" for number in (70, 80))


def lossless(image: Any, bits: int, predictor: int) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(image, lossless=True, bitspersample=bits, predictor=predictor))


ENCODERS: dict[str, Any] = {
    "baseline grey": (BASELINE, 8, (160, 50), lambda image: imagecodecs.jpeg8_encode(image, 95)),
    "baseline color": (BASELINE, 8, (160, 50, 3), lambda image: imagecodecs.jpeg8_encode(image, 95)),
    "extended 12": (EXTENDED, 12, (160, 50), lambda image: imagecodecs.jpeg8_encode(image, 95, bitspersample=12)),
    "lossless 1": (LOSSLESS, 16, (160, 50), lambda image: lossless(image, 16, 1)),
    "lossless 4": (LOSSLESS, 12, (160, 50), lambda image: lossless(image, 12, 4)),
    "lossless color": (LOSSLESS, 8, (160, 50, 3), lambda image: lossless(image, 8, 1)),
    "jpeg-ls": (JPEG_LS, 12, (160, 50), imagecodecs.jpegls_encode),
    "jpeg-ls color": (JPEG_LS, 8, (160, 50, 3), imagecodecs.jpegls_encode),
}


@pytest.mark.parametrize("end", [b"", b"\xff\xd9"], ids=["cut", "end marker"])
@pytest.mark.parametrize("name", ENCODERS)
def test_the_present_pixels_are_correct(name: str, end: bytes) -> None:
    syntax, bits, shape, encode = ENCODERS[name]
    image = synthetic_image(shape, bits)
    image[shape[0] // 2 :, :20] = 3
    codestream = bytes(encode(image))
    pixel = describe_image(image, bits, "YBR_FULL_422" if name == "baseline color" else "")
    whole = decode_codestream(pixel, codestream, syntax).samples
    if end and syntax == JPEG_LS:
        pytest.skip("CharLS says only that such a codestream is wrong")
    for part in (0.55, 0.7, 0.83, 0.94):
        found = decode_truncated_codestream(pixel, codestream[: int(len(codestream) * part)] + end, syntax)
        assert np.array_equal(found.samples[~found.missing], whole[~found.missing])
        assert 1 - part - 0.25 < found.missing.mean() < 1 - part + 0.4
        assert [finding.code for finding in found.findings] == [FindingCode.TRUNCATED_FILLED]


@pytest.mark.parametrize("name", ENCODERS)
def test_without_only_the_end_marker_no_pixel_is_missing(name: str) -> None:
    syntax, bits, shape, encode = ENCODERS[name]
    image = synthetic_image(shape, bits)
    codestream = bytes(encode(image))
    pixel = describe_image(image, bits, "YBR_FULL_422" if name == "baseline color" else "")
    found = decode_truncated_codestream(pixel, codestream[:-2], syntax)
    assert not found.missing.any()
    assert np.array_equal(found.samples, decode_codestream(pixel, codestream, syntax).samples)
    assert [finding.code for finding in found.findings] == [FindingCode.TRUNCATED_FILLED]


@pytest.mark.parametrize("name", ENCODERS)
def test_a_codestream_truncated_in_its_header_fails(name: str) -> None:
    syntax, bits, shape, encode = ENCODERS[name]
    image = synthetic_image(shape, bits)
    with pytest.raises(ConversionError):
        decode_truncated_codestream(describe_image(image, bits), bytes(encode(image))[:24], syntax)


def test_a_truncated_progressive_codestream_fails() -> None:
    image = synthetic_image((40, 30), 8)
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=95, progressive=True)
    with pytest.raises(TruncatedError):
        decode_truncated_codestream(describe_image(image, 8), file.getvalue()[:-200], PROGRESSIVE)


def test_a_truncated_codestream_of_another_size_fails() -> None:
    image = synthetic_image((40, 30), 12)
    codestream = lossless(image, 12, 1)
    with pytest.raises((DecodeError, TruncatedError)):
        decode_truncated_codestream(describe_image(image, 12, rows=41), codestream[: len(codestream) // 2], LOSSLESS)
