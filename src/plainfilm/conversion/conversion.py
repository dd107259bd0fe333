# SPDX-License-Identifier: MIT
"""SOURCEs and OUT -> pictures, tables and a summary: lists what there is, lets workers convert it, keeps the books."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path

from plainfilm.conversion.committer import ResultCommitter
from plainfilm.conversion.job import ConvertJob, EncodedImage, RunContext, StagedImage
from plainfilm.conversion.pseudonyms import Key, load_key
from plainfilm.conversion.run_log import RunLog, logging_to_file, source_hash
from plainfilm.conversion.summary import RUN_FILE, Run, SummaryRows, identity_of, run_json
from plainfilm.conversion.uid_names import UidNames
from plainfilm.errors import OptionsError, Reason, RunError, Stage, StorageFullError
from plainfilm.ledger.admission import FileStat
from plainfilm.ledger.ledger import open_ledger
from plainfilm.options.choices import Names
from plainfilm.options.options import Options
from plainfilm.options.redaction import Redactions, load_redactions
from plainfilm.options.showing import Overlays, PresentationSource
from plainfilm.output.folder import FolderOutput
from plainfilm.output.tables import write_tables
from plainfilm.records import Failure, Status
from plainfilm.sources.reference import Reference
from plainfilm.sources.walk import list_references
from plainfilm.workers.messages import Event, Job, JobDone, TaskResult, WorkerLost, WorkerSettings
from plainfilm.workers.pool import GRACE_SECONDS, WorkerPool
from plainfilm.workers.spawn import TASK, PrestartedWorkers

Progress = Callable[[int, int, int, int | None], None]
Listed = Iterator[Reference | Failure]
_SHOWN_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class RunInputs:
    """What a run has read before it begins: the key of its hashes, and what is to be blacked out in which source."""

    key: Key
    redactions: Redactions


class Conversion:
    """One run; `stop` ends it early, from a signal handler or another thread, and what is done stays.

    `task` is what the workers do with one reference (see WorkerPool); `ahead`: workers that load it already.
    """

    def __init__(
        self,
        sources: Sequence[Path],
        out: Path,
        options: Options,
        task: str = TASK,
        ahead: PrestartedWorkers | None = None,
    ) -> None:
        self._sources = sources
        self._ahead = ahead
        self._out = out
        self._options = options
        self._task = task
        self._progress: Progress = lambda *_: None
        self._shown = 0.0
        self._listed: int | None = None
        self._done_before = self._changed = 0
        self._redacted: set[str] = set()
        self._presentations: Path | None = None
        self._stopped = False
        self._supervisor: WorkerPool | None = None

    def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Take no more work, let what is in flight finish for a few seconds, and write the tables."""
        self._stopped = True
        if self._supervisor is not None:
            self._supervisor.stop(grace_seconds)

    def run(self, progress: Progress = lambda *_: None) -> Run:
        """Convert, and return what came of it. Raises RunError (exit code 2 or 3) where the run cannot go on.

        An OUT with a ledger is gone on with: what was done, and is unchanged, stays as it is.
        """
        self._progress = progress
        options = self._options.run
        listed = list_references(self._sources, self._out)
        terms = RunInputs(load_key(options.key_file), load_redactions(self._options.privacy.redact_from))
        identity = identity_of(self._options, terms.key, terms.redactions, fingerprint_of_presentation(self._options))
        with (
            logging_to_file(options),
            FolderOutput(self._out).open_for_run(overwrite=options.overwrite) as sink,
            open_ledger(sink.ledger_path, identity, overwrite=options.overwrite) as ledger,
        ):
            journal = RunLog(terms.key if self._options.output.names is Names.KEEP else None)
            uid_names = UidNames(sink, ledger) if self._options.output.names is Names.UID else None
            return self._keep_books(listed, terms, ResultCommitter(sink, ledger, journal, uid_names))

    def _keep_books(self, listed: Listed, terms: RunInputs, books: ResultCommitter) -> Run:
        started, begun = time.monotonic(), datetime.now(UTC)
        books.mend()
        try:
            self._index_presentations(books.sink)
            self._convert(self._jobs(listed, terms, books), books)
            books.close(lambda: self._stopped)
            self._show(books)
            rows = SummaryRows(books.ledger)
            splits = str(write_tables(books.sink, rows, self._options.privacy.columns.words))
        except RunError as error:
            books.give_up()
            self._write_tables_that_fit(books)
            books.journal.tell("ended", reason=error.reason.value, message=error.message)
            raise
        finally:
            books.sink.presentation_index_path.unlink(missing_ok=True)
        notes = (*([splits] if splits else []), *rows.notes(), *self._own_notes(terms.redactions))
        counts = books.counts()
        run = Run(counts, time.monotonic() - started, self._stopped, notes)
        books.sink.write(RUN_FILE, run_json(run, self._options, terms.key, begun))
        books.journal.tell("finished", interrupted=run.interrupted, seconds=round(run.seconds, 3), **asdict(counts))
        return run

    def _write_tables_that_fit(self, books: ResultCommitter) -> None:
        """The tables of a run that cannot go on; for want of room the newest images give way."""
        images = 1
        while True:
            try:
                write_tables(books.sink, books.ledger, self._options.privacy.columns.words)
                return
            except StorageFullError:
                if not books.take_back(images):
                    raise
            images *= 2

    def _index_presentations(self, sink: FolderOutput) -> None:
        """For `--presentation auto`: find the presentation states among the sources, anew in every run."""
        if self._options.showing.presentation != PresentationSource():
            return
        from plainfilm.conversion.presentation_index import index_presentations

        every = takewhile(lambda _: not self._stopped, list_references(self._sources, self._out))
        paths = (found.path for found in every if isinstance(found, Reference))
        index_presentations(paths, sink.presentation_index_path)
        self._presentations = sink.presentation_index_path

    def _convert(self, jobs: Iterator[Job], books: ResultCommitter) -> None:
        limits = self._options.limits
        settings = WorkerSettings(self._options.run.workers, limits.timeout, limits.memory)
        books.journal.tell("started", workers=settings.workers)
        with WorkerPool(self._task, jobs, settings, self._ahead) as self._supervisor:
            if self._stopped:
                self._supervisor.stop()
            for event in self._supervisor.events(idle=True):
                _note(event, books)
                books.flush_when_due()
                self._show_when_due(books)

    def _jobs(self, listed: Listed, terms: RunInputs, books: ResultCommitter) -> Iterator[Job]:
        """What is left to do; drawn by the thread that keeps the books."""
        orders = RunContext(self._options, terms.key, self._out, self._presentations).seal()
        number = 0
        for found in listed:
            number += 1
            if self._stopped:
                return
            boxes = terms.redactions.of(found.source)
            self._redacted |= {found.source} if boxes else set()
            found = renamed(found, self._options.output.names, terms.key)
            if isinstance(found, Failure):
                books.add(found)
            elif (admission := books.ledger.admit(found, FileStat.of(found.path))) is None:
                self._done_before += 1
            else:
                self._changed += admission.again
                books.remove(admission.doomed)
                yield Job(ConvertJob(admission.reference, orders, boxes), admission.first_frame)
            self._show_when_due(books)
        self._listed = number
        self._show(books)

    def _show_when_due(self, books: ResultCommitter) -> None:
        """A person sees no more of it than a few numbers a second."""
        if time.monotonic() - self._shown >= _SHOWN_SECONDS:
            self._show(books)

    def _show(self, books: ResultCommitter) -> None:
        self._shown = time.monotonic()
        counts = books.counts()
        self._progress(counts.converted, counts.failed, counts.skipped, self._listed)

    def _own_notes(self, redactions: Redactions) -> Iterator[str]:
        if self._listed is not None and (unredacted := redactions.note(self._redacted)):
            yield unredacted
        if self._done_before:
            yield f"{self._done_before} files were done before and are as they were"
        if self._changed:
            yield f"{self._changed} files have changed since they were converted, and were converted again"


def renamed(found: Reference | Failure, names: Names, key: Key) -> Reference | Failure:
    """What was listed, under a keyed hash of its path unless paths are to be kept; its UID is not known yet."""
    if names is Names.KEEP:
        return found
    hashed = source_hash(key, found.source)
    if isinstance(found, Failure):
        return replace(found, source=hashed)
    # 256 folders: no file system and no file manager likes ten million files in one
    return replace(found, source=hashed, name=f"{hashed[:2]}/{hashed}")


def _note(event: Event, books: ResultCommitter) -> None:
    match event:
        case WorkerLost():
            books.add(failure_of_loss(event), event.traceback, event.attempts)
        case TaskResult(Failure() | StagedImage() as result, trace):
            books.add(result, trace)
        case JobDone(ConvertJob(reference=reference)):
            books.finish(reference.source)


def fingerprint_of_presentation(options: Options) -> str | None:
    """What tells apart what --presentation names. Raises OptionsError where that is no presentation state."""
    if options.showing.presentation is None:
        return None
    # what reads DICOM takes its time to load
    from plainfilm.conversion.presentation_index import presentation_fingerprint

    return presentation_fingerprint(options)


def convert_single(
    source: Path, options: Options, ahead: PrestartedWorkers | None = None
) -> tuple[EncodedImage | Failure, int]:
    """The picture of one file, encoded and not written, and its number of frames. Raises RunError.

    Of an instance with several frames it is the first, unless the options choose another.
    """
    _refuse_what_needs_a_folder(options)
    reference = next(iter(list_references([source], None)))
    if isinstance(reference, Failure):
        return reference, 0
    boxes = load_redactions(options.privacy.redact_from).of(reference.source)
    work = ConvertJob(reference, RunContext(options, load_key(options.run.key_file), None).seal(), boxes)
    settings = WorkerSettings(1, options.limits.timeout, options.limits.memory)
    with WorkerPool(TASK, [Job(work)], settings, ahead) as supervisor:
        for event in supervisor.events():
            if isinstance(event, TaskResult) and isinstance(event.value, EncodedImage):
                return event.value, event.value.record.frames
            if isinstance(event, TaskResult) and isinstance(event.value, Failure):
                return event.value, 0
            if isinstance(event, WorkerLost):
                return failure_of_loss(event), 0
    raise RunError("the worker gave neither a picture nor a reason")


def _refuse_what_needs_a_folder(options: Options) -> None:
    """Raises OptionsError; also where --presentation names what is no presentation state."""
    if options.showing.overlays is Overlays.MASK:
        raise OptionsError("--overlays mask makes further pictures: give a folder as OUT")
    if options.showing.presentation is not None:
        from plainfilm.conversion.presentation_index import presentation_of

        presentation_of(options)


def failure_of_loss(lost: WorkerLost) -> Failure:
    """The row of what a worker did not survive."""
    assert isinstance(lost.payload, ConvertJob)
    frame = None if lost.frame is None else lost.frame + 1
    return Failure(lost.payload.reference.source, frame, Status.FAILED, Reason(lost.reason), Stage.RUN, lost.message)
