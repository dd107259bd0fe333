# SPDX-License-Identifier: MIT
"""The ledger of an OUT -> whether a file is done, for who only looks: nothing is written beside it or into it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from plainfilm.ledger.admission import FileStat, numbered_names
from plainfilm.ledger.database import storing
from plainfilm.ledger.fingerprint import RunFingerprint, identity_within
from plainfilm.ledger.sql import KNOWN
from plainfilm.sources.reference import Reference


@dataclass(frozen=True, slots=True)
class LedgerSnapshot:
    """A ledger as it was when it was opened."""

    _connection: sqlite3.Connection
    _path: Path

    def is_done(self, reference: Reference, stamp: FileStat) -> bool:
        """Whether a run would leave this file as it is. Raises what opening a ledger raises."""
        for source in numbered_names(reference.source):
            with storing(self._path):
                known = self._connection.execute(KNOWN, (source,)).fetchone()
            if known is None:
                return False
            path, _, size, mtime_ns, done, retry, *_ = known
            if path == os.fsencode(reference.path) or not os.path.lexists(path):
                return bool(done and not retry) and FileStat(size, mtime_ns) == stamp
        raise AssertionError("numbers do not end")


@contextmanager
def open_snapshot(path: Path, identity: RunFingerprint) -> Iterator[LedgerSnapshot]:
    """The ledger at a path, which exists, and whose lock is held, for a run of this identity.

    Raises LedgerError where it was written in another way or is damaged, RunError where it cannot be read.
    """
    with ExitStack() as stack:
        with storing(path):
            connection = stack.enter_context(closing(_open(path, stack)))
            meta = dict(connection.execute("SELECT name, value FROM meta"))
        if meta:
            identity_within(path, meta, identity)
        yield LedgerSnapshot(connection, path)


def _open(path: Path, stack: ExitStack) -> sqlite3.Connection:
    log = path.with_name(f"{path.name}-wal")
    if not log.exists() or not log.stat().st_size:
        return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    # a run was killed: what is in the log counts, and is taken over in a copy
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="plainfilm-")))
    for file in (path, log):
        shutil.copyfile(file, folder / file.name)
    return sqlite3.connect(folder / path.name)
