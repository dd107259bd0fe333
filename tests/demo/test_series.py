# SPDX-License-Identifier: MIT
"""The radiographs of a series depend only on their numbers and differ, and plainfilm shows their reference images."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

import plainfilm
from plainfilm.demo.__main__ import main
from plainfilm.demo.radiograph import reference_image
from plainfilm.demo.series import RadiographSeries, write_series

SMALL = RadiographSeries(seed=7, rows=200, columns=160)


@pytest.mark.slow
def test_a_radiograph_depends_only_on_its_number(tmp_path: Path) -> None:
    together = list(write_series(SMALL, range(1, 7), tmp_path / "a"))
    alone = list(write_series(SMALL, range(4, 5), tmp_path / "b"))
    assert alone[0].read_bytes() == together[3].read_bytes()


@pytest.mark.slow
def test_radiographs_differ_in_pixels_and_identity(tmp_path: Path) -> None:
    paths = list(write_series(SMALL, range(1, 41), tmp_path))
    datasets = [dcmread(path) for path in paths]
    assert len({dataset.SOPInstanceUID for dataset in datasets}) == 40
    assert len({dataset.PatientID for dataset in datasets}) == 40
    assert len({dataset.PixelData for dataset in datasets}) == 40
    assert {dataset.ImageLaterality for dataset in datasets} == {"L", "R"}
    assert len({path.stem[7:] for path in paths}) == 10


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, 16))
def test_plainfilm_shows_the_reference_image(number: int, tmp_path: Path) -> None:
    (path,) = write_series(SMALL, range(number, number + 1), tmp_path)
    shown = plainfilm.render(path)
    assert np.abs(shown.astype(int) - reference_image(SMALL.radiograph(number))).max() <= 1


def test_the_command_writes_radiographs_and_their_ground_truth(tmp_path: Path) -> None:
    words = ["--count", "2", "--first", "9", "--rows", "64", "--columns", "64", "--truth", str(tmp_path / "truth")]
    assert main([str(tmp_path / "radiographs"), *words]) == 0
    radiographs = sorted((tmp_path / "radiographs").iterdir())
    assert [path.stem[:6] for path in radiographs] == ["000009", "000010"]
    known = [json.loads((tmp_path / "truth" / f"{path.stem}.json").read_text()) for path in radiographs]
    assert [(each["rows"], len(each["landmarks"])) for each in known] == [(64, 20), (64, 20)]


@pytest.mark.parametrize("words", [["--count", "0"], ["--rows", "31"], ["--first", "0"]])
def test_impossible_parameters_are_rejected(words: list[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main([str(tmp_path / "radiographs"), *words])
    assert not (tmp_path / "radiographs").exists()
