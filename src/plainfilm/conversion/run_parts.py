# SPDX-License-Identifier: MIT
"""Open the parts of a run and connect them, and save the results of a run that cannot continue."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from plainfilm.conversion.committer import ResultCommitter
from plainfilm.conversion.placement import Placement, placement_depth
from plainfilm.conversion.progress import ProgressReporter
from plainfilm.conversion.results import write_metadata_tables
from plainfilm.conversion.run_inputs import RunInputs
from plainfilm.conversion.run_log import RunLog, logging_to_file
from plainfilm.conversion.run_progress import ProgressCallback
from plainfilm.conversion.uid_names import instance_names
from plainfilm.errors import StorageFullError
from plainfilm.ledger.ledger import Ledger, open_ledger
from plainfilm.output.folder import FolderOutput
from plainfilm.output.tables import UnwritableTableError


@dataclass(frozen=True, slots=True)
class RunParts:
    """The parts of a run while OUT is locked and its ledger is open.

    started: when the run started, in seconds of the monotonic clock; started_at: the same as a date.
    """

    inputs: RunInputs
    output: FolderOutput
    ledger: Ledger
    run_log: RunLog
    committer: ResultCommitter
    placement: Placement
    progress: ProgressReporter
    started: float = field(default_factory=time.monotonic)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@contextmanager
def open_run_parts(inputs: RunInputs, progress: ProgressCallback, *, is_followed: bool = False) -> Iterator[RunParts]:
    """Lock OUT, open its ledger and the log, and connect the parts of the run. Raises RunError."""
    run_options = inputs.options.run
    with (
        logging_to_file(run_options),
        FolderOutput(inputs.out).open_for_run(overwrite=run_options.overwrite) as output,
        open_ledger(output.ledger_path, inputs.fingerprint, overwrite=run_options.overwrite) as ledger,
    ):
        run_log = RunLog()
        depth = placement_depth(inputs.options.data_set, inputs.options.output.layout)
        uid_names = instance_names(output, ledger, inputs.options.output.names, depth)
        placement = Placement(output, ledger, inputs.options, inputs.labels, inputs.key)
        committer = ResultCommitter(output, ledger, run_log, uid_names, placement)
        reporter = ProgressReporter(progress, committer.counts, is_followed=is_followed)
        try:
            yield RunParts(inputs, output, ledger, run_log, committer, placement, reporter)
        finally:
            reporter.close()


def save_results(parts: RunParts) -> None:
    """Commit and tabulate the results of a run that cannot continue.

    If the disk has no space for the tables, the newest images are removed until it has: first one, then two, four, ...
    """
    parts.committer.abandon()
    images, options = 1, parts.inputs.options
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
