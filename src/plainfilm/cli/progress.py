# SPDX-License-Identifier: MIT
"""Shows on standard error where a run is: counts in, a bar in a terminal or notebook, or a line of JSON a second out.

Numbers alone are shown: no picture, no name, no path.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from plainfilm.options.run import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

LINE_SECONDS = 1.0


class Display(AbstractContextManager["Display"], ABC):
    """Shows where a run is, from entering to leaving its block."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def update(self, converted: int, failed: int, skipped: int, total: int | None) -> None:
        """The counts now; `total` is None while sources are still being listed."""

    @abstractmethod
    def close(self) -> None:
        """Show the last counts and give the terminal back."""


class NoDisplay(Display):
    """Shows nothing."""

    def update(self, converted: int, failed: int, skipped: int, total: int | None) -> None:
        """Shows nothing."""

    def close(self) -> None:
        """Shows nothing."""


class JsonDisplay(Display):
    """One line of JSON a second, and one at the end.

    `done` (the sum of the three that follow), `converted`, `failed`, `skipped`, `total` (null while listing is
    unfinished), `elapsed_seconds`, `rate_per_second` (of what is done, since the start).
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._counts: tuple[int, int, int, int | None] = (0, 0, 0, None)
        self._started = time.monotonic()
        self._closed = threading.Event()
        self._writer = threading.Thread(target=self._write_on, name="plainfilm-progress", daemon=True)

    def __enter__(self) -> JsonDisplay:
        self._started = time.monotonic()
        self._writer.start()
        return self

    def update(self, converted: int, failed: int, skipped: int, total: int | None) -> None:
        """The counts that the next line shows."""
        self._counts = (converted, failed, skipped, total)

    def close(self) -> None:
        """Write the last line."""
        self._closed.set()
        self._writer.join()
        self._write()

    def _write_on(self) -> None:
        while not self._closed.wait(LINE_SECONDS):
            self._write()

    def _write(self) -> None:
        converted, failed, skipped, total = self._counts
        elapsed = time.monotonic() - self._started
        done = converted + failed + skipped
        line = {
            "done": done,
            "converted": converted,
            "failed": failed,
            "skipped": skipped,
            "total": total,
            "elapsed_seconds": round(elapsed, 3),
            "rate_per_second": round(done / elapsed, 3) if elapsed > 0 else 0.0,
        }
        # a reader that has gone is no reason to stop converting
        with suppress(OSError, ValueError):
            self._stream.write(json.dumps(line) + "\n")
            self._stream.flush()


class BarDisplay(Display):
    """A bar with counts, rate and time left; it honours NO_COLOR."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._row = bars.add_task("", total=None, failed=0, skipped=0, rate=0.0)
        self._started = time.monotonic()

    def __enter__(self) -> BarDisplay:
        self._bars.start()
        return self

    def update(self, converted: int, failed: int, skipped: int, total: int | None) -> None:
        """The counts that the next redraw shows."""
        done = converted + failed + skipped
        rate = done / max(time.monotonic() - self._started, 1e-3)
        self._bars.update(self._row, completed=done, total=total, failed=failed, skipped=skipped, rate=rate)

    def close(self) -> None:
        """Draw the bar a last time."""
        self._bars.stop()


def show_progress(kind: Progress, stream: TextIO | None = None) -> Display:
    """What shows a run's progress as `--progress` asks, on `stream` (standard error)."""
    stream = sys.stderr if stream is None else stream
    if kind is Progress.JSON and stream is not None:
        return JsonDisplay(stream)
    if kind is Progress.AUTO and stream is not None and (_is_terminal(stream) or "ipykernel" in sys.modules):
        return _bar(stream)
    return NoDisplay()


def _is_terminal(stream: TextIO) -> bool:
    return not stream.closed and stream.isatty() and os.environ.get("TERM") != "dumb"


def _bar(stream: TextIO) -> Display:
    # imported late: a run without a terminal starts without it
    from rich import progress
    from rich.console import Console

    console = Console(file=stream)
    if not (console.is_terminal or console.is_jupyter):
        return NoDisplay()
    counts = "{task.completed:,.0f} done, {task.fields[failed]:,} failed, {task.fields[skipped]:,} skipped"
    bars = progress.Progress(
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.TextColumn(f"{counts}, {{task.fields[rate]:,.1f}}/s"),
        progress.TimeElapsedColumn(),
        progress.TimeRemainingColumn(),
        console=console,
        redirect_stdout=False,
    )
    return BarDisplay(bars)
