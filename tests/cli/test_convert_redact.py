# SPDX-License-Identifier: MIT
"""Fear: `--redact-from` blacks out another film than the one it names, works half of it, or is wrong in silence."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest

Run = Callable[..., Any]
Write = Callable[..., Path]


@pytest.fixture
def films(write_film: Write, tmp_path: Path) -> Path:
    for seed, name in enumerate(("a/hand.dcm", "b/hand.dcm", "cine.dcm"), 1):
        write_film(tmp_path / "in" / name, seed=seed, frames=3 if name == "cine.dcm" else 1)
    return tmp_path / "in"


def box_is_black(path: Path) -> bool:
    return not cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[5:20, 10:30].any()


def test_each_film_gets_the_boxes_of_its_own_row(films: Path, plainfilm: Run, tmp_path: Path) -> None:
    (tmp_path / "boxes.csv").write_text(
        "source,frame,x,y,w,h\na/hand.dcm,,10,5,20,15\ncine.dcm,2,10,5,20,15\nhand.dcm,,0,0,9,9\n"
    )
    run = plainfilm("convert", films, tmp_path / "out", "--redact-from", tmp_path / "boxes.csv")
    assert run.returncode == 0, run.stderr
    assert "1 rows of --redact-from name no source of this run (lines 4) and redact nothing" in run.stderr
    with open(tmp_path / "out" / "metadata.csv", newline="", encoding="utf-8") as file:
        rows = {row["file_name"]: row["findings"].split(";") for row in csv.DictReader(file)}
    redacted = {"a/hand.png", "cine_f0002.png"}
    assert {name for name, found in rows.items() if "redacted" in found} == redacted
    assert {name for name in rows if box_is_black(tmp_path / "out" / name)} == redacted


def test_every_line_that_was_used_is_no_note(films: Path, plainfilm: Run, tmp_path: Path) -> None:
    (tmp_path / "boxes.csv").write_text("source,x,y,w,h\na/hand.dcm,10,5,20,15\na/hand.dcm,0,0,1,1\n")
    run = plainfilm("convert", films, tmp_path / "out", "--redact-from", tmp_path / "boxes.csv", "--redact", "0,0,2,2")
    assert "redact" not in run.stderr


def test_one_picture_is_blacked_out_too(films: Path, plainfilm: Run, tmp_path: Path) -> None:
    (tmp_path / "boxes.csv").write_text("source,x,y,w,h\nhand.dcm,10,5,20,10\n")
    words = ("--redact", "10,15,20,5", "--redact-from", tmp_path / "boxes.csv")
    assert plainfilm("convert", films / "a" / "hand.dcm", tmp_path / "one.png", *words).returncode == 0
    assert box_is_black(tmp_path / "one.png")


@pytest.mark.parametrize("text", [None, "file,x,y,w,h\n", "source,x,y,w,h\na,b,c,d,e\n"])
def test_a_list_that_cannot_be_used_is_exit_2_before_anything_is_written(
    text: str | None, films: Path, plainfilm: Run, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / "boxes.csv").write_text(text)
    for out in ("out", "one.png"):
        source = films if out == "out" else films / "a" / "hand.dcm"
        run = plainfilm("convert", source, tmp_path / out, "--redact-from", tmp_path / "boxes.csv")
        assert run.returncode == 2
        assert "--redact-from" in run.stderr
        assert not (tmp_path / out).exists()
