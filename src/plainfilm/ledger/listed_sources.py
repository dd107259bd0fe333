# SPDX-License-Identifier: MIT
"""Note which sources the listing of a run has named, so that those that are gone can be removed (`--prune`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from plainfilm.ledger.database import Database
from plainfilm.sources.scheme import is_gone

# temporary tables are in a file of the system, and not in OUT
_CREATE = "CREATE TEMP TABLE IF NOT EXISTS listed (source TEXT PRIMARY KEY) WITHOUT ROWID"
_UNLISTED = """
SELECT source, path FROM sources WHERE source > ? AND source NOT IN (SELECT source FROM listed)
ORDER BY source LIMIT 1000
"""


class ListedSources:
    """The sources that the listing of this run has named so far. Every method raises as those of the ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.execute_script(_CREATE)

    def add(self, source: str) -> None:
        """Note a source."""
        self._database.execute("INSERT OR IGNORE INTO listed VALUES (?)", (source,))

    def gone(self, urls: Sequence[str] = ()) -> Iterator[list[str]]:
        """Yield, in lists, the sources that were not named and whose files are gone; rows may be deleted in between.

        A file that is still there may belong to a SOURCE of an earlier run. urls: those below which the listing has
        named every file.
        """
        folders = tuple(f"{url}/".encode() for url in urls)
        last = ""
        while rows := self._database.fetch_all(_UNLISTED, (last,), (str, bytes)):
            yield [source for source, path in rows if path.startswith(folders) or is_gone(path)]
            last = rows[-1][0]
