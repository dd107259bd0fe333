# SPDX-License-Identifier: MIT
"""Name the entries of one folder, in order. Memory does not grow with the number of entries.

The entries of a small folder are sorted and named in memory. The entries of a large folder are written to a private
SQLite database, in a temporary file that the system removes when it is closed. SQLite sorts the entries and finds those
whose names may collide. Only those entries are read back into memory, base by base (`collisions.py`), and named by the
same function as the entries of a small folder. Every other entry is named alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import chain, islice

from plainfilm.errors import Stage, StorageFullError
from plainfilm.sources.collisions import (
    EntryNames,
    base_of,
    instance_stem_of,
    is_related,
    name_alone,
    name_together,
    stem_of,
)
from plainfilm.sources.entries import Entry, EntryKind
from plainfilm.sources.naming_rules import fold, reserved_names

MOST_IN_MEMORY = 2_000

# entry: the name on disk, as bytes that sort like the text. name, source, shares_source: NULL if it is named alone.
_CREATE = """
PRAGMA journal_mode=OFF;
PRAGMA synchronous=OFF;
PRAGMA cache_size=-1024;
CREATE TABLE entries (
    id INTEGER PRIMARY KEY, argument INTEGER, is_folder INTEGER, entry BLOB, kind TEXT, stem TEXT, instance_stem TEXT,
    name TEXT, source TEXT, shares_source INTEGER);
BEGIN;
"""
_INSERT = "INSERT INTO entries (argument, is_folder, entry, kind, stem, instance_stem) VALUES (?, ?, ?, ?, ?, ?)"
_CREATE_INDEXES = """
CREATE INDEX entries_stem ON entries (stem);
CREATE INDEX entries_instance_stem ON entries (instance_stem) WHERE instance_stem NOT NULL;
"""
# The three cases: equal stems; a frame beside its instance; a folder that may have a reserved name. The longest bases
# come first: the entries of `x-2` are also related to the base `x`, and their last result takes the entries of `x` into
# account.
_BASES_WITH_COLLISIONS = """
SELECT DISTINCT base_of(stem) AS base FROM (
    SELECT stem FROM entries GROUP BY stem HAVING count(*) > 1
    UNION ALL SELECT stem FROM entries WHERE stem IN (SELECT instance_stem FROM entries WHERE instance_stem NOT NULL)
    UNION ALL SELECT stem FROM entries WHERE is_folder AND is_reserved(stem))
ORDER BY length(base) DESC
"""
_STARTING_WITH = """
SELECT id, argument, entry, kind, stem FROM entries WHERE stem BETWEEN ?1 AND ?1 || char(0x10FFFF)
ORDER BY argument, is_folder, entry
"""
_SET_NAMES = "UPDATE entries SET name = ?, source = ?, shares_source = ? WHERE id = ?"
_IN_ORDER = "SELECT argument, entry, kind, name, source, shares_source FROM entries ORDER BY argument, is_folder, entry"


def assign_names(
    entries: Iterable[Entry],
    *,
    at_top: bool = False,
    reserved: tuple[str, ...] = (),
    most_in_memory: int = MOST_IN_MEMORY,
) -> Iterator[tuple[Entry, EntryNames]]:
    """Yield the entries of one folder with their names, sorted by argument, files before folders, and code points.

    at_top: whether the folder is the top of OUT, where the names of a run's own files are reserved.
    reserved: further names that no folder among the entries gets.

    All entries are drawn before this function returns. Raises what drawing them raises, and StorageFullError.
    """
    remaining = iter(entries)
    first = list(islice(remaining, most_in_memory + 1))
    if len(first) > most_in_memory:
        return _name_in_database(chain(first, remaining), (*reserved_names(at_top=at_top), *reserved))
    first.sort(key=lambda entry: (entry.argument, entry.kind.is_folder, entry.name))
    return name_together(first, (*reserved_names(at_top=at_top), *reserved))


def _name_in_database(entries: Iterable[Entry], reserved: tuple[str, ...]) -> Iterator[tuple[Entry, EntryNames]]:
    connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    with _storage_errors():
        connection.executescript(_CREATE)
        connection.executemany(_INSERT, map(_row_of, entries))
        connection.executescript(_CREATE_INDEXES)
        _name_collisions(connection, reserved)
    return _named_entries(connection)


def _row_of(entry: Entry) -> tuple[object, ...]:
    stem = stem_of(entry)
    name = entry.name.encode("utf-8", "surrogatepass")
    return entry.argument, entry.kind.is_folder, name, entry.kind.value, stem, instance_stem_of(stem)


def _name_collisions(connection: sqlite3.Connection, reserved: tuple[str, ...]) -> None:
    """Store the names of all entries that may collide, base by base."""
    reserved_bases = {base_of(fold(name)) for name in reserved}
    connection.create_function("base_of", 1, base_of, deterministic=True)
    connection.create_function("is_reserved", 1, lambda stem: base_of(stem) in reserved_bases, deterministic=True)
    for (base,) in connection.execute(_BASES_WITH_COLLISIONS):
        rows = [row for row in connection.execute(_STARTING_WITH, (base,)) if is_related(row[-1], base)]
        named = name_together([_entry_of(argument, name, kind) for _, argument, name, kind, _ in rows], reserved)
        connection.executemany(
            _SET_NAMES,
            (
                (names.name, names.source, names.shares_source, number)
                for (number, *_), (_, names) in zip(rows, named, strict=True)
            ),
        )


def _named_entries(connection: sqlite3.Connection) -> Iterator[tuple[Entry, EntryNames]]:
    """Yield every entry in order, then remove the database."""
    with closing(connection), _storage_errors():
        for argument, entry_name, kind, name, source, shares_source in connection.execute(_IN_ORDER):
            entry = _entry_of(argument, entry_name, kind)
            if name is None:
                yield entry, name_alone(entry)
            else:
                yield entry, EntryNames(name, source, bool(shares_source))


def _entry_of(argument: int, name: bytes, kind: str) -> Entry:
    return Entry(name.decode("utf-8", "surrogatepass"), EntryKind(kind), argument)


@contextmanager
def _storage_errors() -> Iterator[None]:
    """Raise the errors of SQLite as StorageFullError."""
    try:
        yield
    except sqlite3.Error as error:
        message = f"the names of a large folder cannot be stored in the system's folder for temporary files ({error})"
        raise StorageFullError(f"{message}: make room there and run again", stage=Stage.LIST) from error
