# SPDX-License-Identifier: MIT
"""Read the names of the images of OUT, and some columns of its tables, into arrays for training code."""

from __future__ import annotations

import csv
import json
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from plainfilm.errors import OptionsError, Reason, RunError, SourceMissingError, Stage
from plainfilm.options.output import Table
from plainfilm.output.byte_strings import ByteStrings, StringsBuilder
from plainfilm.output.ownership import LEDGER
from plainfilm.output.parquet_table import check_parquet
from plainfilm.output.table_schema import Cell, Column, ColumnType, column_named
from plainfilm.output.tables import METADATA, table_name
from plainfilm.output.text_tables import read_csv_selection, read_jsonl_cells
from plainfilm.pickling import dataclass

Cells: TypeAlias = ByteStrings | npt.NDArray[Any]
"""The cells of one column: texts in UTF-8, or numbers; a missing text is empty, a missing number NaN."""

_SHARD_SUFFIXES = (".tar", ".parquet")
_OWN_COLUMNS = {"file_name", "source", "sop_instance", "affine", "sha256"}
_ROWS_PER_BATCH = 4096
_FILE_NAME = "file_name"


@dataclass(frozen=True, slots=True, eq=False)
class ImageTable:
    """The images of an OUT in the order of its tables; those of several splits follow one another by name of the split.

    names: paths relative to OUT, in UTF-8. splits: the split of each image, empty without splits.
    cells: the columns that were asked for.
    """

    names: ByteStrings
    splits: ByteStrings
    cells: Mapping[str, Cells]

    def indexes_of(self, split: str | None) -> npt.NDArray[np.int64]:
        """Return the indexes of the images of a split; of all images for None. Raises OptionsError."""
        if split is None:
            return np.arange(len(self.names))
        known = {name.decode() for name in self.splits} - {""}
        if split not in known:
            state = f"its splits are {', '.join(sorted(known))}" if known else "it was converted without --split"
            raise OptionsError(f"the folder has no split {split!r}: {state}")
        return np.flatnonzero([name == split.encode() for name in self.splits])


def is_out(path: Path) -> bool:
    """Whether a folder is the OUT of a run: it has a ledger, or a metadata table with the columns of plainfilm."""
    if (path / LEDGER).is_file():
        return True
    tables = _tables_of(path)
    return bool(tables) and set(_header(tables[0].path)) >= _OWN_COLUMNS


def read_image_table(out: Path, names: Sequence[str]) -> ImageTable:
    """Read the columns with these names from the metadata table of OUT, or from those of its splits.

    Raises OptionsError for a column that does not exist, for files that hold many images each, and where pyarrow is
    missing for a Parquet table; SourceMissingError where OUT has no table, and RunError where a table is damaged.
    """
    tables = _tables_of(out)
    if not tables:
        raise SourceMissingError(f"{out} has no metadata table: finish the run with the same command")
    columns = [column_named(name) for name in (_FILE_NAME, *names)]
    known = set(_header(tables[0].path))
    for column in (column for column in columns if known and column.name not in known):
        labels = ", ".join(sorted(filter(_is_label, known))) or "none"
        raise OptionsError(f"the table of {out} has no column {column.name!r}; its columns of labels: {labels}")
    files, splits, builders = StringsBuilder(), StringsBuilder(), [_CellBuilder(column.type) for column in columns[1:]]
    for table in tables:
        for name, *cells in table.rows(columns):
            files.append(f"{table.prefix}{name}".encode())
            splits.append(table.split.encode())
            for builder, cell in zip(builders, cells, strict=True):
                builder.append(cell)
    built = files.build()
    _check_layout(out, built)
    read = {column.name: builder.build() for column, builder in zip(columns[1:], builders, strict=True)}
    return ImageTable(built, splits.build(), read)


def column_of_label(out: Path, label: str) -> str:
    """Return the name of the column of a label: `label_` is put before it where the table has such a column."""
    tables = _tables_of(out)
    return f"label_{label}" if tables and f"label_{label}" in _header(tables[0].path) else label


def texts_of_cells(name: str, cells: Cells) -> list[str]:
    """Return the cells of a column as labels: texts, `true` or `false`, or whole numbers; '' where one is missing.

    Raises OptionsError for a column of numbers that can be fractional.
    """
    if isinstance(cells, ByteStrings):
        return [cell.decode() for cell in cells]
    if column_named(name).type is ColumnType.NUMBER:
        raise OptionsError(f"{name} is a column of numbers, which are no classes: name it in target_columns")
    if cells.dtype == np.bool_:
        return ["true" if cell else "false" for cell in cells.tolist()]
    return ["" if np.isnan(cell) else str(int(cell)) for cell in cells.tolist()]


def value_of_cell(cells: Cells, index: int) -> Cell:
    """Return a cell: a text, which can be empty, a number, which can be NaN, or a boolean."""
    if isinstance(cells, ByteStrings):
        return cells[index].decode()
    value: Cell = cells[index].item()
    return value


def select_cells(cells: Cells, indexes: npt.NDArray[np.int64]) -> Cells:
    """Return the cells at these indexes."""
    return cells.select(indexes) if isinstance(cells, ByteStrings) else cells[indexes]


def _is_label(name: str) -> bool:
    return name.startswith("label_")


class _CellBuilder:
    """Collects the cells of a column."""

    def __init__(self, column_type: ColumnType) -> None:
        self._type = column_type
        self._texts = StringsBuilder()
        self._numbers = array("d")

    def append(self, cell: Cell) -> None:
        if self._type is ColumnType.TEXT:
            self._texts.append(str(cell or "").encode())
        else:
            self._numbers.append(float("nan") if cell is None else float(cell))

    def build(self) -> Cells:
        if self._type is ColumnType.TEXT:
            return self._texts.build()
        numbers = np.frombuffer(self._numbers, np.float64)
        is_whole = self._type is not ColumnType.NUMBER and not np.isnan(numbers).any()
        kind = {ColumnType.INTEGER: np.int64, ColumnType.BOOLEAN: np.bool_}.get(self._type, np.float64)
        return numbers.astype(kind) if is_whole else numbers


@dataclass(frozen=True, slots=True)
class _TableFile:
    """A metadata table; split: the split whose images it lists, '' for a table at the top of OUT."""

    path: Path
    split: str

    @property
    def prefix(self) -> str:
        return f"{self.split}/" if self.split else ""

    def rows(self, columns: Sequence[Column]) -> Iterator[list[Cell]]:
        """Yield the cells of some columns of each row. Raises RunError where the table is damaged."""
        try:
            yield from _read(self.path, columns)
        except (ValueError, TypeError, KeyError, IndexError, csv.Error) as error:
            # the message of the cause may quote a cell
            message = f"{self.path} is damaged ({type(error).__name__}): run again, which writes the table anew"
            raise RunError(message, reason=Reason.UNREADABLE, stage=Stage.READ) from None


def _tables_of(out: Path) -> list[_TableFile]:
    """Return the metadata tables of OUT. Raises OptionsError where one folder has two of them."""
    if top := _table_in(out):
        return [_TableFile(top, "")]
    folders = sorted(path for path in out.iterdir() if path.is_dir()) if out.is_dir() else []
    return [_TableFile(path, folder.name) for folder in folders if (path := _table_in(folder))]


def _table_in(folder: Path) -> Path | None:
    paths = [path for table in Table if (path := folder / table_name(METADATA, table)).is_file()]
    if len(paths) > 1:
        raise OptionsError(
            f"{folder} has {paths[0].name} and {paths[1].name}: remove the one that is not of the last run"
        )
    return paths[0] if paths else None


def _header(path: Path) -> Sequence[str]:
    """Return the names of the columns of a table; none where the file is no table."""
    table = Table(path.suffix[1:])
    try:
        if table is Table.PARQUET:
            check_parquet(f"the table {path}", "--table csv when you convert")
            from pyarrow import parquet

            return list(parquet.read_schema(path).names)
        with path.open(newline="", encoding="utf-8") as file:
            return next(csv.reader(file), []) if table is Table.CSV else list(json.loads(next(file, "{}")))
    except (ValueError, csv.Error):
        return []


def _read(path: Path, columns: Sequence[Column]) -> Iterator[list[Cell]]:
    """Yield the cells of some columns of each row of a table in any format."""
    names = [column.name for column in columns]
    if path.suffix == f".{Table.CSV}":
        with path.open(newline="", encoding="utf-8") as file:
            yield from read_csv_selection(file, columns)
    elif path.suffix == f".{Table.JSONL}":
        with path.open("rb") as binary_file:
            yield from ([row[name] for name in names] for row in read_jsonl_cells(binary_file))
    else:
        from pyarrow import parquet

        for batch in parquet.ParquetFile(path).iter_batches(_ROWS_PER_BATCH, columns=names):
            by_name: dict[str, Iterable[Any]] = batch.to_pydict()
            yield from map(list, zip(*(by_name[name] for name in names), strict=True))


def _check_layout(out: Path, names: ByteStrings) -> None:
    """Raise OptionsError where the images lie in files that hold many each."""
    shard = out / names[0].decode().partition("/")[0] if len(names) else out
    if shard.suffix in _SHARD_SUFFIXES and shard.is_file():
        raise OptionsError(
            f"{out} holds many images in each file, which cannot be read one by one: convert with --layout folder, or "
            f'load it with webdataset.WebDataset (tar) or datasets.load_dataset("{out}", streaming=True)'
        )
