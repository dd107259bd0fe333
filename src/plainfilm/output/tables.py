# SPDX-License-Identifier: MIT
"""Write OUT/metadata.csv and OUT/failures.csv, and read them back.

The tables are CSV after RFC 4180 in UTF-8, with a line feed at the end of each line. A missing value is an empty field.
Booleans are `true` and `false`. A float is the shortest text that reads back as the same number, always with a point or
an exponent, so that a column has one type in every table. `affine` is six floats with spaces between them. A text that
a spreadsheet would run as a formula gets the prefix `'`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, replace
from functools import lru_cache
from itertools import groupby, islice
from math import isnan
from operator import attrgetter
from pathlib import Path
from typing import Protocol

from plainfilm.errors import OutputError, Reason, RunError, Stage
from plainfilm.output.folder import FolderOutput
from plainfilm.output.splits import Splits, SplitSurvey, split_folder
from plainfilm.output.storage import unwritable_message
from plainfilm.records import Failure, Record

METADATA = "metadata.csv"
FAILURES = "failures.csv"
COLUMNS = tuple(column.name for column in fields(Record) if column.name not in ("stored_hash", "carried"))
FAILURE_COLUMNS = tuple(column.name for column in fields(Failure))

_LINES_PER_CHUNK = 1000
# control characters except tab, line feed and carriage return; surrogates, which stand for bytes that are not UTF-8
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")
_PREFIXED = re.compile(r"'+[=+\-@\t\r\n]")


class UnwritableTableError(RunError):
    """Something else has the name of a table or of run.json, or the permissions forbid to write it."""

    default_reason = Reason.WRITE_FAILED
    default_stage = Stage.WRITE


class Rows(Protocol):
    """The rows of both tables, each in the order of its table (source, frame), as often as they are asked for."""

    def records(self) -> Iterator[Record]:
        """Yield the rows of the images."""

    def failures(self) -> Iterator[Failure]:
        """Yield the rows of the failures."""


def write_tables(output: FolderOutput, rows: Rows, carried: Sequence[str] = ()) -> Splits:
    """Write both tables, and one more in each folder that Hugging Face's loader takes for a split.

    carried: the names of the columns whose cells are in `Record.carried`; only the table at the top of OUT has them.

    Each table is replaced in one step. Raises UnwritableTableError, after the other tables have been written, where
    something else has the name of a table; StorageFullError and RunError.
    """
    survey = SplitSurvey(COLUMNS)
    problems = [
        _write(output, METADATA, _table(COLUMNS, map(survey.add, rows.records()), carried)),
        _write(output, FAILURES, _table(FAILURE_COLUMNS, rows.failures())),
    ]
    for folder, records in _records_by_split(rows, survey):
        relative = (replace(record, file_name=record.file_name[len(folder) + 1 :]) for record in records)
        problems.append(_write(output, f"{folder}/{METADATA}", _table(survey.columns_of_one_type(), relative)))
    _raise_problems(problems)
    return survey.splits()


def write_run_file(output: FolderOutput, name: str, data: bytes) -> None:
    """Write a file that belongs to the run. Raises UnwritableTableError, StorageFullError and RunError."""
    _raise_problems([_write(output, name, [data])])


def read_table(path: Path) -> list[dict[str, str]]:
    """Read the rows of a table as text, without the prefix `'` of `write_tables`. Raises OSError."""
    with path.open(newline="", encoding="utf-8") as file:
        return [{name: _without_prefix(text) for name, text in row.items()} for row in csv.DictReader(file)]


def printable_text(value: str) -> str:
    """Return a text as the tables show it: U+FFFD in the place of control characters and of bytes that are no UTF-8."""
    return value if value.isprintable() else _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", value)


def _write(output: FolderOutput, name: str, chunks: Iterable[bytes]) -> str:
    """Write a file; return what is wrong if it cannot be written and others can."""
    try:
        output.write_chunks(name, chunks)
    except OutputError as error:
        return unwritable_message(output.out / name, error)
    return ""


def _raise_problems(problems: Iterable[str]) -> None:
    if lines := [problem for problem in problems if problem]:
        raise UnwritableTableError("\n".join((*lines, "then run again: the images that are done stay")))


def _records_by_split(rows: Rows, survey: SplitSurvey) -> Iterator[tuple[str, Iterable[Record]]]:
    """Yield each split folder with its records, in one pass where the records of a folder follow one another."""
    folders = survey.splits().folders
    if not survey.is_scattered:
        groups = groupby(rows.records(), key=lambda record: split_folder(record.file_name)) if folders else ()
        yield from ((folder, records) for folder, records in groups if folder)
        return
    for folder in folders:
        yield folder, (record for record in rows.records() if split_folder(record.file_name) == folder)


def _table(
    columns: Sequence[str], rows: Iterable[Record] | Iterable[Failure], carried: Sequence[str] = ()
) -> Iterator[bytes]:
    """Yield the bytes of a table in chunks, the header first."""
    formats = [_FORMATS[name] for name in columns]
    values_of = attrgetter(*columns)

    def cells_of(row: Record | Failure) -> list[str]:
        cells = [format_value(value) for format_value, value in zip(formats, values_of(row), strict=True)]
        return [*cells, *map(_text, row.carried)] if carried and isinstance(row, Record) else cells

    yield _csv_line((*columns, *carried)).encode()
    lines = (_csv_line(cells_of(row)) for row in rows)
    while chunk := "".join(islice(lines, _LINES_PER_CHUNK)):
        yield chunk.encode()


class _Echo:
    """A file whose `write` returns its argument, so that `writerow` of a CSV writer returns the line."""

    def write(self, text: str) -> str:
        """Return the text."""
        return text


# with CR LF as line end, which Python needs to put a field with a lone CR in quotes
_WRITER = csv.writer(_Echo(), lineterminator="\r\n")


def _csv_line(cells: Iterable[str]) -> str:
    line: str = _WRITER.writerow(cells)
    return line.removesuffix("\r\n") + "\n"


@lru_cache(4096)
def _text(value: str) -> str:
    text = printable_text(value)
    return f"'{text}" if _FORMULA.match(text) else text


def _without_prefix(text: str) -> str:
    return text[1:] if _PREFIXED.match(text) else text


def _float(value: float | None) -> str:
    if value is None or isnan(value):
        return ""
    return float.__repr__(float(value) + 0.0)  # + 0.0 makes -0.0 positive


def _integer(value: int | None) -> str:
    return "" if value is None else str(int(value))


def _boolean(value: bool) -> str:
    return "true" if value else "false"


def _floats(values: Sequence[float]) -> str:
    return " ".join(map(_float, values))


_FORMATS_BY_TYPE: dict[object, Callable[..., str]] = {
    "str": _text,
    "Status": _text,
    "Reason": _text,
    "Stage": _text,
    "int": _integer,
    "int | None": _integer,
    "float": _float,
    "float | None": _float,
    "bool": _boolean,
    "tuple[float, float, float, float, float, float]": _floats,
}
_FORMATS = {
    column.name: _FORMATS_BY_TYPE[column.type]
    for column in (*fields(Record), *fields(Failure))
    if column.name in (*COLUMNS, *FAILURE_COLUMNS)
}
# a file name is safe by construction, and Hugging Face's loader must find the file under it: no prefix
_FORMATS["file_name"] = str
