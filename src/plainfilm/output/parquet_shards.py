# SPDX-License-Identifier: MIT
"""Write images and their rows into Parquet files as Hugging Face's `datasets` reads them (`--layout parquet`)."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from plainfilm.options.share import Share
from plainfilm.output.directory import open_regular_file
from plainfilm.output.shards import Sample
from plainfilm.output.table_schema import Column

ROW_GROUP_BYTES = 100_000_000
"""The most bytes of images in a row group; an image that is larger has a row group of its own."""
_ROWS_PER_GROUP = 1000


class ParquetFormat:
    """Parquet files with the column `image` of bytes and path, and the columns of the table.

    The position of an image is its row number. columns: those of the table, without `image`. The metadata of the schema
    has the features that `datasets` gives to all columns. share: that of a process with `--shard`.
    """

    def __init__(self, columns: Sequence[Column], share: Share | None = None) -> None:
        self._share = share
        image = pa.field("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
        fields = [
            pa.field(column.name, pa.type_for_alias(column.type.value), column.may_be_missing) for column in columns
        ]
        features: dict[str, object] = {"image": {"_type": "Image"}}
        features |= {column.name: {"dtype": column.type.value, "_type": "Value"} for column in columns}
        metadata = {"huggingface": json.dumps({"info": {"features": features}})}
        self._schema = pa.schema([image, *fields], metadata=metadata)

    def shard_name(self, split: str, number: int, total: int) -> str:
        """Return `train-00000-of-00010.parquet`; without splits all images are `train`.

        With `--shard 3/8` the first file is `train-00002-of-00008-00000.parquet`.
        """
        if self._share is not None:
            return f"train-{self._share.number - 1:05d}-of-{self._share.total:05d}-{number:05d}.parquet"
        return f"{split or 'train'}-{number:05d}-of-{total:05d}.parquet"

    def chunks(self, samples: Iterable[Sample], positions: list[int]) -> Iterator[bytes]:
        """Yield the bytes of a Parquet file, one row group at a time."""
        sink = _Sink()
        # the images are compressed already
        with pq.ParquetWriter(
            pa.PythonFile(sink, mode="w"), self._schema, compression={"image.bytes": "NONE"}, use_dictionary=False
        ) as writer:
            for group in _groups(samples):
                images = [{"bytes": item.image, "path": item.key + item.suffix} for item in group]
                columns = [images, *map(list, zip(*(item.cells for item in group), strict=True))]
                arrays = [pa.array(column, field.type) for column, field in zip(columns, self._schema, strict=True)]
                positions.extend(range(len(positions), len(positions) + len(group)))
                writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema), row_group_size=len(group))
                yield from sink.take()
        yield from sink.take()

    def read(self, path: Path, images: Iterable[tuple[int, int]]) -> Iterator[bytes]:
        """Yield the bytes of images of a Parquet file, in any order.

        A row group is read once if the order is that of the file.
        """
        with open_regular_file(path) as stream, pq.ParquetFile(stream) as file:
            ends = _ends_of_groups(file)
            current, column = -1, pa.chunked_array([], pa.struct([]))
            for row, _ in images:
                group = next(index for index, end in enumerate(ends) if row < end)
                if group != current:
                    current, column = group, file.read_row_group(group, columns=["image.bytes"]).column("image")
                start = ends[group - 1] if group else 0
                yield column[row - start]["bytes"].as_py()


class _Sink(io.RawIOBase):
    """A file that keeps what is written to it until it is taken."""

    def __init__(self) -> None:
        super().__init__()
        self._chunks: list[bytes] = []

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Any) -> int:
        """Keep the bytes."""
        self._chunks.append(bytes(data))
        return len(self._chunks[-1])

    def take(self) -> list[bytes]:
        """Return what was written since the last call."""
        chunks, self._chunks = self._chunks, []
        return chunks


def _groups(samples: Iterable[Sample]) -> Iterator[list[Sample]]:
    """Yield the samples of each row group."""
    group: list[Sample] = []
    size = 0
    for sample in samples:
        if group and (size + len(sample.image) > ROW_GROUP_BYTES or len(group) == _ROWS_PER_GROUP):
            yield group
            group, size = [], 0
        group.append(sample)
        size += len(sample.image)
    if group:
        yield group


def _ends_of_groups(file: pq.ParquetFile) -> list[int]:
    ends, rows = [], 0
    for index in range(file.num_row_groups):
        rows += file.metadata.row_group(index).num_rows
        ends.append(rows)
    return ends
