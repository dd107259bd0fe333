# SPDX-License-Identifier: MIT
"""The naive conversion fails for each of the twelve radiographs, which is what the demo shows."""

from __future__ import annotations

from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset

from plainfilm.demo.catalog import demo_radiographs
from plainfilm.demo.dataset import build_dataset, write_radiographs
from plainfilm.demo.naive import naive_image
from plainfilm.demo.radiograph import SyntheticRadiograph, reference_image

NAME = attrgetter("name")

Picture = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("radiographs")
    write_radiographs(folder)
    return folder


def likeness(picture: Picture, intended: Picture) -> float:
    """Correlation with the reference image where the reference image is neither black nor white."""
    hand = (intended > 20) & (intended < 250)
    return float(np.corrcoef(picture[hand], intended[hand])[0, 1])


def contrast(picture: Picture, intended: Picture) -> float:
    """Standard deviation of the grey levels of the hand, relative to the reference image."""
    hand = (intended > 20) & (intended < 250)
    return float(picture[hand].std() / intended[hand].std())


def fails(picture: Picture, intended: Picture) -> bool:
    return likeness(picture, intended) < 0.3 or contrast(picture, intended) < 0.15


@pytest.mark.slow
@pytest.mark.parametrize("radiograph", demo_radiographs(), ids=NAME)
def test_the_naive_conversion_fails(radiograph: SyntheticRadiograph, folder: Path) -> None:
    picture = naive_image(pydicom.dcmread(folder / f"{radiograph.name}.dcm"))
    assert fails(picture, reference_image(radiograph))


@pytest.mark.slow
@pytest.mark.parametrize("radiograph", demo_radiographs(), ids=NAME)
def test_the_reference_image_does_not_fail(radiograph: SyntheticRadiograph) -> None:
    intended = reference_image(radiograph)
    assert not fails(intended, intended)
    hand = intended[(intended > 20) & (intended < 250)]
    assert hand.size > 0.2 * intended.size
    assert hand.std() > 35


@pytest.mark.slow
def test_each_naive_conversion_fails_in_its_own_way(folder: Path) -> None:
    """The results are negatives, nearly black, nearly white, wrapped or flat grey."""
    pictures: dict[int, tuple[Picture, Picture]] = {}
    for radiograph in demo_radiographs():
        picture = naive_image(pydicom.dcmread(folder / f"{radiograph.name}.dcm"))
        pictures[radiograph.number] = picture, reference_image(radiograph)
    median: dict[int, Any] = {number: np.median(picture) for number, (picture, _) in pictures.items()}
    assert all(likeness(*pictures[number]) < -0.9 for number in (1, 4, 5, 11, 12))
    assert median[2] < 10
    assert median[7] < 10
    assert median[9] < 10
    assert median[10] < 40
    assert median[3] > 200
    assert likeness(*pictures[6]) < 0.3
    assert 100 < median[8] < 150


def test_values_are_divided_by_their_maximum_and_wrap() -> None:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = 1, 4, 1
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.PixelData = np.array([[0, 100, 200, -2]], "<i2").tobytes()
    assert naive_image(dataset).tolist() == [[0, 127, 255, 254]]


def test_the_dataset_is_not_changed() -> None:
    dataset = build_dataset(demo_radiographs()[0])
    before = dataset.PixelData
    naive_image(dataset)
    assert dataset.PixelData is before
