# SPDX-License-Identifier: MIT
"""Report the progress of a run to a callback, at most a few times a second."""

from __future__ import annotations

import time
from collections.abc import Callable

from plainfilm.conversion.summary import Counts

ProgressCallback = Callable[[int, int, int, int | None], None]
"""Called with the numbers of converted, failed and skipped images or inputs, and of listed files.

The last number is None until all sources are listed.
"""

REPORT_SECONDS = 0.1


def ignore_progress(_converted: int, _failed: int, _skipped: int, _total: int | None) -> None:
    """Do nothing with the progress of a run."""


class ProgressReporter:
    """Calls the callback with the counts that `counts` returns."""

    def __init__(self, callback: ProgressCallback, counts: Callable[[], Counts]) -> None:
        self._callback = callback
        self._counts = counts
        self._total: int | None = None
        self._last_report = 0.0

    def set_total(self, total: int) -> None:
        """Report that all sources are listed, and the number of files."""
        self._total = total
        self.report()

    def report_when_due(self) -> None:
        """Report if the last report is old enough."""
        if time.monotonic() - self._last_report >= REPORT_SECONDS:
            self.report()

    def report(self) -> None:
        """Report the counts."""
        self._last_report = time.monotonic()
        counts = self._counts()
        self._callback(counts.converted, counts.failed, counts.skipped, self._total)
