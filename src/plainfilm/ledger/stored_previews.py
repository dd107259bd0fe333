# SPDX-License-Identifier: MIT
"""The previews of the images of a ledger: what the report shows of each image, as the worker made it with the image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from plainfilm.ledger.database import Database, damage

_TYPES = (str, int, bytes)


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

    def all(self) -> Iterator[StoredPreview]:
        """Yield the previews by source and frame; none of them is kept in memory."""
        for row in self._database.iterate("SELECT source, frame, content FROM previews ORDER BY source, frame"):
            if tuple(map(type, row)) != _TYPES:
                raise damage(self._database.path, "a preview has values of a wrong type")
            yield StoredPreview(*row)
