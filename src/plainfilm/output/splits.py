# SPDX-License-Identifier: MIT
"""Names of images -> what Hugging Face's loader would make of them: it takes some words in names for splits.

The words and what may stand beside them are those of `datasets` (data_files.py); case matters. Where a folder is called
so, the loader keeps the images in such folders only, and only tables that lie in them; where a file is, that file alone
and no table.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from plainfilm.records import Record

_WORDS = "train|training|validation|valid|dev|val|test|testing|eval|evaluation"
_BESIDE = "[-._ 0-9]"
_FOLDER = re.compile(rf"(?:.*{_BESIDE})?(?:{_WORDS})(?:{_BESIDE}.*)?", re.DOTALL)
_FILE = re.compile(rf"(?:.*{_BESIDE})?(?:{_WORDS}){_BESIDE}.*", re.DOTALL)
# what pandas reads as a missing value
_MISSING = re.compile(r"(?:#N/A(?: N/A)?|#NA|-?1\.#IND|-?1\.#QNAN|-?NaN|-?nan|<NA>|N/A|n/a|NA|NULL|null|None)?")
_NUMBER_OR_BOOLEAN = re.compile(
    r"\s*(?:[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?|[-+]?inf(?:inity)?|true|false)\s*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Splits:
    """What the loader makes of OUT.

    folders: the outermost folders that it takes for splits, sorted; each gets a table of its own.
    by_file_name: whether, for want of such folders, it goes by the names of files and finds no table.
    left_out: images that it drops.
    """

    folders: tuple[str, ...] = ()
    by_file_name: bool = False
    left_out: int = 0

    def __str__(self) -> str:
        """A sentence for people; empty where OUT loads as it is."""
        if self.folders:
            dropped = f", and leaves out {self.left_out} images that lie in none" if self.left_out else ""
            tables = f"these folders got a metadata.csv of their own: {', '.join(self.folders)}"
            return f"Hugging Face's loader takes folders for splits{dropped}; {tables}"
        if self.by_file_name:
            advice = 'load it with data_files={"train": "**"}'
            return f"Hugging Face's loader takes file names for splits and leaves out {self.left_out} images: {advice}"
        return ""


def split_folder(file_name: str) -> str:
    """The path down to an image's outermost folder that is called like a split, or ''."""
    folders = file_name.split("/")[:-1]
    found = next((at for at, folder in enumerate(folders) if _FOLDER.fullmatch(folder)), None)
    return "/".join(folders[: found + 1]) if found is not None else ""


class _Kind(StrEnum):
    """What pandas takes a column of text for."""

    MISSING = "missing"
    NUMBERS = "numbers"
    TEXT = "text"


class SplitSurvey:
    """Looks at the images one by one, and says then what the loader makes of them; it keeps no row."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        self._kinds: dict[str, dict[str, _Kind]] = {}
        self._outside = self._by_file_name = self._others = 0
        self._last = ""
        self.scattered = False
        """Whether the images of a split do not follow one another."""

    def see(self, record: Record) -> Record:
        """Take notice of an image, and hand it on."""
        if folder := split_folder(record.file_name):
            self.scattered |= folder != self._last and folder in self._kinds
            kinds = self._kinds.setdefault(folder, dict.fromkeys(self._columns, _Kind.MISSING))
            for name in self._columns:
                if kinds[name] is not _Kind.TEXT:
                    kinds[name] = max(kinds[name], _kind_of(getattr(record, name)), key=list(_Kind).index)
        else:
            self._outside += 1
        self._last = folder
        if _FILE.fullmatch(record.file_name.rpartition("/")[2]):
            self._by_file_name += 1
        else:
            self._others += 1
        return record

    def splits(self) -> Splits:
        """What the loader makes of the images seen."""
        if self._kinds:
            return Splits(tuple(sorted(self._kinds)), left_out=self._outside)
        return Splits(by_file_name=self._by_file_name > 0, left_out=self._others if self._by_file_name else 0)

    def columns_of_one_type(self) -> tuple[str, ...]:
        """The columns that the loader gives one type in the tables of all splits: it refuses tables that differ.

        A column of text that is empty throughout one table reads as numbers there, and so does text that is all digits.
        """
        if len(self._kinds) < 2:
            return tuple(self._columns)
        return tuple(name for name in self._columns if self._is_of_one_type(name))

    def _is_of_one_type(self, name: str) -> bool:
        kinds = {of_split[name] for of_split in self._kinds.values()}
        return len(kinds) == 1 and _Kind.NUMBERS not in kinds


def _kind_of(value: object) -> _Kind:
    # numbers of their own have one type whatever they are, as has what is missing everywhere
    if not isinstance(value, str) or _MISSING.fullmatch(value):
        return _Kind.MISSING
    return _Kind.NUMBERS if _NUMBER_OR_BOOLEAN.fullmatch(value) else _Kind.TEXT
