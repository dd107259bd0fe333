# SPDX-License-Identifier: MIT
"""Open the parts of a run and connect them, and save the results of a run that cannot continue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from plainfilm.conversion.committer import ResultCommitter
from plainfilm.conversion.placement import Placement, data_set_columns, placement_depth
from plainfilm.conversion.progress import ProgressReporter
from plainfilm.conversion.run_inputs import RunInputs
from plainfilm.conversion.run_log import RunLog, logging_to_file
from plainfilm.conversion.run_progress import ProgressCallback
from plainfilm.conversion.share_ledgers import remove_shares, share_state
from plainfilm.conversion.tag_names import DIGITS
from plainfilm.conversion.uid_names import HASH_DIGITS, InstanceNames
from plainfilm.errors import LedgerError, Reason, StorageFullError
from plainfilm.ledger.ledger import Ledger, open_ledger
from plainfilm.ledger.snapshot import LedgerSnapshot, open_snapshot
from plainfilm.options.options import Options
from plainfilm.options.output import Layout, Names
from plainfilm.output.folder import FolderOutput
from plainfilm.output.ownership import PrivateNames
from plainfilm.output.tables import Rows, UnwritableTableError, write_tables
from plainfilm.pickling import dataclass

# the digits of the hash of an instance by which sources are grouped whose names may be equal
_GROUPED_BY = {Names.UID: HASH_DIGITS, Names.TAGS: DIGITS}


@dataclass(frozen=True, slots=True)
class RunParts:
    """The parts of a run while OUT is locked and its ledger is open.

    earlier: the ledger that earlier runs of all shards have left, for a shard; None without one.
    """

    inputs: RunInputs
    output: FolderOutput
    ledger: Ledger
    run_log: RunLog
    committer: ResultCommitter
    placement: Placement
    progress: ProgressReporter
    earlier: LedgerSnapshot | None = None


@contextmanager
def open_run_parts(inputs: RunInputs, progress: ProgressCallback, *, is_followed: bool = False) -> Iterator[RunParts]:
    """Lock OUT, open its ledger and the log, and connect the parts of the run. Raises RunError."""
    run_options = inputs.options.run
    with (
        logging_to_file(run_options),
        output_of(inputs.out, inputs.options).open_for_run(overwrite=run_options.overwrite) as output,
        _earlier_ledger(inputs) as earlier,
        open_ledger(output.ledger_path, inputs.fingerprint, overwrite=run_options.overwrite) as ledger,
    ):
        if run_options.shard is not None:
            ledger.share.begin(share_state(inputs.options))
        elif run_options.overwrite:
            remove_shares(output, ledger)
        run_log = RunLog()
        uid_names = instance_names(output, ledger, inputs.options)
        placement = Placement(output, ledger, inputs.options, inputs.labels, inputs.key)
        committer = ResultCommitter(output, ledger, run_log, uid_names, placement)
        reporter = ProgressReporter(progress, committer.counts, is_followed=is_followed)
        try:
            yield RunParts(inputs, output, ledger, run_log, committer, placement, reporter, earlier)
        finally:
            reporter.close()


def instance_names(output: FolderOutput, ledger: Ledger, options: Options) -> InstanceNames | None:
    """Return what names the images by their SOP Instances; None where `--names` asks for other names."""
    names = options.output.names
    depth = placement_depth(options.data_set, options.output.layout)
    return InstanceNames(output, ledger, depth, _GROUPED_BY[names]) if names in _GROUPED_BY else None


def output_of(out: Path, options: Options) -> FolderOutput:
    """Return the folder OUT as a run writes into it; a shard has private entries of its own."""
    return FolderOutput(out, names=PrivateNames(options.run.shard))


@contextmanager
def _earlier_ledger(inputs: RunInputs) -> Iterator[LedgerSnapshot | None]:
    """Open the ledger that earlier runs have left, for a shard that does only what it has not. Raises LedgerError."""
    output = FolderOutput(inputs.out)
    if inputs.options.run.shard is None or inputs.options.run.overwrite or not output.has_ledger():
        yield None
        return
    if inputs.options.output.layout is not Layout.FOLDER:
        message = f"{inputs.out} is complete: with --layout {inputs.options.output.layout}, add to it without --shard"
        raise LedgerError(message, reason=Reason.LEDGER_DIFFERS)
    with open_snapshot(output.ledger_path, inputs.fingerprint) as snapshot:
        yield snapshot


def write_metadata_tables(output: FolderOutput, rows: Rows, options: Options) -> tuple[str, ...]:
    """Write the tables that the options ask for, as `write_tables` does; return the columns that are left out."""
    return write_tables(output, rows, options.output.table, options.privacy.columns.words, data_set_columns(options))


def save_results(parts: RunParts) -> None:
    """Commit and tabulate the results of a run that cannot continue.

    If the disk has no space for the tables, the newest images are removed until it has: first one, then two, four, ...
    """
    parts.committer.abandon()
    images, options = 1, parts.inputs.options
    if options.run.shard is not None:
        return
    while True:
        try:
            write_metadata_tables(parts.output, parts.ledger, options)
            return
        except UnwritableTableError:
            # the other tables are written, and the run reports why it ended
            return
        except StorageFullError:
            if not parts.committer.revert_newest(images):
                raise
        images *= 2
