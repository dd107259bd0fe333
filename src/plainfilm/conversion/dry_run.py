# SPDX-License-Identifier: MIT
"""List what a run would convert, without writing anything (`--dry-run`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from plainfilm.conversion.disk_check import present_stat
from plainfilm.conversion.job_source import pseudonymize_path
from plainfilm.conversion.redaction_lookup import load_matched_redactions
from plainfilm.conversion.run_inputs import fingerprint_presentation, load_run_inputs
from plainfilm.ledger.remaining_work import FileStat
from plainfilm.ledger.snapshot import LedgerSnapshot, open_snapshot
from plainfilm.options.options import Options
from plainfilm.output.folder import FolderOutput
from plainfilm.records import Failure
from plainfilm.sources.reference import Reference
from plainfilm.sources.scheme import check_local
from plainfilm.sources.walk import iterate_references


def dry_run(sources: Sequence[str], out: Path, options: Options) -> Iterator[tuple[Reference | Failure, bool]]:
    """Yield each listed entry, and whether a run would leave its images as they are.

    Raises what a run would raise before it starts: errors of options and sources, an OUT that another run uses, and an
    OUT that was made with other options.
    """
    check_local(out, "OUT")
    entries = iterate_references(sources, out)
    output = FolderOutput(out)
    # an unusable presentation state is an error, also where OUT has no ledger
    fingerprint_presentation(options)
    if options.run.overwrite or not output.has_ledger():
        load_matched_redactions(sources, out, options.privacy)
        # the key is not loaded here, since that may create the user's key file
        yield from ((entry, False) for entry in entries)
        return
    inputs = load_run_inputs([Path(source) for source in sources], out, options)
    with output.lock(), open_snapshot(output.ledger_path, inputs.fingerprint) as snapshot:
        for entry in entries:
            reference = pseudonymize_path(entry, options.output.names, inputs.key)
            yield entry, isinstance(reference, Reference) and _is_up_to_date(reference, snapshot, out)


def _is_up_to_date(reference: Reference, snapshot: LedgerSnapshot, out: Path) -> bool:
    """Whether a source is done and unchanged, and all its images are in OUT as they were made."""
    source = snapshot.done_source(reference, FileStat.of(reference.path))
    if source is None:
        return False
    files = snapshot.files
    return all(present_stat(out, files, file) is not None for file in files.of_source(source))
