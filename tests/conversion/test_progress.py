# SPDX-License-Identifier: MIT
"""How often the progress of a run is reported, and what."""

from __future__ import annotations

import pytest

from plainfilm.conversion import progress as progress_module
from plainfilm.conversion.progress import ProgressReporter
from plainfilm.conversion.summary import Counts


def test_reports_are_few_and_hold_the_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    reports: list[tuple[int, int, int, int | None]] = []
    reporter = ProgressReporter(lambda *counts: reports.append(counts), lambda: Counts(5, 1, 2, 3))
    monkeypatch.setattr(progress_module, "REPORT_SECONDS", 3600.0)
    reporter.report()
    for _ in range(100):
        reporter.report_when_due()
    assert reports == [(5, 2, 3, None)]
    monkeypatch.setattr(progress_module, "REPORT_SECONDS", 0.0)
    reporter.report_when_due()
    assert len(reports) == 2


def test_the_total_is_none_until_it_is_set() -> None:
    totals: list[int | None] = []
    reporter = ProgressReporter(lambda *counts: totals.append(counts[3]), lambda: Counts(0, 0, 0, 0))
    reporter.report()
    reporter.set_total(7)
    reporter.report()
    assert totals == [None, 7, 7]
