# SPDX-License-Identifier: MIT
"""Make the jobs of a run: one for each listed source that is not done yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from plainfilm.conversion.committer import ResultCommitter
from plainfilm.conversion.job import ConvertJob
from plainfilm.conversion.labels import key_of_path
from plainfilm.conversion.progress import ProgressReporter
from plainfilm.conversion.pseudonyms import Key, source_hash
from plainfilm.conversion.run_inputs import RunInputs
from plainfilm.errors import Reason, Stage
from plainfilm.ledger.ledger import Ledger
from plainfilm.ledger.remaining_work import FileStat
from plainfilm.ledger.snapshot import LedgerSnapshot
from plainfilm.options.counting import counted
from plainfilm.options.exclusion_list import Exclusions
from plainfilm.options.output import Names
from plainfilm.options.run import RunOptions
from plainfilm.records import Failure, Status
from plainfilm.sources.arrivals import Arrival, Withdrawn
from plainfilm.sources.reference import Location, Reference
from plainfilm.sources.remote_file import RemoteFile
from plainfilm.sources.selection import ItemSelection
from plainfilm.workers.messages import Job

_UNLISTED = frozenset(
    {
        Reason.UNREADABLE,
        Reason.SOURCE_CHANGED,
        Reason.NETWORK,
        Reason.TOO_LARGE,
        Reason.TOO_DEEP,
        Reason.SUSPICIOUS_COMPRESSION,
    }
)


class JobSource:
    """Asks the ledger about each listed source, and yields a job where work remains.

    Entries of the listing that are failures go to the committer; files of earlier images that are obsolete are removed.
    """

    def __init__(
        self,
        inputs: RunInputs,
        ledger: Ledger,
        committer: ResultCommitter,
        progress: ProgressReporter,
        is_stopped: Callable[[], bool],
        earlier: LedgerSnapshot | None = None,
    ) -> None:
        """earlier: the ledger of runs before that of `ledger`: what is done in it is not done again."""
        self._earlier = earlier
        self._inputs = inputs
        self._ledger = ledger
        self._committer = committer
        self._progress = progress
        self._is_stopped = is_stopped
        self._redacted_sources: set[str] = set()
        self._excluded_sources: set[str] = set()
        self._unchanged = self._changed = self._renamed = 0
        self._in_work: Counter[Location] = Counter()
        # the files whose jobs ended while this batch of results was collected
        self._batch, self._uncommitted = 0, set[Location]()
        self._all_listed = False
        self._has_unreadable = False

    def jobs(self, entries: Iterable[Arrival], context_bytes: bytes) -> Iterator[Job | None]:
        """Yield the jobs until the listing ends or the run is stopped; None where nothing has arrived yet.

        context_bytes: what all jobs have in common, from `RunContext.to_bytes`.

        The iterator uses the ledger, so the thread that opened the ledger must draw the jobs.
        """
        listed = 0
        for entry in entries:
            if self._is_stopped():
                return
            if entry is None:
                yield None
                continue
            if isinstance(entry, Withdrawn):
                self._withdraw(entry)
                continue
            listed += 1
            if (job := self._job_of(entry, context_bytes)) is not None:
                yield job
            self._progress.report_when_due()
        self._all_listed = True
        self._progress.set_total(listed)

    def is_in_work(self, path: Location) -> bool:
        """Whether a job of this file, or of a member of this archive, has not ended, or its results wait for a commit.

        If the file has changed meanwhile, the ledger must have these results before it deletes them.
        """
        is_uncommitted = self._batch == self._committer.batches and path in self._uncommitted
        return self._in_work[path] > 0 or is_uncommitted

    def finish(self, reference: Reference) -> None:
        """Note that a job has ended, whose results are in the present batch or in an earlier one."""
        if self._batch != self._committer.batches:
            self._batch = self._committer.batches
            self._uncommitted.clear()
        self._uncommitted.add(reference.path)
        self._in_work[reference.path] -= 1
        if not self._in_work[reference.path]:
            del self._in_work[reference.path]

    @property
    def is_complete(self) -> bool:
        """Whether the listing has come to its end, and every folder could be listed."""
        return self._all_listed and not self._has_unreadable

    def notes(self) -> Iterator[str]:
        """Yield lines for the summary: unused redactions, and how many files were done before or have changed."""
        is_whole = self._all_listed and self._inputs.options.run.shard is None
        if is_whole and (unused := self._inputs.redactions.note(self._redacted_sources)):
            yield unused
        if is_whole and (unused := self._inputs.exclusions.note(self._excluded_sources)):
            yield unused
        if self._unchanged:
            yield counted(
                self._unchanged, "file was done before and is as it was", "files were done before and are as they were"
            )
        if self._renamed and self._inputs.options.output.names is Names.KEEP:
            yield (
                f"{counted(self._renamed, 'file has', 'files have')} a name that another file or folder has too: -2, "
                "-3, ... or the suffix was added to the name (columns source and file_name)"
            )
        if self._changed:
            changed = counted(self._changed, "file has changed since it was", "files have changed since they were")
            yield f"{changed} converted: done again"

    def _job_of(self, entry: Reference | Failure, context_bytes: bytes) -> Job | None:
        boxes = self._inputs.redactions.of(entry.source)
        if boxes:
            self._redacted_sources.add(entry.source)
        label_key = self._label_key(entry.source)
        path = entry.source
        entry = pseudonymize_path(entry, self._inputs.options.output.names, self._inputs.key)
        if isinstance(entry, Reference) and (name := excluded_name(self._inputs.exclusions, path, entry.source)):
            self._excluded_sources.add(name)
            self._exclude(entry)
            return None
        if isinstance(entry, Failure):
            # what lies in a folder or an archive that cannot be read is not known
            self._has_unreadable |= entry.reason in _UNLISTED
            self._committer.add(entry)
            self._progress.add_failure(entry)
            self._progress.pass_over()
            return None
        file_stat = FileStat.of(entry.path)
        if self._earlier is not None and self._earlier.done_source(entry, file_stat) is not None:
            self._unchanged += 1
            self._progress.pass_over()
            return None
        work = self._ledger.register_source(self._named(entry), file_stat)
        self._renamed += entry.is_renamed or (work is not None and work.reference.name != entry.name)
        if work is None:
            self._unchanged += 1
            self._progress.pass_over()
            return None
        size = file_stat.size if entry.member is None else entry.member.size
        self._in_work[work.reference.path] += 1
        self._progress.start_file(work.reference.source, size)
        self._changed += work.has_changed
        self._committer.remove(work.obsolete_files)
        job = ConvertJob(work.reference, context_bytes, boxes, label_key)
        is_remote = isinstance(entry.path, RemoteFile)
        return Job(job, work.first_frame, size=entry.held_bytes, reads_ahead=is_remote)

    def _withdraw(self, entry: Withdrawn) -> None:
        failure = pseudonymize_path(entry.failure, self._inputs.options.output.names, self._inputs.key)
        assert isinstance(failure, Failure)
        self._committer.withdraw(failure)

    def _label_key(self, source: str) -> str:
        """Return the key of a source in the label file where its path is the key, otherwise ''."""
        data_set = self._inputs.options.data_set
        return key_of_path(self._inputs.key, data_set.label_key, source) if data_set.label else ""

    def _named(self, reference: Reference) -> Reference:
        """Return a reference with the name that earlier runs have given its source, or left free."""
        return reference if self._earlier is None else self._earlier.named(reference)

    def _exclude(self, reference: Reference) -> None:
        """Skip a file; the images that an earlier run has made of it are removed."""
        # no file has these properties: a run without the exclusion finds the file changed
        work = self._ledger.register_source(self._named(reference), FileStat(-1, 0))
        self._progress.pass_over()
        if work is None:
            return
        self._committer.remove(work.obsolete_files)
        self._committer.add(excluded_failure(work.reference.source))
        self._committer.finish_source(work.reference.source)


def selected_items(options: RunOptions) -> ItemSelection:
    """The items of the listing that a run converts: with `--shard` those of its share, otherwise all."""
    return ItemSelection(options.shard, options.shard_members)


def excluded_name(exclusions: Exclusions, path: str, source: str) -> str:
    """The name by which a source is excluded: its relative path, or as the tables write it; empty for neither."""
    return next((name for name in (path, source) if name in exclusions), "")


def excluded_failure(source: str) -> Failure:
    """The row of a source that `--exclude` lists."""
    message = "the list of --exclude names this source"
    return Failure(source, None, Status.SKIPPED, Reason.EXCLUDED, Stage.LIST, message)


def pseudonymize_path(entry: Reference | Failure, names: Names, key: Key) -> Reference | Failure:
    """Replace the path of a listed entry by a keyed hash, unless `--names keep` keeps paths.

    With `--names uid` the name by UID is given later, when the instance has been read.
    """
    if names is Names.KEEP:
        return entry
    hashed = source_hash(key, entry.source)
    if isinstance(entry, Failure):
        return replace(entry, source=hashed)
    # 256 folders: file systems and file managers become slow with millions of files in one folder
    return replace(entry, source=hashed, name=f"{hashed[:2]}/{hashed}")
