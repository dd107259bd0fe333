# SPDX-License-Identifier: MIT
"""Follow the progress of a run, and report it to a callback at most a few times a second."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from types import TracebackType

from plainfilm.conversion.run_progress import ProgressCallback, RunProgress
from plainfilm.conversion.summary import Counts
from plainfilm.errors import PlainfilmError
from plainfilm.records import Failure, Record, Status

REPORT_SECONDS = 0.1


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
    """Follows the files of a run, and calls the callback.

    counts: the rows in OUT. is_followed: whether the files are counted before all are listed.
    """

    def __init__(self, callback: ProgressCallback, counts: Callable[[], Counts], *, is_followed: bool = False) -> None:
        self._callback = callback
        self._counts = counts
        self._is_followed = is_followed
        self._total: int | None = None
        self._counted: int | None = None
        self._last_report = 0.0
        self._started = time.monotonic()
        self._files = self._new_files = self._new_images = self._new_bytes = 0
        # the size of each file in work, and the part of it that is done
        self._sizes: dict[str, int] = {}
        self._fractions: dict[str, float] = {}
        self._reasons: Counter[str] = Counter()
        self._problem = ""
        self._is_closed = threading.Event()

    def count_files(self, entries: Iterable[object]) -> None:
        """Count the input files in a thread of its own, so that there is an estimate before all are listed."""
        if self._is_followed:
            threading.Thread(target=self._count, args=(entries,), name="plainfilm-count", daemon=True).start()

    def close(self) -> None:
        """End the counting."""
        self._is_closed.set()

    def set_total(self, total: int) -> None:
        """Report that all sources are listed, and the number of files."""
        self._total = total
        self.report()

    def pass_over(self) -> None:
        """Add a file that needs no work."""
        self._files += 1

    def start_file(self, source: str, size: int) -> None:
        """Add a file that becomes a job; size: its bytes."""
        self._sizes[source] = max(size, 0)

    def add_image(self, record: Record) -> None:
        """Add an image of a file in work."""
        self._new_images += 1
        # the image that all frames make has no number
        if record.source in self._sizes and record.frame is not None:
            self._fractions[record.source] = min(record.frame / max(record.frames, 1), 1.0)

    def add_failure(self, failure: Failure) -> None:
        """Add a frame or a file that gave no image."""
        if failure.status is Status.FAILED:
            self._reasons[failure.reason.value] += 1

    def finish_file(self, source: str) -> None:
        """Add that a file in work is done."""
        self._fractions.pop(source, None)
        self._new_bytes += self._sizes.pop(source, 0)
        self._new_files += 1
        self._files += 1

    def set_problem(self, problem: str) -> bool:
        """Set why no file is converted at present, '' where the workers are at work; return whether that is news."""
        is_news = bool(problem) and problem != self._problem
        self._problem = problem
        return is_news

    def report_when_due(self) -> None:
        """Report if the last report is old enough."""
        if time.monotonic() - self._last_report >= REPORT_SECONDS:
            self.report()

    def report(self) -> None:
        """Report the counts."""
        self._last_report = time.monotonic()
        self._callback(self._progress(self._counts()))

    def _progress(self, counts: Counts) -> RunProgress:
        total = self._counted if self._total is None else self._total
        if total is not None:
            total = max(total, self._files)
        done = self._files + sum(self._fractions.values())
        return RunProgress(
            files=self._files,
            total=total,
            converted=counts.converted,
            repaired=counts.repaired,
            failed=counts.failed,
            skipped=counts.skipped,
            reasons=dict(self._reasons),
            fraction=None if total is None else min(done / total, 1.0) if total else 1.0,
            seconds=time.monotonic() - self._started,
            new_files=self._new_files,
            new_images=self._new_images,
            new_bytes=self._new_bytes,
            problem=self._problem,
        )

    def _count(self, entries: Iterable[object]) -> None:
        number = 0
        # the run itself reports what cannot be listed
        with suppress(PlainfilmError, OSError):
            for _ in entries:
                number += 1
                if self._is_closed.is_set():
                    return
            self._counted = number
