# SPDX-License-Identifier: MIT
"""The header and the end of a codestream are found correctly, and damaged bytes raise only conversion errors."""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openjpeg.utils import encode_array
from tests.support.codestreams import describe_image, synthetic_image

from plainfilm.decode.codestream import (
    ImageSize,
    check_size,
    is_8bit_dct,
    read_jpeg,
    read_rle,
)
from plainfilm.decode.jpeg2000_header import read_jpeg2000
from plainfilm.errors import ConversionError, DecodeError, Reason, TruncatedError, UnsupportedError


def jpeg_of(image: Any, **options: Any) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(image, 90, **options))


def jpeg2000_of(image: Any, bits: int) -> bytes:
    space = 2 if image.ndim == 2 else 1
    return encode_array(image, bits_stored=bits, photometric_interpretation=space, codec_format=0)


@pytest.mark.parametrize(
    ("bits", "options", "process"),
    [(8, {}, 0xC0), (12, {"bitspersample": 12}, 0xC1), (16, {"lossless": True, "bitspersample": 16}, 0xC3)],
)
@pytest.mark.parametrize("shape", [(17, 30), (17, 30, 3)])
def test_jpeg_headers_are_read(shape: tuple[int, ...], bits: int, options: dict[str, Any], process: int) -> None:
    codestream = jpeg_of(synthetic_image(shape, bits), **options)
    header = read_jpeg(codestream)
    assert header.size == ImageSize(17, 30, 1 if len(shape) == 2 else 3, bits)
    assert header.process == process
    assert header.stop == len(codestream)
    assert is_8bit_dct(codestream) == (bits == 8)


@pytest.mark.parametrize(
    ("space", "adobe", "jfif", "identifiers"), [("RGB", 0, False, b"RGB"), ("YCBCR", None, True, b"\x01\x02\x03")]
)
def test_the_declared_color_space_of_a_jpeg_is_read(
    space: str, adobe: int | None, jfif: bool, identifiers: bytes
) -> None:
    header = read_jpeg(jpeg_of(synthetic_image((16, 16, 3), 8), outcolorspace=space))
    assert (header.adobe_transform, header.jfif, header.component_ids) == (adobe, jfif, identifiers)


def test_a_jpegls_header_is_read_despite_bytes_like_markers() -> None:
    codestream = bytes(imagecodecs.jpegls_encode(synthetic_image((64, 64), 16)))
    header = read_jpeg(codestream)
    assert (header.size, header.process) == (ImageSize(64, 64, 1, 16), 0xF7)
    assert header.stop == len(codestream)


@pytest.mark.parametrize("tail", [b"\0", b"\xff", b"\x20", b"\xff\xd9", b"junk" * 9])
def test_bytes_after_the_end_marker_are_not_part_of_the_codestream(tail: bytes) -> None:
    codestream = jpeg_of(synthetic_image((16, 16), 8))
    assert read_jpeg(codestream + tail).stop == len(codestream)


def test_fill_bytes_before_a_marker_are_skipped() -> None:
    codestream = jpeg_of(synthetic_image((16, 16), 8))
    filled = codestream[:2] + b"\xff\xff\xff" + codestream[2:-2] + b"\xff\xff" + codestream[-2:]
    assert read_jpeg(filled).size == ImageSize(16, 16, 1, 8)


def test_a_component_without_a_scan_is_a_truncation() -> None:
    codestream = bytearray(jpeg_of(synthetic_image((16, 16, 3), 8)))
    frame = codestream.index(b"\xff\xc0")
    codestream[frame + 16] = 9
    with pytest.raises(TruncatedError, match="1 of 3 components have no scan") as caught:
        read_jpeg(bytes(codestream))
    assert caught.value.reason is Reason.TRUNCATED_PIXEL_DATA


@pytest.mark.parametrize(
    "codestream",
    [
        b"",
        b"\xff",
        b"\xff\xd8",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xe0\x00",
        b"\xff\xd8\xff\xe1\x00\x02no",
    ],
)
def test_incomplete_jpeg_headers_are_rejected(codestream: bytes) -> None:
    with pytest.raises((DecodeError, TruncatedError)):
        read_jpeg(codestream)
    assert not is_8bit_dct(codestream)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [1, 8, 12, 16])
@pytest.mark.parametrize("shape", [(37, 50), (37, 50, 3)])
def test_jpeg2000_headers_are_read(shape: tuple[int, ...], bits: int, signed: bool) -> None:
    codestream = jpeg2000_of(synthetic_image(shape, bits, signed), bits)
    header = read_jpeg2000(codestream + b"\0")
    assert header.size == ImageSize(37, 50, 1 if len(shape) == 2 else 3, bits, signed)
    assert (header.start, header.stop) == (0, len(codestream))


@pytest.mark.parametrize("transform", [False, True])
def test_the_component_transform_of_a_jpeg2000_is_read(transform: bool) -> None:
    image = synthetic_image((40, 40, 3), 8)
    codestream = encode_array(image, bits_stored=8, photometric_interpretation=1, use_mct=transform, codec_format=0)
    assert read_jpeg2000(codestream).multiple_component_transform is transform


def test_the_boxes_around_a_jpeg2000_codestream_are_skipped() -> None:
    image = synthetic_image((40, 40), 12)
    boxed = bytes(imagecodecs.jpeg2k_encode(image, codecformat="JP2", bitspersample=12))
    header = read_jpeg2000(boxed)
    assert boxed[header.start : header.start + 4] == b"\xff\x4f\xff\x51"
    assert header.size == ImageSize(40, 40, 1, 12, False)


@pytest.mark.parametrize("length", [0, None])
def test_the_last_tile_part_may_leave_its_length_out(length: int | None) -> None:
    codestream = bytearray(jpeg2000_of(synthetic_image((40, 40), 8), 8))
    tile_part = codestream.index(b"\xff\x90")
    if length is not None:
        codestream[tile_part + 6 : tile_part + 10] = struct.pack(">I", length)
    assert read_jpeg2000(bytes(codestream) + b"\0\0").stop == len(codestream)


@pytest.mark.parametrize("length", [11, 20, 99_999_999])
def test_a_tile_part_length_that_does_not_lead_to_the_end_is_rejected(length: int) -> None:
    codestream = bytearray(jpeg2000_of(synthetic_image((40, 40), 8), 8))
    tile_part = codestream.index(b"\xff\x90")
    codestream[tile_part + 6 : tile_part + 10] = struct.pack(">I", length)
    with pytest.raises((DecodeError, TruncatedError)):
        read_jpeg2000(bytes(codestream))


def test_components_with_different_types_are_rejected() -> None:
    codestream = bytearray(jpeg2000_of(synthetic_image((40, 40, 3), 8), 8))
    codestream[42 + 3] = 11
    with pytest.raises(UnsupportedError, match="differ"):
        read_jpeg2000(bytes(codestream))


def test_subsampled_components_are_rejected() -> None:
    codestream = bytearray(jpeg2000_of(synthetic_image((40, 40), 8), 8))
    codestream[43] = 2
    with pytest.raises(UnsupportedError, match="2 x 1 pixels"):
        read_jpeg2000(bytes(codestream))


@pytest.mark.parametrize("read", [read_jpeg, read_jpeg2000, read_rle])
@given(
    codestream=st.binary(max_size=200),
    kind=st.sampled_from([b"", b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  "]),
)
def test_arbitrary_bytes_give_a_header_or_a_conversion_error(read: Any, codestream: bytes, kind: bytes) -> None:
    with suppress(ConversionError):
        read(kind + codestream)


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (ImageSize(65535, 65535, 1, 12), "65535 rows, 65535 columns"),
        (ImageSize(20, 30, 3, 12), "3 components"),
        (ImageSize(30, 20, 1, 12), "30 rows, 20 columns"),
    ],
)
def test_the_error_of_a_size_mismatch_names_both_sizes(size: ImageSize, said: str) -> None:
    with pytest.raises(DecodeError, match=said) as caught:
        check_size(size, describe_image(np.zeros((20, 30), np.uint16), 12))
    assert caught.value.reason is Reason.CODESTREAM_MISMATCH
    assert "Rows 20, Columns 30, Samples per Pixel 1" in caught.value.message


def test_only_a_precision_above_bits_allocated_is_a_mismatch() -> None:
    pixel = describe_image(np.zeros((2, 2), np.uint8), 8)
    check_size(ImageSize(2, 2, 1, 7), pixel)
    with pytest.raises(DecodeError, match="9 bits a sample, Bits Allocated is 8"):
        check_size(ImageSize(2, 2, 1, 9), pixel)
