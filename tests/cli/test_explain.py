# SPDX-License-Identifier: MIT
"""Test that `plainfilm explain` agrees with `convert`, writes nothing and does not name the patient."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.cases.build import build_case, to_bytes, write_case
from tests.support.command_line import CommandLine

from plainfilm.cli.main import main
from plainfilm.dicom.transfer_syntax import transfer_syntax_name

pytestmark = pytest.mark.slow

FILM: dict[str, Any] = {
    "photometric": "MONOCHROME1",
    "slope": 2,
    "intercept": -1024,
    "centers": (600, 900),
    "widths": (3000, 500),
    "voi_function": "SIGMOID",
    "padding": 122,
    "presentation_lut_shape": "IDENTITY",
}
# what explain and the tables have in common, column by column
SHARED = (
    *("frame", "frames", "status", "look", "bits", "voi", "voi_center", "voi_width", "voi_function", "low", "high"),
    *("inverted", "bits_stored", "photometric_interpretation", "padding_fraction", "transfer_syntax", "decoder"),
    *("rows", "columns", "width", "height", "affine", "look_version", "voi_available"),
)


def told(words: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What `explain --json` says, in this process."""
    assert main(["explain", *words, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def as_in_the_table(value: object) -> str:
    """A value of JSON as the tables write it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return " ".join(repr(float(number)) for number in value)
    return str(value)


def test_every_step_is_explained_with_its_attribute(plainfilm: CommandLine, tmp_path: Path) -> None:
    film = write_case(tmp_path / "hand.dcm", **FILM)
    before = sorted(tmp_path.rglob("*"))
    done = plainfilm.run("explain", film, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    steps = [line.split(":")[0].split(". ")[1] for line in done.stdout.splitlines() if line[:1].isdigit()]
    assert steps[0] == "decode"
    assert steps[-2:] == ["geometry", "output"]
    assert steps == list(dict.fromkeys(steps))
    for attribute in ("Rescale Slope", "Window Center", "Window Width", "Photometric Interpretation", "Bits Stored"):
        assert attribute in done.stdout
    assert "polarity_conflict" in done.stdout
    assert done.stdout.endswith("(not for diagnostic use)\n")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--look", "stretch"],
        ["--look", "stored"],
        ["--voi", "window:1", "--bits", "16"],
        ["--voi", "none", "--polarity", "monochrome2"],
    ],
    ids=" ".join,
)
def test_explain_agrees_with_the_tables_of_convert(
    words: list[str], plainfilm: CommandLine, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    film = write_case(tmp_path / "hand.dcm", **FILM)
    found = told([str(film), *words], capsys)
    assert plainfilm.run("convert", film, tmp_path / "out", *words).returncode == 0
    with open(tmp_path / "out" / "metadata.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert {name: as_in_the_table(found[name]) for name in SHARED} == {name: row[name] for name in SHARED}
    assert {finding["code"] for finding in found["findings"]} == set(row["findings"].split(";")) - {""}
    assert all(finding["detail"] for finding in found["findings"])


def test_a_frame_is_chosen(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    film = str(write_case(tmp_path / "cine.dcm", frames=3))
    assert (told([film], capsys)["frame"], told([film, "--frame", "3"], capsys)["frame"]) == (1, 3)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["{film}", "--frame", "4"], 2, "no frame 4: the image has 3"),
        (["{film}", "--frame", "0"], 2, "counted from 1"),
        (["{film}", "--frame", "x"], 2, "--frame"),
        (["{film}", "--jobs", "2"], 2, "--jobs"),
        (["{film}", "--window", "40,80", "--look", "stretch"], 2, "contradicts"),
        (["{folder}"], 2, "is a folder"),
        (["{folder}/missing.dcm"], 2, "does not exist"),
        ([], 2, "explain --help"),
        (["{folder}/notes.txt"], 1, "not_dicom (read): "),
        (["{folder}/short.dcm"], 1, "truncated_pixel_data (read): "),
    ],
)
def test_an_error_of_explain_gives_the_reason(
    words: list[str],
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    film = write_case(tmp_path / "cine.dcm", frames=3)
    (tmp_path / "short.dcm").write_bytes(film.read_bytes()[:-3000])
    (tmp_path / "notes.txt").write_text("no film")
    assert main(["explain", *(word.format(film=film, folder=tmp_path) for word in words)]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("plainfilm: ")
    assert said in shown.err


def test_strict_refuses_a_repair(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    film = str(write_case(tmp_path / "film.dcm", centers=(1e6,), widths=(10,)))
    repaired = told([film], capsys)
    assert repaired["status"] == "repaired"
    assert "voi_degenerate" in [finding["code"] for finding in repaired["findings"]]
    assert main(["explain", film, "--strict"]) == 1
    assert "repair_refused (render)" in capsys.readouterr().err


def test_an_explanation_does_not_name_the_patient(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    dataset, _ = build_case(**{**FILM, "explanations": ("Erika Planted", "of Planted")})
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = "Planted^Erika", "PLANTED-4711", "19610203"
    dataset.AccessionNumber, dataset.StudyDate, dataset.StudyDescription = "A-PLANTED", "20240229", "planted hand"
    (tmp_path / "film.dcm").write_bytes(to_bytes(dataset))
    for words in ([], ["--json"], ["--voi", "window:1"]):
        assert main(["explain", str(tmp_path / "film.dcm"), *words]) == 0
        shown = "".join(capsys.readouterr()).lower()
        assert not [text for text in ("planted", "erika", "19610203", "20240229") if text in shown]


def test_the_transfer_syntax_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    film = write_case(tmp_path / "film.dcm", codestream=(12, False))
    uid = told([str(film)], capsys)["transfer_syntax"]
    assert transfer_syntax_name(uid).startswith("JPEG 2000")
