# SPDX-License-Identifier: MIT
"""Native Pixel Data of undefined length are read as uncompressed fragments with a finding, else refused."""

from __future__ import annotations

import struct

import numpy as np
import pytest

import plainfilm
from plainfilm.errors import ConversionError, Reason

IMAGE = np.arange(24, dtype=np.uint16).reshape(4, 6) * 100


def element(tag: int, vr: str, value: bytes) -> bytes:
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), len(value)) + value


def dataset_with_pixel_data(pixel_data: bytes) -> bytes:
    """A bare data set in explicit VR little endian whose Pixel Data have an undefined length."""
    numbers = {0x00280010: 4, 0x00280011: 6, 0x00280100: 16, 0x00280101: 12, 0x00280102: 11, 0x00280103: 0}
    header = element(0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.7\0") + element(0x00280002, "US", b"\1\0")
    header += element(0x00280004, "CS", b"MONOCHROME2 ")
    header += b"".join(element(tag, "US", struct.pack("<H", value)) for tag, value in numbers.items())
    return header + b"\xe0\x7f\x10\x00OW\0\0\xff\xff\xff\xff" + pixel_data


def items(*contents: bytes) -> bytes:
    heads = (b"\xfe\xff\x00\xe0" + struct.pack("<I", len(content)) + content for content in (b"", *contents))
    return b"".join(heads) + b"\xfe\xff\xdd\xe0\0\0\0\0"


def test_fragments_with_the_length_of_the_pixels_are_uncompressed() -> None:
    content = dataset_with_pixel_data(items(IMAGE.tobytes()[:20], IMAGE.tobytes()[20:]))
    explanation = plainfilm.explain(content)
    assert np.array_equal(plainfilm.render(content, look="stored"), IMAGE)
    assert [finding["code"] for finding in explanation.to_dict()["findings"]][:1] == ["assumed_transfer_syntax"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("pixel_data", "reason"),
    [
        (IMAGE.tobytes(), Reason.CORRUPT_CODESTREAM),
        (items(IMAGE.tobytes() + bytes(12)), Reason.CODESTREAM_MISMATCH),
        (items(IMAGE.tobytes()[:-1]), Reason.TRUNCATED_PIXEL_DATA),
    ],
    ids=["no items", "too long", "too short"],
)
def test_other_fragments_are_refused(pixel_data: bytes, reason: Reason) -> None:
    with pytest.raises(ConversionError) as caught:
        plainfilm.explain(dataset_with_pixel_data(pixel_data))
    assert caught.value.reason is reason
