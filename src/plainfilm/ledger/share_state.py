# SPDX-License-Identifier: MIT
"""What the ledger of a shard says about the shard: its number, its options, and whether it has come to its end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

from plainfilm.errors import LedgerError, Reason
from plainfilm.ledger.database import Database, damage
from plainfilm.pickling import dataclass

_META = "share"
_TYPES = {"number": int, "total": int, "has_members": bool, "options": dict, "is_overwritten": bool}


@dataclass(frozen=True, slots=True)
class ShareState:
    """The state of a shard.

    number, total: those of `--shard`. has_members: that of `--shard-members`.
    options: all options of the run, as values of JSON, by which `plainfilm merge` writes the tables.
    is_overwritten: whether the shard has converted its sources again, whatever the ledger of OUT says (`--overwrite`).
    is_finished: whether all sources of the shard are done.
    """

    number: int
    total: int
    has_members: bool
    options: Mapping[str, object]
    is_overwritten: bool = False
    is_finished: bool = False


class StoredShare:
    """The state of a shard in its ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, state: ShareState) -> None:
        """Store the state of a run that begins. Raises LedgerError where earlier runs have shared out otherwise."""
        earlier = read_share(self._database)
        if earlier is not None and earlier.has_members != state.has_members:
            message = f"{self._database.path} was written {_members(earlier)}: run all shards alike"
            raise LedgerError(message, reason=Reason.LEDGER_DIFFERS)
        if earlier is not None:
            state = replace(state, is_overwritten=state.is_overwritten or earlier.is_overwritten)
        self._write(state)

    def finish(self) -> None:
        """Note that all sources of the shard are done."""
        state = read_share(self._database)
        assert state is not None
        self._write(replace(state, is_finished=True))

    def _write(self, state: ShareState) -> None:
        self._database.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_META, json.dumps(asdict(state))))
        self._database.commit()


def read_share(database: Database) -> ShareState | None:
    """Return the state of a shard; None where no run has begun. Raises LedgerError where it is damaged."""
    row = database.fetch_one("SELECT value FROM meta WHERE name = ?", (_META,), (str,))
    if row is None:
        return None
    try:
        values = json.loads(row[0])
        state = ShareState(**values)
        if any(type(values[name]) is not kind for name, kind in _TYPES.items()):
            raise TypeError
    except (ValueError, TypeError, KeyError, RecursionError):
        raise damage(database.path, "the state of the shard cannot be read") from None
    return state


def check_alike(first: Path, state: ShareState, second: Path, other: ShareState) -> None:
    """Raise LedgerError where two shards have been shared out in different ways."""
    if state.has_members != other.has_members:
        message = f"{first.name} was written {_members(state)}, {second.name} {_members(other)}: run all shards alike"
        raise LedgerError(message, reason=Reason.LEDGER_DIFFERS)


def _members(state: ShareState) -> str:
    return "with --shard-members" if state.has_members else "without --shard-members"
