# SPDX-License-Identifier: MIT
"""RLE frames give every sample, and their header, segments and lengths are checked against the image."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from rle.utils import encode_pixel_data, encode_segment
from tests.support.codestreams import decode_codestream, describe_image, synthetic_image

from plainfilm.errors import ConversionError, DecodeError, Reason, TruncatedError, UnsupportedError

RLE = "1.2.840.10008.1.2.5"


def encoded(image: Any) -> bytes:
    samples = 1 if image.ndim == 2 else image.shape[2]
    return encode_pixel_data(
        image.tobytes(),
        rows=image.shape[0],
        columns=image.shape[1],
        samples_per_pixel=samples,
        bits_allocated=8 * image.dtype.itemsize,
        byteorder="<",
    )


def frame_of(*segments: bytes) -> bytes:
    starts = [64]
    for segment in segments[:-1]:
        starts.append(starts[-1] + len(segment))
    return struct.pack("<16I", len(segments), *starts, *[0] * (15 - len(starts))) + b"".join(segments)


@pytest.mark.parametrize("bits", [8, 12, 16, 32])
@pytest.mark.parametrize("shape", [(11, 13), (11, 13, 3), (1, 1), (1, 300)])
def test_every_sample_is_decoded_exactly(shape: tuple[int, ...], bits: int) -> None:
    image = synthetic_image(shape, bits)
    decoded = decode_codestream(describe_image(image, bits), encoded(image), RLE)
    assert np.array_equal(decoded.samples, image)
    assert decoded.samples.dtype == image.dtype
    assert decoded.samples.flags.c_contiguous


@pytest.mark.parametrize("packed", [True, False], ids=["eight in a byte", "a byte each"])
@pytest.mark.parametrize("shape", [(8, 8), (7, 9)])
def test_single_bit_samples_are_decoded(shape: tuple[int, int], packed: bool) -> None:
    image = np.random.default_rng(4).integers(0, 2, shape, np.uint8)
    content = np.packbits(image, bitorder="little").tobytes() if packed else image.tobytes()
    frame = frame_of(encode_segment(content, len(content)))
    decoded = decode_codestream(describe_image(image, 1, bits_allocated=1), frame, RLE)
    assert np.array_equal(decoded.samples, image)


@pytest.mark.parametrize(("bits", "samples"), [(8, 1), (16, 1), (16, 3), (1, 1)])
def test_a_frame_truncated_anywhere_is_rejected(bits: int, samples: int) -> None:
    image = synthetic_image((20, 15) if samples == 1 else (20, 15, 3), bits)
    pixel = describe_image(image, bits, **({"bits_allocated": 1} if bits == 1 else {}))
    whole = frame_of(encode_segment(image.tobytes(), 15)) if bits == 1 else encoded(image)
    body = whole.rstrip(b"\0")
    for length in range(1, len(body), 5):
        with pytest.raises(ConversionError) as caught:
            decode_codestream(pixel, body[:length], RLE)
        assert caught.value.reason in (
            Reason.TRUNCATED_PIXEL_DATA,
            Reason.CODESTREAM_MISMATCH,
            Reason.CORRUPT_CODESTREAM,
        )


@pytest.mark.parametrize(
    "change",
    [{"rows": 40}, {"rows": 10}, {"columns": 65535, "rows": 65535}, {"samples_per_pixel": 3}, {"bits_allocated": 8}],
    ids=["more rows", "fewer rows", "far more", "samples", "bits"],
)
def test_a_contradicting_header_is_rejected(change: dict[str, int]) -> None:
    image = synthetic_image((20, 15), 12)
    with pytest.raises(ConversionError) as caught:
        decode_codestream(describe_image(image, 12, **change), encoded(image), RLE)
    assert caught.value.reason in (Reason.CODESTREAM_MISMATCH, Reason.TRUNCATED_PIXEL_DATA)


def test_the_error_names_the_present_and_the_expected_number_of_segments() -> None:
    image = synthetic_image((4, 4), 8)
    with pytest.raises(DecodeError, match="1 segment; Bits Allocated 16 and Samples per Pixel 1 make 2"):
        decode_codestream(describe_image(image, 16), encoded(image), RLE)


@pytest.mark.parametrize("offsets", [(0,), (16, *range(64, 80)), (1, 65), (2, 64, 64), (2, 64, 0), (2, 64, 0xFFFFFFF0)])
def test_an_inconsistent_header_is_rejected(offsets: tuple[int, ...]) -> None:
    header = struct.pack("<16I", *offsets[:16], *[0] * (16 - len(offsets[:16])))
    pixel = describe_image(np.zeros((2, 2), np.uint16), 16)
    with pytest.raises((DecodeError, TruncatedError)):
        decode_codestream(pixel, header + bytes(20), RLE)


def test_bits_allocated_that_rle_cannot_hold_are_rejected() -> None:
    with pytest.raises(UnsupportedError, match="Bits Allocated 12"):
        decode_codestream(describe_image(np.zeros((2, 2), np.uint16), 12, bits_allocated=12), bytes(80), RLE)
