# SPDX-License-Identifier: MIT
"""Test that the run log is JSON, does not name the patient and never ends a run."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.cases.build import build_case, to_bytes

from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.run_log import LOGGER
from plainfilm.conversion.summary import Run
from plainfilm.errors import OptionsError
from plainfilm.options.options import Options
from plainfilm.output.tables import read_table
from plainfilm.workers.spawn import TASK

pytestmark = pytest.mark.slow

HERE = str(Path(__file__).resolve().parents[2])
FAULTY = "tests.support.faulty_conversion:convert_or_fail"
KEY = b"a secret of thirty-two bytes, so."
PATIENT = "Plantedova^Xenia"

Converts = Callable[..., Run]
Lines = list[dict[str, Any]]


def file_naming_the_patient(**parameters: Any) -> bytes:
    dataset, _ = build_case(**parameters)
    dataset.PatientName, dataset.StudyDescription = PATIENT, f"hand of {PATIENT}"
    return to_bytes(dataset)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A film, one that is cut short, and a note, in a folder that names the patient."""
    folder = tmp_path / "in" / "Plantedova, Xenia"
    folder.mkdir(parents=True)
    (folder / "hand.dcm").write_bytes(file_naming_the_patient())
    (folder / "cut.dcm").write_bytes(file_naming_the_patient()[:-100])
    (folder / "notes.txt").write_text("no film")
    return tmp_path / "in"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "run.log"


@pytest.fixture
def convert(source: Path, tmp_path: Path) -> Converts:
    """Convert `source` into `tmp_path / "out"` with the options that are given."""
    (tmp_path / "key").write_bytes(KEY)

    def run(task: str = TASK, **given: Any) -> Run:
        options = Options.of({"jobs": 1, "key_file": tmp_path / "key", **given})
        return Conversion([source], tmp_path / "out", options, task).run()

    return run


def lines_of(log: Path) -> Lines:
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def failures_in(lines: Lines) -> dict[str, dict[str, Any]]:
    return {line["source"]: line for line in lines if line["event"] in ("failed", "skipped")}


def test_every_line_is_json_and_the_run_has_a_beginning_and_an_end(convert: Converts, log: Path) -> None:
    convert(log=log)
    lines = lines_of(log)
    assert [line["event"] for line in (lines[0], lines[-1])] == ["started", "finished"]
    assert lines[0]["workers"] == 1
    assert {name: lines[-1][name] for name in ("converted", "failed", "skipped", "interrupted")} == {
        "converted": 1,
        "failed": 1,
        "skipped": 1,
        "interrupted": False,
    }
    assert all({"time", "level", "event"} <= set(line) for line in lines)


def test_each_failure_is_logged_as_in_the_table(convert: Converts, log: Path, tmp_path: Path) -> None:
    convert(log=log)
    told = failures_in(lines_of(log))
    rows = {row["source"]: row for row in read_table(tmp_path / "out" / "failures.csv")}
    assert sorted(rows) == ["Plantedova, Xenia/cut.dcm", "Plantedova, Xenia/notes.txt"]
    for source, row in rows.items():
        line = told[source]
        assert (line["event"], line["attempts"], line["frame"]) == (row["status"], 1, None)
        assert [line[name] for name in ("reason", "stage", "message")] == [
            row[name] for name in ("reason", "stage", "message")
        ]
    assert {line["event"]: line["level"] for line in told.values()} == {"failed": "warning", "skipped": "info"}


@pytest.mark.parametrize("names", ["hash", "uid"])
def test_the_log_hashes_sources_like_the_tables(names: str, convert: Converts, log: Path, tmp_path: Path) -> None:
    convert(log=log, names=names)
    assert set(failures_in(lines_of(log))) == {row["source"] for row in read_table(tmp_path / "out" / "failures.csv")}


def test_a_second_attempt_is_logged(
    convert: Converts, source: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(HERE)
    (source / "0-segfault.dcm").write_bytes(file_naming_the_patient())
    convert(FAULTY, log=log)
    (line,) = (line for line in lines_of(log) if line.get("reason") == "worker_died")
    assert (line["attempts"], line["stage"], line["level"]) == (2, "run", "warning")


@pytest.mark.parametrize(("verbose", "names"), [(False, "hash"), (True, "hash"), (True, "uid")])
def test_neither_a_path_nor_the_patient_is_in_the_log_without_names_of_the_user(
    verbose: bool, names: str, convert: Converts, source: Path, log: Path, tmp_path: Path
) -> None:
    convert(log=log, verbose=verbose, names=names)
    text = log.read_text(encoding="utf-8")
    for secret in ("Plantedova", "Xenia", "hand.dcm", "cut.dcm", "notes", str(source), str(tmp_path), KEY.decode()):
        assert secret not in text


def test_a_second_run_adds_to_the_log(convert: Converts, log: Path) -> None:
    for _ in range(2):
        convert(log=log)
    assert [line["event"] for line in lines_of(log)].count("started") == 2


@pytest.mark.parametrize("place", ["missing/run.log", "."])
def test_an_unwritable_log_is_refused_before_the_run(place: str, convert: Converts, tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match="--log") as refused:
        convert(log=tmp_path / place)
    assert refused.value.exit_code == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_for_the_log_does_not_end_the_run(
    convert: Converts, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert convert(log=Path("/dev/full")).converted == 1
    assert len(read_table(tmp_path / "out" / "failures.csv")) == 2
    assert capfd.readouterr().err == ""


def test_pythons_logging_gets_the_same_records(convert: Converts, log: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="plainfilm"):
        convert(log=log)
    heard = [record for record in caplog.records if record.name == "plainfilm"]
    assert [record.getMessage() for record in heard] == [line["event"] for line in lines_of(log)]
    assert [record.levelname.lower() for record in heard] == [line["level"] for line in lines_of(log)]


@pytest.mark.parametrize("given", [{}, {"log": True}])
def test_nothing_is_logged_by_default(
    given: dict[str, Any], convert: Converts, log: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    convert(**dict.fromkeys(given, log))
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "")


def test_tracebacks_are_on_standard_error_when_asked_for(
    convert: Converts, source: Path, log: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(HERE)
    (source / "0-raise.dcm").write_bytes(file_naming_the_patient())
    convert(FAULTY, log=log, verbose=True)
    said = capfd.readouterr().err
    assert "source 0-raise.dcm:\nTraceback" in said
    assert said.count("Traceback (most recent call last)") >= 3, "of what is refused too"
    assert any(line["event"] == "traceback" and line["source"] == "0-raise.dcm" for line in lines_of(log))


def test_a_run_leaves_the_logger_as_it_was(convert: Converts, log: Path) -> None:
    before = (LOGGER.level, list(LOGGER.handlers))
    convert(log=log, verbose=True)
    assert (LOGGER.level, LOGGER.handlers) == before
