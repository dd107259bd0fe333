# SPDX-License-Identifier: MIT
"""Padding that an irreversible codestream has changed is not painted; values near it are left out of the statistics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import openjpeg.utils
import pytest
from tests.support.dicom_files import encapsulate_fragments, encode_file, image_dataset

import plainfilm

Array = npt.NDArray[Any]
SHAPE = (64, 80)
PADDING = 48
JPEG_2000 = "1.2.840.10008.1.2.4.91"


def picture(bits: int) -> Array:
    """A slope in a wide margin of padding."""
    generator = np.random.default_rng(3)
    top = (1 << bits) - 1
    levels = np.clip(np.linspace(0.3, 0.95, SHAPE[1])[None, :] + generator.normal(0, 0.02, SHAPE), 0, 1) * top
    image = levels.astype(np.uint8 if bits <= 8 else np.uint16)
    image[:24], image[-8:] = PADDING, PADDING
    return image


def jpeg_2000(image: Array, *, reversible: bool) -> bytes:
    ratios = [] if reversible else [12.0]
    bits = 8 if image.dtype == np.uint8 else 12
    codestream: bytes = openjpeg.utils.encode_array(image, bits_stored=bits, compression_ratios=ratios)
    return codestream


def high_throughput(image: Array, *, reversible: bool) -> bytes:
    codestream: bytes = imagecodecs.htj2k_encode(image, reversible=reversible, level=None if reversible else 0.002)
    return codestream


CODECS: dict[str, tuple[str, int, Callable[[Array], bytes]]] = {
    "JPEG baseline": ("1.2.840.10008.1.2.4.50", 8, lambda image: imagecodecs.jpeg8_encode(image, level=70)),
    "JPEG extended": (
        "1.2.840.10008.1.2.4.51",
        12,
        lambda image: imagecodecs.jpeg8_encode(image, level=90, bitspersample=12),
    ),
    "JPEG 2000": (JPEG_2000, 12, lambda image: jpeg_2000(image, reversible=False)),
    "HTJ2K": ("1.2.840.10008.1.2.4.203", 12, lambda image: high_throughput(image, reversible=False)),
    "JPEG-LS": ("1.2.840.10008.1.2.4.81", 12, lambda image: imagecodecs.jpegls_encode(image, level=5)),
    "JPEG XL": ("1.2.840.10008.1.2.4.112", 8, lambda image: imagecodecs.jpegxl_encode(image, level=60)),
    "JPEG in JPEG XL": (
        "1.2.840.10008.1.2.4.111",
        8,
        lambda image: imagecodecs.jpegxl_encode_jpeg(imagecodecs.jpeg8_encode(image, level=70)),
    ),
}
REVERSIBLE: dict[str, tuple[str, int, Callable[[Array], bytes]]] = {
    "JPEG lossless": ("1.2.840.10008.1.2.4.70", 12, lambda image: imagecodecs.ljpeg_encode(image, bitspersample=12)),
    "JPEG 2000": (JPEG_2000, 12, lambda image: jpeg_2000(image, reversible=True)),
    "HTJ2K": ("1.2.840.10008.1.2.4.203", 12, lambda image: high_throughput(image, reversible=True)),
    "JPEG-LS": ("1.2.840.10008.1.2.4.81", 12, lambda image: imagecodecs.jpegls_encode(image)),
    "JPEG XL": ("1.2.840.10008.1.2.4.112", 8, lambda image: imagecodecs.jpegxl_encode(image, lossless=True)),
}


def film(syntax: str, codestream: bytes, bits: int, **changes: Any) -> bytes:
    allocated = 8 if bits <= 8 else 16
    base = {
        "Rows": SHAPE[0],
        "Columns": SHAPE[1],
        "BitsAllocated": allocated,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelData": encapsulate_fragments(codestream),
    }
    return encode_file(image_dataset(**(base | changes)), syntax)


def record(content: bytes, **options: Any) -> dict[str, Any]:
    values: dict[str, Any] = plainfilm.explain(content, **options).to_dict()
    return values


def padding_step(content: bytes) -> str:
    steps: Any = record(content)["steps"]
    return next(step["does"] for step in steps if step["name"] == "padding")


def stored(content: bytes) -> Array:
    image: Array = plainfilm.render(content, look="stored")
    return image


@pytest.mark.parametrize("codec", CODECS)
def test_changed_padding_goes_through_the_voi_and_counts_in_no_statistic(codec: str) -> None:
    syntax, bits, encode = CODECS[codec]
    codestream = encode(picture(bits))
    content = film(syntax, codestream, bits, PixelPaddingValue=PADDING)
    values, plain = stored(content).astype(int), film(syntax, codestream, bits)
    assert 0 < (values == PADDING).mean() < 1
    assert record(content)["padding_fraction"] == (values == PADDING).mean()
    bits_stored: int = record(content)["bits_stored"]  # that of a codestream whose values exceed the header's
    reach = 5 if codec == "JPEG-LS" else -(-(1 << bits_stored) // 256)
    valid = values[np.abs(values - PADDING) > reach]
    assert "not painted" in padding_step(content)
    if bits == 8:
        np.testing.assert_array_equal(plainfilm.render(content), plainfilm.render(plain))
        return
    inner = valid[(valid > valid.min()) & (valid < valid.max())]
    low, high = np.percentile(inner, (0.1, 99.9))
    assert (record(content)["low"], record(content)["high"]) == pytest.approx((low, high), abs=1e-9)
    expected = np.floor(np.clip((values - low) / (high - low), 0, 1) * 255 + 0.5)
    np.testing.assert_array_equal(plainfilm.render(content), expected)


@pytest.mark.parametrize("codec", REVERSIBLE)
def test_padding_in_a_reversible_codestream_is_painted_whatever_its_transfer_syntax(codec: str) -> None:
    syntax, bits, encode = REVERSIBLE[codec]
    image = picture(bits)
    content = film(syntax, encode(image), bits, PixelPaddingValue=PADDING)
    assert record(content)["padding_fraction"] == (image == PADDING).mean()
    rendered = plainfilm.render(content)
    assert (rendered[image == PADDING] == 0).all()
    assert rendered[image != PADDING].any()


@pytest.mark.parametrize("codec", CODECS)
def test_a_range_limit_is_obeyed_in_an_irreversible_codestream(codec: str) -> None:
    syntax, bits, encode = CODECS[codec]
    limits = {"PixelPaddingValue": PADDING - 20, "PixelPaddingRangeLimit": PADDING + 20}
    content = film(syntax, encode(picture(bits)), bits, PhotometricInterpretation="MONOCHROME1", **limits)
    values = stored(content).astype(int)
    is_padding = np.abs(values - PADDING) <= 20
    assert record(content)["padding_fraction"] == is_padding.mean()
    assert (plainfilm.render(content)[is_padding] == 0).all()


def test_near_padding_of_nearly_the_whole_frame_is_ignored() -> None:
    image = np.full(SHAPE, PADDING, np.uint8)
    image[:8, :16] = 200
    codestream = imagecodecs.jpeg8_encode(image, level=90)
    values = record(film("1.2.840.10008.1.2.4.50", codestream, 8, PixelPaddingValue=PADDING))
    assert "padding_implausible" in {finding["code"] for finding in values["findings"]}
    assert values["padding_fraction"] == 0.0


@pytest.mark.parametrize("look", ["clahe", "window"])
def test_changed_padding_is_painted_in_no_look(look: Any) -> None:
    syntax, bits, encode = CODECS["JPEG baseline"]
    content = film(
        syntax, encode(picture(bits)), bits, PixelPaddingValue=PADDING, PhotometricInterpretation="MONOCHROME1"
    )
    options: dict[str, Any] = {"window": "128,256"} if look == "window" else {"look": look}
    assert plainfilm.render(content, **options)[stored(content) == PADDING].min() > 150
