# SPDX-License-Identifier: MIT
"""Ask a ledger about sources without changing it: no file is written in OUT."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from plainfilm.ledger.database import Database, check_regular_files, open_copy
from plainfilm.ledger.fingerprint import RunFingerprint, check_fingerprint
from plainfilm.ledger.merge_state import check_not_merging
from plainfilm.ledger.remaining_work import FileStat
from plainfilm.ledger.schema import has_tables, read_meta
from plainfilm.ledger.source_names import named_source, stored_source
from plainfilm.ledger.stored_files import StoredFiles
from plainfilm.pickling import dataclass
from plainfilm.sources.reference import Reference


@dataclass(frozen=True, slots=True)
class LedgerSnapshot:
    """A read-only view of a ledger as it was when it was opened; None if no run has begun."""

    _database: Database | None

    def done_source(self, reference: Reference, file_stat: FileStat) -> str | None:
        """Return the name that the ledger has for a source that is done and unchanged, None for any other.

        Raises as `open_snapshot`.
        """
        if (database := self._database) is None:
            return None
        source, state = stored_source(database, reference)
        if state is None or not state.is_done or state.has_retries:
            return None
        return source if FileStat(state.size, state.mtime_ns) == file_stat else None

    def named(self, reference: Reference) -> Reference:
        """Return a reference with the source and the name that it has in the ledger, or that no other source has.

        Raises as `open_snapshot`.
        """
        if (database := self._database) is None:
            return reference
        return named_source(database, reference)[0]

    @property
    def files(self) -> StoredFiles:
        """The files of the images. A source of `done_source` must have been found before."""
        assert self._database is not None
        return StoredFiles(self._database)


@contextmanager
def open_snapshot(path: Path, fingerprint: RunFingerprint) -> Iterator[LedgerSnapshot]:
    """Open an existing ledger for reading; the caller holds the lock of OUT.

    Raises LedgerError where a run with this fingerprint could not resume or the ledger is damaged, and RunError where
    it cannot be read.
    """
    check_regular_files(path)
    with open_copy(path) as database:
        meta = read_meta(database) if has_tables(database) else {}
        if meta:
            check_not_merging(path, meta)
            check_fingerprint(path, meta, fingerprint)
        yield LedgerSnapshot(database if meta else None)
