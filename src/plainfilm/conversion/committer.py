# SPDX-License-Identifier: MIT
"""What workers report -> files with their names and a ledger that says so, in batches.

A batch is what a power cut costs: files are on the disk without names; their names are noted; they get them; then one
transaction says that they are there.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable

from plainfilm.conversion.job import StagedImage
from plainfilm.conversion.run_log import RunLog
from plainfilm.conversion.summary import Counts
from plainfilm.conversion.uid_names import UidNames
from plainfilm.errors import Reason, RunError, Stage, StorageFullError
from plainfilm.ledger.ledger import Ledger
from plainfilm.output.folder import FolderOutput
from plainfilm.records import Failure, Record, Status

MOST_AT_A_TIME = 128
LONGEST_WAIT = 0.5

LEAST_ROOM, MOST_ROOM = 48 * 1024, 4 * 1024**2
ROOM_OF_A_ROW = 1024
"""Bytes on the disk that are held for the ledger and the tables of a run that finds no more room."""


class ResultCommitter:
    """The books of one run. Every method raises StorageFullError and RunError where they cannot be kept."""

    def __init__(self, sink: FolderOutput, ledger: Ledger, journal: RunLog, uid_names: UidNames | None = None) -> None:
        self.sink = sink
        self.ledger = ledger
        self.journal = journal
        self._uid_names = uid_names
        self._staged: list[StagedImage] = []
        self._failures: list[Failure] = []
        self._finished: list[str] = []
        # the first image is there at once; batches grow as the run does
        self._at_a_time = 1
        self._last_flush = time.monotonic()
        self._rows_with_room = -1

    def mend(self) -> None:
        """Remove the files of names that were noted and have no image: what a batch that was cut short has left."""
        for names in self.ledger.unsettled():
            self.sink.remove(names)
            self.ledger.settle(names)
        self.ledger.commit()

    def remove(self, file_names: Iterable[str]) -> None:
        """Remove files of images whose rows are gone already."""
        names = list(file_names)
        if not names:
            return
        self.ledger.commit()
        self.sink.remove(names)
        self.ledger.settle(names)

    def counts(self) -> Counts:
        """How much is done, with what waits for its batch."""
        waiting = Counter([one.record.status for one in self._staged] + [one.status for one in self._failures])
        known = self.ledger.counts + waiting
        converted = known[Status.OK] + known[Status.REPAIRED]
        return Counts(converted, known[Status.REPAIRED], known[Status.FAILED], known[Status.SKIPPED])

    def add(self, result: StagedImage | Failure, traceback: str = "", attempts: int = 1) -> None:
        """An image, or what gave none and why."""
        if isinstance(result, StagedImage):
            self._staged.append(result)
        else:
            self._failures.append(result)
            self.journal.tell_failure(result, traceback, attempts)

    def finish(self, source: str) -> None:
        """Nothing more comes of a source."""
        self._finished.append(source)

    def flush_when_due(self) -> None:
        """Flush where enough has come together, or what is there has waited long enough."""
        waiting = len(self._staged) + len(self._failures)
        if not waiting and not self._finished:
            return
        if waiting >= self._at_a_time or time.monotonic() - self._last_flush >= LONGEST_WAIT:
            self.flush()
            self._at_a_time = min(2 * self._at_a_time, MOST_AT_A_TIME)

    def flush(self) -> None:
        """Give all images their names, and have the ledger on the disk."""
        self._keep_room()
        staged, self._staged = self._staged, []
        if self._uid_names is not None:
            staged = self._uid_names.named(staged)
        names = {name: file_name for one in staged for name, file_name in one.names.items()}
        self.ledger.intend(names.values())
        self.ledger.commit()
        refused = self.sink.publish(names)
        lost = [one for one in staged if not refused.keys().isdisjoint(one.names)] if refused else []
        for one in lost:
            message = next(refused[name].message for name in one.names if name in refused)
            self.sink.remove(file_name for name, file_name in one.names.items() if name not in refused)
            self.add(_unpublished(one.record, message))
        self.ledger.add_images((one.record, dict(one.masks).values()) for one in staged if one not in lost)
        self.ledger.settle(names.values())
        self._note_the_rest()
        self.ledger.commit()
        self._last_flush = time.monotonic()

    def close(self, is_stopped: Callable[[], bool] = lambda: False) -> None:
        """Flush, and let go of what workers have staged that were then stopped or lost."""
        self.flush()
        if self._uid_names is not None:
            self._uid_names.straighten(is_stopped)
        self.sink.clear_staging()

    def give_up(self) -> None:
        """The run cannot go on: keep what is done, as far as there is space to say so, and let go of the rest."""
        try:
            self.close(is_stopped=lambda: True)
        except RunError:
            self.ledger.undo()
            self.sink.clear_staging()
        self.ledger.shrink()
        try:
            # names that an unfinished batch has given, and that have no row
            self.mend()
        except StorageFullError:
            # their files are gone; that they are is said again next time
            self.ledger.undo()

    def take_back(self, images: int) -> bool:
        """Undo the newest images, which the next run makes again, for the room that they take; whether there were any.

        Where there is none left for the tables, an image that is in no table would be a lie.
        """
        names = self.ledger.withdraw(images)
        self.remove(names)
        self.ledger.commit()
        self.ledger.shrink()
        return bool(names)

    def _keep_room(self) -> None:
        """Have room for twice the rows there are, up to a size that lets the ledger take images back."""
        rows = self.ledger.counts.total() + len(self._staged) + len(self._failures)
        if rows > self._rows_with_room:
            self._rows_with_room = 2 * rows
            self.sink.reserve_space(min(LEAST_ROOM + ROOM_OF_A_ROW * self._rows_with_room, MOST_ROOM))

    def _note_the_rest(self) -> None:
        for failure in self._failures:
            self.ledger.add_failure(failure)
        self.ledger.finish(self._finished)
        self._failures, self._finished = [], []


def _unpublished(record: Record, message: str) -> Failure:
    frame = record.frame if record.frames > 1 else None
    return Failure(record.source, frame, Status.FAILED, Reason.WRITE_FAILED, Stage.WRITE, message)
