# SPDX-License-Identifier: MIT
"""Write what concludes a run, from the rows of its ledger: the tables, README.md, the report and run.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from plainfilm.conversion.placement import data_set_columns
from plainfilm.conversion.row_survey import RowSurvey
from plainfilm.conversion.run_parts import write_metadata_tables
from plainfilm.errors import PlainfilmError
from plainfilm.ledger.ledger import Ledger
from plainfilm.options.options import Options
from plainfilm.output.card_content import CardContent
from plainfilm.output.data_card import remove_card, write_card
from plainfilm.output.folder import FolderOutput
from plainfilm.records import Failure
from plainfilm.report.ledger_rows import LedgerRows
from plainfilm.report.report_files import remove_report

if TYPE_CHECKING:
    from plainfilm.report.report_survey import ReportSurvey


def write_results(
    output: FolderOutput, ledger: Ledger, options: Options, is_stopped: Callable[[], bool]
) -> Iterator[str]:
    """Write the tables, README.md and the report, and yield lines for the summary. Raises StorageFullError, RunError.

    is_stopped: whether the run has been stopped; it then has to end soon, so it leaves no report.
    """
    rows = RowSurvey(ledger, options)
    left_out = write_metadata_tables(output, rows, options)
    yield _write_card(output, rows, options, left_out)
    yield from rows.notes()
    yield from _left_out_notes(left_out)
    yield from _format_notes(options)
    yield _write_report(output, ledger, options, is_stopped, rows.report)


def count_reasons(failures: Iterable[Failure]) -> dict[str, int]:
    """Return the number of failures and skipped inputs by status and reason, such as `failed: timeout`."""
    counts = Counter(f"{failure.status}: {failure.reason}" for failure in failures)
    return dict(counts.most_common())


def _write_card(output: FolderOutput, rows: RowSurvey, options: Options, left_out: Sequence[str]) -> str:
    """Write README.md, or remove an earlier one with `--no-card`; return a note, '' for none."""
    if options.output.no_card:
        remove_card(output)
        return ""
    command = " ".join(("plainfilm convert SOURCE... OUT", *options.command_words()))
    columns, data_set = options.privacy.columns.words, data_set_columns(options)
    suffix = options.encoding.format.suffix.removeprefix(".")
    content = CardContent(command, options.output.table, columns, data_set, options.output.layout, left_out, suffix)
    return write_card(output, content, rows.card)


def _write_report(
    output: FolderOutput,
    ledger: Ledger,
    options: Options,
    is_stopped: Callable[[], bool],
    survey: ReportSurvey | None,
) -> str:
    """Write the report; return a note for the summary where that fails, which leaves the images as they are."""
    # a run starts faster without the modules of the report
    from plainfilm.report.report import write_report

    rows = LedgerRows(ledger, options.data_set.label.table_columns)
    try:
        is_wanted = not options.run.no_report and not is_stopped()
        if not is_wanted or not write_report(output, rows, is_stopped, survey=survey):
            remove_report(output)
    except PlainfilmError as error:
        with suppress(PlainfilmError):
            remove_report(output)
        return f"there is no report ({error.message}): `plainfilm report` writes it"
    return ""


def _left_out_notes(columns: Sequence[str]) -> Iterator[str]:
    """Yield a line for the summary about columns that the tables of the splits do not have."""
    if columns:
        yield (
            f"columns left out of the tables, because they are empty in one split and not in another, which Hugging "
            f"Face's loader cannot read: {', '.join(columns)} (--table parquet keeps them)"
        )


def _format_notes(options: Options) -> Iterator[str]:
    """Yield a line for the summary about a format that common loaders of image folders do not list."""
    if not options.encoding.format.is_common:
        yield (
            f"common loaders of image folders (torchvision, Hugging Face) list no {options.encoding.format.suffix} "
            "files: read them with a loader of your own"
        )
