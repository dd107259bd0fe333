# SPDX-License-Identifier: MIT
"""Rows in their order -> OUT/metadata.csv and OUT/failures.csv; and back.

RFC 4180 in UTF-8, with a line feed at the end of each line. Nothing is an empty field; booleans are `true` and `false`;
a float is the shortest text that reads back as it, always with a point or an exponent, so that a column has one type in
every table; `affine` is six floats with spaces between them. Text that a spreadsheet would run gets a `'` in front.
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

from plainfilm.output.folder import FolderOutput
from plainfilm.output.splits import Splits, SplitSurvey, split_folder
from plainfilm.records import Failure, Record

METADATA = "metadata.csv"
FAILURES = "failures.csv"
COLUMNS = tuple(column.name for column in fields(Record) if column.name not in ("stored_hash", "carried"))
FAILURE_COLUMNS = tuple(column.name for column in fields(Failure))

_LINES_AT_A_TIME = 1000
# what cannot stand in a table: control characters but tab, line feed and carriage return, and bytes that were no text
_UNBEARABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_RUN_BY_SPREADSHEETS = re.compile(r"'*[=+\-@\t\r\n]")
_PREFIXED = re.compile(r"'+[=+\-@\t\r\n]")
# most text, which needs none of all this
_PLAIN = re.compile(r"(?:[A-Za-z0-9._][A-Za-z0-9 ._/:;-]*)?")
_NEEDS_QUOTES = re.compile(r'[",\r\n]')


class Rows(Protocol):
    """Where the rows are: both in the order of the tables (source, frame), one after the other, as often as asked."""

    def records(self) -> Iterator[Record]:
        """The images."""

    def failures(self) -> Iterator[Failure]:
        """What gave no image."""


def write_tables(sink: FolderOutput, rows: Rows, carried: Sequence[str] = ()) -> Splits:
    """Write both tables, each in one step, and one for each folder that Hugging Face's loader would take for a split.

    carried: the columns that `Record.carried` holds the cells of; the table of OUT alone has them.

    Raises what FolderOutput.write raises.
    """
    survey = SplitSurvey(COLUMNS)
    sink.write_chunks(METADATA, _table(COLUMNS, map(survey.see, rows.records()), carried))
    sink.write_chunks(FAILURES, _table(FAILURE_COLUMNS, rows.failures()))
    for folder, inside in _by_split(rows, survey):
        own = (replace(row, file_name=row.file_name[len(folder) + 1 :]) for row in inside)
        sink.write_chunks(f"{folder}/{METADATA}", _table(survey.columns_of_one_type(), own))
    return survey.splits()


def _by_split(rows: Rows, survey: SplitSurvey) -> Iterator[tuple[str, Iterable[Record]]]:
    """The images of each folder that is taken for a split: in one go where they lie together in the table."""
    folders = survey.splits().folders
    if not survey.scattered:
        groups = groupby(rows.records(), key=lambda row: split_folder(row.file_name)) if folders else ()
        yield from ((folder, inside) for folder, inside in groups if folder)
        return
    for folder in folders:
        yield folder, (row for row in rows.records() if split_folder(row.file_name) == folder)


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of a table as text, without the `'` that kept spreadsheets from running them. Raises OSError."""
    with path.open(newline="", encoding="utf-8") as file:
        return [{name: _unprefixed(text) for name, text in row.items()} for row in csv.DictReader(file)]


def _table(
    columns: Sequence[str], rows: Iterable[Record] | Iterable[Failure], carried: Sequence[str] = ()
) -> Iterator[bytes]:
    names = (*columns, "carried") if carried else columns
    formats = [_FORMATS[name] for name in names]
    yield (",".join((*columns, *carried)) + "\n").encode()
    cells_of = attrgetter(*names)
    lines = (",".join([write(cell) for write, cell in zip(formats, cells_of(row), strict=True)]) + "\n" for row in rows)
    while chunk := "".join(islice(lines, _LINES_AT_A_TIME)):
        yield chunk.encode()


@lru_cache(4096)
def _text(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    text = _UNBEARABLE.sub("\N{REPLACEMENT CHARACTER}", value)
    return _quoted(f"'{text}" if _RUN_BY_SPREADSHEETS.match(text) else text)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text


def _unprefixed(text: str) -> str:
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


def _texts(values: Sequence[str]) -> str:
    """Cells of their own."""
    return ",".join(map(_text, values))


_BY_TYPE: dict[object, Callable[..., str]] = {
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
    "tuple[str, ...]": _texts,
}
# file_name is safe by construction, and Hugging Face's loader must find the file
_FORMATS = {column.name: _BY_TYPE[column.type] for column in (*fields(Record), *fields(Failure))} | {
    "file_name": _quoted
}
