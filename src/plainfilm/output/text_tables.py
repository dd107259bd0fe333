# SPDX-License-Identifier: MIT
"""Encode tables as CSV and as JSON Lines, and decode them.

CSV is that of RFC 4180 in UTF-8, with a line feed at the end of each line. A missing value is an empty field, booleans
are `true` and `false`, and a number of a column that can be fractional always has a point. A text that a spreadsheet
would run as a formula gets the prefix `'`, except in the columns of `_WITHOUT_PREFIX`.

In JSON Lines each line is an object with all columns. A missing text is "", a missing number is null, so that a column
has the same type in every line.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO, TextIO

from plainfilm.output.table_schema import Cell, Column, ColumnType, Row, cells_of, number_text

_LINES_PER_CHUNK = 1000
_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")
_PREFIXED = re.compile(r"'+[=+\-@\t\r\n]")
# a file name is safe by construction, and loaders must find the file under it; the others are numbers
_WITHOUT_PREFIX = ("file_name", "affine")


def csv_chunks(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield the bytes of a CSV table in chunks, the header first."""
    fields = [(index, column.get, _field_of(column)) for index, column in enumerate(columns)]
    values: list[object] = [object()] * len(fields)
    texts = [""] * len(fields)

    def line_of(row: Row) -> str:
        for index, get, field_of in fields:
            # most values are equal to that of the row before, and equal values have equal texts
            if (value := get(row)) != values[index]:
                values[index], texts[index] = value, field_of(value)
        return _csv_line(texts)

    yield _csv_line(column.name for column in columns).encode()
    yield from _chunks(map(line_of, rows))


def jsonl_chunks(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield the bytes of a table in JSON Lines in chunks."""
    names = [column.name for column in columns]
    missing = [("" if column.type is ColumnType.TEXT else None) for column in columns]
    cells = cells_of(columns)

    def line_of(row: Row) -> str:
        values = (default if cell is None else cell for cell, default in zip(cells(row), missing, strict=True))
        return json.dumps(dict(zip(names, values, strict=True)), ensure_ascii=False, allow_nan=False) + "\n"

    yield from _chunks(map(line_of, rows))


def read_csv_cells(file: TextIO, columns: Sequence[Column]) -> Iterator[dict[str, Cell]]:
    """Yield the cells of each row of a CSV table by column; columns that are not among `columns` hold text.

    Raises ValueError for text that is no number or boolean in a column of such a type.
    """
    types = {column.name: column.type for column in columns}
    for texts in read_csv_texts(file):
        yield {name: _cell_of_text(text, types.get(name, ColumnType.TEXT)) for name, text in texts.items()}


def read_csv_texts(file: TextIO) -> Iterator[dict[str, str]]:
    """Yield the texts of each row of a CSV table by column, without the prefix `'`."""
    for row in csv.DictReader(file):
        yield {name: text[1:] if _PREFIXED.match(text) else text for name, text in row.items()}


def read_csv_selection(file: TextIO, columns: Sequence[Column]) -> Iterator[list[Cell]]:
    """Yield the cells of some columns of each row of a CSV table, in the order of `columns`.

    Raises KeyError where the table lacks a column, and ValueError as `read_csv_cells`.
    """
    reader = csv.reader(file)
    positions = {name: index for index, name in enumerate(next(reader, []))}
    selection = [(positions[column.name], column.type) for column in columns]
    for row in reader:
        texts = ((row[index], kind) for index, kind in selection)
        yield [_cell_of_text(text[1:] if _PREFIXED.match(text) else text, kind) for text, kind in texts]


def read_jsonl_cells(file: BinaryIO) -> Iterator[dict[str, Cell]]:
    """Yield the cells of each row of a table in JSON Lines by column. Raises ValueError for other text."""
    for line in file:
        yield json.loads(line)


def _chunks(lines: Iterator[str]) -> Iterator[bytes]:
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


def _field_of(column: Column) -> Callable[[Any], str]:
    """Return the function that converts a value of a row to the field of a column."""
    format_cell = str if column.name in _WITHOUT_PREFIX else _FORMATS[column.type]

    def field_of(value: Any) -> str:
        cell = column.cell_of(value)
        return "" if cell is None else format_cell(cell)

    return field_of


def _csv_text(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) else text


def _csv_boolean(value: bool) -> str:
    return "true" if value else "false"


_FORMATS: dict[ColumnType, Callable[[Any], str]] = {
    ColumnType.TEXT: _csv_text,
    ColumnType.INTEGER: str,
    ColumnType.NUMBER: number_text,
    ColumnType.BOOLEAN: _csv_boolean,
}
_BOOLEANS = {"true": True, "false": False}


def _cell_of_text(text: str, column_type: ColumnType) -> Cell:
    if not text:
        return None
    if column_type is ColumnType.BOOLEAN:
        if text not in _BOOLEANS:
            raise ValueError("no boolean")
        return _BOOLEANS[text]
    if column_type is ColumnType.INTEGER:
        return int(text)
    return float(text) if column_type is ColumnType.NUMBER else text
