# SPDX-License-Identifier: MIT
"""The naive recipe must fail on each of the twelve, or the demo shows nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset

from plainfilm.demo.dataset import build_film, write_films
from plainfilm.demo.film import Film, intended_picture
from plainfilm.demo.films import films
from plainfilm.demo.naive import naive_picture

Picture = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    write_films(folder)
    return folder


def likeness(picture: Picture, intended: Picture) -> float:
    """Correlation with the intended picture where that shows the hand, neither black nor white."""
    hand = (intended > 20) & (intended < 250)
    return float(np.corrcoef(picture[hand], intended[hand])[0, 1])


def contrast(picture: Picture, intended: Picture) -> float:
    """Standard deviation of the hand's greys as a share of the intended one."""
    hand = (intended > 20) & (intended < 250)
    return float(picture[hand].std() / intended[hand].std())


def fails(picture: Picture, intended: Picture) -> bool:
    return likeness(picture, intended) < 0.3 or contrast(picture, intended) < 0.15


@pytest.mark.parametrize("film", films(), ids=lambda film: film.name)
def test_the_naive_picture_fails(film: Film, folder: Path) -> None:
    picture = naive_picture(pydicom.dcmread(folder / f"{film.name}.dcm"))
    assert fails(picture, intended_picture(film))


@pytest.mark.parametrize("film", films(), ids=lambda film: film.name)
def test_the_intended_picture_does_not(film: Film) -> None:
    intended = intended_picture(film)
    assert not fails(intended, intended)
    hand = intended[(intended > 20) & (intended < 250)]
    assert hand.size > 0.2 * intended.size
    assert hand.std() > 35


def test_how_each_fails(folder: Path) -> None:
    """Negatives, near black, near white, wrapped, flat grey: each habit its own."""
    pictures: dict[int, tuple[Picture, Picture]] = {}
    for film in films():
        picture = naive_picture(pydicom.dcmread(folder / f"{film.name}.dcm"))
        pictures[film.number] = picture, intended_picture(film)
    median: dict[int, Any] = {number: np.median(picture) for number, (picture, _) in pictures.items()}
    assert all(likeness(*pictures[number]) < -0.9 for number in (1, 4, 5, 11, 12))
    assert median[2] < 10
    assert median[7] < 10
    assert median[9] < 10
    assert median[10] < 40
    assert median[3] > 200
    assert likeness(*pictures[6]) < 0.3
    assert 100 < median[8] < 150


def test_it_is_the_recipe() -> None:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = 1, 4, 1
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.PixelData = np.array([[0, 100, 200, -2]], "<i2").tobytes()
    assert naive_picture(dataset).tolist() == [[0, 127, 255, 254]]


def test_it_leaves_the_dataset_alone() -> None:
    dataset = build_film(films()[0])
    before = dataset.PixelData
    naive_picture(dataset)
    assert dataset.PixelData is before
