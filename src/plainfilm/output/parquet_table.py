# SPDX-License-Identifier: MIT
"""Encode tables as Parquet with pyarrow, which is an optional dependency and is imported only here and when needed.

A missing value of any type is null. Memory is bounded by the rows of one row group.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO

from plainfilm.errors import OptionsError
from plainfilm.output.table_schema import Cell, Column, Row, cells_of

_ROWS_PER_GROUP = 4096


def check_parquet(option: str, alternative: str) -> None:
    """Raise OptionsError if pyarrow, which an option needs, is not installed or cannot be loaded."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise OptionsError(
            f"{option} needs pyarrow, which cannot be imported: install it with `pip install "
            f"'plainfilm[parquet]'`, or give {alternative}"
        ) from error


def parquet_chunks(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield the bytes of a Parquet table in chunks, one for each row group."""
    import pyarrow as pa
    from pyarrow import parquet

    fields = [pa.field(column.name, pa.type_for_alias(column.type.value)) for column in columns]
    schema = pa.schema(
        [field.with_nullable(column.may_be_missing) for field, column in zip(fields, columns, strict=True)]
    )
    buffer, cells, remaining = _Buffer(), cells_of(columns), iter(rows)
    with parquet.ParquetWriter(pa.PythonFile(buffer, "w"), schema, compression="zstd") as writer:
        while group := [cells(row) for row in islice(remaining, _ROWS_PER_GROUP)]:
            arrays = [
                pa.array(values, field.type) for values, field in zip(zip(*group, strict=True), schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema), row_group_size=_ROWS_PER_GROUP)
            yield buffer.take()
    yield buffer.take()


def read_parquet_cells(file: BinaryIO) -> Iterator[dict[str, Cell]]:
    """Yield the cells of each row of a Parquet table by column. Raises ValueError for a file that is none."""
    from pyarrow import parquet

    for batch in parquet.ParquetFile(file).iter_batches(_ROWS_PER_GROUP):
        yield from batch.to_pylist()


class _Buffer:
    """A file in memory that gives away what has been written to it."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> int:
        """Append bytes."""
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Refuse further bytes."""
        self.closed = True

    def take(self) -> bytes:
        """Return the bytes that have been written since the last call."""
        parts, self._parts = self._parts, []
        return b"".join(parts)
