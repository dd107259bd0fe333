# SPDX-License-Identifier: MIT
"""The previews of the images of a ledger: what the report shows of each image, as the worker made it with the image."""

from __future__ import annotations

from collections.abc import Iterable

from plainfilm.ledger.database import Database
from plainfilm.pickling import dataclass

_IMAGE_WITHOUT_PREVIEW = """
SELECT 1 FROM images WHERE NOT EXISTS
    (SELECT 1 FROM previews WHERE previews.source = images.source AND previews.frame = images.frame) LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class StoredPreview:
    """The preview of one image. `content` is opaque here: package `report` writes and reads it."""

    source: str
    frame: int
    content: bytes


class StoredPreviews:
    """The previews of a ledger. Every method raises StorageFullError, LedgerError and RunError as the ledger does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, previews: Iterable[StoredPreview]) -> None:
        """Insert previews, or replace those of the same source and frame; empty ones are left out."""
        rows = ((preview.source, preview.frame, preview.content) for preview in previews if preview.content)
        self._database.execute_many("INSERT OR REPLACE INTO previews VALUES (?, ?, ?)", rows)

    def of(self, source: str, frame: int) -> bytes:
        """Return the preview of an image, b"" where it has none."""
        query = "SELECT content FROM previews WHERE source = ? AND frame = ?"
        row = self._database.fetch_one(query, (source, frame), (bytes,))
        return b"" if row is None else bytes(row[0])

    def is_any_missing(self) -> bool:
        """Whether an image has no preview."""
        return self._database.fetch_one(_IMAGE_WITHOUT_PREVIEW) is not None
