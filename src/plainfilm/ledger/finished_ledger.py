# SPDX-License-Identifier: MIT
"""Open the ledger of an earlier run for its rows, without the options of that run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from plainfilm.errors import LedgerError
from plainfilm.ledger.database import check_regular_files, damage, open_database
from plainfilm.ledger.fingerprint import RunFingerprint
from plainfilm.ledger.ledger import Ledger
from plainfilm.ledger.schema import SCHEMA, has_tables, read_meta


@dataclass(frozen=True, slots=True)
class FinishedLedger:
    """The ledger of an earlier run, and what that run was made with."""

    ledger: Ledger
    fingerprint: RunFingerprint


@contextmanager
def open_finished_ledger(path: Path) -> Iterator[FinishedLedger]:
    """Open an existing ledger for its rows; the caller holds the lock of OUT. No row changes.

    Raises LedgerError where there is no ledger, or one of another version of plainfilm, or a damaged one.
    """
    check_regular_files(path)
    if not path.exists():
        message = f"{path.parent} holds no run of plainfilm: name the OUT of `plainfilm convert`"
        raise LedgerError(message)
    with open_database(path) as database:
        meta = read_meta(database) if has_tables(database) else {}
        if meta.get("schema") != SCHEMA:
            message = f"{path.parent} was made with another version of plainfilm, or by a run that was killed "
            raise LedgerError(f"{message}before its first image: run `plainfilm convert` again")
        try:
            fingerprint = RunFingerprint.from_json(meta["identity"])
        except (ValueError, TypeError, KeyError, RecursionError):
            raise damage(path, "it does not say what it was written with") from None
        yield FinishedLedger(Ledger(database, fingerprint, for_reading=True), fingerprint)
