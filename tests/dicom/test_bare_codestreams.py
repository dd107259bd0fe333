# SPDX-License-Identifier: MIT
"""A codestream in Pixel Data of a defined length, without items: decoded if it says what it is, otherwise refused."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.filebase import DicomBytesIO
from tests.support.dicom_files import encode_file, image_dataset

import plainfilm
from plainfilm.dicom.transfer_syntax import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE

SHAPE = (24, 36)
PIXELS = np.add.outer(np.arange(24, dtype=np.uint8) * 3, np.arange(36, dtype=np.uint8) * 4)
ROOT = "1.2.840.10008.1.2.4"
CODESTREAMS: dict[str, bytes] = {
    f"{ROOT}.50": imagecodecs.jpeg8_encode(PIXELS, level=95),
    f"{ROOT}.70": imagecodecs.ljpeg_encode(PIXELS, bitspersample=8),
    f"{ROOT}.80": imagecodecs.jpegls_encode(PIXELS),
    f"{ROOT}.90": imagecodecs.jpeg2k_encode(PIXELS, level=0, codecformat="j2k"),
    f"{ROOT}.110": imagecodecs.jpegxl_encode(PIXELS, lossless=True, usecontainer=True),
}
COLOR = imagecodecs.jpeg8_encode(np.dstack([PIXELS] * 3), level=95)
DECLARED = (EXPLICIT_LITTLE, IMPLICIT_LITTLE, f"{ROOT}.50", f"{ROOT}.90", "1.2.840.10008.1.2.5", "1.2.3.4.5")


def film(value: bytes, declared: str, **changes: Any) -> bytes:
    base: dict[str, Any] = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "Rows": SHAPE[0], "Columns": SHAPE[1]}
    dataset = image_dataset(**(base | {"PixelData": value + b"\0" * (len(value) % 2)} | changes))
    return encode_file(dataset, declared)


def codes(content: bytes) -> list[str]:
    findings: Any = plainfilm.explain(content).to_dict()["findings"]
    return [finding["code"] for finding in findings]


@pytest.mark.parametrize("declared", [*DECLARED, EXPLICIT_BIG])
@pytest.mark.parametrize("syntax", CODESTREAMS)
def test_a_codestream_without_items_is_decoded_as_what_it_is(syntax: str, declared: str) -> None:
    content = film(CODESTREAMS[syntax], declared)
    assert np.abs(plainfilm.render(content).astype(int) - PIXELS).max() <= (3 if syntax == f"{ROOT}.50" else 0)
    assert codes(content)[:1] == ["items_missing"]
    used = plainfilm.explain(content).to_dict()["transfer_syntax"]
    assert (used == declared) is ("assumed_transfer_syntax" not in codes(content))


def test_its_components_decide_like_those_of_a_codestream_in_items() -> None:
    content = film(COLOR, EXPLICIT_LITTLE)
    assert plainfilm.render(content).shape == (*SHAPE, 3)
    assert "assumed_photometric_interpretation" in codes(content)


def test_only_the_first_frame_is_there() -> None:
    content = film(CODESTREAMS[f"{ROOT}.70"], f"{ROOT}.70", NumberOfFrames="2")
    np.testing.assert_array_equal(plainfilm.render(content), PIXELS)
    with pytest.raises(plainfilm.PlainfilmError) as refused:
        plainfilm.render(content, frame=2)
    assert refused.value.reason == "truncated_pixel_data"


def test_a_dataset_in_memory_is_read_like_a_file() -> None:
    dataset = pydicom.dcmread(DicomBytesIO(film(CODESTREAMS[f"{ROOT}.70"], f"{ROOT}.70")), force=True)
    np.testing.assert_array_equal(plainfilm.render(dataset), PIXELS)


@pytest.mark.parametrize("declared", [f"{ROOT}.50", f"{ROOT}.90", "1.2.840.10008.1.2.5"])
@pytest.mark.parametrize(("length", "reason"), [(400, "truncated_pixel_data"), (4000, "corrupt_codestream")])
def test_other_bytes_of_a_compressed_transfer_syntax_are_refused(declared: str, length: int, reason: str) -> None:
    value = np.random.default_rng(4).bytes(length)
    with pytest.raises(plainfilm.PlainfilmError, match="without items") as refused:
        plainfilm.render(film(value, declared))
    assert refused.value.reason == reason
    assert declared in str(refused.value)


@pytest.mark.parametrize("declared", DECLARED)
def test_native_data_that_begin_like_a_codestream_are_native(declared: str) -> None:
    pixels = bytearray(PIXELS.tobytes())
    pixels[:40] = CODESTREAMS[f"{ROOT}.70"][:40]
    np.testing.assert_array_equal(plainfilm.render(film(bytes(pixels), declared)).tobytes(), bytes(pixels))


@pytest.mark.parametrize("start", [b"\xff\x0a", b"\1\0\0\0\x40\0\0\0"])
def test_weak_first_bytes_of_native_data_are_no_codestream(start: bytes) -> None:
    """JPEG XL without boxes and RLE begin with bytes that pixels may have; these data have an excess."""
    pixels = start + PIXELS.tobytes()[len(start) :]
    content = film(pixels + b"\7" * 40, EXPLICIT_LITTLE)
    assert plainfilm.render(content).tobytes() == pixels
    assert codes(content) == ["excess_pixel_data"]
