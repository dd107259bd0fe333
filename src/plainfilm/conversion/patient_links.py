# SPDX-License-Identifier: MIT
"""Find the patients of an OUT by their Patient IDs, for the holder of the key (`plainfilm link`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from plainfilm.conversion.pseudonyms import Key, load_key, patient_hash, patient_id_hash
from plainfilm.errors import LedgerError, Reason
from plainfilm.ledger.finished_ledger import no_run_message, open_finished_ledger
from plainfilm.output.folder import FolderOutput
from plainfilm.output.ownership import check_merged
from plainfilm.pickling import dataclass


@dataclass(frozen=True, slots=True)
class PatientLinks:
    """The patients of an OUT. by_id: the hashes of the tables by the hash of the Patient ID alone."""

    key: Key
    by_id: Mapping[str, tuple[str, ...]]

    @classmethod
    def load(cls, out: Path, key_file: Path) -> PatientLinks:
        """Read the patients of an OUT from its ledger.

        Raises OptionsError where the key cannot be read; LedgerError where OUT holds no run, or shards that are not
        merged, was made with another version of plainfilm or has another key; OutputLockedError where a run uses it,
        and RunError.
        """
        key, output = load_key(key_file), FolderOutput(out)
        check_merged(out)
        if not output.has_ledger():
            raise LedgerError(no_run_message(out), reason=Reason.LEDGER_DIFFERS)
        by_id: dict[str, tuple[str, ...]] = {}
        with output.lock(), open_finished_ledger(output.ledger_path) as ledger:
            if ledger.fingerprint.key_fingerprint != key.fingerprint:
                message = f"{out} was made with another key than {key_file}: give the key of its runs with --key-file"
                raise LedgerError(message, reason=Reason.LEDGER_DIFFERS)
            for patient, patient_id in ledger.patients.all():
                if patient_id:
                    by_id[patient_id] = (*by_id.get(patient_id, ()), patient)
        return cls(key, by_id)

    def hashes_of(self, patient_id: str, issuer: str | None = None) -> tuple[str, ...]:
        """Return the hashes in OUT of the patients with an ID; issuer: that of the ID, None for any, '' for none."""
        hashes = self.by_id.get(patient_id_hash(self.key, patient_id), ())
        if issuer is None:
            return hashes
        wanted = patient_hash(self.key, issuer, patient_id)
        return tuple(patient for patient in hashes if patient == wanted)
