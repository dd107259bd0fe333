# SPDX-License-Identifier: MIT
"""Test how often the progress of a run is reported, what the reports hold, and that a failing callback stops a run."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.cases.build import build_case, to_bytes
from tests.support.outputs import rows_of

import plainfilm
from plainfilm.conversion import progress as progress_module
from plainfilm.conversion.progress import ProgressReporter
from plainfilm.conversion.run_progress import RunProgress
from plainfilm.conversion.summary import Counts
from plainfilm.workers import worker_thread


def test_reports_are_few_and_hold_the_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    reports: list[RunProgress] = []
    reporter = ProgressReporter(reports.append, lambda: Counts(5, 1, 2, 3))
    monkeypatch.setattr(progress_module, "REPORT_SECONDS", 3600.0)
    reporter.finish_file("a.dcm")
    reporter.report()
    for _ in range(100):
        reporter.report_when_due()
    (report,) = reports
    assert (report.files, report.converted, report.failed, report.skipped) == (1, 5, 2, 3)
    assert report.total is None
    monkeypatch.setattr(progress_module, "REPORT_SECONDS", 0.0)
    reporter.report_when_due()
    assert len(reports) == 2
    assert reports[0].seconds <= reports[1].seconds


def test_the_total_is_none_until_it_is_set() -> None:
    totals: list[int | None] = []
    reporter = ProgressReporter(lambda progress: totals.append(progress.total), lambda: Counts(0, 0, 0, 0))
    reporter.report()
    reporter.set_total(7)
    reporter.report()
    assert totals == [None, 7, 7]


@pytest.fixture
def films(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(30):
        (folder / f"{number:02d}.dcm").write_bytes(to_bytes(build_case(centers=(2000 + number,), widths=(3000,))[0]))
    (folder / "notes.txt").write_text("no film")
    (tmp_path / "key").write_bytes(b"k" * 32)
    return folder


@pytest.mark.slow
def test_a_callback_gets_the_progress_of_a_run(films: Path, tmp_path: Path) -> None:
    reports: list[RunProgress] = []
    run = plainfilm.convert(films, tmp_path / "out", jobs=1, key_file=tmp_path / "key", progress=reports.append)
    last = reports[-1]
    assert (last.files, last.total) == (31, 31)
    assert (last.converted, last.failed, last.skipped) == (run.converted, run.failed, run.skipped) == (30, 0, 1)
    assert [report.files for report in reports] == sorted(report.files for report in reports)
    with pytest.raises(AttributeError):
        last.files = 0  # type: ignore[misc]
    again = plainfilm.convert(films, tmp_path / "out", jobs=1, key_file=tmp_path / "key", progress=reports.append)
    assert (reports[-1].files, reports[-1].converted, again.converted) == (31, 30, 30)


@pytest.mark.slow
@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_a_failing_callback_stops_the_run_and_the_next_run_resumes_it(
    error: type[BaseException], films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the worker waits for the run, which therefore stops after few images
    monkeypatch.setattr(progress_module, "REPORT_SECONDS", 0.0)
    monkeypatch.setattr(worker_thread, "BATCHES_AHEAD", 1)
    calls: list[RunProgress] = []

    def fail(progress: RunProgress) -> None:
        calls.append(progress)
        if progress.converted:
            raise error("by the callback")

    out, key = tmp_path / "out", tmp_path / "key"
    with pytest.raises(error, match="by the callback"):
        plainfilm.convert(films, out, jobs=1, key_file=key, progress=fail)
    assert [call.converted > 0 for call in calls].index(True) == len(calls) - 1, "it is called no more"
    images = {path.name for path in out.glob("*.png")}
    assert 0 < len(images) < 30
    assert {row["file_name"] for row in rows_of(out)} == images
    assert not list((out / ".plainfilm").glob("staging/*"))
    assert plainfilm.convert(films, out, jobs=1, key_file=key).converted == 30
    whole = plainfilm.convert(films, tmp_path / "whole", jobs=1, key_file=key)
    assert whole.converted == 30
    assert (out / "metadata.csv").read_bytes() == (tmp_path / "whole" / "metadata.csv").read_bytes()
