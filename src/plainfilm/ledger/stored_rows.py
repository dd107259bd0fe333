# SPDX-License-Identifier: MIT
"""Read the rows of images and failures from a ledger, in the order of the tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from plainfilm.errors import StorageFullError
from plainfilm.ledger.database import Database, damage
from plainfilm.ledger.serialization import failure_from_text, record_from_text
from plainfilm.ledger.sql import CREATE_DUPLICATE_INDEXES, IMAGES_WITH_DUPLICATES
from plainfilm.records import Failure, Record

# up to so many rows, the tables can be written without indexes in acceptable time
_ROWS_WITHOUT_INDEX = 10_000


def read_record(database: Database, text: str, duplicate_of: str = "") -> Record:
    """Read the row of an image. Raises LedgerError, which quotes nothing of it, where it is damaged."""
    try:
        return record_from_text(text, duplicate_of)
    except ValueError:
        raise damage(database.path, "the row of an image cannot be read") from None


def published_records(database: Database, rows: int) -> Iterator[Record]:
    """Yield the images that are published, by source and frame, each with its `duplicate_of`.

    rows: the number of all rows. An image that waits to be packed into a shard is not published.
    """
    database.commit()
    _create_duplicate_indexes(database, rows)
    for text, packed_name, own_id, *first_ids in database.iterate(IMAGES_WITH_DUPLICATES):
        earlier = {first_id for first_id in first_ids if first_id not in (None, own_id)}
        record = read_record(database, text, _first_file_name(database, earlier) if earlier else "")
        yield replace(record, file_name=packed_name) if packed_name else record


def stored_failures(database: Database) -> Iterator[Failure]:
    """Yield the failures by source and frame."""
    for (text,) in database.iterate("SELECT row FROM failures ORDER BY source, frame"):
        try:
            yield failure_from_text(text)
        except ValueError:
            raise damage(database.path, "the row of a failure cannot be read") from None


def _create_duplicate_indexes(database: Database, rows: int) -> None:
    """Create the indexes that `published_records` needs; without disk space for them, small tables do without."""
    try:
        database.execute_script(CREATE_DUPLICATE_INDEXES)
    except StorageFullError:
        if rows > _ROWS_WITHOUT_INDEX:
            raise


def _first_file_name(database: Database, ids: set[int]) -> str:
    """Return the file name of that image which comes first in the table."""
    marks = ", ".join("?" * len(ids))
    name = "CASE WHEN packed_name <> '' THEN packed_name ELSE file_name END"
    query = f"SELECT {name} FROM images WHERE id IN ({marks}) ORDER BY source, frame LIMIT 1"
    (file_name,) = database.fetch_all(query, tuple(ids))[0]
    return str(file_name)
