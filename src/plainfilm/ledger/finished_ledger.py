# SPDX-License-Identifier: MIT
"""Open the ledger of an earlier run for its rows, without the options of that run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from plainfilm.errors import LedgerError
from plainfilm.ledger.database import Database, check_regular_files, open_database
from plainfilm.ledger.fingerprint import RunFingerprint, stored_fingerprint
from plainfilm.ledger.ledger import Ledger
from plainfilm.ledger.schema import SCHEMA, has_tables, read_meta
from plainfilm.ledger.source_names import StoredPrefixes


class FinishedLedger(Ledger):
    """The ledger of an earlier run, whose rows are read, or deleted for good: no run is resumed.

    fingerprint: the options and versions of that run.
    """

    def __init__(self, database: Database, fingerprint: RunFingerprint) -> None:
        # not that of Ledger, which compares the run with the earlier one and stores it
        self.fingerprint = fingerprint
        self._open_parts(database)
        self.counts = self._counted()
        self.prefixes = StoredPrefixes(database)


@contextmanager
def open_finished_ledger(path: Path) -> Iterator[FinishedLedger]:
    """Open an existing ledger for its rows; the caller holds the lock of OUT.

    Raises LedgerError where there is no ledger, or one of another version of plainfilm, or a damaged one.
    """
    check_regular_files(path)
    if not path.exists():
        raise LedgerError(no_run_message(path.parent))
    with open_database(path) as database:
        meta = read_meta(database) if has_tables(database) else {}
        if meta.get("schema") != SCHEMA:
            message = f"{path.parent} was made with another version of plainfilm, or by a run that was killed "
            raise LedgerError(f"{message}before its first image: run `plainfilm convert` again")
        yield FinishedLedger(database, stored_fingerprint(path, meta))


def no_run_message(out: Path) -> str:
    """Return the message about a folder into which no run has written."""
    return f"{out} holds no run of plainfilm: name the OUT of `plainfilm convert`"
