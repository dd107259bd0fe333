# SPDX-License-Identifier: MIT
"""The patients of the sources of a ledger, and those that were removed for good. Patients are named by keyed hashes.

The hash of a patient covers the issuer and the Patient ID. A second hash covers the Patient ID alone. No identifier is
stored.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from plainfilm.errors import LedgerError, Reason
from plainfilm.ledger.database import Database, open_copy
from plainfilm.pickling import FastPickle, dataclass

_REMOVAL = "removal"
_PRIVATE = ".plainfilm-"
_PATHS_OF_REMOVED = """
SELECT path FROM sources WHERE source IN (
    SELECT source FROM patients WHERE patient IN (SELECT patient FROM removed))
"""
_SOURCES_OF_REMOVED = "SELECT source FROM patients WHERE patient IN (SELECT patient FROM removed)"


@dataclass(frozen=True, slots=True)
class SourcePatient(FastPickle):
    """The patient of a source. patient: the hash of the tables; patient_id: that of the Patient ID, '' without one."""

    source: str
    patient: str
    patient_id: str


def read_removed(path: Path, key_fingerprint: str) -> dict[str, str]:
    """Return the patients that must not come back into OUT from its ledger, which may be missing.

    Each has the fingerprint of the key of its hash. Raises LedgerError, also where it is not `key_fingerprint`, and
    RunError.
    """
    if not path.is_file():
        return {}
    with open_copy(path) as database:
        if database.fetch_one("SELECT 1 FROM sqlite_master WHERE name = 'removed'") is None:
            return {}
        patients = StoredPatients(database)
        patients.check_key(key_fingerprint)
        return patients.removed()


class StoredPatients:
    """The patients of a ledger. Every method raises StorageFullError, LedgerError and RunError as the ledger does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, patients: Iterable[SourcePatient]) -> None:
        """Insert the patients of sources, or replace them; a source without a patient is left out."""
        rows = ((item.source, item.patient, item.patient_id) for item in patients if item.patient)
        self._database.execute_many("INSERT OR REPLACE INTO patients VALUES (?, ?, ?)", rows)

    def all(self) -> Iterator[tuple[str, str]]:
        """Yield the two hashes of each patient: that of the tables, and that of the Patient ID alone."""
        return self._database.iterate("SELECT DISTINCT patient, patient_id FROM patients ORDER BY patient, patient_id")

    def present(self, patients: Iterable[str]) -> set[str]:
        """Return those of some patients, by the hash of the tables, that have sources."""
        wanted = set(patients)
        return {patient for (patient,) in self._database.iterate("SELECT patient FROM patients") if patient in wanted}

    def removed(self) -> dict[str, str]:
        """Return the patients that must not come back, each with the fingerprint of the key of the hash."""
        query = "SELECT patient, key_fingerprint FROM removed"
        return dict(self._database.fetch_all(query, types=(str, str)))

    def mark_removed(self, patients: Mapping[str, str]) -> None:
        """Note patients that must not come back, each with the fingerprint of the key of the hash."""
        self._database.execute_many("INSERT OR IGNORE INTO removed VALUES (?, ?)", patients.items())

    def sources_of_removed(self) -> list[str]:
        """Return the sources of patients that must not be in OUT."""
        return [source for (source,) in self._database.fetch_all(_SOURCES_OF_REMOVED, types=(str,))]

    def private_files_of_removed(self) -> list[str]:
        """Return the files in private folders of OUT, relative to OUT, that are sources of patients to be removed.

        A listener keeps there what it has received.
        """
        names = []
        out = self._database.path.parent.resolve()
        for (path,) in self._database.fetch_all(_PATHS_OF_REMOVED, types=(bytes,)):
            with suppress(ValueError):
                name = Path(os.fsdecode(path)).relative_to(out).as_posix()
                names += [name] if name.startswith(_PRIVATE) else []
        return names

    @property
    def has_unfinished_removal(self) -> bool:
        """Whether a removal was interrupted: files, tables and the ledger may hold traces of a patient."""
        return self._database.fetch_one("SELECT 1 FROM meta WHERE name = ?", (_REMOVAL,)) is not None

    def begin_removal(self) -> None:
        """Note with the next commit that a removal has begun."""
        self._database.execute("INSERT OR REPLACE INTO meta VALUES (?, 'unfinished')", (_REMOVAL,))

    def finish_removal(self) -> None:
        """Write the ledger anew without the pages of deleted rows, and note that the removal is complete."""
        self._database.compact()
        self._database.execute("DELETE FROM meta WHERE name = ?", (_REMOVAL,))
        self._database.commit()

    def check_key(self, key_fingerprint: str) -> None:
        """Raise LedgerError where patients were removed by the hashes of another key: they could not be recognised."""
        if any(fingerprint != key_fingerprint for fingerprint in self.removed().values()):
            message = (
                f"patients were removed from {self._database.path.parent}, and another key would bring them back: "
                "give the earlier key with --key-file, or choose another OUT"
            )
            raise LedgerError(message, reason=Reason.LEDGER_DIFFERS)
