# SPDX-License-Identifier: MIT
"""Survey sources before a conversion: count what is there, from the headers alone, in worker processes.

The result holds counts only: nothing by which a patient or a file can be recognised.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace
from pathlib import Path

from plainfilm.conversion.pseudonyms import Key
from plainfilm.conversion.run_progress import ProgressCallback, RunProgress, ignore_progress
from plainfilm.conversion.survey_task import SURVEY_TASK, ImageFacts, SurveyBatch
from plainfilm.errors import OptionsError
from plainfilm.options.options import Options
from plainfilm.options.selection import HASH_COLUMNS
from plainfilm.pickling import dataclass
from plainfilm.records import Failure, Status
from plainfilm.sources.reference import Reference
from plainfilm.sources.walk import iterate_references
from plainfilm.workers.messages import Job, TaskResult, WorkerLost, WorkerSettings
from plainfilm.workers.pool import GRACE_SECONDS, WorkerPool

SURVEY_OPTIONS = (
    "modality",
    "body_part",
    "where",
    "columns",
    "allow_truncated",
    "timeout",
    "memory",
    "max_pixels",
    "source_column",
    "null",
    "jobs",
    "progress",
)
"""The options that apply to a survey."""

TABLES = (
    "modality",
    "body_part",
    "manufacturer",
    "transfer_syntax",
    "size",
    "bits_stored",
    "polarity",
    "voi",
    "findings",
)
"""The tables of a survey, in their order."""

_BATCH_SIZE = 32
_REPORT_SECONDS = 0.2


@dataclass(slots=True)
class SurveyCounts:
    """The counts of a survey while it grows.

    tables: for each table, how many images have each value. An image with several findings counts for each of them.
    skipped, failed: how many inputs have each reason.
    """

    files: int = 0
    images: int = 0
    frames: int = 0
    multi_frame: int = 0
    patients: set[str] = field(default_factory=set)
    studies: set[str] = field(default_factory=set)
    tables: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in TABLES})
    skipped: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)

    def add(self, result: ImageFacts | Failure) -> None:
        """Count one file, or one entry of a folder that is no file."""
        self.files += 1
        if isinstance(result, Failure):
            reasons = self.skipped if result.status is Status.SKIPPED else self.failed
            reasons[result.reason.value] += 1
        else:
            self._add_image(result)

    def _add_image(self, facts: ImageFacts) -> None:
        self.images += 1
        self.frames += facts.frames
        self.multi_frame += facts.frames > 1
        self.patients.add(facts.patient)
        self.studies.add(facts.study)
        values = {name: str(getattr(facts, name)) for name in TABLES if name not in ("size", "findings")}
        values["size"] = f"{facts.size[0]}x{facts.size[1]}"
        for name, value in values.items():
            self.tables[name][value] += 1
        self.tables["findings"].update(facts.findings)


class SourceSurvey:
    """One survey. `stop` ends it early, from a signal handler or another thread; what was counted is kept."""

    def __init__(self, sources: Sequence[str | Path], options: Options) -> None:
        self._sources = sources
        self.options = options
        self._pool: WorkerPool | None = None
        self.counts = SurveyCounts()
        self.is_stopped = False
        self.seconds = 0.0
        for condition in options.selection.where.items:
            if condition.column in HASH_COLUMNS:
                raise OptionsError(f"--where: a survey has no key, so that {condition.column} is not known to it")

    def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Start no more jobs and give those that are running some seconds to end."""
        self.is_stopped = True
        if self._pool is not None:
            self._pool.stop(grace_seconds)

    def run(self, progress: ProgressCallback = ignore_progress) -> None:
        """Survey. Raises SourceMissingError for a source that does not exist, and RunError without workers."""
        started = last_report = time.monotonic()
        limits = self.options.limits
        # a batch is never given up, so that each of its files is counted
        settings = WorkerSettings(
            self.options.run.workers, limits.timeout, limits.memory, give_up_after=_BATCH_SIZE + 1
        )
        jobs = self._jobs(iterate_references(self._sources, None, self.options.sources, with_content=True))
        with WorkerPool(SURVEY_TASK, jobs, settings) as pool:
            self._pool = pool
            if self.is_stopped:
                pool.stop(0.0)
            for event in pool.events():
                match event:
                    case TaskResult(ImageFacts() | Failure() as result):
                        self.counts.add(result)
                    case WorkerLost():
                        self._add_lost(event)
                if time.monotonic() - last_report >= _REPORT_SECONDS:
                    last_report = time.monotonic()
                    progress(self._progress(last_report - started))
        self.seconds = time.monotonic() - started
        progress(replace(self._progress(self.seconds), total=self.counts.files, fraction=1.0))

    def _jobs(self, entries: Iterable[Reference | Failure]) -> Iterator[Job]:
        key = Key(os.urandom(32))
        batch = list[Reference]()
        for reference in self._references(entries):
            batch.append(reference)
            if len(batch) == _BATCH_SIZE or reference.held_bytes:
                yield Job(SurveyBatch(tuple(batch), self.options, key), size=reference.held_bytes)
                batch.clear()
        if batch:
            yield Job(SurveyBatch(tuple(batch), self.options, key))

    def _references(self, entries: Iterable[Reference | Failure]) -> Iterator[Reference]:
        """Yield the files among the entries; the others are counted at once."""
        for entry in entries:
            if self.is_stopped:
                return
            if isinstance(entry, Reference):
                yield entry
            else:
                self.counts.add(entry)

    def _add_lost(self, lost: WorkerLost) -> None:
        """Count the file whose worker was lost; without its number every file of the batch: none was begun."""
        assert isinstance(lost.payload, SurveyBatch)
        files = len(lost.payload.references) if lost.frame is None else 1
        self.counts.files += files
        self.counts.failed[lost.reason.value] += files

    def _progress(self, seconds: float) -> RunProgress:
        counts = self.counts
        return RunProgress(
            files=counts.files,
            converted=counts.images,
            failed=counts.failed.total(),
            skipped=counts.skipped.total(),
            reasons=dict(counts.failed),
            seconds=seconds,
            new_files=counts.files,
            new_images=counts.images,
        )
