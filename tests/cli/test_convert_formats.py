# SPDX-License-Identifier: MIT
"""Test `plainfilm convert` with every image format: names, suffixes, tables and messages."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from tests.support.cases.build import write_case
from tests.support.command_line import CommandLine
from tests.support.outputs import rows_of

pytestmark = pytest.mark.slow

STARTS = {
    "hand.png": b"\x89PNG",
    "hand.JPEG": b"\xff\xd8\xff",
    "hand.webp": b"RIFF",
    "hand.tiff": b"II*\0",
    "hand.jxl": b"\xff\x0a",
    "hand.npy": b"\x93NUMPY",
}


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return write_case(tmp_path / "in" / "hand.dcm")


@pytest.mark.parametrize("name", STARTS)
def test_the_suffix_of_one_image_chooses_the_format(
    name: str, film: Path, plainfilm: CommandLine, tmp_path: Path
) -> None:
    assert plainfilm.run("convert", film, tmp_path / name).returncode == 0
    assert (tmp_path / name).read_bytes().startswith(STARTS[name])


@pytest.mark.parametrize(
    ("image_format", "suffix"),
    [("jpeg", ".jpg"), ("tiff", ".tif"), ("jxl", ".jxl")],
)
def test_a_run_names_its_images_by_the_format(
    image_format: str, suffix: str, film: Path, plainfilm: CommandLine, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = plainfilm.run("convert", film.parent, out, "--format", image_format)
    (row,) = rows_of(out)
    assert done.returncode == 0
    assert row["file_name"] == f"hand{suffix}"
    assert hashlib.sha256((out / row["file_name"]).read_bytes()).hexdigest() == row["sha256"]
    assert ("common loaders" in done.stderr) is (image_format in ("jxl", "npy"))
    again = plainfilm.run("convert", film.parent, out, "--format", "png")
    assert again.returncode == 3
    assert "--format" in again.stderr


@pytest.mark.parametrize(
    "words",
    [
        "--format jpeg --bits 16",
        "--format webp --look stored",
        "--format jpeg --lossless",
        "--quality 80",
        "--lossless",
        "--format jxl --lossless --quality 80",
    ],
)
def test_a_format_that_cannot_hold_the_image_is_exit_code_2(
    words: str, film: Path, plainfilm: CommandLine, tmp_path: Path
) -> None:
    done = plainfilm.run("convert", film.parent, tmp_path / "out", *words.split())
    assert done.returncode == 2
    assert not (tmp_path / "out").exists()


def test_16_bits_and_a_suffix_of_8_bits_are_exit_code_2(film: Path, plainfilm: CommandLine, tmp_path: Path) -> None:
    assert plainfilm.run("convert", film, tmp_path / "x.jpg", "--bits", "16").returncode == 2
    assert plainfilm.run("convert", film, tmp_path / "x.png", "--format", "jpeg").returncode == 2
    assert not (tmp_path / "x.jpg").exists()


def test_a_quality_belongs_to_the_format_of_the_suffix(film: Path, plainfilm: CommandLine, tmp_path: Path) -> None:
    assert plainfilm.run("convert", film, tmp_path / "rough.jpg", "--quality", "10").returncode == 0
    assert plainfilm.run("convert", film, tmp_path / "fine.jpg", "--quality", "95").returncode == 0
    assert (tmp_path / "rough.jpg").stat().st_size < (tmp_path / "fine.jpg").stat().st_size
    assert plainfilm.run("convert", film, tmp_path / "x.webp", "--lossless").returncode == 0
