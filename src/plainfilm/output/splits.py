# SPDX-License-Identifier: MIT
"""Predict what Hugging Face's loader makes of OUT: it takes certain words in names for splits.

The words, and the characters that may stand beside them, are those of `datasets` (data_files.py); case matters. If a
folder has such a name, the loader keeps only images in such folders, and reads only tables in them. If no folder but a
file has such a name, the loader keeps only such files, and finds no table.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

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


@dataclass(frozen=True, slots=True)
class Splits:
    """What the loader makes of OUT.

    folders: the outermost folders that it takes for splits, sorted; each gets a table of its own.
    by_file_name: whether there is no such folder and it takes file names for splits.
    left_out: the number of images that it drops.
    """

    folders: tuple[str, ...] = ()
    by_file_name: bool = False
    left_out: int = 0

    def __str__(self) -> str:
        """A sentence for the user; empty where the loader takes OUT as it is."""
        if self.folders:
            dropped = f", and leaves out {self.left_out} images that lie in none" if self.left_out else ""
            tables = f"these folders got a metadata.csv of their own: {', '.join(self.folders)}"
            return f"Hugging Face's loader takes folders for splits{dropped}; {tables}"
        if self.by_file_name:
            advice = 'load it with data_files={"train": "**"}'
            return f"Hugging Face's loader takes file names for splits and leaves out {self.left_out} images: {advice}"
        return ""


def split_folder(file_name: str) -> str:
    """Return the path of the outermost folder of an image that has the name of a split, or ''."""
    folders = file_name.split("/")[:-1]
    depth = next((depth for depth, folder in enumerate(folders, 1) if _FOLDER.fullmatch(folder)), 0)
    return "/".join(folders[:depth])


class _ColumnType(StrEnum):
    """What pandas takes a column of text for, in rising order of precedence."""

    MISSING = "missing"
    NUMBERS = "numbers"
    TEXT = "text"


class SplitSurvey:
    """Collects, from one image after the other, what the loader makes of all of them; no row is kept in memory."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        self._types: dict[str, dict[str, _ColumnType]] = {}
        self._outside_folders = self._split_file_names = self._other_file_names = 0
        self._last_folder = ""
        self.is_scattered = False
        """Whether the images of a split folder do not follow one another."""

    def add(self, record: Record) -> Record:
        """Survey one image and return it."""
        if folder := split_folder(record.file_name):
            self.is_scattered |= folder != self._last_folder and folder in self._types
            types = self._types.setdefault(folder, dict.fromkeys(self._columns, _ColumnType.MISSING))
            for name in self._columns:
                if types[name] is not _ColumnType.TEXT:
                    types[name] = max(types[name], _type_of(getattr(record, name)), key=list(_ColumnType).index)
        else:
            self._outside_folders += 1
        self._last_folder = folder
        if _FILE.fullmatch(record.file_name.rpartition("/")[2]):
            self._split_file_names += 1
        else:
            self._other_file_names += 1
        return record

    def splits(self) -> Splits:
        """Return what the loader makes of the images so far."""
        if self._types:
            return Splits(tuple(sorted(self._types)), left_out=self._outside_folders)
        if self._split_file_names:
            return Splits(by_file_name=True, left_out=self._other_file_names)
        return Splits()

    def columns_of_one_type(self) -> tuple[str, ...]:
        """Return the columns that have the same type in the tables of all splits, as the loader requires.

        The loader reads a text column that is empty throughout one table as numbers, and a text of digits too.
        """
        if len(self._types) < 2:
            return tuple(self._columns)
        return tuple(name for name in self._columns if self._has_one_type(name))

    def _has_one_type(self, name: str) -> bool:
        types = {types_of_split[name] for types_of_split in self._types.values()}
        return len(types) == 1 and _ColumnType.NUMBERS not in types


def _type_of(value: object) -> _ColumnType:
    # a column of numbers has one type whatever its values are; so has one that is missing everywhere
    if not isinstance(value, str) or _MISSING.fullmatch(value):
        return _ColumnType.MISSING
    return _ColumnType.NUMBERS if _NUMBER_OR_BOOLEAN.fullmatch(value) else _ColumnType.TEXT
