# SPDX-License-Identifier: MIT
"""Remove the images and rows of patients from an OUT for good (`plainfilm remove`).

1. One transaction notes the hashes of the patients in the ledger, deletes all rows of their sources, and marks the
   names of their files as pending. From here on no run brings the patients back.
2. Their files are removed; images and splits that depend on them get the names and places that they have without them.
3. Shards that hold their images are written anew.
4. Tables, data card, report and run.json are written anew.
5. The ledger is written anew, so that its free pages hold nothing of the patients, and the removal is complete.

A process that is killed leaves the remaining steps to the next removal or run: each of them may be repeated.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from plainfilm.conversion.packing import finish_renames, pack_images
from plainfilm.conversion.run_parts import instance_names
from plainfilm.conversion.run_results import write_results
from plainfilm.conversion.split_choice import settle_splits
from plainfilm.conversion.summary import RUN_FILE, Counts, recorded_options
from plainfilm.errors import LedgerError, Reason, RunError, Stage
from plainfilm.ledger.finished_ledger import FinishedLedger, no_run_message, open_finished_ledger
from plainfilm.ledger.ledger import Ledger
from plainfilm.options.counting import counted
from plainfilm.options.options import Options
from plainfilm.output.directory import open_regular_file
from plainfilm.output.folder import FolderOutput
from plainfilm.output.ownership import check_merged
from plainfilm.output.tables import check_output_formats, write_run_file
from plainfilm.pickling import dataclass
from plainfilm.records import Status

_NOTE = "patients were removed after this run (plainfilm remove)"


@dataclass(frozen=True, slots=True)
class RemovalResult:
    """What a removal has done. removed_before: the patients that were removed earlier; unknown: those not in OUT."""

    patients: int = 0
    images: int = 0
    other_rows: int = 0
    removed_before: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def has_found(self) -> bool:
        """Whether a patient was in OUT, or was removed from it before."""
        return bool(self.patients or self.removed_before)


class Removal:
    """Removes patients from one OUT. `stop` leaves the remaining steps, but for the tables, to the next removal."""

    def __init__(self, out: Path) -> None:
        self._output = FolderOutput(out)
        self._is_stopped = False

    def stop(self, _grace_seconds: float = 0.0) -> None:
        """Write no more shards, and end after the tables."""
        self._is_stopped = True

    def run(self, patients: Iterable[str]) -> RemovalResult:
        """Remove the patients with these keyed hashes.

        Raises LedgerError where OUT holds no run, OutputLockedError where a run uses it, StorageFullError and RunError.
        """
        output = self._output
        check_merged(output.out)
        if not output.has_ledger():
            raise LedgerError(no_run_message(output.out), reason=Reason.LEDGER_DIFFERS)
        with output.open_for_run(), open_finished_ledger(output.ledger_path) as ledger:
            options = recorded_options(ledger.fingerprint)
            check_output_formats(options.output)
            finish_renames(output, ledger)
            result = self._delete_rows(ledger, list(dict.fromkeys(patients)))
            if not result.patients and not result.removed_before and not ledger.patients.has_unfinished_removal:
                return result
            _remove_files(output, ledger)
            notes = self._follow(ledger, options)
            complete_removal(ledger, self._has_stopped)
        return RemovalResult(
            result.patients, result.images, result.other_rows, result.removed_before, result.unknown, tuple(notes)
        )

    def _delete_rows(self, ledger: FinishedLedger, patients: list[str]) -> RemovalResult:
        """Do the first step."""
        before = ledger.patients.removed()
        present = ledger.patients.present(patients)
        found = [patient for patient in patients if patient in present]
        counts = ledger.counts.copy()
        if found:
            ledger.patients.mark_removed(dict.fromkeys(found, ledger.fingerprint.key_fingerprint))
            delete_removed_rows(ledger)
            ledger.commit()
        gone = counts - ledger.counts
        images = gone[Status.OK] + gone[Status.REPAIRED]
        others = [patient for patient in patients if patient not in present]
        return RemovalResult(
            patients=len(found),
            images=images,
            other_rows=gone.total() - images,
            removed_before=tuple(patient for patient in others if patient in before),
            unknown=tuple(patient for patient in others if patient not in before),
        )

    def _follow(self, ledger: FinishedLedger, options: Options) -> list[str]:
        """Do the steps from the second one on, but for the last; return lines for the user."""
        output = self._output
        names = instance_names(output, ledger, options)
        if names is not None:
            names.canonicalize_names(self._has_stopped)
        settle_splits(output, ledger, options, self._has_stopped)
        if ledger.shards.all():
            # without shards, the images of an interrupted run wait for their first one
            pack_images(output, ledger, options, self._has_stopped)
        notes = [*write_results(output, ledger, options, self._has_stopped), _update_run_file(output, ledger)]
        return [note for note in notes if note]

    def _has_stopped(self) -> bool:
        return self._is_stopped


def delete_removed_rows(ledger: Ledger) -> None:
    """Delete all rows of the patients that must not be in OUT; the names of their files are pending then."""
    sources = ledger.patients.sources_of_removed()
    if not sources:
        return
    ledger.patients.begin_removal()
    ledger.mark_pending(ledger.patients.private_files_of_removed())
    ledger.delete_sources(sources)
    ledger.splits.forget(ledger.patients.removed())
    ledger.prefixes.forget_unused()


def complete_removal(ledger: Ledger, is_stopped: Callable[[], bool]) -> None:
    """Do the last step of a removal, if there is one that is not complete. Raises StorageFullError and RunError."""
    if ledger.patients.has_unfinished_removal and not is_stopped():
        ledger.patients.finish_removal()


def _remove_files(output: FolderOutput, ledger: Ledger) -> None:
    """Remove the files whose names are pending. Raises RunError where a file cannot be removed."""
    unremoved = 0
    for names in ledger.orphaned_files():
        remaining = output.remove(names)
        output.remove_empty_folders(names)
        ledger.clear_pending(name for name in names if name not in remaining)
        unremoved += len(remaining)
    ledger.commit()
    if unremoved:
        message = (
            f"{counted(unremoved, 'file')} in OUT could not be removed: check the permissions in OUT, and run again"
        )
        raise RunError(message, reason=Reason.WRITE_FAILED, stage=Stage.WRITE)


def _update_run_file(output: FolderOutput, ledger: Ledger) -> str:
    """Write the present counts into run.json, and remove its notes, which may name sources; return a note."""
    path = output.out / RUN_FILE
    try:
        with open_regular_file(path) as file:
            content = json.load(file)
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        return f"{RUN_FILE} cannot be read and stays as it is: its counts and notes are those of the run"
    counts = ledger.counts
    converted = counts[Status.OK] + counts[Status.REPAIRED]
    content["counts"] = asdict(
        Counts(converted, counts[Status.REPAIRED], counts[Status.FAILED], counts[Status.SKIPPED])
    )
    content["notes"] = [_NOTE]
    write_run_file(output, RUN_FILE, f"{json.dumps(content, indent=2)}\n".encode())
    return ""
