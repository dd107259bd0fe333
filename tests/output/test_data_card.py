# SPDX-License-Identifier: MIT
"""Test the data card README.md, and that no other README.md is ever overwritten."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.output.test_tables import failure, record

from plainfilm.options.options import Options
from plainfilm.options.output import Table
from plainfilm.output.card_content import CardContent, CardSurvey
from plainfilm.output.data_card import card_text, remove_card, write_card
from plainfilm.output.folder import FolderOutput
from plainfilm.records import Record, Status

CONTENT = CardContent("plainfilm convert SOURCE... OUT", Table.CSV)


def survey_of(*records: Record) -> CardSurvey:
    survey = CardSurvey()
    for row in records:
        survey.add(row)
    survey.add_failure(failure())
    return survey


def write(out: Path, *records: Record) -> str:
    return write_card(FolderOutput(out, sync=False), CONTENT, survey_of(*(records or (record(),))))


def test_a_card_is_replaced_by_the_card_of_the_next_run_and_can_be_removed(tmp_path: Path) -> None:
    assert write(tmp_path) == ""
    assert write(tmp_path, record(modality="MG")) == ""
    assert "`MG`" in (tmp_path / "README.md").read_text()
    remove_card(FolderOutput(tmp_path))
    assert not (tmp_path / "README.md").exists()


def changed(text: str) -> str:
    return text.replace("*To be filled in", "*CC BY 4.0. To be filled in")


def without_mark(text: str) -> str:
    return text[: text.index("<!--")]


def other(_text: str) -> str:
    return "# My films\n"


def appended(text: str) -> str:
    return text + "Ask me.\n"


def empty(_text: str) -> str:
    return ""


@pytest.mark.parametrize("change", [changed, without_mark, other, appended, empty])
def test_a_readme_that_somebody_wrote_or_changed_stays(tmp_path: Path, change: Callable[[str], str]) -> None:
    write(tmp_path)
    path = tmp_path / "README.md"
    path.write_text(change(path.read_text()))
    text = path.read_text()
    assert "stays as it is" in write(tmp_path)
    remove_card(FolderOutput(tmp_path))
    assert path.read_text() == text


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes")
@pytest.mark.parametrize("plant", ["link", "own card", "pipe", "folder", "large"])
def test_what_is_no_file_is_never_replaced_or_opened(tmp_path: Path, plant: str) -> None:
    out, outside = tmp_path / "out", tmp_path / "outside"
    out.mkdir()
    path = out / "README.md"
    if plant == "pipe":
        os.mkfifo(path)
    elif plant == "folder":
        path.mkdir()
    elif plant == "large":
        path.write_bytes(b"x" * (2 << 20))
    else:
        outside.write_text("precious" if plant == "link" else card_text(CONTENT, survey_of(record())))
        path.symlink_to(outside)
    before = path.lstat()
    assert "stays as it is" in write(out)
    assert path.lstat().st_ino == before.st_ino


def test_the_card_counts_values_findings_and_copies(tmp_path: Path) -> None:
    write(
        tmp_path,
        record("a.dcm", modality="DX", findings="for_processing;burned_in_likely"),
        record("b.dcm", modality="", findings="burned_in_likely", status=Status.REPAIRED, duplicate_of="a.png"),
    )
    text = (tmp_path / "README.md").read_text()
    for line in (
        "| `DX` | 1 |",
        "| (empty) | 1 |",
        "| `repaired` | 1 |",
        "- `burned_in_likely`: 2",
        "- `for_processing`: 1",
    ):
        assert f"\n{line}\n" in text
    assert "1 image is a copy of another one" in text
    assert "1 failed, 0 skipped" in text
    assert text.index("`burned_in_likely`: 2") < text.index("`for_processing`: 1")


def test_values_cannot_break_the_tables_of_the_card(tmp_path: Path) -> None:
    write(tmp_path, record(modality="a|b`c\nd"))
    assert "| `a\\|b'c d` | 1 |" in (tmp_path / "README.md").read_text()


def test_a_card_without_images_has_no_yaml(tmp_path: Path) -> None:
    write_card(FolderOutput(tmp_path, sync=False), CONTENT, survey_of())
    text = (tmp_path / "README.md").read_text()
    assert text.startswith("# Images from DICOM files")
    assert "load_dataset" not in text


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        (["a/x.png", ".b/y.png"], "**/*.png"),
        ([".b/y.png", "x.png"], "**/*.png"),
        ([".b/__c/.y.png"], ".*/__*/.*.png"),
        (["__c/d/y.png"], "__*/*/*.png"),
        (["x.tif"], "**/*.tif"),
        (["x.npy", "y.jxl"], ""),
    ],
)
def test_the_pattern_of_the_images_matches_hidden_names_where_there_are_no_others(
    names: list[str], pattern: str
) -> None:
    assert survey_of(*(record(file_name=name) for name in names)).patterns.get("", "") == pattern


def test_the_command_of_the_card_has_no_path_and_no_option_of_the_run_itself() -> None:
    options = Options.of(
        {
            "strict": True,
            "redact_from": "/films/boxes.csv",
            "presentation": "/films/state.dcm",
            "jobs": 3,
            "key_file": "/films/key",
            "table": "jsonl",
        }
    )
    words = list(options.command_words())
    assert words == ["--strict", "--presentation", "PATH", "--redact-from", "CSV"]
    assert list(Options.of({"modality": "DX", "timeout": 5}).command_words()) == ["--modality", "DX"]
    assert list(Options.of({"voi": "SOFT TISSUE"}).command_words()) == ["--voi", "'SOFT TISSUE'"]
