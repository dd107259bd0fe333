# SPDX-License-Identifier: MIT
"""Write the two tables of a run into OUT, in the format of `--table`, and read them back."""

from __future__ import annotations

import csv
import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from plainfilm.errors import OutputError, Reason, RunError, Stage
from plainfilm.options.output import Layout, OutputOptions, Table
from plainfilm.output.folder import FolderOutput
from plainfilm.output.parquet_table import check_parquet, parquet_chunks, read_parquet_cells
from plainfilm.output.split_tables import columns_to_leave_out, from_split_folder, split_rows, splits_of
from plainfilm.output.storage import unwritable_message
from plainfilm.output.table_schema import (
    FAILURE_COLUMNS,
    NO_DATA_SET,
    Cell,
    Column,
    DataSetColumns,
    Row,
    failure_of_cells,
    metadata_columns,
    record_of_cells,
)
from plainfilm.output.text_tables import csv_chunks, jsonl_chunks, read_csv_cells, read_csv_texts, read_jsonl_cells
from plainfilm.records import Failure, Record

METADATA, FAILURES = "metadata", "failures"
"""The names of the tables without the suffix, which is the word of `--table`."""

T = TypeVar("T", Record, Failure)


class UnwritableTableError(RunError):
    """Something else has the name of a table or of run.json, or the permissions forbid to write it."""

    default_reason = Reason.WRITE_FAILED
    default_stage = Stage.WRITE


class Rows(Protocol):
    """The rows of both tables, each in the order of its table (source, frame), as often as they are asked for."""

    def records(self) -> Iterator[Record]:
        """Yield the rows of the images."""

    def failures(self) -> Iterator[Failure]:
        """Yield the rows of the failures."""


def table_name(name: str, table: Table) -> str:
    """Return the file name of a table."""
    return f"{name}.{table.value}"


def check_output_formats(options: OutputOptions) -> None:
    """Raise OptionsError if this installation cannot write the tables or files that the options ask for."""
    if options.table is Table.PARQUET:
        check_parquet("--table parquet", "--table csv or --table jsonl")
    if options.layout is Layout.PARQUET:
        check_parquet("--layout parquet", "another layout")


def write_tables(
    output: FolderOutput,
    rows: Rows,
    table: Table = Table.CSV,
    carried: Sequence[str] = (),
    data_set: DataSetColumns = NO_DATA_SET,
) -> tuple[str, ...]:
    """Write both tables, and remove those of another format: a loader that finds several refuses all.

    carried: the names of the columns whose cells are in `Record.carried`.

    If the splits have folders, the metadata table is written for each split, into its folder. The names of the columns
    that are left out of these tables are returned.

    All tables are complete before the first gets its name, so that a full disk leaves none of them or all earlier ones.
    Raises UnwritableTableError, after the other tables have got their names, where something else has the name of a
    table; StorageFullError and RunError.
    """
    columns, left_out = table_columns(rows, table, carried, data_set)
    written, problems = _write_together(output, encode_tables(rows, table, columns, data_set))
    folders = ("", *(f"{split}/" for split in data_set.splits if data_set.has_split_folders))
    names = (f"{folder}{table_name(METADATA, other)}" for folder in folders for other in Table)
    obsolete = [*names, *(table_name(FAILURES, other) for other in Table)]
    unremoved = output.remove(name for name in obsolete if name not in written)
    # a split without images has no folder
    output.remove_empty_folders(obsolete)
    problems += [f"{output.out / name} cannot be removed: remove it" for name in sorted(unremoved)]
    _raise_problems(problems)
    return left_out


def table_columns(
    rows: Rows, table: Table, carried: Sequence[str], data_set: DataSetColumns
) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    """Return the columns of the metadata table, and the names of those that the tables of splits must leave out."""
    columns = metadata_columns(carried, data_set)
    if not data_set.has_split_folders or table is Table.PARQUET:
        return columns, ()
    left_out = columns_to_leave_out(columns, rows.records())
    return tuple(column for column in columns if column.name not in left_out), left_out


def encode_tables(
    rows: Rows, table: Table, columns: Sequence[Column], data_set: DataSetColumns = NO_DATA_SET
) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield the file name and the bytes of each table; columns: those of `table_columns`."""
    encode = _ENCODERS[table]
    if data_set.has_split_folders:
        for split in splits_of(rows.records()):
            yield f"{split}/{table_name(METADATA, table)}", encode(columns, split_rows(rows.records(), split))
    else:
        yield table_name(METADATA, table), encode(columns, rows.records())
    yield table_name(FAILURES, table), encode(FAILURE_COLUMNS, rows.failures())


def write_run_file(output: FolderOutput, name: str, data: bytes) -> None:
    """Write a file that belongs to the run. Raises UnwritableTableError, StorageFullError and RunError."""
    _raise_problems([_write(output, name, [data])])


def read_records(out: Path, table: Table, splits: Sequence[str] = ()) -> Iterator[Record]:
    """Yield the rows of the metadata table of OUT, or of those of the splits, by source and frame.

    Raises OSError, and RunError where a table is damaged.
    """
    name = table_name(METADATA, table)
    if not splits:
        return _read(out / name, table, metadata_columns(), record_of_cells)
    readers = [_read_split(out, split, name, table) for split in splits if (out / split / name).exists()]
    return heapq.merge(*readers, key=lambda record: (record.source, record.number))


def _read_split(out: Path, split: str, name: str, table: Table) -> Iterator[Record]:
    for record in _read(out / split / name, table, metadata_columns(), record_of_cells):
        yield from_split_folder(record, split)


def read_failures(out: Path, table: Table) -> Iterator[Failure]:
    """Yield the rows of the table of failures of OUT. Raises as `read_records`."""
    return _read(out / table_name(FAILURES, table), table, FAILURE_COLUMNS, failure_of_cells)


def read_table(path: Path) -> list[dict[str, str]]:
    """Read the rows of a CSV table as text, without the prefix `'` of formulas. Raises OSError."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(read_csv_texts(file))


_ENCODERS: dict[Table, Callable[[Sequence[Column], Iterable[Row]], Iterator[bytes]]] = {
    Table.CSV: csv_chunks,
    Table.JSONL: jsonl_chunks,
    Table.PARQUET: parquet_chunks,
}


def _read(
    path: Path, table: Table, columns: Sequence[Column], row_of_cells: Callable[[dict[str, Cell]], T]
) -> Iterator[T]:
    try:
        with _open_cells(path, table, columns) as rows:
            yield from map(row_of_cells, rows)
    except (ValueError, TypeError, KeyError, csv.Error) as error:
        # the message of the cause may quote a cell
        message = f"{path} is damaged ({type(error).__name__}): run again, which writes the table anew"
        raise RunError(message, reason=Reason.UNREADABLE, stage=Stage.READ) from None


@contextmanager
def _open_cells(path: Path, table: Table, columns: Sequence[Column]) -> Iterator[Iterator[dict[str, Cell]]]:
    if table is Table.CSV:
        with path.open(newline="", encoding="utf-8") as file:
            yield read_csv_cells(file, columns)
        return
    with path.open("rb") as binary_file:
        yield read_jsonl_cells(binary_file) if table is Table.JSONL else read_parquet_cells(binary_file)


def _write_together(output: FolderOutput, files: Iterable[tuple[str, Iterable[bytes]]]) -> tuple[set[str], list[str]]:
    """Write all files before the first gets its name; return the names, and what is wrong with files that have none."""
    names: dict[str, str] = {}
    written, problems = set[str](), list[str]()
    try:
        for name, chunks in files:
            written.add(name)
            try:
                names[output.stage(chunks)] = name
            except OutputError as error:
                problems.append(unwritable_message(output.out / name, error))
    except RunError:
        # the run may free space and write fewer rows
        output.discard(names)
        raise
    errors = output.publish(names)
    problems += [unwritable_message(output.out / names[temporary], errors[temporary]) for temporary in errors]
    return written, problems


def _write(output: FolderOutput, name: str, chunks: Iterable[bytes]) -> str:
    """Write a file; return what is wrong if it cannot be written and others can."""
    try:
        output.write_chunks(name, chunks)
    except OutputError as error:
        return unwritable_message(output.out / name, error)
    return ""


def _raise_problems(problems: Iterable[str]) -> None:
    if lines := [problem for problem in problems if problem]:
        raise UnwritableTableError("\n".join((*lines, "then run again: the images that are done stay")))
