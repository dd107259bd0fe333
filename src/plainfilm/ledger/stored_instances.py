# SPDX-License-Identifier: MIT
"""Look up the names of the images of SOP Instances, which decide the names by UID and by terms."""

from __future__ import annotations

from plainfilm.ledger.database import Database
from plainfilm.ledger.sql import CREATE_INSTANCE_INDEX, INSTANCES_WITH_SUFFIXES


class StoredInstances:
    """The SOP Instances of a ledger, by their keyed hashes. Every method raises as those of the ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create_index(self) -> None:
        """Create the index that makes `file_names` fast."""
        self._database.execute_script(CREATE_INSTANCE_INDEX)

    def file_names(self, digits: str) -> dict[str, str]:
        """Return the sources of the SOP Instances whose keyed hash begins with these digits, each with a file name."""
        # `g` is the character after the last digit
        query = "SELECT source, min(file_name) FROM images WHERE sop_instance BETWEEN ?1 AND ?1 || 'g' GROUP BY source"
        return dict(self._database.fetch_all(query, (digits,), (str, str)))

    def with_suffixes(self, last: str, most: int) -> list[str]:
        """Return the SOP Instances after `last` of which an image may have a name with a `-` and digits at its end."""
        return [str(instance) for (instance,) in self._database.fetch_all(INSTANCES_WITH_SUFFIXES, (last, most))]
