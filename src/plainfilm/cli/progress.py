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
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, TextIO

from plainfilm.conversion.run_progress import RunProgress
from plainfilm.options.counting import counted
from plainfilm.options.run import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

LINE_SECONDS = 1.0
_MOST_REASONS = 3


class Display(AbstractContextManager["Display"], ABC):
    """Shows the progress of a run between the entry and the exit of its `with` block.

    is_shown: whether the display shows anything: if not, the run need not follow its progress.
    """

    is_shown: ClassVar[bool] = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def update(self, status: RunProgress) -> None:
        """Set the current status."""

    def add_notes(self, notes: Sequence[str]) -> None:
        """Add the notes of a finished run; only the lines of JSON show them."""

    @abstractmethod
    def close(self) -> None:
        """Show the final counts and release the terminal."""


class NoDisplay(Display):
    """Show nothing."""

    is_shown: ClassVar[bool] = False

    def update(self, status: RunProgress) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Show nothing."""


class JsonDisplay(Display):
    """Writes one line of JSON a second, and one at the end.

    `done` and `total` count input files, and the total is null until they are counted. `converted` (images), `repaired`
    (images among them), `failed` and `skipped` count the rows of the tables, also those of earlier runs;
    `failed_by_reason` counts those of this run. `fraction` is the part of the files that is done, where a multi-frame
    file counts by its frames. The rates `files_per_second`, `images_per_second` and `megabytes_per_second` (of input)
    are those of this run; `seconds_left` is estimated from them. While no file can be converted, `problem` says why.
    The last line of a finished run also has `notes`, a list of texts.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._status = RunProgress()
        self._notes: list[str] | None = None
        self._started = time.monotonic()
        self._closed = threading.Event()
        self._writer = threading.Thread(target=self._write_repeatedly, name="plainfilm-progress", daemon=True)

    def __enter__(self) -> JsonDisplay:
        self._started = time.monotonic()
        self._writer.start()
        return self

    def update(self, status: RunProgress) -> None:
        """Set the status for the next line."""
        self._status = status

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
        line = _json_values(self._status, time.monotonic() - self._started)
        if is_last and self._notes is not None:
            line["notes"] = self._notes
        # the run continues if the reader of standard error has gone
        with suppress(OSError, ValueError):
            self._stream.write(json.dumps(line) + "\n")
            self._stream.flush()


def _json_values(status: RunProgress, elapsed: float) -> dict[str, object]:
    left = status.seconds_left
    return {
        "done": status.files,
        "total": status.total,
        "converted": status.converted,
        "repaired": status.repaired,
        "failed": status.failed,
        "skipped": status.skipped,
        "failed_by_reason": dict(status.reasons),
        "fraction": None if status.fraction is None else round(status.fraction, 4),
        "elapsed_seconds": round(elapsed, 3),
        "files_per_second": round(status.per_second(status.new_files), 3),
        "images_per_second": round(status.per_second(status.new_images), 3),
        "megabytes_per_second": round(status.per_second(status.new_bytes) / 1e6, 3),
        "seconds_left": None if left is None else round(left, 1),
        **({"problem": status.problem} if status.problem else {}),
    }


class BarDisplay(Display):
    """Shows a bar with counts, rates and remaining time; it honours NO_COLOR."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._row = bars.add_task("", total=None, counts="starting", failures="", left="")

    def __enter__(self) -> BarDisplay:
        self._bars.start()
        return self

    def update(self, status: RunProgress) -> None:
        """Set the status for the next redraw."""
        self._bars.update(
            self._row,
            completed=0 if status.fraction is None else status.fraction,
            total=None if status.fraction is None else 1.0,
            counts=f"{_counts_text(status)}, {_rates_text(status)}",
            failures=_failures_text(status),
            left=_time_text(status.seconds_left),
        )

    def close(self) -> None:
        """Draw the bar for the last time."""
        self._bars.stop()


def _counts_text(status: RunProgress) -> str:
    total = "" if status.total is None else f"/{status.total:,}"
    files = f"{status.files:,}{total} files" if total else counted(status.files, "file")
    return f"{files}, {counted(status.converted, 'image')}"


def _rates_text(status: RunProgress) -> str:
    megabytes = status.per_second(status.new_bytes) / 1e6
    return f"{status.per_second(status.new_images):,.1f}/s, {megabytes:,.1f} MB/s"


def _failures_text(status: RunProgress) -> str:
    """The failures, with the most frequent reasons, and the skipped inputs; first what keeps the run from its work."""
    parts = [f"{status.skipped:,} skipped"] if status.skipped else []
    if status.failed:
        reasons = sorted(status.reasons.items(), key=lambda item: -item[1])[:_MOST_REASONS]
        shown = ", ".join(f"{reason} {number:,}" for reason, number in reasons)
        parts.insert(0, f"{status.failed:,} failed" + (f" ({shown})" if shown else ""))
    if status.problem:
        parts.insert(0, status.problem)
    return ", ".join(parts)


def _time_text(seconds: float | None) -> str:
    if seconds is None:
        return ""
    hours, rest = divmod(int(seconds + 0.5), 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d} left"


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
    from rich.console import Console, RenderableType
    from rich.text import Text

    console = Console(file=stream)
    if not (console.is_terminal or console.is_jupyter):
        return NoDisplay()

    class TwoLines(progress.Progress):
        """The bar, and below it what has failed: a terminal may have 80 columns."""

        def get_renderables(self) -> Iterable[RenderableType]:
            yield from super().get_renderables()
            for task in self.tasks:
                if task.fields["failures"]:
                    yield Text(task.fields["failures"], overflow="ellipsis", no_wrap=True)

    bars = TwoLines(
        progress.BarColumn(bar_width=16),
        progress.TaskProgressColumn(),
        progress.TextColumn("{task.fields[counts]}"),
        progress.TextColumn("{task.fields[left]}"),
        console=console,
        redirect_stdout=False,
    )
    return BarDisplay(bars)
