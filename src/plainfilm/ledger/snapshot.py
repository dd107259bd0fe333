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

from plainfilm.ledger.database import translate_sqlite_errors
from plainfilm.ledger.fingerprint import RunFingerprint, check_fingerprint
from plainfilm.ledger.remaining_work import FileStat, numbered_names
from plainfilm.ledger.sql import SOURCE_STATE
from plainfilm.sources.reference import Reference


@dataclass(frozen=True, slots=True)
class LedgerSnapshot:
    """A read-only view of a ledger as it was when it was opened."""

    _connection: sqlite3.Connection
    _path: Path

    def is_done(self, reference: Reference, file_stat: FileStat) -> bool:
        """Whether a run would leave the images of this file as they are. Raises as `open_snapshot`."""
        for source in numbered_names(reference.source):
            with translate_sqlite_errors(self._path):
                state = self._connection.execute(SOURCE_STATE, (source,)).fetchone()
            if state is None:
                return False
            path, _, size, mtime_ns, done, has_retries, *_ = state
            if path == os.fsencode(reference.path) or not os.path.lexists(path):
                return bool(done and not has_retries) and FileStat(size, mtime_ns) == file_stat
        raise AssertionError("numbered_names does not end")


@contextmanager
def open_snapshot(path: Path, fingerprint: RunFingerprint) -> Iterator[LedgerSnapshot]:
    """Open an existing ledger for reading; the caller holds the lock of OUT.

    Raises LedgerError where a run with this fingerprint could not resume or the ledger is damaged, and RunError where
    it cannot be read.
    """
    with ExitStack() as stack:
        with translate_sqlite_errors(path):
            connection = stack.enter_context(closing(_connect(path, stack)))
            meta = dict(connection.execute("SELECT name, value FROM meta"))
        if meta:
            check_fingerprint(path, meta, fingerprint)
        yield LedgerSnapshot(connection, path)


def _connect(path: Path, stack: ExitStack) -> sqlite3.Connection:
    log = path.with_name(f"{path.name}-wal")
    if not log.exists() or not log.stat().st_size:
        return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    # a killed run left its last commits in the log: SQLite merges the log into a copy
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="plainfilm-")))
    for file in (path, log):
        shutil.copyfile(file, folder / file.name)
    return sqlite3.connect(folder / path.name)
