# SPDX-License-Identifier: MIT
"""Write what describes the images of a run: shards, tables, README.md and the report.

A run that watches its folders writes them again and again, with `ResultSchedule`, so that OUT can be used meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from plainfilm.conversion.packing import pack_images
from plainfilm.conversion.placement import data_set_columns
from plainfilm.conversion.row_survey import RowSurvey
from plainfilm.conversion.run_parts import RunParts, write_metadata_tables
from plainfilm.errors import PlainfilmError
from plainfilm.options.options import Options
from plainfilm.output.card_content import CardContent
from plainfilm.output.data_card import remove_card, write_card
from plainfilm.output.folder import FolderOutput
from plainfilm.report.ledger_rows import LedgerRows
from plainfilm.report.report_files import remove_report
from plainfilm.sources.arrivals import WatchTiming

_DURATION_FACTOR = 20
"""The results of a run that watches are written at most a twentieth of the time."""


def write_results(parts: RunParts, is_stopped: Callable[[], bool]) -> list[str]:
    """Write the results of all images that are committed, and return notes for the summary."""
    options = parts.inputs.options
    pack_images(parts.output, parts.ledger, options, is_stopped)
    parts.progress.report()
    rows = RowSurvey(parts.ledger, options)
    left_out = write_metadata_tables(parts.output, rows, options)
    notes = (
        _write_card(parts.output, options, rows, left_out),
        *rows.notes(),
        *_left_out_notes(left_out),
        _write_report(parts, is_stopped),
    )
    return [note for note in notes if note]


class ResultSchedule:
    """Decides when a run that watches its folders writes its results."""

    def __init__(self, timing: WatchTiming) -> None:
        self._timing = timing
        # None: also the tables that an earlier run may have left are written
        self._changes: int | None = None
        self._written = time.monotonic()
        self._duration = 0.0

    def is_due(self, changes: int, *, is_idle: bool) -> bool:
        """Whether the results are to be written now.

        changes: the number of changes of the run so far. is_idle: whether the run waits for files.
        """
        pause = self._timing.between_listings if is_idle else self._timing.between_tables
        elapsed = time.monotonic() - self._written
        return changes != self._changes and elapsed >= max(pause, _DURATION_FACTOR * self._duration)

    def write(self, parts: RunParts, is_stopped: Callable[[], bool]) -> None:
        """Write the results of a run whose jobs may be in progress."""
        started = time.monotonic()
        parts.committer.settle(is_stopped)
        write_results(parts, is_stopped)
        self._changes = parts.committer.changes
        self._written = time.monotonic()
        self._duration = self._written - started


def _write_card(output: FolderOutput, options: Options, rows: RowSurvey, left_out: Sequence[str]) -> str:
    """Write README.md, or remove an earlier one with `--no-card`; return a note, '' for none."""
    if options.output.no_card:
        remove_card(output)
        return ""
    command = " ".join(("plainfilm convert SOURCE... OUT", *options.command_words()))
    columns, data_set = options.privacy.columns.words, data_set_columns(options)
    suffix = options.encoding.format.suffix.removeprefix(".")
    content = CardContent(
        command, options.output.table, columns, data_set, options.output.layout, tuple(left_out), suffix
    )
    return write_card(output, content, rows.card)


def _write_report(parts: RunParts, is_stopped: Callable[[], bool]) -> str:
    """Write the report; return a note for the summary where that fails, which leaves the images as they are.

    A stopped run has to end soon, so it leaves no report.
    """
    # a run starts faster without the modules of the report
    from plainfilm.report.report import write_report

    options = parts.inputs.options
    rows = LedgerRows(parts.ledger, options.data_set.label.table_columns)
    try:
        is_wanted = not options.run.no_report and not is_stopped()
        if not is_wanted or not write_report(parts.output, rows, is_stopped):
            remove_report(parts.output)
    except PlainfilmError as error:
        with suppress(PlainfilmError):
            remove_report(parts.output)
        return f"there is no report ({error.message}): `plainfilm report` writes it"
    return ""


def _left_out_notes(columns: Sequence[str]) -> Iterator[str]:
    """Yield a line for the summary about columns that the tables of the splits do not have."""
    if columns:
        yield (
            f"columns left out of the tables, because they are empty in one split and not in another, which Hugging "
            f"Face's loader cannot read: {', '.join(columns)} (--table parquet keeps them)"
        )
