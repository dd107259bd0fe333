# SPDX-License-Identifier: MIT
"""Divide the rows of the metadata table among the folders of the splits.

Names in the table of a split are relative to its folder. Hugging Face's loader reads the tables of all splits with one
set of types; a text column that is empty in one CSV or JSON Lines table and not in another makes it fail.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from plainfilm.output.table_schema import Column, ColumnType, cells_of
from plainfilm.records import Record


def splits_of(records: Iterable[Record]) -> list[str]:
    """Return the splits that hold images, by name."""
    return sorted({record.split for record in records})


def split_rows(records: Iterable[Record], split: str) -> Iterator[Record]:
    """Yield the rows of a split, with names relative to its folder."""
    for record in records:
        if record.split == split:
            copy = record.duplicate_of and posixpath.relpath(record.duplicate_of, split)
            yield replace(record, file_name=posixpath.relpath(record.file_name, split), duplicate_of=copy)


def from_split_folder(record: Record, split: str) -> Record:
    """Return a row of the table of a split with names relative to OUT."""
    copy = record.duplicate_of and posixpath.normpath(f"{split}/{record.duplicate_of}")
    return replace(record, split=split, file_name=f"{split}/{record.file_name}", duplicate_of=copy)


def columns_to_leave_out(columns: Sequence[Column], records: Iterable[Record]) -> tuple[str, ...]:
    """Return the names of the text columns that are empty in one split and not in another."""
    texts = [column for column in columns if column.type is ColumnType.TEXT and column.may_be_missing]
    cells = cells_of(texts)
    filled: dict[str, set[int]] = {}
    for record in records:
        filled.setdefault(record.split, set()).update(
            index for index, cell in enumerate(cells(record)) if cell is not None
        )
    numbers = [sum(index in indexes for indexes in filled.values()) for index in range(len(texts))]
    return tuple(column.name for column, number in zip(texts, numbers, strict=True) if 0 < number < len(filled))
