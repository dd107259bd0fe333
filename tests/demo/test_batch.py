# SPDX-License-Identifier: MIT
"""A series of films: each by its number alone, all different, and plainfilm shows what was intended."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

import plainfilm
from plainfilm.demo.__main__ import main
from plainfilm.demo.batch import Series, write_series
from plainfilm.demo.film import intended_picture

SMALL = Series(seed=7, rows=200, columns=160)


def test_a_film_depends_on_its_number_alone(tmp_path: Path) -> None:
    together = list(write_series(SMALL, range(1, 7), tmp_path / "a"))
    alone = list(write_series(SMALL, range(4, 5), tmp_path / "b"))
    assert alone[0].read_bytes() == together[3].read_bytes()


def test_films_differ_in_pixels_and_identity(tmp_path: Path) -> None:
    paths = list(write_series(SMALL, range(1, 41), tmp_path))
    datasets = [dcmread(path) for path in paths]
    assert len({dataset.SOPInstanceUID for dataset in datasets}) == 40
    assert len({dataset.PatientID for dataset in datasets}) == 40
    assert len({dataset.PixelData for dataset in datasets}) == 40
    assert {dataset.ImageLaterality for dataset in datasets} == {"L", "R"}
    assert len({path.stem[7:] for path in paths}) == 10


@pytest.mark.parametrize("number", range(1, 16))
def test_plainfilm_shows_the_intended_picture(number: int, tmp_path: Path) -> None:
    (path,) = write_series(SMALL, range(number, number + 1), tmp_path)
    shown = plainfilm.render(path)
    assert np.abs(shown.astype(int) - intended_picture(SMALL.film(number))).max() <= 1


def test_the_command_writes_films_and_what_is_known(tmp_path: Path) -> None:
    words = ["--count", "2", "--first", "9", "--rows", "64", "--columns", "64", "--truth", str(tmp_path / "truth")]
    assert main([str(tmp_path / "films"), *words]) == 0
    films = sorted((tmp_path / "films").iterdir())
    assert [path.stem[:6] for path in films] == ["000009", "000010"]
    known = [json.loads((tmp_path / "truth" / f"{path.stem}.json").read_text()) for path in films]
    assert [(each["rows"], len(each["landmarks"])) for each in known] == [(64, 20), (64, 20)]


@pytest.mark.parametrize("words", [["--count", "0"], ["--rows", "31"], ["--first", "0"]])
def test_what_cannot_be_made_is_refused(words: list[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main([str(tmp_path / "films"), *words])
    assert not (tmp_path / "films").exists()
