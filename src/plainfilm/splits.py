# SPDX-License-Identifier: MIT
"""Names of images -> what Hugging Face's loader would make of them: it takes some words in names for splits.

The words and what may stand beside them are those of `datasets` (data_files.py); case matters. Where a folder is called
so, the loader keeps the images in such folders only, and only tables that lie in them; where a file is, that file alone
and no table.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from plainfilm.record import Record

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


def infer_splits(file_names: Iterable[str]) -> Splits:
    """What the loader makes of images with these names relative to OUT."""
    names = list(file_names)
    folders = [split_folder(name) for name in names]
    if any(folders):
        return Splits(tuple(sorted(set(filter(None, folders)))), left_out=folders.count(""))
    taken = sum(_FILE.fullmatch(name.rpartition("/")[2]) is not None for name in names)
    return Splits(by_file_name=taken > 0, left_out=len(names) - taken if taken else 0)


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


def columns_of_one_type(columns: Iterable[str], groups: Collection[Collection[Record]]) -> tuple[str, ...]:
    """The columns that the loader gives one type in the tables of all groups: it refuses tables that differ.

    A column of text that is empty throughout one table reads as numbers there, and so does text that is all digits.
    """
    return tuple(name for name in columns if len(groups) < 2 or _is_of_one_type(name, groups))


def _is_of_one_type(name: str, groups: Collection[Collection[Record]]) -> bool:
    kinds = {_kind_of([getattr(record, name) for record in group]) for group in groups}
    return len(kinds) == 1 and _Kind.NUMBERS not in kinds


def _kind_of(values: list[object]) -> _Kind:
    texts = [value for value in values if isinstance(value, str) and not _MISSING.fullmatch(value)]
    if any(_NUMBER_OR_BOOLEAN.fullmatch(text) is None for text in texts):
        return _Kind.TEXT
    # numbers of their own have one type whatever they are, as has what is missing everywhere
    return _Kind.NUMBERS if texts else _Kind.MISSING
