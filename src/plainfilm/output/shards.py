# SPDX-License-Identifier: MIT
"""Define the files that hold many images each: their names, their bytes, and how an image is read back.

`WebDatasetFormat` writes tar files. `ParquetFormat` (parquet_shards.py) writes Parquet files. Equal samples give equal
bytes.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

from plainfilm.errors import RunError
from plainfilm.options.share import Share
from plainfilm.output.directory import open_regular_file
from plainfilm.output.table_schema import Cell, Column, ColumnType
from plainfilm.pickling import dataclass

_MODE = 0o644


@dataclass(frozen=True, slots=True)
class Sample:
    """One image of a shard.

    key: its name in the shard, without suffix. suffix: the suffix of the image file, with the dot. image: the bytes of
    the image file. cells: the row of the table, in the order of the columns.
    """

    key: str
    suffix: str
    image: bytes
    cells: Sequence[Cell]


class ShardFormat(Protocol):
    """A format of shards."""

    def shard_name(self, split: str, number: int, total: int) -> str:
        """Return the name of a shard; number: counted from 0 within its split, of which `total` is the last plus 1."""

    def chunks(self, samples: Iterable[Sample], positions: list[int]) -> Iterator[bytes]:
        """Yield the bytes of a shard, and append to `positions` where the image of each sample is."""

    def read(self, path: Path, images: Iterable[tuple[int, int]]) -> Iterator[bytes]:
        """Yield the bytes of images of a shard; images: the position and size of each. Raises OSError and RunError."""


class WebDatasetFormat:
    """Tar files as `webdataset` reads them. The position of an image is the offset of its bytes.

    A sample is two adjacent members, `KEY.png` and `KEY.json`. The headers are in PAX format (POSIX.1-2001), which is
    USTAR byte for byte where names are short and ASCII; owner, time and mode are fixed.
    """

    def __init__(self, columns: Sequence[Column], share: Share | None = None) -> None:
        """share: that of a process with `--shard`, which has file names of its own."""
        self._prefix = "" if share is None else f"{share.number - 1:05d}-"
        self._names = [column.name for column in columns]
        self._missing = ["" if column.type is ColumnType.TEXT else None for column in columns]

    def shard_name(self, split: str, number: int, total: int) -> str:  # noqa: ARG002
        """Return `00000.tar`, `train-00000.tar` with splits, or `00002-00000.tar` with `--shard 3/N`."""
        return f"{split}-{number:05d}.tar" if split else f"{self._prefix}{number:05d}.tar"

    def chunks(self, samples: Iterable[Sample], positions: list[int]) -> Iterator[bytes]:
        """Yield the bytes of a tar file."""
        size = 0
        for sample in samples:
            for suffix, content in ((sample.suffix, sample.image), (".json", self._json(sample.cells))):
                header = _header(sample.key + suffix, len(content))
                if content is sample.image:
                    positions.append(size + len(header))
                # one after the other: to join them would copy each image
                for chunk in (header, content, bytes(-len(content) % tarfile.BLOCKSIZE)):
                    size += len(chunk)
                    yield chunk
        end = 2 * tarfile.BLOCKSIZE
        yield bytes(end + -(size + end) % tarfile.RECORDSIZE)

    def read(self, path: Path, images: Iterable[tuple[int, int]]) -> Iterator[bytes]:
        """Yield the bytes of images of a tar file."""
        with open_regular_file(path) as file:
            for position, size in images:
                yield _read(file, position, size)

    def _json(self, cells: Sequence[Cell]) -> bytes:
        """Return a row as JSON: a missing text is '', a missing number null."""
        values = (default if cell is None else cell for cell, default in zip(cells, self._missing, strict=True))
        row = dict(zip(self._names, values, strict=True))
        return json.dumps(row, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


class SampleKeys:
    """Gives each image a key that no other has, and that has no `.`, which ends the key for `webdataset`."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def key_of(self, name: str) -> str:
        """Return the key of an image by its name without suffix; `-2`, `-3`, ... is added where the key is taken."""
        base = name.replace(".", "_")
        key, number = base, 1
        while key in self._taken:
            number += 1
            key = f"{base}-{number}"
        self._taken.add(key)
        return key


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, _MODE
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _read(file: BinaryIO, position: int, size: int) -> bytes:
    file.seek(position)
    content = file.read(size)
    if len(content) != size:
        raise RunError(f"{file.name} is shorter than when it was written: run again")
    return content
