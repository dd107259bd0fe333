# SPDX-License-Identifier: MIT
"""Runs that watch folders which fill (`--watch`), with real workers. The progress callback plays the sender."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.cases.build import write_case
from tests.support.outputs import images_of, is_private

import plainfilm
from plainfilm.cli.main import main
from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.run_progress import RunProgress
from plainfilm.conversion.summary import Run
from plainfilm.options.options import Options
from plainfilm.sources.arrivals import WatchTiming

pytestmark = pytest.mark.slow
AT_ONCE = WatchTiming(unchanged=0.0, between_listings=0.0, between_tables=0.0)
DEADLINE_SECONDS = 120.0


@pytest.fixture
def films(tmp_path: Path) -> Path:
    folder = tmp_path / "films"
    write_case(folder / "a.dcm", rows=16, columns=16)
    (tmp_path / "key").write_bytes(b"a secret of thirty-two bytes, so.")
    return folder


def sources_in(out: Path, table: str = "metadata") -> list[str]:
    """The sources in a table, [] as long as there is none."""
    try:
        with open(out / f"{table}.csv", newline="", encoding="utf-8") as file:
            return [row["source"] for row in csv.DictReader(file)]
    except FileNotFoundError:
        return []


def watch(films: Path, steps: Iterator[Callable[[], bool]], **options: Any) -> Run:
    """Watch a folder until the last step is reached; a step is a condition that is waited for."""
    given = {"jobs": 1, "key_file": films.parent / "key", "watch": True, **options}
    conversion = Conversion([films], films.parent / "out", Options.of(given))
    step: Callable[[], bool] | None = next(steps)
    deadline = time.monotonic() + DEADLINE_SECONDS

    def advance(_progress: RunProgress) -> None:
        nonlocal step
        assert time.monotonic() < deadline, "a condition was not reached"
        if step is not None and step():
            step = next(steps, None)
            if step is None:
                conversion.stop()

    return conversion.run(advance, AT_ONCE)


def test_files_are_converted_as_they_come_and_the_tables_follow(films: Path) -> None:
    out = films.parent / "out"

    def steps() -> Iterator[Callable[[], bool]]:
        yield lambda: sources_in(out) == ["a.dcm"]
        assert (out / "report.html").is_file()
        write_case(films / "sub/b.dcm", rows=16, columns=17)
        (films / "note.txt").write_text("no film")
        yield lambda: sources_in(out) == ["a.dcm", "sub/b.dcm"] and sources_in(out, "failures") == ["note.txt"]
        write_case(films / "a.dcm", rows=16, columns=18)
        yield lambda: (out / "metadata.csv").read_text().count(",18,16,8,viewer,") == 1

    run = watch(films, steps())
    assert run.interrupted
    assert (run.converted, run.failed, run.skipped) == (2, 0, 1)
    assert sorted(images_of(out)) == ["a.png", "sub/b.png"]
    assert (out / "report.html").is_file()
    assert (out / "run.json").is_file()
    assert not [path for path in out.iterdir() if is_private(path.name) and path.name.count("-") > 1]


def test_a_later_file_does_not_take_the_name_of_an_earlier_one(films: Path) -> None:
    out = films.parent / "out"

    def steps() -> Iterator[Callable[[], bool]]:
        yield lambda: sources_in(out) == ["a.dcm"]
        write_case(films / "a", rows=16, columns=17)
        yield lambda: sorted(sources_in(out)) == ["a", "a.dcm"]

    assert watch(films, steps()).converted == 2
    assert len(images_of(out)) == 2
    assert "a.png" in images_of(out)


@pytest.mark.parametrize(
    "options",
    [
        {"names": "uid"},
        {"names": "tags"},
        {"split": {"train": 0.5, "test": 0.5}},
        {"layout": "webdataset"},
        {"table": "jsonl"},
    ],
    ids=lambda options: "-".join(map(str, options)),
)
def test_a_watched_folder_ends_as_one_that_is_converted_at_once(films: Path, options: dict[str, Any]) -> None:
    def steps() -> Iterator[Callable[[], bool]]:
        for number in range(3):
            written = films.parent / "out/run.json"
            yield written.is_file
            write_case(films / f"c{number}.dcm", rows=16, columns=20 + number)
            written.unlink()
        yield (films.parent / "out/run.json").is_file
        yield lambda: len(list(films.iterdir())) == 4

    run = watch(films, steps(), **options)
    whole = films.parent / "whole"
    given = {"jobs": 1, "key_file": films.parent / "key", **options}
    # what arrived last may be left to the next run
    resumed = Conversion([films], films.parent / "out", Options.of(given)).run()
    assert Conversion([films], whole, Options.of(given)).run().converted == resumed.converted == 4
    assert run.failed == 0
    assert images_of(films.parent / "out") == images_of(whole)
    tables = {path.name for path in whole.rglob("*") if path.name.startswith(("metadata", "failures"))}
    assert tables
    for path in whole.rglob("*"):
        if path.name in tables:
            assert (films.parent / "out" / path.relative_to(whole)).read_bytes() == path.read_bytes()


def test_a_run_resumes_after_kill_and_converts_no_file_twice(films: Path) -> None:
    out = films.parent / "out"
    words = ["convert", str(films), str(out), "--key-file", str(films.parent / "key"), "--watch", "--jobs", "1"]
    os.utime(films / "a.dcm", (1_000_000, 1_000_000))
    command = [sys.executable, "-m", "plainfilm", *words]

    def started() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def wait_for(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    first = started()
    wait_for(lambda: sources_in(out) == ["a.dcm"])
    first.kill()
    first.wait()
    made = (out / "a.png").stat().st_mtime_ns
    write_case(films / "b.dcm", rows=16, columns=17)
    second = started()
    wait_for(lambda: sources_in(out) == ["a.dcm", "b.dcm"])
    second.send_signal(signal.SIGTERM)
    assert second.wait(DEADLINE_SECONDS) == 143
    assert (out / "a.png").stat().st_mtime_ns == made


def test_python_stops_watching_by_an_exception_of_the_callback(films: Path) -> None:
    class EnoughError(Exception):
        pass

    os.utime(films / "a.dcm", (1_000_000, 1_000_000))

    def stop(progress: RunProgress) -> None:
        if progress.converted:
            raise EnoughError

    out = films.parent / "out"
    with pytest.raises(EnoughError):
        plainfilm.convert(films, out, watch=True, jobs=1, key_file=films.parent / "key", progress=stop)
    assert sources_in(out) == ["a.dcm"]


@pytest.mark.parametrize("word", ["--dry-run", "--prune", "--presentation=auto"])
def test_watch_refuses_options_that_need_all_sources(films: Path, word: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", str(films), str(films.parent / "out"), "--watch", word]) == 2
    assert "--watch contradicts" in capfd.readouterr().err


def test_watch_needs_folders_and_a_folder(films: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out, film = films.parent / "out", films / "a.dcm"
    assert main(["convert", str(film), str(out), "--watch"]) == 2
    assert "--watch needs folders" in capfd.readouterr().err
    assert main(["convert", str(film), str(films.parent / "a.png"), "--watch"]) == 2
    assert not out.exists()
