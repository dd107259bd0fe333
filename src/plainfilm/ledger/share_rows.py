# SPDX-License-Identifier: MIT
"""Read the rows of the ledgers of several shards together, by source, so that none of them is kept in memory."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any

from plainfilm.errors import LedgerError, Reason
from plainfilm.ledger.database import Database, open_database
from plainfilm.pickling import dataclass

Row = tuple[Any, ...]

IMAGE_COLUMNS = (
    "source, frame, file_name, sop_instance, stored_hash, status, row, size, mtime_ns, shard, position, packed_name"
)
_SOURCES, _IMAGES, _MASKS, _FAILURES, _PREVIEWS, _PATIENTS = (
    f"SELECT {columns} FROM {table} WHERE source > ? ORDER BY {order}"
    for table, columns, order in (
        ("sources", "source, path, name, folded, size, mtime_ns, done", "source"),
        ("images", IMAGE_COLUMNS, "source, frame"),
        ("masks", "source, file_name, size, mtime_ns, sha256", "source"),
        ("failures", "source, frame, status, reason, retry, row", "source, frame"),
        ("previews", "source, frame, content", "source, frame"),
        ("patients", "source, patient, patient_id", "source"),
    )
)
# an entry that is no file has a failure and no source
_NAMES = "SELECT source FROM sources WHERE source > ?1 UNION SELECT source FROM failures WHERE source > ?1 ORDER BY 1"
_CACHE = "PRAGMA cache_size=-512"


@dataclass(frozen=True, slots=True)
class ShareRows:
    """All rows of consecutive sources of several shards, each beginning with the source, in the order of sources."""

    names: list[str]
    sources: list[Row]
    images: list[Row]
    masks: list[Row]
    failures: list[Row]
    previews: list[Row]
    patients: list[Row]


class _Stream:
    """The rows of one query on several ledgers, by source."""

    def __init__(self, shares: Sequence[Database], query: str, after: str) -> None:
        self._rows = heapq.merge(*(share.iterate(query, (after,)) for share in shares), key=itemgetter(0))
        self._next = next(self._rows, None)

    def until(self, last: str) -> Iterator[Row]:
        """Yield the rows of the sources up to `last`."""
        while self._next is not None and self._next[0] <= last:
            yield self._next
            self._next = next(self._rows, None)


@contextmanager
def open_shares(paths: Iterable[Path]) -> Iterator[list[Database]]:
    """Open the ledgers of shards; the caller holds their locks. Raises as `open_database`."""
    with ExitStack() as stack:
        databases = [stack.enter_context(open_database(path)) for path in paths]
        for database in databases:
            database.execute_script(_CACHE)
        yield databases


def iterate_rows(shares: Sequence[Database], after: str, sources: int) -> Iterator[ShareRows]:
    """Yield the rows of all shards after a source, for up to `sources` sources each time.

    Raises LedgerError where two shards have converted the same source, or one is damaged.
    """
    names = (name for name, _ in groupby(_Stream(shares, _NAMES, after).until(_LAST), key=itemgetter(0)))
    streams = [_Stream(shares, query, after) for query in (_SOURCES, _IMAGES, _MASKS, _FAILURES, _PREVIEWS, _PATIENTS)]
    while page := list(islice(names, sources)):
        rows = ShareRows(page, *(list(stream.until(page[-1])) for stream in streams))
        if any(first[0] == second[0] for first, second in zip(rows.sources, rows.sources[1:], strict=False)):
            message = "two shards have converted the same source: run all shards with the same SOURCEs and the same N"
            raise LedgerError(message, reason=Reason.LEDGER_DIFFERS)
        yield rows


_LAST = chr(0x10FFFF) * 2
