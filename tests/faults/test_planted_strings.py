# SPDX-License-Identifier: MIT
"""Test that no identifying string of a file is in any output, message or temporary file.

The real command converts whole and damaged files in which every text names the patient.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.output_forms import FORMS, words_of_form
from tests.support.outputs import is_private
from tests.support.planted import (
    BIRTH,
    DIGITS,
    FAMILY,
    FREE,
    GIVEN,
    MARKS,
    broken_films,
    file_of,
    files_in,
    planted_film,
    planted_texts,
)
from tests.support.sweeps import sweep

from plainfilm.options.output import Names

pytestmark = pytest.mark.slow

Completed = subprocess.CompletedProcess[bytes]
Run = Callable[..., Completed]
FOLDER = f"{GIVEN}_{FAMILY}/{BIRTH}"


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Films whose folders name the patient too."""
    folder = tmp_path_factory.mktemp("films")
    inside = folder / FOLDER
    inside.mkdir(parents=True)
    (inside / f"{DIGITS}.dcm").write_bytes(file_of(planted_film()))
    for name, content in broken_films():
        (inside / f"{FREE} {name}").write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The command with a home and a folder for temporary files of its own, all warnings shown."""

    def command(temporary: Path, *words: str | Path) -> Completed:
        home = tmp_path_factory.mktemp("home")
        temporary.mkdir(exist_ok=True)
        ours = {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "TMPDIR": str(temporary), "PYTHONWARNINGS": "always"}
        said = [sys.executable, "-X", "dev", "-m", "plainfilm", *map(str, words)]
        return subprocess.run(said, env={**os.environ, **ours}, capture_output=True, check=False, timeout=300)

    return command


def run_script(script: str, *paths: Path) -> Completed:
    """Run a script of Python in a process of its own, with all warnings."""
    command = [sys.executable, "-X", "dev", "-W", "always", "-c", script, *map(str, paths)]
    return subprocess.run(command, capture_output=True, check=True, timeout=300)


def rows_of(table: Path) -> list[dict[str, str]]:
    with open(table, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_search_finds_the_planted_strings_in_the_sources(films: Path) -> None:
    found = set[str]()
    for content in files_in(films).values():
        found |= planted_texts(content)
    assert {"family name", "given name", "free text", "number", "UID", "birth date"} <= found
    for what, mark in MARKS.items():
        for hidden in (mark, mark.upper(), mark.encode().hex()):
            assert what in planted_texts(b"..." + hidden.encode("utf-16-le") + b"...") or what in planted_texts(
                hidden.encode()
            )


# the planted SOP Instance UID, which `--names uid` makes the name of its image
UID_MARKS = {"UID", "number"}


@pytest.mark.parametrize("names", Names)
def test_no_planted_string_is_in_the_output(names: Names, films: Path, run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run(tmp_path / "temporary", "convert", films, out, "--names", names.value, "--jobs", "2")
    assert done.returncode == 1, done.stderr.decode()
    shown, failed = rows_of(out / "metadata.csv"), rows_of(out / "failures.csv")
    assert len(shown) >= 8
    assert len({row["reason"] for row in failed}) >= 3
    assert "internal_error" not in {row["reason"] for row in failed}
    paths = [row.pop(column) for row in (*shown, *failed) for column in ("source", "file_name") if column in row]
    duplicates = [row.pop("duplicate_of") for row in shown]
    assert planted_texts(repr(shown).encode() + repr(failed).encode()) == set(), "beside the user's own paths"
    named = UID_MARKS if names is Names.UID else set()
    if names is not Names.KEEP:
        assert planted_texts("\n".join((*paths, *duplicates, *map(str, out.rglob("*")))).encode()) == named
    public = {
        path: content for path, content in files_in(out).items() if not is_private(path.relative_to(out).parts[0])
    }
    # these show the user's own paths; the thumbnails and explanations of the report do not
    tables = set() if names is Names.HASH else {"metadata.csv", "failures.csv", "report.html", "report-index-0001.js"}
    assert {"report.html", "report-index-0001.js", "report-data-0001.js"} <= {path.name for path in public}
    assert {path.name: planted_texts(content) for path, content in public.items() if path.name not in tables} == {
        path.name: set() for path in public if path.name not in tables
    }
    assert planted_texts(done.stdout) == set()
    assert planted_texts(done.stderr.replace(os.fsencode(tmp_path), b"")) == set()
    assert files_in(tmp_path / "temporary") == {}


@pytest.mark.parametrize("names", Names)
def test_the_private_files_hold_no_planted_string_except_paths(
    names: Names, films: Path, run: Run, tmp_path: Path
) -> None:
    plain = tmp_path / "in"
    plain.mkdir()
    for number, content in enumerate(files_in(films).values()):
        (plain / f"{number}.dcm").write_bytes(content)
    run(tmp_path / "temporary", "convert", plain, tmp_path / "out", "--names", names.value, "--jobs", "2")
    named = UID_MARKS if names is Names.UID else set()
    found = {path: planted_texts(content) - named for path, content in files_in(tmp_path / "out").items()}
    assert {path: marks for path, marks in found.items() if marks} == {}


@pytest.mark.parametrize("form", sweep(list(FORMS), 5))
def test_no_form_of_out_holds_a_planted_string(form: str, films: Path, run: Run, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    plain = tmp_path / "in"
    plain.mkdir()
    for number, content in enumerate(files_in(films).values()):
        (plain / f"{number}.dcm").write_bytes(content)
    # with --label-key, the label file has the identifiers of the patients
    labels = tmp_path / "labels.csv"
    labels.write_text(f"PatientID,PatientName,side\n{FREE}{DIGITS},{FAMILY},left\n")
    out, temporary = tmp_path / "out", tmp_path / "temporary"
    done = run(temporary, "convert", plain, out, *words_of_form(form, labels), "--jobs", "2")
    assert done.returncode == 1, done.stderr.decode()
    assert planted_texts(done.stdout) == set()
    assert planted_texts(done.stderr.replace(os.fsencode(tmp_path), b"")) == set()
    named = UID_MARKS if "uid" in words_of_form(form, labels) else set()
    found = {path: planted_texts(content) - named for path, content in files_in(out, temporary).items()}
    assert {path: marks for path, marks in found.items() if marks} == {}


def test_an_explanation_holds_no_planted_string(films: Path) -> None:
    script = """
import sys
from plainfilm.cli.main import main
for path in sys.argv[1:]:
    main(["explain", path])
    main(["explain", path, "--json"])
"""
    paths = sorted(files_in(films))
    done = run_script(script, *paths)
    assert planted_texts(done.stdout + done.stderr) == set()
    assert done.stdout.count(b"not for diagnostic use") >= 8


def test_a_requested_column_is_in_the_table_and_nowhere_else(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "hand.dcm").write_bytes(file_of(planted_film()))
    asked = "PatientName,PatientBirthDate,StudyInstanceUID,PatientID,PatientComments,SourceApplicationEntityTitle"
    done = run(tmp_path / "temporary", "convert", tmp_path / "in", tmp_path / "out", "--columns", asked)
    assert done.returncode == 0, done.stderr.decode()
    (row,) = rows_of(tmp_path / "out" / "metadata.csv")
    assert row["PatientName"] == f"{FAMILY}^{GIVEN}={FAMILY}^{GIVEN}"
    assert (row["PatientBirthDate"], row["PatientID"]) == (BIRTH, f"{FREE}{DIGITS}")
    assert (row["PatientComments"], row["SourceApplicationEntityTitle"]) == (FREE, FREE)
    public = {
        path.name: planted_texts(content)
        for path, content in files_in(tmp_path / "out").items()
        if not is_private(path.relative_to(tmp_path / "out").parts[0])
    }
    assert {name for name, found in public.items() if found} == {"metadata.csv"}
    assert planted_texts(done.stdout + done.stderr) == set()
    assert asked in (tmp_path / "out" / "run.json").read_text()


def test_a_single_image_holds_no_planted_string(films: Path, run: Run, tmp_path: Path) -> None:
    for content in sweep(list(files_in(films).values()), 6):
        (tmp_path / "film.dcm").write_bytes(content)
        done = run(tmp_path / "temporary", "convert", tmp_path / "film.dcm", "-")
        assert planted_texts(done.stdout) == set()
        assert planted_texts(done.stderr) == set()


def test_the_python_api_prints_no_planted_string(films: Path, tmp_path: Path) -> None:
    script = """
import logging, sys, traceback, warnings
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
import plainfilm
for path in sys.argv[1:]:
    for of in (plainfilm.render, plainfilm.explain):
        try:
            print(of(path))
        except plainfilm.PlainfilmError:
            traceback.print_exc()
"""
    paths = sorted(files_in(films))
    links = [tmp_path / f"{number}" for number in range(len(paths))]
    for link, path in zip(links, paths, strict=True):
        link.symlink_to(path)
    done = run_script(script, *links)
    assert planted_texts(done.stdout + done.stderr) == set()
    assert done.stderr.count(b"plainfilm.errors.") > 10
