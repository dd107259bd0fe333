# SPDX-License-Identifier: MIT
"""Test that missing rows of a truncated image are black like padding and not counted in statistics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset

import plainfilm
from plainfilm.errors import OptionsError, TruncatedError

ROWS, COLUMNS, THERE = 30, 20, 18


def image_with_pixel_data(image: Any, value: bytes | None = None, **attributes: Any) -> Dataset:
    """A 12-bit grey or an 8-bit RGB film of an image, its Pixel Data those given."""
    dataset, samples = Dataset(), 1 if image.ndim == 2 else 3
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = *image.shape[:2], samples
    dataset.PhotometricInterpretation = "MONOCHROME2" if samples == 1 else "RGB"
    dataset.BitsAllocated = 8 * image.itemsize
    dataset.BitsStored = 12 if samples == 1 else 8
    dataset.HighBit, dataset.PixelRepresentation = dataset.BitsStored - 1, 0
    if samples == 3:
        dataset.PlanarConfiguration = 0
    dataset.PixelData = image.tobytes() if value is None else value
    dataset["PixelData"].VR = "OW"
    for keyword, content in attributes.items():
        setattr(dataset, keyword, content)
    return dataset


@pytest.fixture
def picture() -> Any:
    slope = np.add.outer(np.arange(ROWS) * 90, np.arange(COLUMNS) * 40)
    return (slope + np.random.default_rng(1).integers(0, 99, slope.shape)).astype(np.uint16)


def cut(picture: Any) -> Dataset:
    return image_with_pixel_data(picture, picture[:THERE].tobytes())


def test_a_truncated_image_is_refused_by_default(picture: Any) -> None:
    with pytest.raises(TruncatedError):
        plainfilm.render(cut(picture))


def test_strict_refuses_a_truncated_image(picture: Any) -> None:
    with pytest.raises(OptionsError):
        plainfilm.render(cut(picture), allow_truncated=True, strict=True)


@pytest.mark.parametrize("look", ["viewer", "stretch", "minmax", "stored"])
def test_the_present_rows_equal_those_of_the_whole_image(picture: Any, look: str) -> None:
    image = plainfilm.render(cut(picture), allow_truncated=True, look=look)
    assert np.array_equal(image[:THERE], plainfilm.render(image_with_pixel_data(picture[:THERE]), look=look))
    assert not image[THERE:].any()


def test_missing_rows_are_rendered_like_padding(picture: Any) -> None:
    padded = picture.copy()
    padded[THERE:] = 4095
    twin = image_with_pixel_data(padded, PixelPaddingValue=4095, PhotometricInterpretation="MONOCHROME1")
    mine = cut(picture)
    mine.PhotometricInterpretation = "MONOCHROME1"
    assert np.array_equal(plainfilm.render(mine, allow_truncated=True), plainfilm.render(twin))
    ours, theirs = plainfilm.explain(mine, allow_truncated=True), plainfilm.explain(twin)
    assert ours.to_dict()["padding_fraction"] == theirs.to_dict()["padding_fraction"]
    with plainfilm.open(mine, allow_truncated=True) as image, plainfilm.open(twin) as other:
        # statistics leave out the missing rows
        assert image.record().mean == other.record().mean
    assert ours.to_dict()["status"] == "repaired"
    assert "truncated_filled" in str(ours)


def test_the_shutter_is_painted_over_missing_rows(picture: Any) -> None:
    mine = cut(picture)
    mine.ShutterShape, mine.ShutterPresentationValue = "RECTANGULAR", 0xFFFF
    mine.ShutterLeftVerticalEdge, mine.ShutterRightVerticalEdge = 1, COLUMNS
    mine.ShutterUpperHorizontalEdge, mine.ShutterLowerHorizontalEdge = 1, ROWS - 2
    image = plainfilm.render(mine, allow_truncated=True)
    assert not image[THERE : ROWS - 2].any()
    assert (image[ROWS - 2 :] == 255).all()


def test_missing_rows_of_a_color_image_are_black() -> None:
    colors = np.random.default_rng(2).integers(1, 256, (ROWS, COLUMNS, 3), np.uint8)
    image = plainfilm.render(image_with_pixel_data(colors, colors[:THERE].tobytes()), allow_truncated=True)
    assert np.array_equal(image[:THERE], colors[:THERE])
    assert not image[THERE:].any()


def test_a_whole_image_is_not_affected(picture: Any) -> None:
    whole = plainfilm.explain(image_with_pixel_data(picture), allow_truncated=True).to_dict()
    assert whole["status"] == "ok"
    assert whole["findings"] == []
