# SPDX-License-Identifier: MIT
"""Follow the progress of a run, and report it to callbacks at most a few times a second."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress

from plainfilm.conversion.progress_status import ProgressStatus, StatusCallback
from plainfilm.conversion.summary import Counts
from plainfilm.errors import PlainfilmError
from plainfilm.records import Failure, Record, Status

ProgressCallback = Callable[[int, int, int, int | None], None]
"""Called with the numbers of converted, failed and skipped images or inputs, and of listed files.

The last number is None until all sources are listed.
"""

REPORT_SECONDS = 0.1


def ignore_progress(_converted: int, _failed: int, _skipped: int, _total: int | None) -> None:
    """Do nothing with the progress of a run."""


class ProgressReporter:
    """Follows the files of a run, and calls the callbacks.

    counts: the rows in OUT. on_status: is called with the status; None where nobody follows it.
    """

    def __init__(
        self, callback: ProgressCallback, counts: Callable[[], Counts], on_status: StatusCallback | None = None
    ) -> None:
        self._callback = callback
        self._counts = counts
        self._on_status = on_status
        self._total: int | None = None
        self._counted: int | None = None
        self._last_report = 0.0
        self._started = time.monotonic()
        self._files_done = self._new_files = self._new_images = self._new_bytes = 0
        # the size of each file in work, and the part of it that is done
        self._sizes: dict[str, int] = {}
        self._fractions: dict[str, float] = {}
        self._reasons: Counter[str] = Counter()
        self._is_closed = threading.Event()

    def count_files(self, entries: Iterable[object]) -> None:
        """Count the input files in a thread of its own, so that there is an estimate before all are listed."""
        if self._on_status is not None:
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
        self._files_done += 1

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
        self._files_done += 1

    def report_when_due(self) -> None:
        """Report if the last report is old enough."""
        if time.monotonic() - self._last_report >= REPORT_SECONDS:
            self.report()

    def report(self) -> None:
        """Report the counts."""
        self._last_report = time.monotonic()
        counts = self._counts()
        self._callback(counts.converted, counts.failed, counts.skipped, self._total)
        if self._on_status is not None:
            self._on_status(self._status(counts))

    def _status(self, counts: Counts) -> ProgressStatus:
        total = self._counted if self._total is None else self._total
        if total is not None:
            total = max(total, self._files_done)
        done = self._files_done + sum(self._fractions.values())
        return ProgressStatus(
            files_done=self._files_done,
            files_total=total,
            images=counts.converted,
            repaired=counts.repaired,
            failed=counts.failed,
            skipped=counts.skipped,
            reasons=dict(self._reasons),
            fraction=None if total is None else min(done / total, 1.0) if total else 1.0,
            seconds=time.monotonic() - self._started,
            new_files=self._new_files,
            new_images=self._new_images,
            new_bytes=self._new_bytes,
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
