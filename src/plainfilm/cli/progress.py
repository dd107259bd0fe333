# SPDX-License-Identifier: MIT
"""Show the progress of a run on standard error: a bar in a terminal or notebook, or one line of JSON a second.

Only numbers and the notes of the run are shown, and no paths of inputs.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from plainfilm.options.run import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

    from plainfilm.conversion.progress import RunProgress

LINE_SECONDS = 1.0


class Display(AbstractContextManager["Display"], ABC):
    """Shows the progress of a run between the entry and the exit of its `with` block."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def update(self, converted: int, failed: int, skipped: int, total: int | None) -> None:
        """Set the current counts; `total` is None while sources are still being listed."""

    def show(self, progress: RunProgress) -> None:
        """Set the counts of a run."""
        self.update(progress.converted, progress.failed, progress.skipped, progress.total)

    def add_notes(self, notes: Sequence[str]) -> None:
        """Add the notes of a finished run; only the lines of JSON show them."""

    @abstractmethod
    def close(self) -> None:
        """Show the final counts and release the terminal."""


class NoDisplay(Display):
    """Show nothing."""

    def update(self, converted: int, failed: int, skipped: int, total: int | None) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Show nothing."""


class JsonDisplay(Display):
    """Writes one line of JSON a second, and one at the end.

    The keys are `done` (the sum of the next three), `converted`, `failed`, `skipped`, `total` (null while sources are
    still being listed), `elapsed_seconds` and `rate_per_second` (`done` by the time since the start). The last line of
    a finished run also has `notes`, a list of texts.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._counts: tuple[int, int, int, int | None] = (0, 0, 0, None)
        self._notes: list[str] | None = None
        self._started = time.monotonic()
        self._closed = threading.Event()
        self._writer = threading.Thread(target=self._write_repeatedly, name="plainfilm-progress", daemon=True)

    def __enter__(self) -> JsonDisplay:
        self._started = time.monotonic()
        self._writer.start()
        return self

    def update(self, converted: int, failed: int, skipped: int, total: int | None) -> None:
        """Set the counts for the next line."""
        self._counts = (converted, failed, skipped, total)

    def add_notes(self, notes: Sequence[str]) -> None:
        """Add the notes to the last line."""
        self._notes = list(notes)

    def close(self) -> None:
        """Write the last line."""
        self._closed.set()
        self._writer.join()
        self._write(is_last=True)

    def _write_repeatedly(self) -> None:
        while not self._closed.wait(LINE_SECONDS):
            self._write()

    def _write(self, *, is_last: bool = False) -> None:
        converted, failed, skipped, total = self._counts
        elapsed = time.monotonic() - self._started
        done = converted + failed + skipped
        line: dict[str, object] = {
            "done": done,
            "converted": converted,
            "failed": failed,
            "skipped": skipped,
            "total": total,
            "elapsed_seconds": round(elapsed, 3),
            "rate_per_second": round(done / elapsed, 3) if elapsed > 0 else 0.0,
        }
        if is_last and self._notes is not None:
            line["notes"] = self._notes
        # the run continues if the reader of standard error has gone
        with suppress(OSError, ValueError):
            self._stream.write(json.dumps(line) + "\n")
            self._stream.flush()


class BarDisplay(Display):
    """Shows a bar with counts, rate and remaining time; it honours NO_COLOR."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._row = bars.add_task("", total=None, failed=0, skipped=0, rate=0.0)
        self._started = time.monotonic()

    def __enter__(self) -> BarDisplay:
        self._bars.start()
        return self

    def update(self, converted: int, failed: int, skipped: int, total: int | None) -> None:
        """Set the counts for the next redraw."""
        done = converted + failed + skipped
        rate = done / max(time.monotonic() - self._started, 1e-3)
        self._bars.update(self._row, completed=done, total=total, failed=failed, skipped=skipped, rate=rate)

    def close(self) -> None:
        """Draw the bar for the last time."""
        self._bars.stop()


def show_progress(kind: Progress, stream: TextIO | None = None) -> Display:
    """The display that `--progress` asks for, on `stream` or, without one, on standard error."""
    stream = sys.stderr if stream is None else stream
    if kind is Progress.JSON and stream is not None:
        return JsonDisplay(stream)
    if kind is Progress.AUTO and stream is not None and (_is_terminal(stream) or "ipykernel" in sys.modules):
        return _bar(stream)
    return NoDisplay()


def _is_terminal(stream: TextIO) -> bool:
    return not stream.closed and stream.isatty() and os.environ.get("TERM") != "dumb"


def _bar(stream: TextIO) -> Display:
    # imported on demand, because a run without a terminal does not need it
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
