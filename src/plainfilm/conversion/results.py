# SPDX-License-Identifier: MIT
"""Write what OUT holds beside its images, from the rows of its ledger: tables, data card and report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from plainfilm.conversion.placement import data_set_columns
from plainfilm.conversion.row_survey import RowSurvey
from plainfilm.errors import PlainfilmError
from plainfilm.ledger.ledger import Ledger
from plainfilm.options.options import Options
from plainfilm.output.card_content import CardContent
from plainfilm.output.data_card import remove_card, write_card
from plainfilm.output.folder import FolderOutput
from plainfilm.output.tables import Rows, write_tables
from plainfilm.report.ledger_rows import LedgerRows
from plainfilm.report.report_files import remove_report


def write_metadata_tables(output: FolderOutput, rows: Rows, options: Options) -> tuple[str, ...]:
    """Write the tables that the options ask for, as `write_tables` does; return the columns that are left out."""
    return write_tables(output, rows, options.output.table, options.privacy.columns.words, data_set_columns(options))


def write_tables_and_card(output: FolderOutput, ledger: Ledger, options: Options) -> list[str]:
    """Write the tables and README.md; return lines for the summary. Raises StorageFullError and RunError."""
    rows = RowSurvey(ledger, options)
    left_out = write_metadata_tables(output, rows, options)
    notes = (_write_card(output, options, rows, left_out), *rows.notes(), *_left_out_notes(left_out))
    return [note for note in notes if note]


def write_run_report(output: FolderOutput, ledger: Ledger, options: Options, is_stopped: Callable[[], bool]) -> str:
    """Write the report; return a line for the summary where that fails, which leaves the images as they are.

    A run that is stopped has to end soon, so it leaves no report.
    """
    # a run starts faster without the modules of the report
    from plainfilm.report.report import write_report

    rows = LedgerRows(ledger, options.data_set.label.table_columns)
    try:
        is_wanted = not options.run.no_report and not is_stopped()
        if not is_wanted or not write_report(output, rows, is_stopped):
            remove_report(output)
    except PlainfilmError as error:
        with suppress(PlainfilmError):
            remove_report(output)
        return f"there is no report ({error.message}): `plainfilm report` writes it"
    return ""


def _write_card(output: FolderOutput, options: Options, rows: RowSurvey, left_out: Sequence[str]) -> str:
    """Write README.md, or remove an earlier one with `--no-card`; return a note, '' for none."""
    if options.output.no_card:
        remove_card(output)
        return ""
    command = " ".join(("plainfilm convert SOURCE... OUT", *options.command_words()))
    columns, data_set = options.privacy.columns.words, data_set_columns(options)
    suffix = options.encoding.format.suffix.removeprefix(".")
    layout, table = options.output.layout, options.output.table
    content = CardContent(command, table, columns, data_set, layout, left_out, suffix)
    return write_card(output, content, rows.card)


def _left_out_notes(columns: Sequence[str]) -> Iterator[str]:
    """Yield a line for the summary about columns that the tables of the splits do not have."""
    if columns:
        yield (
            f"columns left out of the tables, because they are empty in one split and not in another, which Hugging "
            f"Face's loader cannot read: {', '.join(columns)} (--table parquet keeps them)"
        )
