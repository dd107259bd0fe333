# SPDX-License-Identifier: MIT
"""JPEG 2000 and HTJ2K frames have the precision and sign of the codestream, and are never truncated silently."""

from __future__ import annotations

import io
import struct
from typing import Any

import imagecodecs
import numpy as np
import pytest
from openjpeg.utils import encode_array
from PIL import Image
from tests.support.codestreams import decode_codestream, describe_image, synthetic_image

from plainfilm.errors import ConversionError, DecodeError, Reason
from plainfilm.findings import FindingCode

LOSSLESS, LOSSY, HIGH_THROUGHPUT = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.4.201"
SHAPE, COLOR = (50, 40), (50, 40, 3)


def encoded(image: Any, bits: int, transform: bool = False, **options: Any) -> bytes:
    space = 2 if image.ndim == 2 else 1
    return encode_array(
        image, bits_stored=bits, photometric_interpretation=space, use_mct=transform, codec_format=0, **options
    )


def tiled(image: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG2000", tile_size=(32, 32), no_jp2=True, num_resolutions=3)
    return file.getvalue()


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", range(1, 17))
@pytest.mark.parametrize("shape", [SHAPE, COLOR])
def test_every_precision_and_sign_is_exact(shape: tuple[int, ...], bits: int, signed: bool) -> None:
    image = synthetic_image(shape, bits, signed)
    decoded = decode_codestream(describe_image(image, bits), encoded(image, bits), LOSSLESS)
    assert np.array_equal(decoded.samples, image)
    assert decoded.samples.dtype == image.dtype
    assert (decoded.precision, decoded.signed) == (bits, signed)


@pytest.mark.parametrize("bits", [17, 20, 24])
def test_more_than_16_bits_are_decoded(bits: int) -> None:
    image = synthetic_image(SHAPE, bits)
    assert np.array_equal(decode_codestream(describe_image(image, bits), encoded(image, bits), LOSSLESS).samples, image)


def test_more_bits_or_another_sign_in_the_header_change_no_sample() -> None:
    image = synthetic_image(SHAPE, 10)
    pixel = describe_image(image, 16, signed=True)
    decoded = decode_codestream(pixel, encoded(image, 10), LOSSLESS)
    assert np.array_equal(decoded.samples, image)
    assert (decoded.precision, decoded.signed) == (10, False)


def test_lossy_samples_are_not_scaled() -> None:
    image = synthetic_image((90, 80), 12)
    codestream = encoded(image, 12, compression_ratios=[3])
    decoded = decode_codestream(describe_image(image, 12), codestream, LOSSY)
    assert np.abs(decoded.samples.astype(int) - image).mean() < 40


@pytest.mark.parametrize(
    ("transform", "tag", "space", "found"),
    [
        (True, "YBR_RCT", "RGB", False),
        (True, "RGB", "RGB", True),
        (True, "YBR_FULL_422", "RGB", True),
        (False, "RGB", "RGB", False),
        (False, "YBR_RCT", "RGB", True),
        (False, "YBR_FULL", "YBR_FULL", False),
        (False, "YBR_FULL_422", "YBR_FULL", False),
    ],
)
def test_the_codestream_decides_whether_there_is_a_component_transform(
    transform: bool, tag: str, space: str, found: bool
) -> None:
    image = synthetic_image(COLOR, 8)
    decoded = decode_codestream(describe_image(image, 8, tag), encoded(image, 8, transform), LOSSLESS)
    assert np.array_equal(decoded.samples, image)
    assert decoded.photometric_interpretation == space
    assert [finding.code for finding in decoded.findings] == [FindingCode.COLOR_TRANSFORM_DISAGREES] * found


def test_a_frame_in_jp2_boxes_is_decoded() -> None:
    image = synthetic_image(SHAPE, 12)
    boxed = bytes(imagecodecs.jpeg2k_encode(image, codecformat="JP2", bitspersample=12, reversible=True))
    assert np.array_equal(decode_codestream(describe_image(image, 12), boxed, LOSSLESS).samples, image)


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("shape", [SHAPE, COLOR])
def test_high_throughput_jpeg2000_is_decoded(shape: tuple[int, ...], bits: int) -> None:
    image = synthetic_image(shape, bits)
    codestream = bytes(imagecodecs.htj2k_encode(image, reversible=True))
    pixel = describe_image(image, bits, "" if len(shape) == 2 else "YBR_RCT", bits_allocated=8 if bits == 8 else 16)
    assert np.array_equal(decode_codestream(pixel, codestream, HIGH_THROUGHPUT).samples, image)


ENCODERS: dict[str, Any] = {
    "grey 8": (LOSSLESS, 8, SHAPE, lambda image: encoded(image, 8)),
    "grey 16": (LOSSLESS, 16, SHAPE, lambda image: encoded(image, 16)),
    "signed": (LOSSLESS, 12, SHAPE, lambda image: encoded(image, 12)),
    "color": (LOSSLESS, 8, COLOR, lambda image: encoded(image, 8)),
    "lossy": (LOSSY, 12, SHAPE, lambda image: encoded(image, 12, compression_ratios=[4])),
    "tiles": (LOSSLESS, 8, SHAPE, tiled),
    "high throughput": (
        HIGH_THROUGHPUT,
        8,
        SHAPE,
        lambda image: bytes(imagecodecs.htj2k_encode(image, reversible=True)),
    ),
}


@pytest.mark.parametrize("end", [b"", b"\xff\xd9"], ids=["cut", "cut and ended"])
@pytest.mark.parametrize("name", ENCODERS)
def test_a_codestream_truncated_anywhere_is_rejected(name: str, end: bytes) -> None:
    syntax, bits, shape, encode = ENCODERS[name]
    image = synthetic_image(shape, bits, name == "signed")
    codestream = encode(image)
    for length in range(3, len(codestream) - 2, max(1, len(codestream) // 60)):
        with pytest.raises(ConversionError) as caught:
            decode_codestream(describe_image(image, bits), codestream[:length] + end, syntax)
        assert caught.value.reason in (
            Reason.TRUNCATED_PIXEL_DATA,
            Reason.CORRUPT_CODESTREAM,
            Reason.UNSUPPORTED_VALUE,
        )


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("change", [{"rows": 51}, {"columns": 39}, {"rows": 40, "columns": 50}, {"bits_allocated": 1}])
def test_a_contradicting_header_is_a_mismatch(name: str, change: dict[str, int]) -> None:
    syntax, bits, shape, encode = ENCODERS[name]
    image = synthetic_image(shape, bits, name == "signed")
    with pytest.raises(DecodeError) as caught:
        decode_codestream(describe_image(image, bits, **change), encode(image), syntax)
    assert caught.value.reason is Reason.CODESTREAM_MISMATCH


@pytest.mark.parametrize("syntax", [LOSSLESS, HIGH_THROUGHPUT])
def test_an_enormous_declared_size_is_a_mismatch(syntax: str) -> None:
    image = synthetic_image(SHAPE, 8)
    codestream = bytearray(encoded(image, 8))
    codestream[8:16] = struct.pack(">2I", 65535, 65535)
    with pytest.raises(DecodeError, match="65535 rows, 65535 columns") as caught:
        decode_codestream(describe_image(image, 8), bytes(codestream), syntax)
    assert caught.value.reason is Reason.CODESTREAM_MISMATCH
