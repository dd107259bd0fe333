# SPDX-License-Identifier: MIT
"""Records and failures -> OUT/metadata.csv and OUT/failures.csv, the same bytes whatever the order they come in; and back.

RFC 4180 in UTF-8, with a line feed at the end of each line. Nothing is an empty field; booleans are `true` and `false`; a
float is the shortest text that reads back as it, always with a point or an exponent, so that a column has one type in every
table; `affine` is six floats with spaces between them. Text that a spreadsheet would run gets a `'` in front.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice
from math import isnan
from pathlib import Path

from plainfilm.record import Failure, Record
from plainfilm.sinks.folder import FolderSink
from plainfilm.splits import Splits, columns_of_one_type, infer_splits

METADATA = "metadata.csv"
FAILURES = "failures.csv"
COLUMNS = tuple(column.name for column in fields(Record) if column.name != "stored_sha256")
FAILURE_COLUMNS = tuple(column.name for column in fields(Failure))

_LINES_AT_A_TIME = 1000
# what cannot stand in a table: control characters but tab, line feed and carriage return, and bytes that were no text
_UNBEARABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_RUN_BY_SPREADSHEETS = re.compile(r"'*[=+\-@\t\r\n]")
_PREFIXED = re.compile(r"'+[=+\-@\t\r\n]")
_NEEDS_QUOTES = re.compile(r'[",\r\n]')


def write_tables(out: Path, records: Iterable[Record], failures: Iterable[Failure]) -> Splits:
    """Write both tables, each in one step, and one for each folder that Hugging Face's loader would take for a split.

    Fills in `duplicate_of`. Raises what FolderSink.write raises.
    """
    sink = FolderSink(out)
    rows = with_duplicates(records)
    sink.write_chunks(METADATA, _table(COLUMNS, rows))
    sink.write_chunks(FAILURES, _table(FAILURE_COLUMNS, sorted(failures, key=_failure_order)))
    splits = infer_splits(row.file_name for row in rows)
    by_folder = {folder: [row for row in rows if row.file_name.startswith(f"{folder}/")] for folder in splits.folders}
    columns = columns_of_one_type(COLUMNS, by_folder.values())
    for folder, inside in by_folder.items():
        own = (replace(row, file_name=row.file_name[len(folder) + 1 :]) for row in inside)
        sink.write_chunks(f"{folder}/{METADATA}", _table(columns, own))
    return splits
