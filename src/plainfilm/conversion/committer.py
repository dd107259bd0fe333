# SPDX-License-Identifier: MIT
"""Commit the results of the workers in batches: files get their names, then the ledger gets their rows.

A process may be killed, or the power may fail, between any two of the steps of a batch. Their order is a promise:

1. Workers stage complete files in the private folder of OUT, under temporary names.
2. The final names of the batch are marked as pending in the ledger, and the ledger is committed.
3. The staged files are flushed to the disk.
4. Each file is renamed to its final name, in one step.
5. The folders are flushed to the disk.
6. One transaction inserts the rows and removes the pending marks.

So a file with a final name is complete, and a row has its file. A pending name without a row belongs to a batch that
was interrupted between steps 2 and 6: `ResultCommitter.recover` removes its file, and the next run converts the source
again. A power failure therefore costs at most one batch.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from plainfilm.conversion.failures import failure_of_publishing
from plainfilm.conversion.job import StagedImage
from plainfilm.conversion.placement import Placement
from plainfilm.conversion.run_log import RunLog
from plainfilm.conversion.summary import Counts, counts_of
from plainfilm.conversion.uid_names import InstanceNames
from plainfilm.errors import OutputError, PlainfilmError, StorageFullError
from plainfilm.ledger.ledger import Ledger
from plainfilm.ledger.remaining_work import FileStat
from plainfilm.ledger.stored_patients import SourcePatient
from plainfilm.ledger.stored_previews import StoredPreview
from plainfilm.options.counting import counted
from plainfilm.output.folder import FolderOutput
from plainfilm.records import Failure

MAX_BATCH = 128
MAX_WAIT_SECONDS = 0.5

MIN_RESERVE, MAX_RESERVE = 48 * 1024, 4 * 1024**2
RESERVE_PER_ROW = 1024
"""Bytes of disk space that are reserved for the ledger and the tables, in case the disk becomes full."""


class ResultCommitter:
    """Collects the results of a run and commits them in batches.

    Every method raises StorageFullError and RunError where files or rows cannot be written.
    """

    def __init__(
        self,
        output: FolderOutput,
        ledger: Ledger,
        run_log: RunLog,
        uid_names: InstanceNames | None = None,
        placement: Placement | None = None,
    ) -> None:
        self._output = output
        self._ledger = ledger
        self._run_log = run_log
        self._uid_names = uid_names
        self._placement = placement
        self.changes = 0
        """How many results and removals there were in this run."""
        self.batches = 0
        """How many batches were committed in this run."""
        self._images: list[StagedImage] = []
        self._failures: list[Failure] = []
        self._patients: list[SourcePatient] = []
        self._done_sources: list[str] = []
        # the first image is published at once; later batches are larger
        self._batch_size = 1
        self._last_flush = time.monotonic()
        self._rows_with_reserve = -1

    def recover(self) -> None:
        """Remove the files of pending names without a row, which an interrupted batch has left."""
        for file_names in self._ledger.orphaned_files():
            unremoved = self._output.remove(file_names)
            self._output.remove_empty_folders(file_names)
            self._ledger.clear_pending(name for name in file_names if name not in unremoved)
        self._ledger.commit()

    def notes(self) -> Iterator[str]:
        """Yield lines for the summary: about files without a row that could not be removed, splits and labels."""
        if self._placement is not None:
            yield from self._placement.notes()
        if unremoved := sum(map(len, self._ledger.orphaned_files())):
            files = counted(unremoved, "file in OUT that has no row", "files in OUT that have no row")
            yield f"{files} could not be removed: check the permissions in OUT"

    def counts(self) -> Counts:
        """Return how many rows there are, including those of the current batch."""
        batch = Counter[str]([image.record.status for image in self._images] + [row.status for row in self._failures])
        return counts_of(self._ledger.counts + batch)

    def add(self, result: StagedImage | Failure, traceback: str = "", attempts: int = 1) -> None:
        """Add an image or a failure to the batch; a failure is logged."""
        self.changes += 1
        if isinstance(result, StagedImage):
            self._images.append(result)
        else:
            self._failures.append(result)
            self._run_log.log_failure(result, traceback, attempts)

    def add_patient(self, patient: SourcePatient) -> None:
        """Add the patient of a source, of which no result has been added yet."""
        self._patients.append(patient)

    def withdraw(self, failure: Failure) -> None:
        """Remove the row of an entry of the listing that is no longer there or whose cause is gone."""
        self.changes += 1
        self.flush()
        self._ledger.withdraw_failure(failure.source)

    def finish_source(self, source: str) -> None:
        """Mark a source as done with this batch: all its results have been added."""
        self._done_sources.append(source)

    def remove(self, file_names: Iterable[str]) -> None:
        """Remove the files of images whose rows are deleted and whose names are pending."""
        names = list(file_names)
        if not names:
            return
        self.changes += 1
        self._ledger.commit()
        unremoved = self._output.remove(names)
        self._ledger.clear_pending(name for name in names if name not in unremoved)

    def flush_when_due(self) -> None:
        """Flush if the batch is large enough, or if its results have waited long enough."""
        size = len(self._images) + len(self._failures)
        if not size and not self._done_sources:
            return
        if size >= self._batch_size or time.monotonic() - self._last_flush >= MAX_WAIT_SECONDS:
            self.flush()
            self._batch_size = min(2 * self._batch_size, MAX_BATCH)

    def flush(self) -> None:
        """Commit the batch: steps 2 to 6 of the module's list."""
        self._reserve_space()
        images, self._images = self._images, []
        if self._uid_names is not None:
            images = self._uid_names.assign(images)
        if self._placement is not None:
            images = list(self._placed(images, self._placement))
        final_names = {temporary: name for image in images for temporary, name in image.final_names.items()}
        self._ledger.mark_pending(final_names.values())
        self._ledger.commit()
        errors = self._output.publish(final_names)
        published = list(self._published(images, errors))
        self._insert_rows(published)
        failed_names = set(final_names.values()) - {name for image in published for name in image.final_names.values()}
        unremoved = self._output.remove(failed_names)
        self._ledger.clear_pending(name for name in final_names.values() if name not in unremoved)
        self._ledger.commit()
        self.batches += 1
        self._last_flush = time.monotonic()

    def settle(self, is_stopped: Callable[[], bool] = lambda: False) -> None:
        """Flush, and give images their canonical names, as `close` does; jobs may be in progress."""
        self.flush()
        if self._uid_names is not None:
            self._uid_names.canonicalize_names(is_stopped)
        if self._placement is not None:
            self._placement.settle(is_stopped)

    def close(self, is_stopped: Callable[[], bool] = lambda: False) -> None:
        """Flush, give images their canonical names, and remove staged files of jobs that did not end.

        is_stopped: whether the run has been stopped, which leaves the remaining names to the next run.
        """
        self.settle(is_stopped)
        self._output.clear_staging()

    def abandon(self) -> None:
        """End a run that cannot continue: commit what the disk has space for, and undo the rest."""
        try:
            self.close(is_stopped=lambda: True)
        except PlainfilmError:
            self._ledger.rollback()
            self._output.clear_staging()
        self._ledger.truncate_log()
        try:
            # files of a batch that was interrupted by the error have names but no rows
            self.recover()
        except StorageFullError:
            # the files are removed; the next run clears the pending names
            self._ledger.rollback()

    def revert_newest(self, images: int) -> bool:
        """Remove the newest images and their rows to free disk space; return whether there were any.

        The next run converts their sources again. An image without a row in the tables would break a promise, so images
        are removed if there is no space left for the tables.
        """
        file_names = self._ledger.delete_newest(images)
        self.remove(file_names)
        self._ledger.commit()
        self._ledger.truncate_log()
        return bool(file_names)

    def _placed(self, images: Iterable[StagedImage], placement: Placement) -> Iterator[StagedImage]:
        """Yield the images in the folders of their splits and classes. An image without a class becomes a failure."""
        for image in images:
            placed = placement.place(image)
            if isinstance(placed, Failure):
                self._output.discard(image.final_names)
                self.add(placed)
            else:
                yield placed

    def _published(self, images: Iterable[StagedImage], errors: Mapping[str, OutputError]) -> Iterator[StagedImage]:
        """Yield the images that have their names. An image of which one file has none becomes a failure."""
        for image in images:
            messages = [errors[temporary].message for temporary in image.final_names if temporary in errors]
            if messages:
                self.add(failure_of_publishing(image.record, messages[0]))
            else:
                yield image

    def _insert_rows(self, images: Sequence[StagedImage]) -> None:
        out = self._output.out
        names = [image.record.file_name for image in images]
        self._ledger.add_images(
            (image.record for image in images), {name: FileStat.of_output(out / name) for name in names}
        )
        self._ledger.previews.add(
            StoredPreview(image.record.source, image.record.number, image.preview) for image in images
        )
        for image in images:
            for overlay in image.overlays:
                file_stat = FileStat.of_output(out / overlay.file_name)
                self._ledger.add_overlay(image.record.source, overlay.file_name, file_stat, overlay.sha256)
        for failure in self._failures:
            self._ledger.add_failure(failure)
        self._ledger.patients.add(self._patients)
        self._ledger.mark_done(self._done_sources)
        self._failures, self._patients, self._done_sources = [], [], []

    def _reserve_space(self) -> None:
        """Reserve space for twice the current number of rows, up to the size that `revert_newest` needs to begin."""
        rows = self._ledger.counts.total() + len(self._images) + len(self._failures)
        if rows > self._rows_with_reserve:
            self._rows_with_reserve = 2 * rows
            self._output.reserve_space(min(MIN_RESERVE + RESERVE_PER_ROW * self._rows_with_reserve, MAX_RESERVE))
