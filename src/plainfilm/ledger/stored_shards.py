# SPDX-License-Identifier: MIT
"""The files of a ledger that hold many images each (`--layout webdataset`, `--layout parquet`), and their images.

An image is unpacked until it is in a shard: its file has the name in its row. Afterwards `images.shard` and
`images.position` say where its bytes are. The plan says where each image is going to be; it is made anew by each run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from plainfilm.ledger.database import Database
from plainfilm.ledger.remaining_work import FileStat
from plainfilm.ledger.sql import (
    CREATE_DUPLICATE_INDEXES,
    CREATE_PLAN,
    CREATE_SHARD_INDEX,
    DROP_SHARD_INDEX,
    FIRST_IN_PLAN,
    IMAGES_IN_PLAN,
)
from plainfilm.ledger.stored_rows import pages_of_images, read_record
from plainfilm.pickling import dataclass
from plainfilm.records import Record


@dataclass(frozen=True, slots=True)
class StoredShard:
    """A shard as it was written. digest: a hash of the samples in it, in their order."""

    name: str
    file_stat: FileStat
    sha256: str
    digest: str


@dataclass(frozen=True, slots=True)
class PlannedSample:
    """An image with its place in the plan.

    number: the position among the images of its split, from 0. key: the name of the image in its shard, without suffix.
    shard, position, size: where the bytes of the image are now; the shard is '' for an image that is unpacked.
    first: split, number and key of the first image that this one is a copy of; None without one.
    """

    record: Record
    row_id: int
    number: int
    key: str
    shard: str
    position: int
    size: int
    first: tuple[str, int, str] | None


class StoredShards:
    """The shards of a ledger. Every method raises LedgerError where the ledger is damaged."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, StoredShard]:
        """Return all shards by name."""
        query = "SELECT name, size, mtime_ns, sha256, digest FROM shards"
        rows = self._database.fetch_all(query, types=(str, int, int, str, str))
        return {name: StoredShard(name, FileStat(size, mtime), sha, digest) for name, size, mtime, sha, digest in rows}

    def is_packed(self, record: Record) -> bool:
        """Whether an image is in a shard."""
        query = "SELECT shard FROM images WHERE source = ? AND frame = ?"
        return self._database.fetch_one(query, (record.source, record.number), (str,)) not in (None, ("",))

    @contextmanager
    def indexed_images(self) -> Iterator[None]:
        """Make `sources_of` and `images_of` fast within the block. The block begins and ends with a commit."""
        self._database.execute_script(CREATE_SHARD_INDEX)
        yield
        self._database.execute_script(DROP_SHARD_INDEX)

    def sources_of(self, shard: str) -> list[str]:
        """Return the sources of the images in a shard."""
        query = "SELECT DISTINCT source FROM images WHERE shard = ?"
        return [source for (source,) in self._database.fetch_all(query, (shard,), (str,))]

    def images_of(self, shard: str) -> int:
        """Return the number of images in a shard."""
        row = self._database.fetch_one("SELECT count(*) FROM images WHERE shard = ?", (shard,), (int,))
        return 0 if row is None else int(row[0])

    def packed_images(self) -> int:
        """Return the number of images if all are in shards, otherwise -1."""
        query = "SELECT count(*), count(*) FILTER (WHERE shard = '') FROM images"
        row = self._database.fetch_one(query, (), (int, int))
        return -1 if row is None or row[1] else int(row[0])

    def update_stat(self, shard: str, file_stat: FileStat) -> None:
        """Record the present size and time of a shard whose bytes are unchanged."""
        values = (file_stat.size, file_stat.mtime_ns, shard)
        self._database.execute("UPDATE shards SET size = ?, mtime_ns = ? WHERE name = ?", values)

    def pages_of_images(self) -> Iterator[list[tuple[int, Record]]]:
        """Yield all images in table order, each with its id, in lists of up to 1000."""
        return pages_of_images(self._database)

    def begin_plan(self) -> None:
        """Forget the earlier plan."""
        self._database.execute_script(CREATE_DUPLICATE_INDEXES)
        self._database.execute_script(CREATE_PLAN)

    def plan(self, samples: Iterable[tuple[str, int, str, int]]) -> None:
        """Add images to the plan: for each its split, its number within the split, its key and its id."""
        self._database.execute_many("INSERT INTO temp.plan VALUES (?, ?, ?, ?)", samples)

    def planned(self, split: str, numbers: range) -> list[PlannedSample]:
        """Return the images of a split with these numbers, in the order of the plan."""
        samples = []
        rows = self._database.fetch_all(IMAGES_IN_PLAN, (split, numbers.start, numbers.stop - 1))
        for text, row_id, number, key, shard, position, size, *first_ids in rows:
            earlier = {first_id for first_id in first_ids if first_id not in (None, row_id)}
            first = self._first_of(earlier) if earlier else None
            samples.append(
                PlannedSample(read_record(self._database, text), row_id, number, key, shard, position, size, first)
            )
        return samples

    def sizes_of_splits(self) -> dict[str, int]:
        """Return the number of planned images of each split, by name."""
        query = "SELECT split, count(*) FROM temp.plan GROUP BY split ORDER BY split"
        return dict(self._database.fetch_all(query, types=(str, int)))

    def add(self, shard: StoredShard, images: Iterable[tuple[int, str, int]]) -> None:
        """Insert a shard, or replace it, and move images into it: for each its id, its packed name and its position."""
        values = (shard.name, shard.file_stat.size, shard.file_stat.mtime_ns, shard.sha256, shard.digest)
        self._database.execute("INSERT OR REPLACE INTO shards VALUES (?, ?, ?, ?, ?)", values)
        rows = ((packed_name, shard.name, position, row_id) for row_id, packed_name, position in images)
        query = "UPDATE images SET packed_name = ?, shard = ?, position = ? WHERE id = ?"
        self._database.execute_many(query, rows)

    def mark_renames(self, names: Mapping[str, str]) -> None:
        """Note files that are about to be renamed: for each its private name and its name."""
        self._database.execute_many("INSERT INTO renames VALUES (?, ?)", names.items())

    def marked_renames(self) -> dict[str, str]:
        """Return the files of `mark_renames`; a process that was killed may have renamed some of them."""
        return dict(self._database.fetch_all("SELECT private_name, name FROM renames", types=(str, str)))

    def clear_renames(self) -> None:
        """Remove the notes of `mark_renames`."""
        self._database.execute("DELETE FROM renames")

    def remove(self, name: str) -> None:
        """Delete the row of a shard."""
        self._database.execute("DELETE FROM shards WHERE name = ?", (name,))

    def _first_of(self, ids: set[int]) -> tuple[str, int, str]:
        query = FIRST_IN_PLAN.format(", ".join("?" * len(ids)))
        split, number, key = self._database.fetch_all(query, tuple(ids))[0]
        return split, number, key
