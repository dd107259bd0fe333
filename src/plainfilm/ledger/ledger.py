# SPDX-License-Identifier: MIT
"""What a run has done -> what is left to do, and the rows of the tables in their order.

    with open_ledger(path, identity, overwrite=False) as ledger:
        admission = ledger.admit(reference, stamp)   # None: done already
        ledger.intend(names); ledger.commit()        # before files get these names
        ledger.add_images([(record, ())]); ledger.finish([source]); ledger.commit()

Whatever stops a run, the ledger then holds whole batches: an image has a row only after its file has its name, and a
name without a row is among `unsettled`, whose files are to be removed.
"""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from plainfilm.errors import Reason
from plainfilm.ledger.admission import Admission, FileStat, numbered_names
from plainfilm.ledger.database import SCHEMA, make_indexes, open_database, remove_if_damaged, storing
from plainfilm.ledger.fingerprint import RunFingerprint, identity_within
from plainfilm.ledger.serialization import failure_of_text, record_of_text, text_of_failure, text_of_record
from plainfilm.ledger.sql import (
    ADD_IMAGE,
    ADD_MASK,
    ADD_SOURCE,
    FILES_OF,
    IN_ORDER,
    INDEX_OF_INSTANCES,
    KNOWN,
    MEETS,
    UNSETTLED,
)
from plainfilm.records import Failure, Record
from plainfilm.sources.naming_rules import fold, instance_of
from plainfilm.sources.reference import Reference

# what may be otherwise next time, though the file is the same
_OF_THE_ENVIRONMENT = frozenset({Reason.WRITE_FAILED, Reason.UNREADABLE, Reason.SOURCE_CHANGED, Reason.NETWORK})
_FEW = 10_000
_OF_A_LIMIT = {"timeout": Reason.TIMEOUT, "memory": Reason.MEMORY_LIMIT}


@contextmanager
def open_ledger(path: Path, identity: RunFingerprint, *, overwrite: bool = False) -> Iterator[Ledger]:
    """The ledger at a path, made if need be, for a run of this identity; with `overwrite` it is emptied.

    Raises LedgerError where it was written with other options, versions or another key (the message says which), or is
    damaged; StorageFullError and RunError where it cannot be written.
    """
    if overwrite:
        remove_if_damaged(path)
    with open_database(path) as connection:
        ledger = Ledger(connection, path)
        ledger.identify(identity, overwrite=overwrite)
        yield ledger


class Ledger:
    """One run's hold on the ledger. Every method raises StorageFullError and RunError where it cannot be written."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._is_first = True
        self.counts: Counter[str] = Counter()
        """The number of rows of each status."""

    def identify(self, identity: RunFingerprint, *, overwrite: bool) -> None:
        """Take note of the run's identity, after comparing it with that of the runs before."""
        with storing(self._path):
            meta = dict(self._connection.execute("SELECT name, value FROM meta"))
            self._is_first = not meta or overwrite
            if meta and not overwrite:
                self._go_on(meta, identity)
            self._begin()
            if overwrite:
                self._empty()
            rows = [("schema", SCHEMA), ("identity", identity.to_json())]
            self._connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)
        self.commit()
        for table in ("images", "failures"):
            self.counts.update(dict(self._all(f"SELECT status, count(*) FROM {table} GROUP BY status")))

    def admit(self, reference: Reference, stamp: FileStat) -> Admission | None:
        """What is to be done about a file: None where it was done and is unchanged.

        A name that the ledger has given stays. Another file of the same relative path, or whose images would have names
        that are taken, gets `-2`, `-3`.
        """
        if self._is_first and self._add_source(reference, stamp):
            # within the first listing names are unique already
            return Admission(reference)
        path = os.fsencode(reference.path)
        for source in numbered_names(reference.source):
            known = self._one(KNOWN, (source,))
            if known is None:
                name = next(name for name in numbered_names(reference.name) if self._is_free(name))
                return self._admit_new(replace(reference, source=source, name=name), stamp)
            if known[0] == path or not os.path.lexists(known[0]):
                return self._admit_known(replace(reference, source=source, name=known[1]), stamp, known[2:])
        raise AssertionError("numbers do not end")

    def intend(self, file_names: Iterable[str]) -> None:
        """Note names that are about to get files; to be committed before they do."""
        self._many("INSERT OR IGNORE INTO pending VALUES (?)", ((name,) for name in file_names))

    def settle(self, file_names: Iterable[str]) -> None:
        """These names have their files and rows, or neither."""
        self._many("DELETE FROM pending WHERE file_name = ?", ((name,) for name in file_names))

    def unsettled(self) -> Iterator[list[str]]:
        """In parts: names whose files, if there are any, belong to no image. `settle` each part, or it comes again."""
        while part := [name for (name,) in self._all(UNSETTLED)]:
            yield part

    def index_instances(self) -> None:
        """Make `of_instance` quick."""
        with storing(self._path):
            self._connection.execute(INDEX_OF_INSTANCES)

    def of_instance(self, sop_instance: str) -> dict[str, str]:
        """The sources that gave images of an instance, each with the name of one of them."""
        query = "SELECT source, min(file_name) FROM images WHERE sop_instance = ? GROUP BY source"
        return dict(self._all(query, (sop_instance,)))

    def numbered_instances(self) -> list[str]:
        """The instances of which an image at the top of OUT has a name that another would have had."""
        query = "SELECT DISTINCT sop_instance FROM images WHERE file_name GLOB '[0-9]*-*' AND file_name NOT GLOB '*/*'"
        return [str(instance) for (instance,) in self._all(query)]

    def images_of(self, source: str) -> list[Record]:
        """The images of a source."""
        rows = self._all("SELECT row FROM images WHERE source = ? ORDER BY frame", (source,))
        return [record_of_text(text) for (text,) in rows]

    def rename(self, records: Iterable[Record]) -> None:
        """Images whose files have got the names in these rows."""
        rows = ((one.file_name, text_of_record(one), one.source, one.frame) for one in records)
        self._many("UPDATE images SET file_name = ?, row = ? WHERE source = ? AND frame = ?", rows)

    def withdraw(self, images: int) -> list[str]:
        """Have the sources of the newest images undone: names of theirs that are to be removed, and settled then."""
        query = "SELECT DISTINCT source FROM (SELECT source FROM images ORDER BY id DESC LIMIT ?)"
        return [name for (source,) in self._all(query, (images,)) for name in self._forget(source)]

    def add_images(self, images: Iterable[tuple[Record, Iterable[str]]]) -> None:
        """Images whose files have their names, each with those of its overlay planes, which go when it goes."""
        rows, masks = list[tuple[object, ...]](), list[tuple[object, ...]]()
        for record, names in images:
            values = (record.source, record.frame, record.file_name, record.sop_instance, record.stored_hash)
            rows.append((*values, record.status, text_of_record(record)))
            masks += [(name, record.source) for name in names]
            self.counts[record.status] += 1
        self._many(ADD_IMAGE, rows)
        self._many(ADD_MASK, masks)

    def add_failure(self, failure: Failure) -> None:
        """What gave no image."""
        retry, frame = failure.reason in _OF_THE_ENVIRONMENT, failure.frame or 0
        self._subtract("SELECT status, 1 FROM failures WHERE source = ? AND frame = ?", (failure.source, frame))
        values = (failure.source, frame, failure.status, failure.reason, retry, text_of_failure(failure))
        self._many("INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?, ?, ?)", [values])
        self.counts[failure.status] += 1

    def finish(self, sources: Iterable[str]) -> None:
        """Nothing more comes of these sources."""
        self._many("UPDATE sources SET done = 1 WHERE source = ?", ((source,) for source in sources))

    def commit(self) -> None:
        """Have everything so far on the disk."""
        with storing(self._path):
            if self._connection.in_transaction:
                self._connection.execute("COMMIT")

    def undo(self) -> None:
        """Forget what was not committed."""
        if self._connection.in_transaction:
            with suppress(sqlite3.DatabaseError):
                self._connection.execute("ROLLBACK")

    def shrink(self) -> None:
        """Give back the space of the write-ahead log, as far as there is any left to do so."""
        with suppress(sqlite3.DatabaseError):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def records(self) -> Iterator[Record]:
        """The images by source and frame, one after the other, each with `duplicate_of` as the tables show it."""
        self.commit()
        make_indexes(self._connection, self._path, needed=self.counts.total() > _FEW)
        with storing(self._path):
            rows = self._connection.execute(IN_ORDER)
        for text, own, *firsts in rows:
            earlier = {first for first in firsts if first not in (None, own)}
            yield record_of_text(text, self._first_of(earlier) if earlier else "")

    def failures(self) -> Iterator[Failure]:
        """What gave no image, by source and frame, one after the other."""
        with storing(self._path):
            rows = self._connection.execute("SELECT row FROM failures ORDER BY source, frame")
        return (failure_of_text(text) for (text,) in rows)

    def _go_on(self, meta: dict[str, str], identity: RunFingerprint) -> None:
        """Compare with the runs before, and free what is to be tried again. Raises LedgerError."""
        known = identity_within(self._path, meta, identity)
        self._begin()
        for name in identity.changed_limits(known):
            self._connection.execute("UPDATE failures SET retry = 1 WHERE reason = ?", (_OF_A_LIMIT[name],))
        # what is no file of a source comes anew with the listing
        self._connection.execute("DELETE FROM failures WHERE retry AND source NOT IN (SELECT source FROM sources)")

    def _empty(self) -> None:
        for table in ("images", "masks"):
            self._connection.execute(f"INSERT OR IGNORE INTO pending SELECT file_name FROM {table}")
        for table in ("images", "masks", "failures", "sources"):
            self._connection.execute(f"DELETE FROM {table}")

    def _admit_new(self, reference: Reference, stamp: FileStat) -> Admission:
        self._add_source(reference, stamp)
        if not self._is_first:
            # it was no file when it was listed before
            self._drop("failures", reference.source)
        return Admission(reference)

    def _add_source(self, reference: Reference, stamp: FileStat) -> bool:
        """Whether the source was new."""
        name, path = reference.name, os.fsencode(reference.path)
        values = (reference.source, path, name, fold(name), stamp.size, stamp.mtime_ns)
        with storing(self._path):
            self._begin()
            return self._connection.execute(ADD_SOURCE, values).rowcount == 1

    def _admit_known(self, reference: Reference, stamp: FileStat, known: Sequence[int]) -> Admission | None:
        size, mtime_ns, done, retry, failed_as_a_whole, frames = known
        again = FileStat(size, mtime_ns) != stamp
        if not again and not retry:
            if done:
                return None
            if not failed_as_a_whole:
                return Admission(reference, first_frame=frames)
        doomed = self._forget(reference.source)
        values = (os.fsencode(reference.path), stamp.size, stamp.mtime_ns, reference.source)
        self._many("UPDATE sources SET path = ?, size = ?, mtime_ns = ? WHERE source = ?", [values])
        return Admission(reference, again=again, doomed=doomed)

    def _forget(self, source: str) -> tuple[str, ...]:
        """Have a source undone: the names of its images, which are unsettled now."""
        doomed = tuple(str(name) for (name,) in self._all(FILES_OF, (source,)))
        self.intend(doomed)
        for table in ("images", "failures"):
            self._drop(table, source)
        self._many("DELETE FROM masks WHERE source = ?", [(source,)])
        self._many("UPDATE sources SET done = 0 WHERE source = ?", [(source,)])
        return doomed

    def _is_free(self, name: str) -> bool:
        """Whether no image of another source can have this name, or that of a frame of it."""
        folded = fold(name)
        instance = instance_of(folded) or folded
        values = (folded, instance, f"{folded}_f0", f"{folded}_f:")
        return self._one(MEETS, values) is None

    def _first_of(self, images: set[int]) -> str:
        """The name of the first in the order of the table."""
        marks = ", ".join("?" * len(images))
        query = f"SELECT file_name FROM images WHERE id IN ({marks}) ORDER BY source, frame LIMIT 1"
        (name,) = self._all(query, tuple(images))[0]
        return str(name)

    def _drop(self, table: str, source: str) -> None:
        """Take the rows of a source away."""
        self._subtract(f"SELECT status, count(*) FROM {table} WHERE source = ? GROUP BY status", (source,))
        self._many(f"DELETE FROM {table} WHERE source = ?", [(source,)])

    def _subtract(self, query: str, values: tuple[object, ...]) -> None:
        self.counts.subtract(dict(self._all(query, values)))

    def _begin(self) -> None:
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN IMMEDIATE")

    def _many(self, sql: str, rows: Iterable[tuple[object, ...]]) -> None:
        with storing(self._path):
            self._begin()
            self._connection.executemany(sql, rows)

    def _all(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        with storing(self._path):
            return self._connection.execute(query, values).fetchall()

    def _one(self, query: str, values: tuple[object, ...]) -> tuple[Any, ...] | None:
        with storing(self._path):
            found: tuple[Any, ...] | None = self._connection.execute(query, values).fetchone()
            return found
