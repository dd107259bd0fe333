# SPDX-License-Identifier: MIT
"""The files that a ledger lists, each with the size and the time that it had when it was written."""

from __future__ import annotations

from collections.abc import Iterator

from plainfilm.ledger.database import Database, damage
from plainfilm.ledger.remaining_work import FileStat
from plainfilm.ledger.schema import is_relative_name
from plainfilm.ledger.serialization import record_from_text
from plainfilm.ledger.sql import IMAGES_BY_NAME, MASKS_BY_NAME
from plainfilm.pickling import dataclass

_PAGES = {"images": IMAGES_BY_NAME, "masks": MASKS_BY_NAME}
_HAS_NAME = (
    "SELECT 1 FROM images WHERE file_name = ? AND shard = ''",
    "SELECT 1 FROM masks WHERE file_name = ?",
    "SELECT 1 FROM shards WHERE name = ?",
)
_OF_SOURCE = {
    "images": "SELECT file_name, source, size, mtime_ns FROM images WHERE source = ? AND shard = ''",
    "masks": "SELECT file_name, source, size, mtime_ns FROM masks WHERE source = ?",
}
_TYPES = (str, str, int, int)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of the tables `images` and `masks`; an image in a shard has none.

    file_stat: what the ledger has recorded.
    """

    table: str
    file_name: str
    source: str
    file_stat: FileStat


class StoredFiles:
    """The files of a ledger. Every method raises LedgerError where the ledger is damaged."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pages(self) -> Iterator[list[StoredFile]]:
        """Yield all files in lists of up to 1000; the caller may delete rows in between."""
        for table, query in _PAGES.items():
            last = ""
            while page := self._database.fetch_all(query, (last,), _TYPES):
                yield [self._stored_file(table, row) for row in page]
                last = page[-1][0]

    def has(self, file_name: str) -> bool:
        """Whether a file of this name is in the ledger."""
        return any(self._database.fetch_one(query, (file_name,)) is not None for query in _HAS_NAME)

    def of_source(self, source: str) -> list[StoredFile]:
        """Return the files of a source."""
        return [
            self._stored_file(table, row)
            for table, query in _OF_SOURCE.items()
            for row in self._database.fetch_all(query, (source,), _TYPES)
        ]

    def sha256(self, file: StoredFile) -> str:
        """Return the SHA-256 of the file as it was written, in hexadecimal digits."""
        column = "row" if file.table == "images" else "sha256"
        query = f"SELECT {column} FROM {file.table} WHERE file_name = ?"
        row = self._database.fetch_one(query, (file.file_name,), (str,))
        if row is None:
            return ""
        try:
            return record_from_text(row[0]).sha256 if file.table == "images" else str(row[0])
        except ValueError:
            raise damage(self._database.path, "the row of an image cannot be read") from None

    def update_stat(self, file: StoredFile, file_stat: FileStat) -> None:
        """Record the present size and time of a file whose bytes are unchanged."""
        values = (file_stat.size, file_stat.mtime_ns, file.file_name)
        self._database.execute(f"UPDATE {file.table} SET size = ?, mtime_ns = ? WHERE file_name = ?", values)

    def _stored_file(self, table: str, row: tuple[str, str, int, int]) -> StoredFile:
        file_name, source, size, mtime_ns = row
        if not is_relative_name(file_name):
            raise damage(self._database.path, "a file name leads out of OUT")
        return StoredFile(table, file_name, source, FileStat(size, mtime_ns))
