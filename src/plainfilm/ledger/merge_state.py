# SPDX-License-Identifier: MIT
"""How far `plainfilm merge` has come, as the ledger of OUT says it, so that a merge that was killed goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from plainfilm.errors import LedgerError, Reason
from plainfilm.ledger.database import Database, damage
from plainfilm.pickling import dataclass

_META = "merge"


@dataclass(frozen=True, slots=True)
class MergeState:
    """The state of the newest merge.

    total: the number of shards. numbers: those that are joined by this merge.
    options: the options of the shards, as values of JSON.
    is_overwritten: whether the rows of the ledger before this merge do not count; has_earlier_rows: whether there were
    any that count.
    group, source: the group of shards that is being joined, from 0, and the last source of it that is joined.
    is_joined: whether all shards are joined; their ledgers are removed then.
    packed_images: the number of images that all are in shards of images; -1 where this is not known.
    """

    total: int
    numbers: tuple[int, ...]
    options: Mapping[str, object]
    is_overwritten: bool = False
    has_earlier_rows: bool = False
    group: int = 0
    source: str = ""
    is_joined: bool = False
    packed_images: int = -1


class StoredMerge:
    """The state of the newest merge in the ledger of OUT."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> MergeState | None:
        """Return the state; None where nothing was merged. Raises LedgerError where it is damaged."""
        row = self._database.fetch_one("SELECT value FROM meta WHERE name = ?", (_META,), (str,))
        return None if row is None else _state_of(row[0], self._database.path)

    def write(self, state: MergeState) -> None:
        """Store the state with the next commit."""
        self._database.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_META, json.dumps(asdict(state))))

    def forget(self) -> None:
        """Remove the state with the next commit."""
        self._database.execute("DELETE FROM meta WHERE name = ?", (_META,))


def check_not_merging(path: Path, meta: Mapping[str, str]) -> None:
    """Raise LedgerError where a merge was interrupted before all rows of the shards were joined."""
    if _META in meta and not _state_of(meta[_META], path).is_joined:
        message = f"a merge of {path.parent} was interrupted: run `plainfilm merge` again"
        raise LedgerError(message, reason=Reason.LEDGER_DIFFERS)


def _state_of(text: str, path: Path) -> MergeState:
    try:
        values = json.loads(text)
        state = MergeState(**{**values, "numbers": tuple(map(int, values["numbers"]))})
        kinds = (state.total, state.source, state.group, state.is_joined, state.packed_images, state.options)
        if tuple(map(type, kinds)) != (int, str, int, bool, int, dict):
            raise TypeError
    except (ValueError, TypeError, KeyError, RecursionError):
        raise damage(path, "the state of the merge cannot be read") from None
    return state
