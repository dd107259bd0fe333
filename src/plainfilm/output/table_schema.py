# SPDX-License-Identifier: MIT
"""The columns of the two tables and their types, the same for every format of the tables.

The columns follow from the fields of `Record` and `Failure`: a new field with one of the types below is a new column.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from enum import Enum
from functools import lru_cache
from math import isfinite
from operator import attrgetter
from typing import Any, TypeAlias

from plainfilm.errors import Reason, Stage
from plainfilm.pickling import dataclass
from plainfilm.records import Failure, Record, Status

Cell: TypeAlias = str | int | float | bool | None
Row: TypeAlias = Record | Failure

# control characters except tab, line feed and carriage return; surrogates, which stand for bytes that are not UTF-8
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


class ColumnType(Enum):
    """The type of the values of a column. The value is the name of the type in Arrow and in `datasets`."""

    TEXT = "string"
    INTEGER = "int64"
    NUMBER = "float64"
    """A number that can be fractional."""
    BOOLEAN = "bool"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    get: returns the value of the column from a row.
    cell_of: converts a value of the row to the cell: a text without control characters, a number or a boolean; None
    where the value is missing.
    value_of: converts a cell back to the value of the row.
    may_be_missing: whether a cell can be None.
    """

    name: str
    get: Callable[[Any], Any]
    type: ColumnType
    cell_of: Callable[[Any], Cell]
    value_of: Callable[[Any], Any]
    may_be_missing: bool = True


def printable_text(value: str) -> str:
    """Return a text as the tables show it: U+FFFD in the place of control characters and of bytes that are no UTF-8."""
    return value if value.isprintable() else _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", value)


@lru_cache(4096)
def text_cell(value: str) -> str | None:
    """Return the cell of a text: control characters are replaced, and an empty text is missing."""
    return printable_text(value) or None


def number_text(value: float) -> str:
    """Return the shortest text that reads back as the same number; it always has a point, with an exponent too."""
    text = float.__repr__(value)
    return text if "." in text else text.replace("e", ".0e")


@dataclass(frozen=True, slots=True)
class DataSetColumns:
    """The columns of a data set: of its splits and its labels.

    splits: the names of the splits; none without `--split`. has_split_folders: whether each split has a folder and a
    table of its own. labels: the names of the columns whose cells are in `Record.labels`.
    """

    splits: tuple[str, ...] = ()
    has_split_folders: bool = False
    labels: tuple[str, ...] = ()


NO_DATA_SET = DataSetColumns()


def metadata_columns(carried: Sequence[str] = (), data_set: DataSetColumns = NO_DATA_SET) -> tuple[Column, ...]:
    """Return the columns of the metadata table; carried: the names of the columns whose cells are in `Record.carried`.

    No name is `image` or ends in `_file_name`: loaders take such a column for an image.
    """
    split = [_text_column("split", attrgetter("split"))] if data_set.splits else []
    labels = (_text_column(name, _ItemOf("labels", index)) for index, name in enumerate(data_set.labels))
    texts = (_text_column(name, _ItemOf("carried", index)) for index, name in enumerate(carried))
    return (*_METADATA, *split, *labels, *texts)


def column_named(name: str) -> Column:
    """Return the column of the metadata table with a name; one that is not in every table holds text."""
    of_every_table = (column for column in _METADATA if column.name == name)
    return next(of_every_table, _text_column(name, attrgetter(name)))


@dataclass(frozen=True, slots=True)
class _ItemOf:
    """Returns an item of a field of a row that holds several texts; '' where there is none."""

    field: str
    index: int

    def __call__(self, row: Record) -> str:
        values: Sequence[str] = getattr(row, self.field)
        return values[self.index] if self.index < len(values) else ""


def _text_column(name: str, get: Callable[[Any], Any]) -> Column:
    return Column(name, get, ColumnType.TEXT, text_cell, _text_value)


def cells_of(columns: Sequence[Column]) -> Callable[[Row], list[Cell]]:
    """Return the function that converts a row to its cells, in the order of the columns."""
    converters = [(column.cell_of, column.get) for column in columns]

    def cells(row: Row) -> list[Cell]:
        return [cell_of(get(row)) for cell_of, get in converters]

    return cells


def record_of_cells(cells: Mapping[str, Cell]) -> Record:
    """Return the row of the metadata table with these cells; further columns become labels and `Record.carried`.

    Raises KeyError, TypeError or ValueError where the cells are not those of such a row.
    """
    others = {name: _text_value(cell) for name, cell in cells.items() if name not in _METADATA_NAMES}
    split = others.pop("split", "")
    labels = tuple(text for name, text in others.items() if name.startswith("label_"))
    carried = tuple(text for name, text in others.items() if not name.startswith("label_"))
    values = {
        # a column that is empty in one split is left out of the tables of all
        column.name: column.value_of(cells.get(column.name) if column.may_be_missing else cells[column.name])
        for column in _METADATA
    }
    return Record(**values, split=split, labels=labels, carried=carried)


def failure_of_cells(cells: Mapping[str, Cell]) -> Failure:
    """Return the row of the table of failures with these cells. Raises as `record_of_cells`."""
    return Failure(**{column.name: column.value_of(cells[column.name]) for column in FAILURE_COLUMNS})


def _text_value(cell: Cell) -> str:
    return str(cell or "")


def _integer_cell(value: int | None) -> int | None:
    return None if value is None else int(value)


def _number_cell(value: float | None) -> float | None:
    # + 0.0 makes -0.0 positive
    return float(value) + 0.0 if value is not None and isfinite(value) else None


def _numbers_cell(values: Sequence[float]) -> str:
    return " ".join(number_text(float(value) + 0.0) for value in values)


def _numbers_value(cell: str) -> tuple[float, ...]:
    return tuple(map(float, cell.split()))


def _same(value: Any) -> Any:
    return value


# by the type of the field: type of the column, value to cell, cell to value, whether it may be missing
_TYPES: dict[object, tuple[ColumnType, Callable[[Any], Cell], Callable[[Any], Any], bool]] = {
    "str": (ColumnType.TEXT, text_cell, _text_value, True),
    "Status": (ColumnType.TEXT, str, Status, False),
    "Reason": (ColumnType.TEXT, str, Reason, False),
    "Stage": (ColumnType.TEXT, str, Stage, False),
    "int": (ColumnType.INTEGER, _integer_cell, _same, False),
    "int | None": (ColumnType.INTEGER, _integer_cell, _same, True),
    "float": (ColumnType.NUMBER, _number_cell, _same, True),
    "float | None": (ColumnType.NUMBER, _number_cell, _same, True),
    "bool": (ColumnType.BOOLEAN, bool, _same, False),
    "tuple[float, float, float, float, float, float]": (ColumnType.TEXT, _numbers_cell, _numbers_value, False),
}
_OTHER_FIELDS = ("stored_hash", "carried", "label_key", "split", "labels")


def _columns_of(row_class: type[Row]) -> tuple[Column, ...]:
    shown = (field for field in fields(row_class) if field.name not in _OTHER_FIELDS)
    return tuple(Column(field.name, attrgetter(field.name), *_TYPES[field.type]) for field in shown)


_METADATA = _columns_of(Record)
_METADATA_NAMES = frozenset(column.name for column in _METADATA)
FAILURE_COLUMNS = _columns_of(Failure)
"""The columns of the table of failures."""
