# SPDX-License-Identifier: MIT
"""Predict what Hugging Face's loader `imagefolder` makes of OUT, so that the run can say where it loads too little.

This loader ignores README.md, and differs from `load_dataset(OUT)` in two ways.

- It takes certain words in names for splits. The words, and the characters that may stand beside them, are those of
  `datasets` (data_files.py); case matters. If a folder has such a name, only images in such folders are loaded. If no
  folder but a file has such a name, only such files are. The table at the top of OUT is then ignored.
- It takes the types of the columns of a CSV table from the first 10,000 rows. A text column that is empty there, or
  holds digits only, cannot hold other text later.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import IntEnum

from plainfilm.options.counting import counted
from plainfilm.options.encoding import ImageFormat
from plainfilm.options.output import Table
from plainfilm.output.table_schema import Cell, ColumnType, cells_of, metadata_columns
from plainfilm.records import Record

_WORDS = "train|training|validation|valid|dev|val|test|testing|eval|evaluation"
_SEPARATOR = "[-._ 0-9]"
_FOLDER = re.compile(rf"(?:.*{_SEPARATOR})?(?:{_WORDS})(?:{_SEPARATOR}.*)?", re.DOTALL)
_FILE = re.compile(rf"(?:.*{_SEPARATOR})?(?:{_WORDS}){_SEPARATOR}.*", re.DOTALL)
# what pandas reads as a missing value
_MISSING = re.compile(r"(?:#N/A(?: N/A)?|#NA|-?1\.#IND|-?1\.#QNAN|-?NaN|-?nan|<NA>|N/A|n/a|NA|NULL|null|None)?")
_NUMBER_OR_BOOLEAN = re.compile(
    r"\s*(?:[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?|[-+]?inf(?:inity)?|true|false)\s*", re.IGNORECASE
)
_ROWS_FOR_TYPES = 10_000
_TEXT_COLUMNS = tuple(column for column in metadata_columns() if column.type is ColumnType.TEXT)


_OTHER_SUFFIXES = frozenset(image_format.suffix for image_format in ImageFormat if not image_format.is_common)


def is_loadable(file_name: str) -> bool:
    """Whether loaders take a file of this name for an image."""
    return not file_name.endswith(tuple(_OTHER_SUFFIXES))


class _TextType(IntEnum):
    """What pandas takes a column of text for, in rising order of precedence."""

    MISSING = 0
    NUMBERS = 1
    TEXT = 2


class ImagefolderSurvey:
    """Collects, from one image after the other, what the loader makes of all of them; no row is kept in memory.

    table: the format of the tables.
    """

    def __init__(self, table: Table = Table.CSV) -> None:
        self._table = table
        self._rows = self._in_split_folders = self._split_file_names = 0
        self._cells = cells_of(_TEXT_COLUMNS)
        self._types = [_TextType.MISSING] * len(_TEXT_COLUMNS)
        self._changed: set[int] = set()
        self._suffix = ""

    def add(self, record: Record) -> None:
        """Survey one image."""
        *folders, name = record.file_name.split("/")
        self._suffix = self._suffix or name[name.rfind(".") :]
        if not _is_hidden(folders, name):
            self._in_split_folders += any(map(_FOLDER.fullmatch, folders))
            self._split_file_names += _FILE.fullmatch(name) is not None
        if self._table is Table.CSV:
            self._survey_types(self._cells(record))
        self._rows += 1

    def notes(self, *, has_card: bool = True) -> Iterator[str]:
        """Yield at most one line for the user: what the loader leaves out, and what to do.

        has_card: whether OUT has a README.md, with which `load_dataset(OUT)` needs no advice.
        """
        if not is_loadable(self._suffix):
            return
        other_way = "load_dataset(OUT) needs nothing" if has_card else ""
        if selected := self._in_split_folders or self._split_file_names:
            names = "folder names" if self._in_split_folders else "file names"
            files = f'data_files={{"train": ["**/*{self._suffix}", "metadata.{self._table.value}"]}}'
            dropped = f"{counted(self._rows - selected, 'image')} and " if self._rows > selected else ""
            yield _sentence(f"takes {names} for splits and leaves out {dropped}the table", f"give {files}", other_way)
        elif self._changed:
            columns = ", ".join(_TEXT_COLUMNS[index].name for index in sorted(self._changed))
            problem = f"takes the types of columns from the first 10,000 rows, which is wrong for {columns}"
            yield _sentence(problem, "give --table parquet", other_way)

    def _survey_types(self, cells: list[Cell]) -> None:
        for index, cell in enumerate(cells):
            if self._types[index] is _TextType.TEXT:
                continue
            text_type = _type_of(cell)
            if text_type > self._types[index]:
                if self._rows < _ROWS_FOR_TYPES:
                    self._types[index] = text_type
                else:
                    self._changed.add(index)


def _is_hidden(folders: list[str], name: str) -> bool:
    """Whether the loader ignores this path when it looks for splits."""
    return any(part.startswith(".") for part in (*folders, name)) or any(part.startswith("__") for part in folders)


def _sentence(problem: str, advice: str, other_way: str) -> str:
    ways = f"{advice}; {other_way}" if other_way else advice
    return f'Hugging Face\'s load_dataset("imagefolder") {problem}: {ways}'


def _type_of(cell: Cell) -> _TextType:
    text = str(cell or "")
    if _MISSING.fullmatch(text):
        return _TextType.MISSING
    return _TextType.NUMBERS if _NUMBER_OR_BOOLEAN.fullmatch(text) else _TextType.TEXT
