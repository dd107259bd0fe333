# SPDX-License-Identifier: MIT
"""Test the command lines that `plainfilm convert` refuses, and dry runs: both convert nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.cases.build import write_case
from tests.support.command_line import CommandLine
from tests.support.outputs import files_of

OK, WRONG, CANNOT_GO_ON = 0, 2, 3


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return write_case(tmp_path / "in" / "hand.dcm")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("{film} {out} --window 40,80 --look stretch", "--window contradicts --look stretch"),
        ("{film} {out} --window 40,80 --stretch 1,99", "--window and --stretch contradict"),
        ("{film} {out} --stretch 1,99 --look viewer", "--stretch contradicts --look viewer"),
        ("{film} {out} --look window", "needs --window CENTER,WIDTH"),
        ("{film} {out} --look pretty", "one of viewer, stretch"),
        ("{film} {out} --window 40", "CENTER,WIDTH"),
        ("{film} {out} --window 40,0", "1 or more"),
        ("{film} {out} --stretch 99,1", "LOW < HIGH"),
        ("{film} {out} --bits 12", "8 or 16"),
        ("{film} {out} --jobs 0", "from 1"),
        ("{film} {out} --frames 0", "a number N from 1"),
        ("{film} {out} --names initials", "keep"),
        ("{film} {out} --unheard-of", "convert --help"),
        ("{film}", "a SOURCE and an OUT"),
        ("", "convert --help"),
        ("{folder}/missing {out}", "does not exist"),
        ("{folder}/*.ima {out}", "matches nothing"),
        ("{film} {film} {folder}/hand.png", "one file"),
        ("{folder} {folder}/hand.png", "one file"),
        ("{folder}/hand* {folder}/hand.png", "one file"),
        ("{folder} -", "one file"),
        ("{film} {out} -0", "-0 has no effect"),
        ("{film} {out} --source-column film", "--source-column has no effect"),
        ("{folder} {folder}", "choose a folder of its own"),
        ("{film} {folder}/hand.gif", "such as .png"),
        ("{film} {out} --key-file {folder}/missing", "cannot be read"),
        ("{film} {out} --key-file {film}.short", "32 to"),
        ("{film} {out} --config {folder}/missing", "cannot be read"),
    ],
)
def test_a_wrong_command_line_exits_with_2_and_advice(
    words: str, said: str, film: Path, plainfilm: CommandLine, tmp_path: Path
) -> None:
    film.with_name("hand.dcm.short").write_bytes(b"short")
    before = files_of(tmp_path)
    names = {"film": str(film), "folder": str(film.parent), "out": str(tmp_path / "out")}
    done = plainfilm.run("convert", *(word.format(**names) for word in words.split()))
    assert done.returncode == WRONG
    assert done.stderr.startswith("plainfilm: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert files_of(tmp_path) == before
    assert not (tmp_path / "out" / "metadata.csv").exists()


def test_the_process_itself_ends_with_exit_2(film: Path, plainfilm: CommandLine, tmp_path: Path) -> None:
    done = plainfilm.run_process("convert", film, tmp_path / "out", "--window", "40,80", "--look", "minmax")
    assert (done.returncode, done.stdout) == (WRONG, "")
    assert not (tmp_path / "out").exists()


def test_an_image_is_not_written_over_its_source(plainfilm: CommandLine, tmp_path: Path) -> None:
    film = write_case(tmp_path / "film.png")
    before = film.read_bytes()
    assert plainfilm.run("convert", film, film).returncode == WRONG
    assert film.read_bytes() == before


def test_an_out_that_is_a_file_exits_with_3(film: Path, plainfilm: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    done = plainfilm.run("convert", film, tmp_path / "out")
    assert done.returncode == CANNOT_GO_ON
    assert "choose another OUT" in done.stderr
    assert (tmp_path / "out").read_text() == "a file"


def test_a_dry_run_writes_nothing_at_all(film: Path, plainfilm: CommandLine, tmp_path: Path) -> None:
    write_case(film.parent / "a" / "b.dcm")
    (film.parent / "notes.txt").write_text("no film")
    (film.parent / "loop").symlink_to(film.parent, target_is_directory=True)
    before = {path: path.stat() for folder in (tmp_path, plainfilm.home) for path in folder.rglob("*")}
    done = plainfilm.run("convert", film.parent, tmp_path / "out", "--dry-run", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (OK, "")
    assert done.stdout.splitlines() == [
        "convert\thand.dcm\thand",
        "skipped\tloop\tnot_a_file",
        "not_dicom\tnotes.txt",
        "convert\ta/b.dcm\ta/b",
    ]
    after = {path: path.stat() for folder in (tmp_path, plainfilm.home) for path in folder.rglob("*")}
    # only what is read may have another time of last access
    assert {path: (stat.st_size, stat.st_mtime_ns) for path, stat in after.items()} == {
        path: (stat.st_size, stat.st_mtime_ns) for path, stat in before.items()
    }


def test_a_dry_run_shows_names_outside_the_encoding_of_standard_output(plainfilm: CommandLine, tmp_path: Path) -> None:
    write_case(tmp_path / "in" / "K\N{LATIN SMALL LETTER O WITH DIAERESIS}ln" / "1.dcm")
    words, encoding = ["convert", tmp_path / "in", tmp_path / "o", "--dry-run"], {"PYTHONIOENCODING": "ascii"}
    done = plainfilm.run_process(*words, environment=encoding)
    name = "K\N{LATIN SMALL LETTER O WITH DIAERESIS}ln/1"
    assert (done.returncode, done.stdout) == (OK, f"convert\t{name}.dcm\t{name}\n")


def test_a_dry_run_checks_the_command_line(plainfilm: CommandLine, tmp_path: Path) -> None:
    done = plainfilm.run("convert", tmp_path / "missing", tmp_path / "out", "--dry-run")
    assert done.returncode == WRONG
