# SPDX-License-Identifier: MIT
"""The ledger of an OUT: which sources are done, and the rows of the tables.

    with open_ledger(path, fingerprint) as ledger:
        work = ledger.register_source(reference, file_stat)   # None: the source is done
        ledger.mark_pending(file_names); ledger.commit()      # before files get these names
        ledger.add_images(records); ledger.clear_pending(file_names)
        ledger.mark_done([reference.source]); ledger.commit()

An image gets its row only after its file has its name. If a run is interrupted in between, the name is still pending
and has no row: `orphaned_files` returns such names, so that the next run removes the files.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from plainfilm.errors import Reason
from plainfilm.ledger.database import Database, damage, open_database
from plainfilm.ledger.fingerprint import RunFingerprint, check_fingerprint
from plainfilm.ledger.listed_sources import ListedSources
from plainfilm.ledger.merge_state import StoredMerge, check_not_merging
from plainfilm.ledger.remaining_work import FileStat, RemainingWork
from plainfilm.ledger.schema import SCHEMA, create_tables, is_relative_name, read_meta, remove_if_unusable
from plainfilm.ledger.serialization import failure_to_text, record_to_text
from plainfilm.ledger.share_state import StoredShare
from plainfilm.ledger.source_names import SourceState, StoredPrefixes, named_source
from plainfilm.ledger.sql import (
    FILES_OF_SOURCE,
    INSERT_IMAGE,
    INSERT_OVERLAY,
    INSERT_SOURCE,
    NEWEST_SOURCES,
    PEND_ALL_FILES,
    PENDING_WITHOUT_ROW,
    STORE_IDENTITY,
)
from plainfilm.ledger.stored_files import StoredFiles
from plainfilm.ledger.stored_instances import StoredInstances
from plainfilm.ledger.stored_patients import StoredPatients
from plainfilm.ledger.stored_previews import StoredPreviews
from plainfilm.ledger.stored_rows import StoredRows
from plainfilm.ledger.stored_shards import StoredShards
from plainfilm.ledger.stored_splits import StoredSplits
from plainfilm.options.options import Options
from plainfilm.records import Failure, Record, Status
from plainfilm.sources.naming_rules import fold
from plainfilm.sources.reference import Reference

# failures of the environment: the same file may succeed in the next run
_RETRIED_REASONS = frozenset({Reason.WRITE_FAILED, Reason.UNREADABLE, Reason.SOURCE_CHANGED, Reason.NETWORK})
_UNKNOWN_STAT = FileStat(-1, 0)


@contextmanager
def open_ledger(path: Path, fingerprint: RunFingerprint, *, overwrite: bool = False) -> Iterator[Ledger]:
    """Open the ledger for a run with this fingerprint, and create it if it is missing; with `overwrite`, empty it.

    Raises LedgerError where the ledger was written with other options, versions or another key (the message lists the
    differences) or is damaged; StorageFullError and RunError where it cannot be written.
    """
    file_names = remove_if_unusable(path) if overwrite else []
    with open_database(path) as database:
        create_tables(database)
        ledger = Ledger(database, fingerprint, overwrite=overwrite)
        ledger.mark_pending(file_names)
        ledger.commit()
        yield ledger


class Ledger:
    """The ledger as one run uses it. Every method raises StorageFullError and RunError where it cannot be written."""

    def __init__(self, database: Database, fingerprint: RunFingerprint, *, overwrite: bool = False) -> None:
        self._open_parts(database)
        self.listed: ListedSources | None = None
        """The sources that this run has listed so far; None unless `track_listing` was called."""
        meta = read_meta(database)
        self._is_new = not meta or overwrite
        self.changed_options: tuple[str, ...] = ()
        """The names of the options that may change, and have changed since the earlier run."""
        self.patients.check_key(fingerprint.key_fingerprint)
        if overwrite:
            self._delete_everything()
            self.merge.forget()
        elif meta:
            self._resume(meta, fingerprint)
        database.execute(STORE_IDENTITY, (SCHEMA, fingerprint.to_json()))
        database.commit()
        self.counts = self._counted()
        """The number of rows of each status."""
        self.prefixes = StoredPrefixes(database, replace=self._is_new)

    def _open_parts(self, database: Database) -> None:
        self._database, self._rows = database, StoredRows(database)
        self.files, self.previews = StoredFiles(database), StoredPreviews(database)
        """The files of the images, to be compared with those in OUT, and what the report shows of the images."""
        self.instances = StoredInstances(database)
        """The names of the images of each SOP Instance."""
        self.shards, self.splits = StoredShards(database), StoredSplits(database)
        """The files that hold many images each, and the splits of the patients."""
        self.share, self.merge, self.patients = StoredShare(database), StoredMerge(database), StoredPatients(database)
        """The state of the shard whose ledger this is, that of the newest merge, and the patients of the sources."""

    def _counted(self) -> Counter[str]:
        # GROUP BY would sort the rows where there is no index of the statuses yet
        columns = ", ".join(f"count(*) FILTER (WHERE status = '{status}')" for status in Status)
        queries = (f"SELECT {columns} FROM {table}" for table in ("images", "failures"))
        rows = chain.from_iterable(map(self._database.fetch_all, queries))
        return sum((Counter(dict(zip(Status, row, strict=True))) for row in rows), Counter[str]())

    def expect_many_listings(self) -> None:
        """Expect that this run lists its sources again: a name in a later listing may be taken."""
        self._is_new = False

    def track_listing(self) -> None:
        """Note from now on which sources are registered."""
        self.listed = ListedSources(self._database)

    def register_source(self, reference: Reference, file_stat: FileStat) -> RemainingWork | None:
        """Add a source if it is new, and return the work that remains: None if it is done and unchanged.

        A name that the ledger has given stays. Another file with the same relative path, or one whose images would have
        names that are taken, gets a number: `-2`, `-3`.
        """
        if self._is_new and self._insert_source(reference, file_stat):
            # the names within one listing are unique
            return RemainingWork(reference)
        named, state = named_source(self._database, reference)
        if state is None:
            return self._register_new(named, file_stat)
        return self._register_again(named, file_stat, state)

    def mark_pending(self, file_names: Iterable[str]) -> None:
        """Note file names that are about to get or to lose a file; to be committed before that happens."""
        self._database.execute_many("INSERT OR IGNORE INTO pending VALUES (?)", ((name,) for name in file_names))

    def clear_pending(self, file_names: Iterable[str]) -> None:
        """Remove the notes of `mark_pending`: each name now has both a file and a row, or neither."""
        self._database.execute_many("DELETE FROM pending WHERE file_name = ?", ((name,) for name in file_names))

    def orphaned_files(self) -> Iterator[list[str]]:
        """Yield, in batches, pending names without a row; `clear_pending` may be called in between."""
        last = ""
        while names := [name for (name,) in self._database.fetch_all(PENDING_WITHOUT_ROW, (last,), (str,))]:
            if not all(map(is_relative_name, names)):
                raise damage(self._database.path, "a file name leads out of OUT")
            yield names
            last = names[-1]

    def images_of_source(self, source: str) -> list[Record]:
        """Return the images of a source in the order of their frames."""
        return self._rows.of_source(source)

    def add_images(self, records: Iterable[Record], file_stats: Mapping[str, FileStat] | None = None) -> None:
        """Insert the rows of images whose files have their names.

        file_stats: the sizes and times of the files, by name; a later run takes a file without an entry for changed.
        """
        rows = list[tuple[object, ...]]()
        for record in records:
            values = (record.source, record.number, record.file_name, record.sop_instance, record.stored_hash)
            file_stat = (file_stats or {}).get(record.file_name, _UNKNOWN_STAT)
            rows.append((*values, record.status, record_to_text(record), file_stat.size, file_stat.mtime_ns))
            self.counts[record.status] += 1
        self._database.execute_many(INSERT_IMAGE, rows)

    def add_overlay(self, source: str, file_name: str, file_stat: FileStat, sha256: str) -> None:
        """Insert the image of an overlay plane of a source; it is deleted with the images of the source."""
        self._database.execute(INSERT_OVERLAY, (file_name, source, file_stat.size, file_stat.mtime_ns, sha256))

    def rename_images(self, records: Iterable[Record]) -> None:
        """Update the rows of images whose files have got the names in these records."""
        rows = ((record.file_name, record_to_text(record), record.source, record.number) for record in records)
        self._database.execute_many("UPDATE images SET file_name = ?, row = ? WHERE source = ? AND frame = ?", rows)

    def add_failure(self, failure: Failure) -> None:
        """Insert the row of a frame or an instance that gave no image, or replace it."""
        retry, frame = failure.reason in _RETRIED_REASONS, failure.frame or 0
        self._subtract_counts("SELECT status, 1 FROM failures WHERE source = ? AND frame = ?", (failure.source, frame))
        values = (failure.source, frame, failure.status, failure.reason, retry, failure_to_text(failure))
        self._database.execute("INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?, ?, ?)", values)
        self.counts[failure.status] += 1

    def withdraw_failure(self, source: str) -> None:
        """Delete the failure of an entry that is no file, because the cause is gone."""
        if self._database.fetch_one("SELECT 1 FROM sources WHERE source = ?", (source,)) is None:
            self._delete_rows("failures", source)

    def replace_image(self, record: Record, failure: Failure) -> None:
        """Delete the row of an image, whose file name is pending then, and add a failure in its place."""
        self.mark_pending([record.file_name])
        self._database.execute("DELETE FROM images WHERE source = ? AND frame = ?", (record.source, record.number))
        self.counts[record.status] -= 1
        self.add_failure(failure)

    def mark_done(self, sources: Iterable[str]) -> None:
        """Note that no more rows of these sources are to come."""
        self._database.execute_many("UPDATE sources SET done = 1 WHERE source = ?", ((source,) for source in sources))

    def delete_newest(self, images: int) -> list[str]:
        """Delete all rows of the sources of the newest images, so that the next run converts these sources again.

        Returns the names of the files, which are pending until the caller has removed the files.
        """
        sources = self._database.fetch_all(NEWEST_SOURCES, (images,), (str,))
        return self.delete_results(source for (source,) in sources)

    def delete_results(self, sources: Iterable[str]) -> list[str]:
        """Delete all rows of these sources but their own; return the names of their files, which are pending now."""
        return [name for source in sources for name in self._delete_results(source)]

    def delete_sources(self, sources: Iterable[str]) -> list[str]:
        """Delete all rows of these sources; return the names of their files, which are pending now."""
        names = list(sources)
        self._database.execute_many("DELETE FROM sources WHERE source = ?", ((name,) for name in names))
        return self.delete_results(names)

    def commit(self) -> None:
        """Write all changes since the last commit to the disk."""
        self._database.commit()

    def rollback(self) -> None:
        """Undo all changes since the last commit. Raises nothing."""
        self._database.rollback()

    def truncate_log(self) -> None:
        """Free the space of the write-ahead log where that is possible. Raises nothing."""
        self._database.truncate_log()

    def records(self, chosen: Iterable[bool] | None = None) -> Iterator[Record]:
        """Yield the images by source and frame, or those that are chosen, each with its `duplicate_of`."""
        self.commit()
        return self._rows.records(self.counts.total(), chosen)

    def failures(self) -> Iterator[Failure]:
        """Yield the failures by source and frame."""
        return self._rows.failures()

    def _resume(self, meta: Mapping[str, str], fingerprint: RunFingerprint) -> None:
        """Compare with the earlier runs, and mark the failures that are to be tried again. Raises LedgerError."""
        check_not_merging(self._database.path, meta)
        stored = check_fingerprint(self._database.path, meta, fingerprint)
        self.changed_options = tuple(fingerprint.changed_limits(stored))
        for option in Options.declared():
            if option.name in self.changed_options and option.resume.retry is not None:
                self._database.execute("UPDATE failures SET retry = 1 WHERE reason = ?", (option.resume.retry,))
        # an entry that is no file has no source, and is listed again
        self._database.execute("DELETE FROM failures WHERE retry AND source NOT IN (SELECT source FROM sources)")

    def _delete_everything(self) -> None:
        """Delete all rows but those of the patients that must not come back."""
        self._database.execute(PEND_ALL_FILES)
        for table in ("images", "masks", "failures", "sources", "previews", "splits", "shards", "patients", "renames"):
            self._database.execute(f"DELETE FROM {table}")

    def _register_new(self, reference: Reference, file_stat: FileStat) -> RemainingWork:
        self._insert_source(reference, file_stat)
        if not self._is_new:
            # in an earlier run this entry may have been something else than a file
            self._delete_rows("failures", reference.source)
        return RemainingWork(reference)

    def _insert_source(self, reference: Reference, file_stat: FileStat) -> bool:
        """Insert a source unless it exists; return whether it is new."""
        self._note_listed(reference.source)
        names = (reference.source, os.fsencode(reference.path), reference.name, fold(reference.name))
        values = (*names, file_stat.size, file_stat.mtime_ns)
        return self._database.execute(INSERT_SOURCE, values) == 1

    def _register_again(self, reference: Reference, file_stat: FileStat, state: SourceState) -> RemainingWork | None:
        """Return the work that remains for a known source."""
        self._note_listed(reference.source)
        _, size, mtime_ns, done, has_retries, instance_failed, last_frame = state
        has_changed = FileStat(size, mtime_ns) != file_stat
        if not has_changed and not has_retries and done:
            return None
        if not has_changed and not has_retries and not instance_failed:
            return RemainingWork(reference, first_frame=last_frame)
        obsolete_files = self._delete_results(reference.source)
        values = (os.fsencode(reference.path), file_stat.size, file_stat.mtime_ns, reference.source)
        self._database.execute("UPDATE sources SET path = ?, size = ?, mtime_ns = ? WHERE source = ?", values)
        return RemainingWork(reference, has_changed=has_changed, obsolete_files=obsolete_files)

    def _delete_results(self, source: str) -> tuple[str, ...]:
        """Delete all rows of a source but its own; return the names of its files, which are pending now."""
        file_names = tuple(name for (name,) in self._database.fetch_all(FILES_OF_SOURCE, (source,), (str,)))
        self.mark_pending(file_names)
        for table in ("images", "failures"):
            self._delete_rows(table, source)
        for table in ("masks", "previews", "patients"):
            self._database.execute(f"DELETE FROM {table} WHERE source = ?", (source,))
        self._database.execute("UPDATE sources SET done = 0 WHERE source = ?", (source,))
        return file_names

    def _note_listed(self, source: str) -> None:
        if self.listed is not None:
            self.listed.add(source)

    def _delete_rows(self, table: str, source: str) -> None:
        self._subtract_counts(f"SELECT status, count(*) FROM {table} WHERE source = ? GROUP BY status", (source,))
        self._database.execute(f"DELETE FROM {table} WHERE source = ?", (source,))

    def _subtract_counts(self, query: str, values: tuple[object, ...]) -> None:
        self.counts.subtract(dict(self._database.fetch_all(query, values)))
