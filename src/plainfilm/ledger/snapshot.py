# SPDX-License-Identifier: MIT
"""Read a ledger without changing it: no file is written in OUT."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from plainfilm.ledger.database import Database, check_regular_files, translate_sqlite_errors
from plainfilm.ledger.fingerprint import RunFingerprint, check_fingerprint
from plainfilm.ledger.remaining_work import FileStat, numbered_names
from plainfilm.ledger.schema import has_tables, read_meta
from plainfilm.ledger.sql import SOURCE_STATE, STATE_TYPES
from plainfilm.ledger.stored_files import StoredFiles
from plainfilm.sources.reference import Reference
from plainfilm.sources.scheme import is_gone


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
        for source in numbered_names(reference.source):
            state = database.fetch_one(SOURCE_STATE, (source,), STATE_TYPES)
            if state is None:
                return None
            path, _, size, mtime_ns, done, has_retries, *_ = state
            if path == os.fsencode(reference.path) or is_gone(path):
                is_done = done and not has_retries and FileStat(size, mtime_ns) == file_stat
                return source if is_done else None
        raise AssertionError("numbered_names does not end")

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
            check_fingerprint(path, meta, fingerprint)
        yield LedgerSnapshot(database if meta else None)


@contextmanager
def open_copy(path: Path) -> Iterator[Database]:
    """Open the database of a ledger, or a copy of it where that needs no file in OUT. Raises LedgerError, RunError."""
    with ExitStack() as stack:
        with translate_sqlite_errors(path):
            connection = stack.enter_context(closing(_connect(path, stack)))
            connection.execute("PRAGMA trusted_schema=OFF")
        yield Database(connection, path)


def _connect(path: Path, stack: ExitStack) -> sqlite3.Connection:
    log = path.with_name(f"{path.name}-wal")
    if not log.exists() or not log.stat().st_size:
        return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    # a killed run left its last commits in the log: SQLite merges the log into a copy
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="plainfilm-")))
    for file in (path, log):
        shutil.copyfile(file, folder / file.name)
    return sqlite3.connect(folder / path.name)
