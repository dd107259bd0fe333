# SPDX-License-Identifier: MIT
"""Keep the prefix of each folder that was a SOURCE, and look up what a later run needs to give the same names again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from plainfilm.ledger.database import Database, check_regular_files, damage, open_copy, open_database
from plainfilm.ledger.remaining_work import numbered_names
from plainfilm.ledger.sql import COLLIDING_SOURCE, SOURCE_STATE, STATE_TYPES
from plainfilm.sources.naming_rules import fold, instance_of
from plainfilm.sources.prefixes import EarlierNames
from plainfilm.sources.reference import Reference
from plainfilm.sources.scheme import is_gone
from plainfilm.sources.walk import Listing

_META = "prefixes"
_PREFIXES = f"SELECT value FROM meta WHERE name = '{_META}'"
# the folders at the top of OUT whose names begin with a text, without reading the rows of all their files
_FIRST_FOLDER = """
SELECT folded FROM sources WHERE folded >= ? AND folded < ? || char(0x10FFFF) AND instr(folded, '/')
ORDER BY folded LIMIT 1
"""
_SOURCE_BELOW = "SELECT 1 FROM sources WHERE path = ? OR path BETWEEN ? AND ? LIMIT 1"
_PATH = "SELECT path FROM sources WHERE source = ?"


class SourceState(NamedTuple):
    """What the query `SOURCE_STATE` gives of a source after its path."""

    name: str
    size: int
    mtime_ns: int
    is_done: int
    has_retries: int
    has_failed: int
    last_frame: int


class StoredPrefixes:
    """The prefixes of the folders that were SOURCEs, as a run writes them; `replace`: those of earlier runs go."""

    def __init__(self, database: Database, *, replace: bool = False) -> None:
        self._database = database
        self._replace = replace

    def add(self, prefixes: Mapping[str, str]) -> None:
        """Store the prefixes of a run, by the paths of the folders, in the order in which the folders came; commit."""
        stored = {} if self._replace else read_prefixes(self._database)
        self._write(stored | dict(prefixes))
        self._database.commit()

    def forget_unused(self) -> None:
        """Forget, with the next commit, the folders of which no file is a source any more: paths may name patients."""
        stored = read_prefixes(self._database)
        self._write({folder: prefix for folder, prefix in stored.items() if self._is_used(folder)})

    def _is_used(self, folder: str) -> bool:
        below = os.fsencode(folder.rstrip(os.sep) + os.sep)
        values = (os.fsencode(folder), below, below + b"\xff")
        return self._database.fetch_one(_SOURCE_BELOW, values) is not None

    def _write(self, prefixes: Mapping[str, str]) -> None:
        text = json.dumps(dict(prefixes))
        self._database.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_META, text))


def earlier_names(path: Path, listing: Listing, *, read_only: bool = False) -> EarlierNames:
    """Return what an existing ledger knows of the names of these SOURCEs. The caller holds the lock of OUT.

    read_only: whether nothing may be written beside the ledger. Raises LedgerError for a damaged ledger.
    """
    if not path.is_file():
        return EarlierNames()
    check_regular_files(path)
    if read_only:
        with open_copy(path) as database:
            return _names_in(database, listing)
    with open_database(path) as database:
        return _names_in(database, listing)


def _names_in(database: Database, listing: Listing) -> EarlierNames:
    if database.fetch_one("SELECT 1 FROM sqlite_master WHERE name = 'sources'") is None:
        return EarlierNames()
    prefixes = read_prefixes(database)
    folders = frozenset(name for base in listing.folder_names for name in _folders_at_top(database, fold(base)))
    files = {source: _paths_of(database, source) for source in listing.file_sources}
    return EarlierNames(prefixes, folders, files)


def read_prefixes(database: Database) -> dict[str, str]:
    """Return the prefixes that a ledger has, by the paths of the folders. Raises LedgerError where it is damaged."""
    row = database.fetch_one(_PREFIXES, types=(str,))
    if row is None:
        return {}
    try:
        stored = json.loads(row[0])
    except (ValueError, RecursionError):
        stored = None
    if not isinstance(stored, dict) or not all(isinstance(value, str) for value in stored.values()):
        raise damage(database.path, "the prefixes of the sources cannot be read")
    return stored


def _folders_at_top(database: Database, base: str) -> Iterator[str]:
    """Yield the folded names of the folders at the top of OUT that begin with a base."""
    start = base
    while (row := database.fetch_one(_FIRST_FOLDER, (start, base), (str,))) is not None:
        folder = row[0].partition("/")[0]
        yield folder
        # `0` is the character after `/`: all files of the folder are passed over
        start = f"{folder}0"


def _paths_of(database: Database, source: str) -> tuple[str, ...]:
    paths: list[str] = []
    for name in numbered_names(source):
        row = database.fetch_one(_PATH, (name,), (bytes,))
        if row is None:
            return tuple(paths)
        paths.append(os.fsdecode(row[0]))
    raise AssertionError("numbered_names does not end")


def stored_source(database: Database, reference: Reference) -> tuple[str, SourceState | None]:
    """Return the source that a ledger has for the file of a reference, or that no other file has, and its state."""
    path = os.fsencode(reference.path)
    for source in numbered_names(reference.source):
        state = database.fetch_one(SOURCE_STATE, (source,), STATE_TYPES)
        if state is None or state[0] == path or is_gone(state[0]):
            return source, None if state is None else SourceState(*state[1:])
    raise AssertionError("numbered_names does not end")


def named_source(database: Database, reference: Reference) -> tuple[Reference, SourceState | None]:
    """Return a reference with the source and the name that a ledger has for it, or that no other source has."""
    source, state = stored_source(database, reference)
    if state is not None:
        return replace(reference, source=source, name=state.name), state
    name = next(name for name in numbered_names(reference.name) if is_name_free(database, name))
    return replace(reference, source=source, name=name), None


def is_name_free(database: Database, name: str) -> bool:
    """Whether no image of another source can have this name, or this name with a frame number or a projection."""
    folded = fold(name)
    instance = instance_of(folded) or folded
    names = (folded, instance, f"{folded}_mip", f"{folded}_mean", f"{folded}_f0", f"{folded}_f:")
    return database.fetch_one(COLLIDING_SOURCE, names) is None
