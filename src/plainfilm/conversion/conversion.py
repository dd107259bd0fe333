# SPDX-License-Identifier: MIT
"""Run a conversion: sources in, images, tables and a summary out. `Conversion.run` lists the steps in their order."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from itertools import takewhile
from pathlib import Path

from plainfilm.conversion.committer import ResultCommitter
from plainfilm.conversion.disk_check import forget_lost_images
from plainfilm.conversion.failures import failure_of_lost_worker
from plainfilm.conversion.job import ConvertJob, StagedImage
from plainfilm.conversion.job_source import JobSource
from plainfilm.conversion.progress import ProgressCallback, ignore_progress
from plainfilm.conversion.run_inputs import load_run_inputs
from plainfilm.conversion.run_parts import RunParts, open_run_parts, save_results
from plainfilm.conversion.summary import RUN_FILE, PatientPathCounter, Run, changed_selection_notes, run_json
from plainfilm.errors import PlainfilmError, RunError
from plainfilm.options.options import Options
from plainfilm.options.presentation import PresentationSource
from plainfilm.output.tables import UnwritableTableError, write_run_file, write_tables
from plainfilm.records import Failure
from plainfilm.sources.reference import Reference
from plainfilm.sources.scheme import check_local
from plainfilm.sources.walk import iterate_references
from plainfilm.workers.messages import Event, Job, JobDone, TaskResult, WorkerLost, WorkerSettings
from plainfilm.workers.pool import GRACE_SECONDS, WorkerPool
from plainfilm.workers.spawn import TASK, PrestartedWorkers


class Conversion:
    """One run. `stop` ends it early, from a signal handler or another thread; what is done is kept.

    task: the function that workers call for each job (see `WorkerPool`).
    prestarted: workers that are loading the task already.
    """

    def __init__(
        self,
        sources: Sequence[Path],
        out: Path,
        options: Options,
        task: str = TASK,
        prestarted: PrestartedWorkers | None = None,
    ) -> None:
        self._sources = sources
        self._out = out
        self._options = options
        self._task = task
        self._prestarted = prestarted
        self._stopped = False
        self._pool: WorkerPool | None = None

    def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Start no more jobs, give those that are running some seconds to end, and write the tables."""
        self._stopped = True
        if self._pool is not None:
            self._pool.stop(grace_seconds)

    def run(self, progress: ProgressCallback = ignore_progress) -> Run:
        """Convert, and return the summary. An OUT with a ledger is resumed: images that are up to date stay.

        Raises RunError (exit code 2 or 3) where the run cannot continue.
        """
        check_local(self._out, "OUT")
        entries = iterate_references(self._sources, self._out)
        inputs = load_run_inputs(self._sources, self._out, self._options)
        with open_run_parts(inputs, progress) as parts:
            parts.committer.recover()
            try:
                notes = self._convert_and_write_tables(entries, parts)
                return self._finish(parts, notes)
            except PlainfilmError as error:
                self._end(parts, error)
                if isinstance(error, RunError):
                    raise
                # an error that is no row of an image is one of the run
                raise RunError(error.message, reason=error.reason, stage=error.stage) from error

    def _convert_and_write_tables(self, entries: Iterable[Reference | Failure], parts: RunParts) -> list[str]:
        """Do the work of the run, and return the notes for the summary."""
        presentation_index = self._index_presentations(parts)
        lost = forget_lost_images(self._out, parts.ledger, parts.committer.remove, self._is_stopped)
        job_source = JobSource(parts.inputs, parts.ledger, parts.committer, parts.progress, self._is_stopped)
        self._convert(job_source.jobs(entries, presentation_index), parts)
        parts.committer.close(self._is_stopped)
        parts.progress.report()
        rows = PatientPathCounter(parts.ledger)
        splits = write_tables(parts.output, rows, self._options.privacy.columns.words)
        selection_notes = changed_selection_notes(parts.ledger.changed_options)
        notes = (
            str(splits),
            *rows.notes(),
            *lost.notes(),
            *selection_notes,
            *job_source.notes(),
            *parts.committer.notes(),
        )
        return [note for note in notes if note]

    def _index_presentations(self, parts: RunParts) -> Path | None:
        """Write the index of the presentation states among the sources, anew in every run (`--presentation auto`)."""
        if self._options.presentation.presentation != PresentationSource():
            return None
        from plainfilm.conversion.presentation_index import index_presentations

        entries = takewhile(lambda _: not self._stopped, iterate_references(self._sources, self._out))
        paths = (entry.path for entry in entries if isinstance(entry, Reference))
        index_presentations(paths, parts.output.presentation_index_path)
        return parts.output.presentation_index_path

    def _convert(self, jobs: Iterator[Job], parts: RunParts) -> None:
        limits = self._options.limits
        settings = WorkerSettings(self._options.run.workers, limits.timeout, limits.memory)
        parts.run_log.log_event("started", workers=settings.workers)
        with WorkerPool(self._task, jobs, settings, self._prestarted) as self._pool:
            if self._stopped:
                self._pool.stop()
            for event in self._pool.events(idle=True):
                _add_event(event, parts.committer)
                parts.committer.flush_when_due()
                parts.progress.report_when_due()

    def _finish(self, parts: RunParts, notes: Iterable[str]) -> Run:
        """Write run.json and return the summary."""
        run = self._write_run_file(parts, notes)
        interrupted, seconds = run.interrupted, round(run.seconds, 3)
        parts.run_log.log_event("finished", interrupted=interrupted, seconds=seconds, **asdict(run.counts))
        return run

    def _write_run_file(self, parts: RunParts, notes: Iterable[str] = ()) -> Run:
        run = Run(parts.committer.counts(), time.monotonic() - parts.started, self._stopped, tuple(notes))
        write_run_file(parts.output, RUN_FILE, run_json(run, self._options, parts.inputs.key, parts.started_at))
        return run

    def _end(self, parts: RunParts, error: PlainfilmError) -> None:
        """Save the results of a run that ends with an error."""
        save_results(parts)
        if isinstance(error, UnwritableTableError):
            with suppress(UnwritableTableError):
                self._write_run_file(parts)
        parts.run_log.log_event("ended", reason=error.reason.value, message=error.message)

    def _is_stopped(self) -> bool:
        return self._stopped


def _add_event(event: Event, committer: ResultCommitter) -> None:
    """Give what the workers report to the committer."""
    match event:
        case WorkerLost():
            committer.add(failure_of_lost_worker(event), event.traceback, event.attempts)
        case TaskResult(Failure() | StagedImage() as result, traceback):
            committer.add(result, traceback)
        case JobDone(ConvertJob(reference=reference)):
            committer.finish_source(reference.source)
