# SPDX-License-Identifier: MIT
"""Report the progress of a run to a callback, at most a few times a second, and stop the run where it fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType

from plainfilm.conversion.summary import Counts

REPORT_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run is.

    files: input files of this run that are done, also those that were done before and are up to date.
    images: images and instances with a result, in all runs into this folder: `converted` and `failed`.
    converted, failed, skipped: the rows of the tables until now, as in the summary.
    seconds: the time since this run started.
    total: the number of input files; None until all are listed.
    """

    files: int
    images: int
    converted: int
    failed: int
    skipped: int
    seconds: float
    total: int | None


ProgressCallback = Callable[[RunProgress], object]
"""Called with the progress of a run. What it returns is ignored."""


def ignore_progress(_progress: RunProgress) -> None:
    """Do nothing with the progress of a run."""


class StoppingCallback(AbstractContextManager["StoppingCallback"]):
    """A callback that stops the run when the user's callback raises an exception; `raise_error` raises it again.

    The run then ends as an interrupted one, with its tables. Also Ctrl-C within the callback waits for that.
    """

    def __init__(self, callback: ProgressCallback, stop: Callable[[], None]) -> None:
        self._callback = callback
        self._stop = stop
        self._error: BaseException | None = None

    def __call__(self, progress: RunProgress) -> None:
        """Call the user's callback, unless it has failed before."""
        if self._error is None:
            with self:
                self._callback(progress)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._error = error
        if error is not None:
            self._stop()
        return True

    def raise_error(self) -> None:
        """Raise the exception of the user's callback, if there was one."""
        if self._error is not None:
            raise self._error


class ProgressReporter:
    """Calls the callback with the counts that `counts` returns."""

    def __init__(self, callback: ProgressCallback, counts: Callable[[], Counts]) -> None:
        self._callback = callback
        self._counts = counts
        self._total: int | None = None
        self._files = 0
        self._started = time.monotonic()
        self._last_report = 0.0

    def finish_file(self) -> None:
        """Count an input file that is done."""
        self._files += 1

    def set_total(self, total: int) -> None:
        """Report that all sources are listed, and the number of files."""
        self._total = total
        self.report()

    def report_when_due(self) -> None:
        """Report if the last report is old enough."""
        if time.monotonic() - self._last_report >= REPORT_SECONDS:
            self.report()

    def report(self) -> None:
        """Report the progress."""
        self._last_report = time.monotonic()
        counts = self._counts()
        self._callback(
            RunProgress(
                files=self._files,
                images=counts.converted + counts.failed,
                converted=counts.converted,
                failed=counts.failed,
                skipped=counts.skipped,
                seconds=self._last_report - self._started,
                total=self._total,
            )
        )
