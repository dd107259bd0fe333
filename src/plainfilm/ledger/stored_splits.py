# SPDX-License-Identifier: MIT
"""The images of a ledger as the choice of their folders needs them, and the splits that are recorded for patients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from plainfilm.ledger.database import Database
from plainfilm.ledger.sql import CREATE_DUPLICATE_INDEXES, IMAGES_WITH_SHARED_PIXELS
from plainfilm.ledger.stored_rows import pages_of_images, read_record
from plainfilm.records import Record


class StoredSplits:
    """The images and splits of a ledger. Every method raises LedgerError where the ledger is damaged."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pages_of_images(self) -> Iterator[list[Record]]:
        """Yield all images by source and frame in lists of up to 1000; rows may be changed in between."""
        for page in pages_of_images(self._database):
            yield [record for _, record in page]

    def images_with_shared_pixels(self) -> Iterator[list[Record]]:
        """Yield lists of images that have equal stored pixels of more than one level."""
        self._database.execute_script(CREATE_DUPLICATE_INDEXES)
        group: list[Record] = []
        for (text,) in self._database.iterate(IMAGES_WITH_SHARED_PIXELS):
            record = read_record(self._database, text)
            if group and group[0].stored_hash != record.stored_hash:
                yield group
                group = []
            group.append(record)
        if group:
            yield group

    def recorded(self) -> dict[str, str]:
        """Return the recorded split of each patient (by keyed hash)."""
        return dict(self._database.fetch_all("SELECT patient, split FROM splits", types=(str, str)))

    def forget(self, patients: Iterable[str]) -> None:
        """Delete the recorded splits of these patients."""
        self._database.execute_many("DELETE FROM splits WHERE patient = ?", ((patient,) for patient in patients))

    def record(self, splits: Mapping[str, str]) -> None:
        """Record the splits of patients in place of their earlier ones."""
        self._database.execute_many("INSERT OR REPLACE INTO splits VALUES (?, ?)", splits.items())
