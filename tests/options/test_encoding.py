# SPDX-License-Identifier: MIT
"""Test the formats of image files: their suffixes, and the options that contradict them."""

from __future__ import annotations

import pytest

from plainfilm.errors import OptionsError
from plainfilm.options.encoding import ImageFormat, format_of_suffix
from plainfilm.options.options import Options
from plainfilm.sources.naming_rules import IMAGE_SUFFIXES


@pytest.mark.parametrize(
    ("suffix", "image_format"),
    [
        (".png", "png"),
        (".JPG", "jpeg"),
        (".jpeg", "jpeg"),
        (".webp", "webp"),
        (".tif", "tiff"),
        (".tiff", "tiff"),
        (".jxl", "jxl"),
        (".npy", "npy"),
        (".dcm", None),
        ("", None),
    ],
)
def test_the_suffix_of_a_file_names_its_format(suffix: str, image_format: str | None) -> None:
    assert format_of_suffix(suffix) == image_format


def test_every_suffix_is_known_to_the_rules_of_names() -> None:
    assert {suffix for suffix in IMAGE_SUFFIXES if format_of_suffix(f".{suffix}") is None} == set()
    assert all(item.suffix[1:] in IMAGE_SUFFIXES for item in ImageFormat)


@pytest.mark.parametrize("image_format", ["jpeg", "webp"])
def test_16_bits_contradict_a_format_of_8_bits(image_format: str) -> None:
    with pytest.raises(OptionsError, match=f"--format {image_format} holds 8 bits and contradicts --bits 16"):
        Options.of({"format": image_format, "bits": 16})
    with pytest.raises(OptionsError, match="contradicts --look stored"):
        Options.of({"format": image_format, "look": "stored"})


def test_lossless_contradicts_jpeg() -> None:
    with pytest.raises(OptionsError, match="--lossless contradicts --format jpeg"):
        Options.of({"format": "jpeg", "lossless": True})


@pytest.mark.parametrize("quality", [0, 101, 1.5, "high"])
def test_a_quality_is_from_1_to_100(quality: object) -> None:
    with pytest.raises(OptionsError, match="--quality"):
        Options.of({"quality": quality})
