# SPDX-License-Identifier: MIT
"""Test that `--redact-from` redacts the images that it names, and that a list with errors is refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import pytest
from tests.support.cases.build import write_case
from tests.support.command_line import CommandLine

import plainfilm as plainfilm_package
from plainfilm.errors import OptionsError

pytestmark = pytest.mark.slow


@pytest.fixture
def films(tmp_path: Path) -> Path:
    for seed, name in enumerate(("a/hand.dcm", "b/hand.dcm", "cine.dcm"), 1):
        write_case(tmp_path / "in" / name, seed=seed, frames=3 if name == "cine.dcm" else 1)
    return tmp_path / "in"


def box_is_black(path: Path) -> bool:
    return not cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[5:20, 10:30].any()


def test_each_image_is_redacted_by_its_own_rows(films: Path, plainfilm: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "boxes.csv").write_text(
        "source,frame,x,y,w,h\na/hand.dcm,,10,5,20,15\ncine.dcm,2,10,5,20,15\nhand.dcm,,0,0,9,9\n"
    )
    words = ("--redact-from", tmp_path / "boxes.csv", "--redact-unmatched", "ignore", "--progress", "json")
    run = plainfilm.run("convert", films, tmp_path / "out", *words)
    assert run.returncode == 0, run.stderr
    (note,) = json.loads(run.stderr.splitlines()[-1])["notes"]
    assert note == "1 row of --redact-from names no source of this run (line 4): nothing is redacted there"
    assert json.loads((tmp_path / "out" / "run.json").read_text())["notes"] == [note]
    with open(tmp_path / "out" / "metadata.csv", newline="", encoding="utf-8") as file:
        rows = {row["file_name"]: row["findings"].split(";") for row in csv.DictReader(file)}
    redacted = {"a/hand.png", "cine_f0002.png"}
    assert {name for name, found in rows.items() if "redacted" in found} == redacted
    assert {name for name in rows if box_is_black(tmp_path / "out" / name)} == redacted


def test_used_lines_are_not_noted(films: Path, plainfilm: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "boxes.csv").write_text("source,x,y,w,h\na/hand.dcm,10,5,20,15\na/hand.dcm,0,0,1,1\n")
    run = plainfilm.run(
        "convert", films, tmp_path / "out", "--redact-from", tmp_path / "boxes.csv", "--redact", "0,0,2,2"
    )
    assert "redact" not in run.stderr


def test_a_single_image_is_redacted(films: Path, plainfilm: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "boxes.csv").write_text("source,x,y,w,h\nhand.dcm,10,5,20,10\n")
    words = ("--redact", "10,15,20,5", "--redact-from", tmp_path / "boxes.csv")
    assert plainfilm.run("convert", films / "a" / "hand.dcm", tmp_path / "one.png", *words).returncode == 0
    assert box_is_black(tmp_path / "one.png")


@pytest.mark.parametrize("text", [None, "file,x,y,w,h\n", "source,x,y,w,h\na,b,c,d,e\n"])
def test_an_unusable_list_exits_with_2_and_writes_nothing(
    text: str | None, films: Path, plainfilm: CommandLine, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / "boxes.csv").write_text(text)
    for out in ("out", "one.png"):
        source = films if out == "out" else films / "a" / "hand.dcm"
        run = plainfilm.run("convert", source, tmp_path / out, "--redact-from", tmp_path / "boxes.csv")
        assert run.returncode == 2
        assert "--redact-from" in run.stderr
        assert not (tmp_path / out).exists()


@pytest.mark.parametrize(
    ("row", "hint"),
    [
        ("A/hand.dcm", "did you mean 'a/hand.dcm'?"),
        ("./a/hand.dcm", "did you mean 'a/hand.dcm'?"),
        (" a/hand.dcm ", "did you mean 'a/hand.dcm'?"),
        ("a\\hand.dcm", "did you mean 'a/hand.dcm'?"),
        ("a/hnad.dcm", ""),
        ("hand.dcm", ""),
        ("a", ""),
        ("", ""),
    ],
)
def test_a_row_that_names_no_file_ends_the_command_before_anything_is_written(
    row: str, hint: str, films: Path, tmp_path: Path
) -> None:
    (tmp_path / "boxes.csv").write_text(f"source,x,y,w,h\nb/hand.dcm,1,1,2,2\n{row},1,1,2,2\n")
    options = {"redact_from": tmp_path / "boxes.csv"}
    with pytest.raises(OptionsError) as refused:
        plainfilm_package.convert(films, tmp_path / "out", **options)
    assert "1 row names no file" in refused.value.message
    assert f"line 3: {row!r}{'; ' + hint if hint else ''}\n" in refused.value.message
    assert not (tmp_path / "out").exists()


def test_rows_of_several_folders_begin_with_the_name_of_the_folder(
    films: Path, plainfilm: CommandLine, tmp_path: Path
) -> None:
    for source, code in (("a/hand.dcm", 0), ("b/hand.dcm", 0), ("hand.dcm", 2), ("in/a/hand.dcm", 2)):
        (tmp_path / "boxes.csv").write_text(f"source,x,y,w,h\n{source},10,5,20,15\n")
        words = ("--redact-from", tmp_path / "boxes.csv", "--overwrite")
        run = plainfilm.run("convert", films / "a", films / "b", tmp_path / "out", *words)
        assert run.returncode == code, run.stderr
        if code == 0:
            assert box_is_black((tmp_path / "out" / source).with_suffix(".png"))


def test_a_list_of_other_files_ends_the_single_image_and_the_dry_run(
    films: Path, plainfilm: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "boxes.csv").write_text("source,x,y,w,h\nHand.dcm,10,5,20,10\n")
    words = ("--redact-from", tmp_path / "boxes.csv")
    single = plainfilm.run("convert", films / "a" / "hand.dcm", tmp_path / "one.png", *words)
    listing = plainfilm.run("convert", films / "a", tmp_path / "out", *words, "--dry-run")
    for run in (single, listing):
        assert run.returncode == 2
        assert "line 2: 'Hand.dcm'; did you mean 'hand.dcm'?" in run.stderr
        assert not run.stdout
    assert not (tmp_path / "one.png").exists()
    words = (*words, "--redact-unmatched", "ignore")
    run = plainfilm.run("convert", films / "a" / "hand.dcm", tmp_path / "one.png", *words)
    assert run.returncode == 0
    assert "names no source of this run (line 2): nothing is redacted there" in run.stderr
