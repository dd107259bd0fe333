# SPDX-License-Identifier: MIT
"""Test that `plainfilm demo` writes twelve images, their conversions and a contact sheet into an own folder."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom import dcmread
from tests.support.command_line import CommandLine, Finished

from plainfilm.cli.main import main
from plainfilm.demo.catalog import demo_radiographs

pytestmark = pytest.mark.slow

NAMES = [radiograph.name for radiograph in demo_radiographs()]


@pytest.fixture(scope="module")
def demo(plainfilm: CommandLine, tmp_path_factory: pytest.TempPathFactory) -> tuple[Finished, Path]:
    """The command, run once, and its OUT."""
    out = tmp_path_factory.mktemp("demo") / "new" / "out"
    return plainfilm.run("demo", out, "--jobs", "2"), out


def test_demo_writes_images_tables_and_a_contact_sheet(demo: tuple[Finished, Path]) -> None:
    done, out = demo
    assert (done.returncode, done.stdout) == (0, "")
    assert "12 images (1 repaired), 0 failed, 0 skipped" in done.stderr
    assert str(out / "contact-sheet.png") in done.stderr
    assert sorted(path.stem for path in (out / "films").iterdir()) == NAMES
    with open(out / "pictures" / "metadata.csv", newline="") as file:
        assert [row["file_name"] for row in csv.DictReader(file)] == [f"{name}.png" for name in NAMES]
    assert sorted(path.stem for path in (out / "naive").iterdir()) == NAMES
    assert sorted(path.stem for path in (out / "truth").glob("*.json")) == NAMES
    assert sorted(path.stem for path in (out / "truth").glob("*.png")) == NAMES
    sheet = cv2.imread(str(out / "contact-sheet.png"))
    assert sheet is not None
    assert np.unique(sheet).size > 100


def test_each_png_has_the_size_of_its_dicom_file(
    demo: tuple[Finished, Path],
) -> None:
    _, out = demo
    for name in NAMES:
        header = dcmread(out / "films" / f"{name}.dcm", stop_before_pixels=True)
        shown = cv2.imread(str(out / "pictures" / f"{name}.png"), cv2.IMREAD_UNCHANGED)
        assert shown is not None
        assert shown.shape == (header.Rows, header.Columns)


def test_what_the_environment_says_about_other_commands_is_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLAINFILM_SHARD", "1/2")
    # contradicts a shard where both count
    monkeypatch.setenv("PLAINFILM_WATCH", "1")
    assert main(["demo", str(tmp_path / "out"), "--dry-run"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 12


def test_an_existing_out_is_refused_unchanged(demo: tuple[Finished, Path], capsys: pytest.CaptureFixture[str]) -> None:
    _, out = demo
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    assert main(["demo", str(out)]) == 3
    assert "--overwrite" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("words", [["demo", "{file}"], ["demo", "{file}", "--overwrite"], ["demo", "{file}/below"]])
def test_an_out_that_is_no_folder_exits_with_3(
    words: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("a file")
    assert main([word.format(file=tmp_path / "file") for word in words]) == 3
    assert "choose another OUT" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["demo"], ["demo", "{out}", "more"], ["demo", "{out}", "--bits", "12"]])
def test_a_wrong_command_line_writes_nothing(words: list[str], tmp_path: Path) -> None:
    assert main([word.format(out=tmp_path / "out") for word in words]) == 2
    assert not (tmp_path / "out").exists()


def test_a_dry_run_writes_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["demo", str(tmp_path / "out"), "--dry-run"]) == 0
    assert [line.split("\t")[2] for line in capsys.readouterr().out.splitlines()] == NAMES
    assert not (tmp_path / "out").exists()


def test_a_failure_exits_with_1_and_writes_no_sheet(plainfilm: CommandLine, tmp_path: Path) -> None:
    done = plainfilm.run("demo", tmp_path / "out", "--strict")
    assert done.returncode == 1
    assert "11 images, 1 failed" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out" / "contact-sheet.png").exists()


def test_images_with_hashed_names_make_no_sheet(plainfilm: CommandLine, tmp_path: Path) -> None:
    done = plainfilm.run("demo", tmp_path / "out", "--names", "hash")
    assert done.returncode == 0
    assert "no contact sheet" in done.stderr
    assert not (tmp_path / "out" / "contact-sheet.png").exists()
