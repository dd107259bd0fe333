# SPDX-License-Identifier: MIT
"""Read the rows of the two tables from a ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import compress

from plainfilm.errors import StorageFullError
from plainfilm.ledger.database import Database, damage
from plainfilm.ledger.serialization import failure_from_text, record_from_text
from plainfilm.ledger.sql import CREATE_DUPLICATE_INDEXES, IMAGES_AFTER, IMAGES_WITH_DUPLICATES
from plainfilm.records import Failure, Record

# up to so many rows, the tables can be written without indexes in acceptable time
_ROWS_WITHOUT_INDEX = 10_000


def read_record(database: Database, text: str, duplicate_of: str = "") -> Record:
    """Return the row of an image from the text that the ledger stores.

    Raises LedgerError, which quotes nothing of it, where it is damaged.
    """
    try:
        return record_from_text(text, duplicate_of)
    except ValueError:
        raise damage(database.path, "the row of an image cannot be read") from None


def pages_of_images(database: Database) -> Iterator[list[tuple[int, Record]]]:
    """Yield all images by source and frame, each with its id, in lists of up to 1000; rows may change in between.

    Raises LedgerError where the ledger is damaged.
    """
    position: tuple[object, ...] = ("", 0)
    while rows := database.fetch_all(IMAGES_AFTER, position, (int, str)):
        page = [(row_id, read_record(database, text)) for row_id, text in rows]
        yield page
        position = (page[-1][1].source, page[-1][1].number)


class StoredRows:
    """The rows of a ledger. Every method raises LedgerError where the ledger is damaged."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def records(self, rows: int, chosen: Iterable[bool] | None = None) -> Iterator[Record]:
        """Yield the images that are published, by source and frame, each with its `duplicate_of`.

        rows: the number of rows of both tables. An image that waits to be packed into a shard is not published.
        chosen: for each of these images whether it is yielded; None for all.
        Raises StorageFullError where the disk has no space for the indexes of a large ledger.
        """
        self._create_duplicate_indexes(rows)
        images = self._database.iterate(IMAGES_WITH_DUPLICATES)
        for text, packed_name, own_id, *first_ids in images if chosen is None else compress(images, chosen):
            earlier = {first_id for first_id in first_ids if first_id not in (None, own_id)}
            record = read_record(self._database, text, self._first_file_name(earlier) if earlier else "")
            yield replace(record, file_name=packed_name) if packed_name else record

    def failures(self) -> Iterator[Failure]:
        """Yield the failures by source and frame."""
        for (text,) in self._database.iterate("SELECT row FROM failures ORDER BY source, frame"):
            try:
                yield failure_from_text(text)
            except ValueError:
                raise damage(self._database.path, "the row of a failure cannot be read") from None

    def of_source(self, source: str) -> list[Record]:
        """Return the images of a source in the order of their frames."""
        rows = self._database.fetch_all("SELECT row FROM images WHERE source = ? ORDER BY frame", (source,))
        return [read_record(self._database, text) for (text,) in rows]

    def _create_duplicate_indexes(self, rows: int) -> None:
        """Create the indexes that `records` needs; without disk space for them, small tables do without."""
        try:
            self._database.execute_script(CREATE_DUPLICATE_INDEXES)
        except StorageFullError:
            if rows > _ROWS_WITHOUT_INDEX:
                raise

    def _first_file_name(self, ids: set[int]) -> str:
        """Return the file name of that image which comes first in the table."""
        marks = ", ".join("?" * len(ids))
        column = "CASE WHEN packed_name <> '' THEN packed_name ELSE file_name END"
        query = f"SELECT {column} FROM images WHERE id IN ({marks}) ORDER BY source, frame LIMIT 1"
        (name,) = self._database.fetch_all(query, tuple(ids))[0]
        return str(name)
