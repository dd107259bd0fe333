# SPDX-License-Identifier: MIT
"""Convert sources into arrays instead of files: in parallel, in their order, without a folder OUT and its ledger."""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from plainfilm.conversion.array_files import Array, MappedImage, receive_image
from plainfilm.conversion.failures import failure_of_lost_worker
from plainfilm.conversion.job import ArrayFolder, ConvertJob, RunContext
from plainfilm.conversion.job_source import excluded_failure, excluded_name
from plainfilm.conversion.presentation_index import index_presentations, presentation_of
from plainfilm.conversion.pseudonyms import Key, load_key
from plainfilm.conversion.redaction_lookup import load_matched_redactions
from plainfilm.conversion.source_slice import ALL_SOURCES, SourceSlice
from plainfilm.options.exclusion_list import load_exclusions
from plainfilm.options.options import Options
from plainfilm.options.presentation import PresentationSource
from plainfilm.options.redaction_list import Redactions
from plainfilm.records import Failure, Record
from plainfilm.sources.reference import Reference
from plainfilm.sources.walk import Listing
from plainfilm.workers.messages import Job, JobDone, TaskResult, WorkerLost, WorkerSettings
from plainfilm.workers.ordered_queues import OrderedDelivery
from plainfilm.workers.pool import WorkerPool
from plainfilm.workers.spawn import TASK

Result = tuple[Record, Array] | tuple[Failure, None]

_PREFIX = "plainfilm-"
_INDEX = "presentations.sqlite"


class ArrayRun:
    """A run that yields arrays. The constructor checks options and sources; nothing is started before `results`.

    source_slice: the slice of the sources to convert.
    Raises RunError where the run cannot start.
    """

    def __init__(
        self, sources: Sequence[str | Path], options: Options, source_slice: SourceSlice = ALL_SOURCES
    ) -> None:
        self._source_slice = source_slice
        self._listing = Listing(sources, None, options.sources)
        self._options = options
        self._redactions: Redactions = load_matched_redactions(self._listing, options.privacy)
        self._exclusions = load_exclusions(options.selection.exclude)
        self._key: Key | None = None if options.run.key_file is None else load_key(options.run.key_file)
        if not self._has_presentation_index:
            presentation_of(options)
        # the entries whose results are not yielded yet: failures of the listing, and None for each job
        self._order: deque[Failure | None] = deque()

    def results(self, folder: ArrayFolder | None = None) -> Generator[Result, None, None]:
        """Yield the row and the array of each image, and the row and None of each failure.

        The workers are gone when the generator ends, is closed, or is no longer referenced.
        folder: for temporary files; None for the folder of the system.
        """
        limits = self._options.limits
        settings = WorkerSettings(self._options.run.workers, limits.timeout, limits.memory)
        with ExitStack() as stack:
            if folder is None:
                folder = _temporary_folder(stack)
            context = RunContext(self._options, self._key, None, self._index_presentations(stack), folder)
            pool = WorkerPool(TASK, self._jobs(context), settings, ordered=OrderedDelivery(receive_image))
            for event in stack.enter_context(pool).events():
                yield from self._failures_before()
                match event:
                    case TaskResult(MappedImage(record, array)):
                        yield record, array
                    case TaskResult(Failure() as failure):
                        yield failure, None
                    case WorkerLost():
                        yield failure_of_lost_worker(event), None
                    case JobDone():
                        self._order.popleft()
            yield from self._failures_before()

    @property
    def _has_presentation_index(self) -> bool:
        return self._options.presentation.presentation == PresentationSource()

    def _jobs(self, context: RunContext) -> Iterator[Job]:
        context_bytes = context.to_bytes()
        for number, entry in enumerate(self._listing.entries(with_content=True)):
            if not self._source_slice.has(number):
                continue
            if isinstance(entry, Reference) and excluded_name(self._exclusions, entry.source, entry.source):
                entry = excluded_failure(entry.source)
            if isinstance(entry, Failure):
                self._order.append(entry)
                continue
            self._order.append(None)
            job = ConvertJob(entry, context_bytes, self._redactions.of(entry.source))
            yield Job(job, size=entry.held_bytes)

    def _failures_before(self) -> Iterator[tuple[Failure, None]]:
        """Yield the failures of the listing before the next job."""
        while self._order and (failure := self._order[0]) is not None:
            self._order.popleft()
            yield failure, None

    def _index_presentations(self, stack: ExitStack) -> Path | None:
        """Write the index of the presentation states among the sources, where the options ask for it."""
        if not self._has_presentation_index:
            return None
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=_PREFIX)))
        index_presentations(_paths(self._listing.entries()), folder / _INDEX)
        return folder / _INDEX


def _temporary_folder(stack: ExitStack) -> ArrayFolder:
    """Return the folder of the system, or a private one in it, which the stack removes, where its files have names."""
    folder = ArrayFolder(Path(tempfile.gettempdir()))
    if not folder.has_names:
        return folder
    return ArrayFolder(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=_PREFIX))))


def _paths(entries: Iterable[Reference | Failure]) -> Iterator[Path]:
    paths = (entry.path for entry in entries if isinstance(entry, Reference))
    return (path for path in paths if isinstance(path, Path))
