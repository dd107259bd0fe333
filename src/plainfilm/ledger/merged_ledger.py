# SPDX-License-Identifier: MIT
"""Join the ledgers of shards into the ledger of OUT.

The ledgers are read side by side and in the order of their sources, a group of them at a time, so that neither memory
nor the number of open files depends on the number of shards, and rows are inserted in order. Each commit notes how far
the rows have come: a merge that was killed goes on from there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from plainfilm.errors import LedgerError, Reason
from plainfilm.ledger.database import Database, open_database
from plainfilm.ledger.fingerprint import RunFingerprint, check_fingerprint, stored_fingerprint
from plainfilm.ledger.ledger import Ledger
from plainfilm.ledger.merge_state import MergeState, StoredMerge
from plainfilm.ledger.schema import SCHEMA, create_tables, has_tables, read_meta
from plainfilm.ledger.share_rows import IMAGE_COLUMNS, Row, ShareRows, iterate_rows, open_shares
from plainfilm.ledger.source_names import StoredPrefixes
from plainfilm.ledger.sql import DELETE_PENDING_WITH_ROW, STORE_IDENTITY
from plainfilm.pickling import dataclass

SHARES_PER_GROUP = 64
_SOURCES_PER_COMMIT = 2000
# pages of 4 KiB
_PRAGMAS = "PRAGMA cache_size=-65536; PRAGMA wal_autocheckpoint=4000;"
_INSERT_IMAGES = f"INSERT INTO images ({IMAGE_COLUMNS}) VALUES ({', '.join('?' * 12)})"
_UNIQUE = "UNIQUE constraint"


class MergedLedger(Ledger):
    """The ledger of OUT while shards are joined. No run is resumed: what failed is not tried again."""

    def __init__(self, database: Database) -> None:
        # not that of Ledger, which compares the run with the earlier one and marks failures
        self._open_parts(database)
        self.listed, self.changed_options, self._is_new = None, (), False
        self.prefixes = StoredPrefixes(database)
        self.counts: Counter[str] = Counter()

    def begin(self, state: MergeState, fingerprint: RunFingerprint, prefixes: Mapping[str, str]) -> MergeState:
        """Store what the joined ledger has in common with the shards; with `is_overwritten` its own rows go.

        Returns the state that is stored.
        """
        self.patients.check_key(fingerprint.key_fingerprint)
        if state.is_overwritten:
            self._delete_everything()
        has_earlier_rows = self._database.fetch_one("SELECT 1 FROM sources") is not None
        self._database.execute(STORE_IDENTITY, (SCHEMA, fingerprint.to_json()))
        state = replace(state, has_earlier_rows=has_earlier_rows)
        self.merge.write(state)
        self.prefixes.add(prefixes)
        return state

    def join(self, paths: Sequence[Path], state: MergeState, is_stopped: Callable[[], bool]) -> MergeState:
        """Insert the rows of the shards in place of earlier rows of their sources; return the state at the end.

        paths: the ledgers of the shards; those that are joined already are not opened.
        """
        groups = [paths[start : start + SHARES_PER_GROUP] for start in range(0, len(paths), SHARES_PER_GROUP)]
        for number, group in enumerate(groups):
            if number < state.group:
                continue
            with open_shares(group) as shares:
                for rows in iterate_rows(shares, state.source, _SOURCES_PER_COMMIT):
                    self._insert(rows, has_earlier_rows=state.has_earlier_rows)
                    state = replace(state, source=rows.names[-1])
                    self.merge.write(state)
                    self.commit()
                    if is_stopped():
                        return state
                for share in shares:
                    self._insert_files(share)
            state = replace(state, group=number + 1, source="")
            self.merge.write(state)
            self.commit()
        self._database.execute(DELETE_PENDING_WITH_ROW)
        self.commit()
        return state

    def count_rows(self) -> None:
        """Count the rows of each status anew."""
        self.counts = self._counted()

    def note_packed_images(self) -> None:
        """Note how many images there are, all in shards, so that a run that changes none does not pack them anew."""
        state = self.merge.read()
        assert state is not None
        self.merge.write(replace(state, packed_images=self.shards.packed_images()))
        self.commit()

    def _insert(self, rows: ShareRows, *, has_earlier_rows: bool) -> None:
        database = self._database
        if has_earlier_rows:
            for name in rows.names:
                self._delete_results(name)
        database.execute_many("INSERT OR REPLACE INTO sources VALUES (?, ?, ?, ?, ?, ?, ?)", rows.sources)
        try:
            database.execute_many(_INSERT_IMAGES, rows.images)
        except LedgerError as error:
            raise _collision() if _UNIQUE in error.message else error from None
        masks = ((name, source, *values) for source, name, *values in rows.masks)
        database.execute_many("INSERT OR REPLACE INTO masks VALUES (?, ?, ?, ?, ?)", masks)
        # a folder that cannot be listed is a failure of several shards
        database.execute_many("INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?, ?, ?)", rows.failures)
        database.execute_many("INSERT OR REPLACE INTO previews VALUES (?, ?, ?)", rows.previews)
        database.execute_many("INSERT OR REPLACE INTO patients VALUES (?, ?, ?)", rows.patients)

    def _insert_files(self, share: Database) -> None:
        """Insert the files of a shard that hold many images each, removed patients, and names of files to remove."""
        packed: list[Row] = share.fetch_all("SELECT name, size, mtime_ns, sha256, digest FROM shards")
        self._database.execute_many("INSERT OR REPLACE INTO shards VALUES (?, ?, ?, ?, ?)", packed)
        removed: list[Row] = share.fetch_all("SELECT patient, key_fingerprint FROM removed")
        self._database.execute_many("INSERT OR IGNORE INTO removed VALUES (?, ?)", removed)
        pending: list[Row] = share.fetch_all("SELECT file_name FROM pending")
        self._database.execute_many("INSERT OR IGNORE INTO pending VALUES (?)", pending)


def _collision() -> LedgerError:
    """Return the error of two sources whose images have one name, since files were added between the shards."""
    message = (
        "two sources have images of the same name, because files of almost the same name were added after some shards "
        "had been run: run all shards again with --overwrite, then merge"
    )
    return LedgerError(message, reason=Reason.LEDGER_DIFFERS)


@dataclass(frozen=True, slots=True)
class EarlierMerge:
    """What the ledger of an OUT says. state: the state of its newest merge; None where nothing was merged."""

    fingerprint: RunFingerprint
    state: MergeState | None


def read_merge(path: Path) -> EarlierMerge | None:
    """Return what an existing ledger says; None where no run has begun. Raises LedgerError and RunError."""
    with open_database(path) as database:
        meta = read_meta(database) if has_tables(database) else {}
        return EarlierMerge(stored_fingerprint(path, meta), StoredMerge(database).read()) if meta else None


@contextmanager
def open_merged_ledger(
    path: Path, fingerprint: RunFingerprint, *, is_overwritten: bool = False
) -> Iterator[MergedLedger]:
    """Open the ledger of OUT for a merge of shards with this fingerprint; the caller holds the lock of OUT.

    is_overwritten: whether the rows of earlier runs do not count.

    Raises LedgerError where the ledger was written with other options, versions or another key, or is damaged;
    StorageFullError and RunError.
    """
    with open_database(path) as database:
        create_tables(database)
        meta = read_meta(database)
        if meta and not is_overwritten:
            check_fingerprint(path, meta, fingerprint)
        database.execute_script(_PRAGMAS)
        yield MergedLedger(database)
