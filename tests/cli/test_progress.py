# SPDX-License-Identifier: MIT
"""Test that the progress display shows counts only, on terminals only, and never stops a run."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from plainfilm.cli import progress
from plainfilm.cli.progress import NoDisplay, show_progress
from plainfilm.conversion.run_progress import RunProgress
from plainfilm.options.run import Progress

HALF = RunProgress(
    files=40,
    total=100,
    converted=1_234,
    repaired=7,
    failed=5,
    skipped=6,
    reasons={"timeout": 1, "corrupt_header": 4},
    fraction=0.5,
    seconds=20.0,
    new_files=40,
    new_images=1_200,
    new_bytes=1_600_000_000,
)
COLOR = re.compile(r"\x1b\[[\d;]*3\d[;\dm]")


def lines_of(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def on_terminal(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """All that a pseudo terminal shows of a run."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "CI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm-256color", "COLUMNS": "100", **environment}.items():
        monkeypatch.setenv(name, value)
    ours, theirs = os.openpty()
    shown: list[bytes] = []

    def collect() -> None:
        # Linux ends a terminal whose other side is closed with EIO, other systems with nothing
        try:
            while piece := os.read(ours, 4096):
                shown.append(piece)
        except OSError:
            return

    reader = threading.Thread(target=collect)
    reader.start()
    with open(theirs, "w", encoding="utf-8") as stream, show_progress(Progress.AUTO, stream) as display:
        display.update(RunProgress(3, None, 2, failed=1))
        display.update(HALF)
    reader.join(30)
    os.close(ours)
    return b"".join(shown).decode()


def test_json_ends_with_the_last_counts() -> None:
    stream = io.StringIO()
    with show_progress(Progress.JSON, stream) as display:
        display.update(RunProgress(converted=1))
        display.update(HALF)
    last = lines_of(stream)[-1]
    elapsed = last.pop("elapsed_seconds")
    assert elapsed is not None
    assert elapsed >= 0
    assert last == {
        "done": 40,
        "total": 100,
        "converted": 1_234,
        "repaired": 7,
        "failed": 5,
        "skipped": 6,
        "failed_by_reason": {"timeout": 1, "corrupt_header": 4},
        "fraction": 0.5,
        "files_per_second": 2.0,
        "images_per_second": 60.0,
        "megabytes_per_second": 80.0,
        "seconds_left": 25.0,
    }


def test_what_keeps_a_run_from_its_work_is_shown() -> None:
    stream = io.StringIO()
    with show_progress(Progress.JSON, stream) as display:
        display.update(RunProgress(problem="the cluster has no worker"))
    assert lines_of(stream)[-1]["problem"] == "the cluster has no worker"
    assert progress._failures_text(RunProgress(problem="no worker", failed=2)) == "no worker, 2 failed"


def test_json_has_no_total_while_sources_are_listed() -> None:
    stream = io.StringIO()
    with show_progress(Progress.JSON, stream) as display:
        display.update(RunProgress(converted=1))
    assert lines_of(stream)[-1]["total"] is None


def test_json_lines_are_written_even_without_new_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.01)
    stream = io.StringIO()
    with show_progress(Progress.JSON, stream):
        deadline = time.monotonic() + 30
        while len(lines_of(stream)) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert len(lines_of(stream)) >= 4


@pytest.mark.parametrize("kind", Progress)
def test_a_closed_stream_does_not_stop_the_run(kind: Progress) -> None:
    stream = io.StringIO()
    stream.close()
    with show_progress(kind, stream) as display:
        display.update(RunProgress(converted=1))


def test_a_closed_pipe_does_not_stop_the_run() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as stream:
        with show_progress(Progress.JSON, stream) as display:
            display.update(RunProgress(converted=1))
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@pytest.mark.parametrize("kind", [Progress.AUTO, Progress.NONE])
def test_nothing_is_shown_where_there_is_no_terminal(kind: Progress) -> None:
    stream = io.StringIO()
    with show_progress(kind, stream) as display:
        display.update(RunProgress(files=1, total=1))
    assert stream.getvalue() == ""


def test_a_program_without_standard_error_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert all(isinstance(show_progress(kind), NoDisplay) for kind in Progress)


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals")
def test_a_terminal_shows_a_bar_with_the_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = on_terminal({}, monkeypatch)
    assert "40/100 files, 1,234 images, 60.0/s, 80.0 MB/s" in shown
    assert "5 failed (corrupt_header 4, timeout 1), 6 skipped" in shown
    assert "0:00:25 left" in shown
    assert " 50%" in shown
    assert COLOR.search(shown)


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals")
def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = on_terminal({"NO_COLOR": "1"}, monkeypatch)
    assert "1,234 images" in shown
    assert COLOR.search(shown) is None


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals")
def test_a_dumb_terminal_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert on_terminal({"TERM": "dumb"}, monkeypatch) == ""


def test_rich_is_not_imported_without_a_terminal() -> None:
    code = (
        "import sys\n"
        "from plainfilm.options.run import Progress\n"
        "from plainfilm.cli.progress import show_progress\n"
        "for kind in Progress: show_progress(kind).__enter__\n"
        "print('rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
