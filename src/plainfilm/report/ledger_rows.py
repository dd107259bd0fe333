# SPDX-License-Identifier: MIT
"""Read the rows and previews of a report from the ledger of an OUT."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from plainfilm.errors import LedgerError
from plainfilm.ledger.finished_ledger import FinishedLedger, no_run_message, open_finished_ledger
from plainfilm.ledger.ledger import Ledger
from plainfilm.options.data_set import parse_label_columns
from plainfilm.output.folder import FolderOutput
from plainfilm.output.ownership import check_merged
from plainfilm.pickling import dataclass
from plainfilm.records import Failure, Record


@dataclass(frozen=True, slots=True)
class LedgerRows:
    """The rows of a ledger that is open, each kind by source and frame.

    label_columns: the names of the columns whose values are in `Record.labels`.
    """

    ledger: Ledger
    label_columns: Sequence[str] = ()

    def records(self) -> Iterator[Record]:
        """Yield the rows of the images."""
        return self.ledger.records()

    def failures(self) -> Iterator[Failure]:
        """Yield the rows of the failures."""
        return self.ledger.failures()

    def chosen_records(self, chosen: Iterable[bool]) -> Iterator[Record]:
        """Yield the rows of some images; chosen: for each row, in the order of the table, whether it is one of them."""
        return self.ledger.records(chosen)

    def preview(self, record: Record) -> bytes:
        """Return the preview of an image, b"" where it has none."""
        return self.ledger.previews.of(record.source, record.number)


@dataclass(frozen=True, slots=True)
class FinishedOutput:
    """An OUT that no other run uses now, and its rows."""

    output: FolderOutput
    rows: LedgerRows


@contextmanager
def open_finished_output(out: Path) -> Iterator[FinishedOutput]:
    """Lock an OUT and open its ledger for reading.

    Raises LedgerError where OUT holds no run or cannot be written to, OutputLockedError where another run uses it, and
    RunError.
    """
    output = FolderOutput(out)
    check_merged(out)
    if not output.has_ledger():
        raise LedgerError(no_run_message(out))
    with output.open_for_run(), open_finished_ledger(output.ledger_path) as ledger:
        yield FinishedOutput(output, LedgerRows(ledger, _label_columns(ledger)))


def _label_columns(ledger: FinishedLedger) -> Sequence[str]:
    """Return the columns of `--label` of the run that wrote the ledger."""
    return parse_label_columns(str(ledger.fingerprint.options.get("label") or "")).table_columns
