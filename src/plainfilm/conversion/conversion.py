# SPDX-License-Identifier: MIT
"""Run a conversion: sources in, images, tables and a summary out. `Conversion.run` lists the steps in their order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path

from plainfilm.conversion.disk_check import forget_lost_images
from plainfilm.conversion.engine_check import worker_check
from plainfilm.conversion.failures import failure_of_lost_worker
from plainfilm.conversion.job import ConvertJob, StagedImage
from plainfilm.conversion.job_source import JobSource, selected_items
from plainfilm.conversion.packing import finish_renames, pack_images
from plainfilm.conversion.placement import data_set_columns
from plainfilm.conversion.progress import StoppingCallback
from plainfilm.conversion.pruning import prune
from plainfilm.conversion.removal import complete_removal
from plainfilm.conversion.result_schedule import ResultSchedule
from plainfilm.conversion.run_inputs import RunInputs, load_run_inputs
from plainfilm.conversion.run_parts import RunParts, open_run_parts, output_of, save_results
from plainfilm.conversion.run_progress import ProgressCallback, ignore_progress
from plainfilm.conversion.run_results import count_reasons, write_results
from plainfilm.conversion.stored_images import received
from plainfilm.conversion.summary import RUN_FILE, Run, changed_selection_notes, run_json
from plainfilm.engines.engine import Engine, WorkerCheck, open_engine
from plainfilm.errors import OptionsError, PlainfilmError, RunError
from plainfilm.ledger.source_names import earlier_names
from plainfilm.ledger.stored_patients import SourcePatient, read_removed
from plainfilm.options.counting import counted
from plainfilm.options.local_path import check_local
from plainfilm.options.options import Options
from plainfilm.options.presentation import PresentationSource
from plainfilm.output.folder import FolderOutput
from plainfilm.output.tables import UnwritableTableError, write_run_file
from plainfilm.records import Failure
from plainfilm.sources.arrivals import DEFAULT_TIMING, Arrival, Arrivals, WatchTiming
from plainfilm.sources.reference import Reference
from plainfilm.sources.remote_file import RemoteUrl
from plainfilm.sources.walk import Listing
from plainfilm.workers.messages import (
    Event,
    Idle,
    Job,
    JobDone,
    TaskNote,
    TaskResult,
    WorkerLost,
    WorkerSettings,
)
from plainfilm.workers.pool import GRACE_SECONDS
from plainfilm.workers.spawn import TASK, PrestartedWorkers


class Conversion:
    """One run. `stop` ends it early, from a signal handler or another thread; what is done is kept.

    task: the function that workers call for each job (see `WorkerPool`).
    prestarted: workers that are loading the task already.
    store: the URL of OUT, if the workers put the images there and this process works in a folder that they do not see.
    """

    def __init__(
        self,
        sources: Sequence[str | Path],
        out: Path,
        options: Options,
        task: str = TASK,
        prestarted: PrestartedWorkers | None = None,
        store: RemoteUrl | None = None,
    ) -> None:
        self._sources = sources
        self._out = out
        self._options = options
        self._task = task
        self._prestarted = prestarted
        self._started, self._started_at = 0.0, datetime.now(UTC)
        self._store = store
        self._stopped = False
        self._stops = 0
        self._timing = DEFAULT_TIMING
        self._engine: Engine | None = None

    def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Start no more jobs, give those that are running some seconds to end, and write the tables."""
        self._stopped = True
        self._stops += 1
        if self._engine is not None:
            self._engine.stop(grace_seconds)

    def run(self, progress: ProgressCallback = ignore_progress, timing: WatchTiming = DEFAULT_TIMING) -> Run:
        """Convert, and return the summary. An OUT with a ledger is resumed: images that are up to date stay.

        progress: called a few times a second. timing: of a run that watches its folders, which ends when it is stopped.

        Raises RunError (exit code 2 or 3) where the run cannot continue. An exception of the callback stops the run
        as `stop` does, and is raised after that.
        """
        self._timing = timing
        callback = StoppingCallback(progress, self.stop)
        run = self._run(callback, is_followed=progress is not ignore_progress)
        callback.raise_error()
        return run

    def _run(self, progress: ProgressCallback, *, is_followed: bool) -> Run:
        check_local(self._out, "OUT")
        # before the sources are listed: a server may need long for it
        self._started, self._started_at = time.monotonic(), datetime.now(UTC)
        inputs = replace(load_run_inputs(self._listing(), self._out, self._options), store=self._store)
        with open_run_parts(inputs, progress, is_followed=is_followed) as parts:
            parts.ledger.prefixes.add(inputs.listing.prefixes)
            finish_renames(parts.output, parts.ledger)
            parts.committer.recover()
            try:
                notes = self._convert_and_write_tables(parts)
                return self._finish(parts, notes)
            except PlainfilmError as error:
                self._end(parts, error)
                if isinstance(error, RunError):
                    raise
                # an error that is no row of an image is one of the run
                raise RunError(error.message, reason=error.reason, stage=error.stage) from error

    def _listing(self) -> Listing:
        """The SOURCEs, with the names that earlier runs have given. Raises RunError."""
        listing, output = Listing(self._sources, self._out, self._options.sources), output_of(self._out, self._options)
        if self._options.run.watch and listing.not_watchable:
            raise OptionsError(
                f"--watch needs folders, to which files can come: {listing.not_watchable[0]!r} is a file, an archive, "
                "a list or a URL"
            )
        paths = [path for path in (FolderOutput(self._out).ledger_path, output.ledger_path) if path.is_file()]
        if self._options.run.overwrite or not paths:
            return listing
        with output.lock():
            return listing.with_names(earlier_names(paths[0], listing, read_only=self._is_share))

    def _convert_and_write_tables(self, parts: RunParts) -> list[str]:
        """Do the work of the run, and return the notes for the summary."""
        presentation_index = self._index_presentations(parts)
        lost = forget_lost_images(self._out, parts.ledger, parts.committer.remove, self._is_stopped)
        if self._options.run.prune:
            parts.ledger.track_listing()
        job_source = JobSource(
            parts.inputs, parts.ledger, parts.committer, parts.progress, self._is_stopped, earlier=parts.earlier
        )
        arrivals = self._arrivals(parts, job_source)
        removed_patients = {**parts.ledger.patients.removed(), **self._removed_before(parts.inputs)}
        context_bytes = parts.inputs.context(presentation_index, removed_patients).to_bytes()
        jobs = job_source.jobs(self._entries(parts, arrivals), context_bytes)
        self._convert(job_source, jobs, parts, lambda: worker_check(parts.inputs, parts.output, context_bytes))
        prune_note = self._prune(parts, job_source)
        # what needs the images of all shards is left to the merge
        parts.committer.close(lambda: self._is_ending_early() or self._is_share)
        pack_images(parts.output, parts.ledger, self._options, self._is_ending_early)
        parts.progress.report()
        notes = (
            prune_note,
            *self._write_results(parts),
            *lost.notes(),
            *changed_selection_notes(parts.ledger.changed_options),
            *job_source.notes(),
            *_arrival_notes(arrivals),
            *parts.committer.notes(),
        )
        complete_removal(parts.ledger, self._is_ending_early)
        return [note for note in notes if note]

    def _arrivals(self, parts: RunParts, job_source: JobSource) -> Arrivals | None:
        """The files that arrive in the SOURCE folders, with `--watch`."""
        if not self._options.run.watch:
            return None
        parts.ledger.expect_many_listings()
        return Arrivals(parts.inputs.listing, self._timing, job_source.is_in_work)

    def _entries(self, parts: RunParts, arrivals: Arrivals | None) -> Iterator[Arrival]:
        """The entries of the listing, or with `--watch` those of listings without end."""
        if arrivals is not None:
            return arrivals.entries()
        listing, selection = parts.inputs.listing, selected_items(self._options.run)
        parts.progress.count_files(listing.entries(selection=selection))
        return listing.entries(with_content=True, selection=selection)

    def _write_results(self, parts: RunParts) -> Iterator[str]:
        """Write tables, README.md and report, and yield lines for the summary; of a shard, note that it is done."""
        if not self._is_share:
            yield from write_results(parts.output, parts.ledger, self._options, self._is_ending_early)
        elif not self._stopped:
            parts.ledger.share.finish()

    def _prune(self, parts: RunParts, job_source: JobSource) -> str:
        """Remove what belongs to sources that are gone, with `--prune`; return a note, '' for none."""
        if not self._options.run.prune:
            return ""
        if not job_source.is_complete:
            return "nothing was pruned, because not every folder of the SOURCEs was listed"
        return prune(parts.output, parts.ledger, parts.committer, parts.inputs.listing.urls)

    def _index_presentations(self, parts: RunParts) -> Path | None:
        """Write the index of the presentation states among the sources, anew in every run (`--presentation auto`)."""
        if self._options.presentation.presentation != PresentationSource():
            return None
        from plainfilm.conversion.presentation_index import index_presentations

        entries = takewhile(lambda _: not self._stopped, parts.inputs.listing.entries())
        paths = (entry.path for entry in entries if isinstance(entry, Reference) and isinstance(entry.path, Path))
        index_presentations(paths, parts.output.presentation_index_path)
        return parts.output.presentation_index_path

    def _convert(
        self,
        job_source: JobSource,
        jobs: Iterator[Job | None],
        parts: RunParts,
        make_check: Callable[[], WorkerCheck],
    ) -> None:
        limits = self._options.limits
        settings = WorkerSettings(self._options.run.workers, limits.timeout, limits.memory)
        parts.run_log.log_event("started", workers=settings.workers)
        schedule = ResultSchedule(self._timing)
        with open_engine(self._task, jobs, settings, self._options.run, make_check, self._prestarted) as engine:
            self._engine = engine
            if self._stopped:
                engine.stop()
            for event in received(engine.events(idle=True), parts.output, self._store):
                if isinstance(event, JobDone) and isinstance(event.payload, ConvertJob):
                    job_source.finish(event.payload.reference)
                _add_event(event, parts)
                parts.committer.flush_when_due()
                parts.progress.report_when_due()
                if self._options.run.watch and not self._stopped:
                    self._write_results_when_due(schedule, parts, is_idle=isinstance(event, Idle))

    def _write_results_when_due(self, schedule: ResultSchedule, parts: RunParts, *, is_idle: bool) -> None:
        if schedule.is_due(parts.committer.changes, is_idle=is_idle):
            schedule.write(parts, self._is_stopped)
            self._write_run_file(parts)

    def _finish(self, parts: RunParts, notes: Iterable[str]) -> Run:
        """Write run.json and return the summary."""
        run = self._write_run_file(parts, notes)
        run = replace(run, reasons=count_reasons(parts.ledger.failures()))
        interrupted, seconds = run.interrupted, round(run.seconds, 3)
        parts.run_log.log_event("finished", interrupted=interrupted, seconds=seconds, **asdict(run.counts))
        return run

    def _write_run_file(self, parts: RunParts, notes: Iterable[str] = ()) -> Run:
        seconds, table = time.monotonic() - self._started, self._options.output.table
        data_set = data_set_columns(self._options)
        splits = data_set.splits if data_set.has_split_folders else ()
        run = Run(
            parts.committer.counts(), seconds, self._stopped, tuple(notes), out=self._out, table=table, splits=splits
        )
        if self._is_share:
            return replace(run, share=self._options.run.shard)
        fingerprint = parts.inputs.key.fingerprint
        write_run_file(parts.output, RUN_FILE, run_json(run, self._options, fingerprint, self._started_at))
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

    def _removed_before(self, inputs: RunInputs) -> dict[str, str]:
        """Return, for a shard, the patients that were removed from OUT: the ledger of OUT has them."""
        path = FolderOutput(self._out).ledger_path
        return read_removed(path, inputs.key.fingerprint) if self._is_share else {}

    def _is_ending_early(self) -> bool:
        """Whether the tables and little else are written. A run that watches ends in no other way than by a stop."""
        return self._stops > 1 if self._options.run.watch else self._stopped

    @property
    def _is_share(self) -> bool:
        """Whether this process converts a share of the sources."""
        return self._options.run.shard is not None


def _arrival_notes(arrivals: Arrivals | None) -> Iterator[str]:
    """Yield a line for the summary about files that were not whole when the run ended."""
    if arrivals is not None and arrivals.unfinished_files:
        yield (
            f"{counted(arrivals.unfinished_files, 'file')} not converted, because another program was still writing, "
            "or the name is that of an unfinished file, such as x.part: the next run converts what is complete then"
        )


def _add_event(event: Event, parts: RunParts) -> None:
    """Give what the workers report to the committer and to the progress of the run."""
    committer, progress = parts.committer, parts.progress
    match event:
        case WorkerLost():
            failure = failure_of_lost_worker(event)
            committer.add(failure, event.traceback, event.attempts)
            progress.add_failure(failure)
        case TaskNote(SourcePatient() as patient):
            committer.add_patient(patient)
        case TaskResult(StagedImage() as image):
            committer.add(image)
            progress.add_image(image.record)
        case TaskResult(Failure() as failure, traceback):
            committer.add(failure, traceback)
            progress.add_failure(failure)
        case Idle(problem) if progress.set_problem(problem):
            parts.run_log.log_event("waiting", message=problem)
        case JobDone(ConvertJob(reference=reference)):
            committer.finish_source(reference.source)
            progress.finish_file(reference.source)
