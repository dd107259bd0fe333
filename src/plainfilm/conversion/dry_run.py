# SPDX-License-Identifier: MIT
"""List what a run would convert, without writing anything (`--dry-run`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from plainfilm.conversion.disk_check import present_stat
from plainfilm.conversion.job_source import excluded_failure, excluded_name, pseudonymize_path, selected_items
from plainfilm.conversion.redaction_lookup import load_matched_redactions
from plainfilm.conversion.run_inputs import RunInputs, check_share, fingerprint_presentation, load_run_inputs
from plainfilm.conversion.summary import PlannedSource
from plainfilm.dicom.encoding import find_first_element
from plainfilm.errors import SourceError
from plainfilm.ledger.remaining_work import FileStat
from plainfilm.ledger.snapshot import LedgerSnapshot, open_snapshot
from plainfilm.ledger.source_names import earlier_names
from plainfilm.options.exclusion_list import load_exclusions
from plainfilm.options.local_path import check_local
from plainfilm.options.options import Options
from plainfilm.output.folder import FolderOutput
from plainfilm.output.ownership import check_merged
from plainfilm.output.tables import check_output_formats
from plainfilm.records import Failure
from plainfilm.sources.member_reader import head_of
from plainfilm.sources.reference import Reference
from plainfilm.sources.walk import Listing


def dry_run(sources: Sequence[str], out: Path, options: Options) -> Iterator[tuple[Reference | Failure, bool]]:
    """Yield each listed entry, and whether a run would leave its images as they are.

    Raises what a run would raise before it starts: errors of options and sources, an OUT that another run uses, and an
    OUT that was made with other options.
    """
    check_local(out, "OUT")
    listing = Listing(sources, out, options.sources)
    selection = selected_items(options.run)
    output = FolderOutput(out)
    check_share(options)
    if selection.share is None and not options.run.overwrite:
        check_merged(out)
    # unusable options are an error, also where OUT has no ledger
    check_output_formats(options.output)
    fingerprint_presentation(options)
    if options.run.overwrite or not output.has_ledger():
        load_matched_redactions(listing, options.privacy)
        # the key is not loaded here, since that may create the user's key file
        exclusions = load_exclusions(options.selection.exclude)
        for entry in listing.entries(with_content=True, selection=selection):
            yield excluded_failure(entry.source) if entry.source in exclusions else entry, False
        return
    with output.lock():
        listing = listing.with_names(earlier_names(output.ledger_path, listing, read_only=True))
        inputs = load_run_inputs(listing, out, options)
        yield from _compare(inputs, output)


def _compare(inputs: RunInputs, output: FolderOutput) -> Iterator[tuple[Reference | Failure, bool]]:
    """Yield each listed entry, and whether the ledger of an OUT that is locked has it as done."""
    options, out = inputs.options, inputs.out
    with open_snapshot(output.ledger_path, inputs.fingerprint) as snapshot:
        for entry in inputs.listing.entries(with_content=True, selection=selected_items(options.run)):
            reference = pseudonymize_path(entry, options.output.names, inputs.key)
            if excluded_name(inputs.exclusions, entry.source, reference.source):
                yield excluded_failure(entry.source), False
                continue
            yield entry, isinstance(reference, Reference) and _is_up_to_date(reference, snapshot, out)


def plan_sources(sources: Sequence[str], out: Path, options: Options) -> Iterator[PlannedSource]:
    """Yield what a run would do with each source. The name and the first bytes of a source decide.

    Raises what `dry_run` raises.
    """
    for entry, is_done in dry_run(sources, out, options):
        if is_done:
            yield PlannedSource(entry.source, "done")
        elif isinstance(entry, Failure):
            yield PlannedSource(entry.source, entry.status.value, reason=entry.reason)
        else:
            yield _plan_source(entry)


def _plan_source(reference: Reference) -> PlannedSource:
    try:
        is_dicom = find_first_element(head_of(reference)) is not None
    except SourceError as error:
        return PlannedSource(reference.source, "failed", reason=error.reason)
    return PlannedSource(reference.source, *(("convert", reference.name) if is_dicom else ("not_dicom",)))


def _is_up_to_date(reference: Reference, snapshot: LedgerSnapshot, out: Path) -> bool:
    """Whether a source is done and unchanged, and all its images are in OUT as they were made."""
    source = snapshot.done_source(reference, FileStat.of(reference.path))
    if source is None:
        return False
    files = snapshot.files
    return all(present_stat(out, files, file) is not None for file in files.of_source(source))
