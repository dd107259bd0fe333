# SPDX-License-Identifier: MIT
"""Write the results of a run that watches its folders again and again, so that OUT can be used meanwhile."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from plainfilm.conversion.packing import pack_images
from plainfilm.conversion.run_parts import RunParts
from plainfilm.conversion.run_results import write_results
from plainfilm.sources.arrivals import WatchTiming

_DURATION_FACTOR = 20
"""The results of a run that watches are written at most a twentieth of the time."""


class ResultSchedule:
    """Decides when a run that watches its folders writes its results."""

    def __init__(self, timing: WatchTiming) -> None:
        self._timing = timing
        # None: also the tables that an earlier run may have left are written
        self._changes: int | None = None
        self._written = time.monotonic()
        self._duration = 0.0

    def is_due(self, changes: int, *, is_idle: bool) -> bool:
        """Whether the results are to be written now.

        changes: the number of changes of the run so far. is_idle: whether the run waits for files.
        """
        pause = self._timing.between_listings if is_idle else self._timing.between_tables
        elapsed = time.monotonic() - self._written
        return changes != self._changes and elapsed >= max(pause, _DURATION_FACTOR * self._duration)

    def write(self, parts: RunParts, is_stopped: Callable[[], bool]) -> None:
        """Write the results of a run whose jobs may be in progress."""
        started = time.monotonic()
        parts.committer.settle(is_stopped)
        options = parts.inputs.options
        pack_images(parts.output, parts.ledger, options, is_stopped)
        # the notes are those of the end of the run
        deque(write_results(parts.output, parts.ledger, options, is_stopped), maxlen=0)
        self._changes = parts.committer.changes
        self._written = time.monotonic()
        self._duration = self._written - started
