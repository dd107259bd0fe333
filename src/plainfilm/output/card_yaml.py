# SPDX-License-Identifier: MIT
"""Write the YAML at the top of OUT/README.md, with which Hugging Face's `datasets` loads OUT.

It names the files of each split, and lists every column with its type: in the config for folders of images, and in
`dataset_info` for tar files, since the two loaders read different places.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from plainfilm.options.output import Layout, Table
from plainfilm.output.card_content import CardContent, CardSurvey
from plainfilm.output.table_schema import Column, ColumnType
from plainfilm.output.tables import METADATA, table_name

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def yaml_lines(content: CardContent, survey: CardSurvey) -> Iterator[str]:
    """Yield the YAML block. Without images there is none: the loader would fail at it."""
    if not survey.patterns:
        return
    yield "---"
    yield "configs:"
    yield "- config_name: default"
    yield "  data_files:"
    for split in sorted(survey.patterns, key=split_order(content)):
        yield f"  - split: {split or 'train'}"
        yield f"    path: {_paths_of(content, survey, split)}"
    yield from _features(content)
    yield "---"


def split_order(content: CardContent) -> Callable[[str], int]:
    """Return the key that sorts splits as the user gave them."""
    names = content.data_set.splits
    return lambda split: names.index(split) if split in names else len(names)


def _paths_of(content: CardContent, survey: CardSurvey, split: str) -> str:
    """Return the files of a split, as text of YAML."""
    if content.layout is Layout.WEBDATASET:
        return f'"{split}-*.tar"' if split else '"*.tar"'
    if content.layout is Layout.PARQUET:
        return f'"{split or "train"}-*.parquet"'
    folder = f"{split}/" if split else ""
    return f'["{folder}{survey.patterns[split]}", "{folder}{table_name(METADATA, content.table)}"]'


def _features(content: CardContent) -> Iterator[str]:
    """Yield the types of all columns; Parquet files of images hold them themselves.

    The loader of folders takes them from the config, that of tar files from `dataset_info`.
    """
    if content.layout is Layout.FOLDER:
        yield "  features:"
        yield from _feature("image", "image")
        for column in content.columns:
            if column.name != "file_name":
                yield from _feature(column.name, feature_type(column, content.table))
    elif content.layout is Layout.WEBDATASET:
        yield "dataset_info:"
        yield "  config_name: default"
        yield "  features:"
        yield from _feature("__key__", "string")
        yield from _feature("__url__", "string")
        yield from _feature(content.suffix, "image")
        yield "  - name: json"
        yield "    struct:"
        for column in content.columns:
            # a missing number is null in JSON, which keeps whole numbers
            yield from (f"  {line}" for line in _feature(column.name, column.type.value))


def _feature(name: str, dtype: str) -> Iterator[str]:
    yield f"  - name: {name if _PLAIN_NAME.fullmatch(name) else _quoted(name)}"
    yield f"    dtype: {dtype}"


def feature_type(column: Column, table: Table) -> str:
    """Return the type of a column in `datasets`, which cannot read missing whole numbers from CSV."""
    is_fractional = column.type is ColumnType.INTEGER and column.may_be_missing and table is Table.CSV
    return ColumnType.NUMBER.value if is_fractional else column.type.value


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
