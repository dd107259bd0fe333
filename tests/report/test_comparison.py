# SPDX-License-Identifier: MIT
"""Test that `plainfilm compare` shows each film in each look, with the curve that maps its values."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.support.cases.build import write_case
from tests.support.command_line import CommandLine

import plainfilm as package
from plainfilm.demo.naive import naive_image
from plainfilm.errors import OptionsError
from plainfilm.report.comparison import draw_comparison
from plainfilm.report.drawing import curve_points, reduce_image
from plainfilm.report.look_panels import (
    CELL,
    FilmPanels,
    LookPanel,
    LookRequest,
    options_of_looks,
    parse_looks,
    render_looks,
)
from plainfilm.report.tone_chart import BINS, ToneChart
from plainfilm.workers.messages import Job, TaskResult

FILM = {"photometric": "MONOCHROME1", "centers": (2000,), "widths": (1500,)}


def panels_of(path: Path, looks: str, **values: object) -> FilmPanels:
    """What the worker makes of a film, in this process."""
    results = list[object]()
    request = LookRequest(0, path, 1, options_of_looks(parse_looks(looks), values))
    render_looks(Job(request), lambda report: results.append(report))
    (result,) = results
    assert isinstance(result, TaskResult)
    _, panels = result.value  # type: ignore[misc]
    assert isinstance(panels, FilmPanels)
    return panels


def test_each_look_is_the_image_that_render_gives(tmp_path: Path) -> None:
    film = write_case(tmp_path / "a.dcm", **FILM)
    for panel in panels_of(film, "viewer,stretch,minmax,equalize,clahe").panels:
        expected = package.render(film, look=panel.look)  # type: ignore[call-overload]
        assert np.array_equal(panel.image, reduce_image(expected, CELL, CELL)), panel.look


def test_the_naive_look_is_the_recipe_of_many_scripts(tmp_path: Path) -> None:
    from pydicom import dcmread

    film = write_case(tmp_path / "a.dcm", **FILM)
    (panel,) = panels_of(film, "naive").panels
    assert np.array_equal(panel.image, reduce_image(naive_image(dcmread(film)), CELL, CELL))


def test_the_curve_falls_for_an_inverted_film_and_rises_for_the_naive_look(tmp_path: Path) -> None:
    film = write_case(tmp_path / "a.dcm", **FILM)
    naive, viewer = panels_of(film, "naive,viewer").panels
    assert naive.chart is not None
    assert viewer.chart is not None
    assert list(naive.chart.levels) == sorted(naive.chart.levels)
    assert list(viewer.chart.levels) == sorted(viewer.chart.levels, reverse=True)
    assert len(set(viewer.chart.levels)) > BINS // 4
    assert max(naive.chart.counts) == 255


def test_facts_of_a_film_do_not_name_its_patient(tmp_path: Path) -> None:
    panels = panels_of(write_case(tmp_path / "Doe.dcm", **FILM), "naive,viewer")
    assert "MONOCHROME1" in panels.facts
    assert "Doe" not in " ".join(panels.facts)


def test_a_parameter_of_a_look_adds_this_look_and_changes_no_other(tmp_path: Path) -> None:
    film = write_case(tmp_path / "a.dcm", **FILM)
    plain, window = panels_of(film, "viewer", window="1000,300").panels
    assert (plain.look, window.look) == ("viewer", "window")
    assert "center 2000" in plain.note
    assert "center 1000" in window.note


@pytest.mark.parametrize("looks", ["", "naive,nave", "viewer,viewer", "viewer,"])
def test_unknown_and_repeated_looks_are_refused(looks: str) -> None:
    with pytest.raises(OptionsError, match="--looks"):
        parse_looks(looks)


def test_the_picture_has_a_row_for_each_film_and_a_column_for_each_look() -> None:
    chart = ToneChart(0, 1, bytes(BINS), bytes(range(BINS)))
    panel = LookPanel("viewer", "", np.full((CELL, CELL), 200, np.uint8), chart)
    one = draw_comparison([FilmPanels(0, ("CR",), (panel,))])
    four = draw_comparison([FilmPanels(number, ("CR",), (panel, panel)) for number in range(2)])
    assert four.shape[0] > 1.8 * one.shape[0]
    assert four.shape[1] > 1.8 * one.shape[1]
    assert (four == 200).all(axis=2).sum() > 3.5 * CELL * CELL * 0.6


def test_curve_points_go_from_the_bottom_for_black_to_the_top_for_white() -> None:
    (_, black), (_, white) = curve_points(bytes([0, 255]), 100, 50)
    assert black > 45
    assert white < 5


@pytest.mark.slow
def test_the_command_writes_a_picture_and_reports_a_damaged_film(plainfilm: CommandLine, tmp_path: Path) -> None:
    film, damaged = write_case(tmp_path / "a.dcm", **FILM), tmp_path / "b.dcm"
    damaged.write_bytes(b"no film")
    done = plainfilm.run("compare", film, damaged, "-o", tmp_path / "c.png", "--looks", "naive,viewer")
    assert done.returncode == 1
    assert "not_dicom" in done.stderr
    assert "b.dcm" in done.stderr
    with Image.open(tmp_path / "c.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > 2 * CELL
        assert picture.height > 2 * CELL
    alone = plainfilm.run("compare", film, "-o", "-")
    assert alone.returncode == 0
    assert Image.open(io.BytesIO(alone.stdout_bytes)).width > 3 * CELL


@pytest.mark.slow
def test_python_returns_the_picture_as_an_array(tmp_path: Path) -> None:
    film = write_case(tmp_path / "a.dcm", **FILM)
    image = package.compare([film, film.read_bytes()], looks=["naive", "viewer"])
    assert image.dtype == np.uint8
    assert image.shape[0] > 2 * CELL
    assert image.shape[2] == 3
    assert package.compare(film).shape[1] > 3 * CELL
    with pytest.raises(package.ConversionError):
        package.compare(b"no film")


@pytest.mark.parametrize(
    "words",
    [("-o", "c.jpg"), ("-o", "a.png"), ("-o", "c.png", "--frame", "0"), ("-o", "c.png", "--looks", "nave"), ()],
)
def test_wrong_arguments_end_the_command_before_it_starts(
    plainfilm: CommandLine, tmp_path: Path, words: tuple[str, ...]
) -> None:
    write_case(tmp_path / "a.png", **FILM)
    assert plainfilm.run("compare", "a.png", *words, cwd=tmp_path).returncode == 2
    assert plainfilm.run("compare", "nowhere.dcm", "-o", "c.png", cwd=tmp_path).returncode == 2
