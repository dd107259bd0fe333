# SPDX-License-Identifier: MIT
"""SOURCEs and OUT -> pictures, tables and a summary: lists what there is, lets workers convert it, keeps the books."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from plainfilm.errors import Reason, RunError, Stage
from plainfilm.findings import FindingCode
from plainfilm.options import Options
from plainfilm.privacy import Key, load_key
from plainfilm.record import Failure, Record, Status
from plainfilm.redaction import Redactions, load_redactions
from plainfilm.run.messages import Event, Job, Lost, Outcome, WorkerSettings
from plainfilm.run.supervisor import GRACE_SECONDS, Supervisor
from plainfilm.run.work import Picture, Work
from plainfilm.sinks.folder import PRIVATE, FolderSink
from plainfilm.sources.folders import list_references
from plainfilm.sources.reference import Reference
from plainfilm.tables import write_tables
from plainfilm.version import VERSION

TASK = "plainfilm.run.task:convert_source"
RUN_FILE = "run.json"
TRACEBACKS = "tracebacks.txt"
_LIBRARIES = (
    "pydicom",
    "numpy",
    "opencv-python-headless",
    "imagecodecs",
    "simplejpeg",
    "pylibjpeg-rle",
    "pylibjpeg-openjpeg",
)

Progress = Callable[[int, int, int, int | None], None]


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a run: images written, frames or instances failed and skipped, and what the user should know."""

    converted: int
    repaired: int
    failed: int
    skipped: int
    seconds: float
    interrupted: bool = False
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 where every image was converted; 1 where some failed or there was none."""
        return 1 if self.failed or not self.converted else 0


class Conversion:
    """One run; `stop` ends it early, from a signal handler or another thread, and what is done stays.

    `task` is what the workers do with one reference (see Supervisor).
    """

    def __init__(self, sources: Sequence[Path], out: Path, options: Options, task: str = TASK) -> None:
        self._sources = sources
        self._out = out
        self._options = options
        self._task = task
        self._records: list[Record] = []
        self._failures: list[Failure] = []
        self._tracebacks: list[str] = []
        self._counts = dict.fromkeys(Status, 0)
        self._redactions = Redactions()
        self._redacted: set[str] = set()
        self._listed: int | None = None
        self._stopped = False
        self._supervisor: Supervisor | None = None

    def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Take no more work, let what is in flight finish for a few seconds, and write the tables."""
        self._stopped = True
        if self._supervisor is not None:
            self._supervisor.stop(grace_seconds)

    def run(self, progress: Progress = lambda *_: None) -> Run:
        """Convert, and return what came of it. Raises RunError (exit code 2 or 3) where the run cannot go on."""
        started, begun = time.monotonic(), datetime.now(UTC)
        self._redactions = load_redactions(self._options.privacy.redact_from)
        references = list_references(self._sources, self._out)
        key = load_key(self._options.run.key_file)
        with FolderSink(self._out).claim(overwrite=self._options.run.overwrite) as sink:
            try:
                self._convert(references, key, progress)
            finally:
                splits = write_tables(self._out, self._records, self._failures, self._options.privacy.columns.words)
            run = self._summary(time.monotonic() - started, str(splits))
            sink.write(RUN_FILE, self._run_json(run, key, begun))
            if self._tracebacks:
                # they may quote the data set, so they stay in the private folder
                sink.write(f"{PRIVATE}/{TRACEBACKS}", "\n".join(self._tracebacks).encode())
        return run

    def _convert(self, references: Iterator[Reference | Failure], key: Key, progress: Progress) -> None:
        limits = self._options.limits
        settings = WorkerSettings(self._options.run.workers, limits.timeout, limits.memory)
        with Supervisor(self._task, self._jobs(references, key), settings) as self._supervisor:
            if self._stopped:
                self._supervisor.stop()
            for event in self._supervisor.events():
                self._note(event)
                progress(len(self._records), self._counts[Status.FAILED], self._counts[Status.SKIPPED], self._listed)

    def _jobs(self, references: Iterator[Reference | Failure], key: Key) -> Iterator[Job]:
        listed = 0
        for reference in references:
            listed += 1
            if isinstance(reference, Failure):
                self._note_failure(reference)
            else:
                boxes = self._redactions.of(reference.source)
                self._redacted |= {reference.source} if boxes else set()
                yield Job(Work(reference, self._options, key, self._out, boxes))
        self._listed = listed

    def _note(self, event: Event) -> None:
        if isinstance(event, Lost):
            self._note_failure(failure_of_loss(event))
            self._tracebacks += [event.traceback] if event.traceback else []
        elif isinstance(event, Outcome) and isinstance(event.value, Failure):
            self._note_failure(event.value)
        elif isinstance(event, Outcome) and isinstance(event.value, Record):
            self._records.append(event.value)
            self._counts[event.value.status] += 1

    def _note_failure(self, failure: Failure) -> None:
        self._failures.append(failure)
        self._counts[failure.status] += 1

    def _summary(self, seconds: float, splits: str) -> Run:
        named = sum(FindingCode.PATIENT_IN_PATH.value in record.findings.split(";") for record in self._records)
        unredacted = self._redactions.note(self._redacted) if self._listed is not None else ""
        notes = [note for note in (splits, unredacted) if note]
        if named:
            notes.append(f"{named} images lie under paths that name their patient: OUT holds these names too")
        repaired, failed = self._counts[Status.REPAIRED], self._counts[Status.FAILED]
        skipped = self._counts[Status.SKIPPED]
        return Run(len(self._records), repaired, failed, skipped, seconds, self._stopped, tuple(notes))

    def _run_json(self, run: Run, key: Key, begun: datetime) -> bytes:
        content = {
            "options": self._options.to_mapping(),
            "versions": versions(),
            "counts": {
                "converted": run.converted,
                "repaired": run.repaired,
                "failed": run.failed,
                "skipped": run.skipped,
            },
            "times": {"started": begun.isoformat(timespec="seconds"), "seconds": round(run.seconds, 3)},
            "interrupted": run.interrupted,
            "key_fingerprint": key.fingerprint,
        }
        return (json.dumps(content, indent=2) + "\n").encode()


def convert_single(source: Path, options: Options) -> tuple[Picture | Failure, int]:
    """The picture of one file, encoded and not written, and its number of frames. Raises RunError.

    Of an instance with several frames it is the first, unless the options choose another.
    """
    reference = next(iter(list_references([source], None)))
    if isinstance(reference, Failure):
        return reference, 0
    boxes = load_redactions(options.privacy.redact_from).of(reference.source)
    work = Work(reference, options, load_key(options.run.key_file), None, boxes)
    settings = WorkerSettings(1, options.limits.timeout, options.limits.memory)
    with Supervisor(TASK, [Job(work)], settings) as supervisor:
        for event in supervisor.events():
            if isinstance(event, Outcome) and isinstance(event.value, Picture):
                return event.value, event.value.record.frames
            if isinstance(event, Outcome) and isinstance(event.value, Failure):
                return event.value, 0
            if isinstance(event, Lost):
                return failure_of_loss(event), 0
    raise RunError("the worker gave neither a picture nor a reason")


def failure_of_loss(lost: Lost) -> Failure:
    """The row of what a worker did not survive."""
    assert isinstance(lost.payload, Work)
    frame = None if lost.frame is None else lost.frame + 1
    return Failure(lost.payload.reference.source, frame, Status.FAILED, Reason(lost.reason), Stage.RUN, lost.message)


def versions() -> dict[str, str]:
    """Versions of plainfilm, Python and the libraries that decide what a picture looks like."""
    libraries = {name: version(name) for name in _LIBRARIES}
    return {"plainfilm": VERSION, "python": platform.python_version(), **libraries}
