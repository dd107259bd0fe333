# SPDX-License-Identifier: MIT
"""The entries of a folder that holds more of them than memory should -> their names, by way of a private database.

SQLite keeps it in a file that the system removes with its last use, and sorts there. Names come out as `name_folders`
and `name_files` give them: only entries that meet another are looked at together, in memory.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager

from plainfilm.errors import Stage, StorageFullError
from plainfilm.sources.listing import Entry, Kind
from plainfilm.sources.names import (
    Named,
    Taken,
    fold,
    instance_of,
    numbered,
    sanitize,
    slot_of,
    split_suffix,
    taken_by_the_run,
)

# whole: the safe name with its suffix; key: what the name is told apart by, that with its suffix where it is_whole;
# name and source: what it is called where it met another. Without a kind: a name that is taken.
_TABLE = """
PRAGMA journal_mode=OFF;
PRAGMA synchronous=OFF;
PRAGMA cache_size=-1024;
CREATE TABLE entries (
    id INTEGER PRIMARY KEY, part INTEGER, is_folder INTEGER, entry BLOB, kind TEXT,
    whole TEXT, is_whole INTEGER, key TEXT, instance TEXT, name TEXT, source TEXT);
BEGIN;
"""
_INDEXES = """
CREATE INDEX entries_key ON entries (is_folder, key);
CREATE INDEX entries_instance ON entries (is_folder, instance) WHERE instance NOT NULL;
"""
_ADD = """
INSERT INTO entries (part, is_folder, entry, kind, whole, is_whole, key, instance) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_MEETS_ANOTHER = """(
    EXISTS (SELECT 1 FROM entries o WHERE o.is_folder = e.is_folder AND o.key = e.key AND o.id <> e.id)
    OR EXISTS (SELECT 1 FROM entries o WHERE o.is_folder = e.is_folder AND o.instance = e.key)
    OR EXISTS (SELECT 1 FROM entries o WHERE o.is_folder = e.is_folder AND o.key = e.instance))
"""
_IS_KEY = "SELECT 1 FROM entries WHERE is_folder = ? AND key IN (?, ?)"
_IS_INSTANCE = "SELECT 1 FROM entries WHERE is_folder = ? AND instance = ?"
_MAKE_WHOLE = f"""
UPDATE entries SET is_whole = 1, key = fold(whole), instance = instance_of(fold(whole))
WHERE id IN (SELECT id FROM entries e WHERE NOT is_folder AND kind NOT NULL AND NOT is_whole AND {_MEETS_ANOTHER})
"""
_SAME_SOURCE = """
SELECT id, whole FROM entries WHERE is_folder = ? AND kind NOT NULL AND whole IN (
    SELECT whole FROM entries WHERE is_folder = ? AND kind NOT NULL GROUP BY whole HAVING count(*) > 1)
ORDER BY part, entry
"""
_OF_A_FILE_TOO = """
SELECT coalesce(source, whole) FROM entries WHERE is_folder AND kind NOT NULL
INTERSECT SELECT coalesce(source, whole) FROM entries WHERE NOT is_folder AND kind NOT NULL
"""
_IN_ORDER = """
SELECT part, is_folder, entry, kind, whole, is_whole, name, source FROM entries WHERE kind NOT NULL
ORDER BY part, is_folder, entry
"""

_Row = tuple[int | None, bool, bytes | None, str | None, str | None, bool, str, str | None]


def name_crowd(entries: Iterable[Entry], *, at_top: bool) -> Iterator[tuple[Entry, Named]]:
    """What each entry is called; of each part first its files, then its folders, each sorted.

    All entries are drawn before this returns. Raises what drawing them raises, and StorageFullError.
    """
    connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    with _storing():
        crowd = _Crowd(connection)
        crowd.add(entries)
        crowd.name_folders(taken_by_the_run(at_top=at_top))
        crowd.name_files()
        return crowd.named()


class _Crowd:
    """The entries in their database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.create_function("fold", 1, fold, deterministic=True)
        connection.create_function("instance_of", 1, instance_of, deterministic=True)
        connection.executescript(_TABLE)

    def add(self, entries: Iterable[Entry]) -> None:
        self._connection.executemany(_ADD, map(_row_of, entries))
        self._connection.executescript(_INDEXES)

    def name_folders(self, taken: Iterable[str]) -> None:
        self._take(taken, is_folder=True)
        self._number(is_folder=True)

    def name_files(self) -> None:
        """Once the folders have their names."""
        query = "SELECT coalesce(name, whole) FROM entries WHERE is_folder AND kind NOT NULL"
        self._take([slot for (folder,) in self._connection.execute(query) if (slot := slot_of(folder))])
        while self._connection.execute(_MAKE_WHOLE).rowcount:
            pass
        self._number(is_folder=False)

    def named(self) -> Iterator[tuple[Entry, Named]]:
        """Each entry; then the database is gone."""
        with closing(self._connection), _storing():
            of_a_file_too = {source for (source,) in self._connection.execute(_OF_A_FILE_TOO)}
            for part, is_folder, raw, kind, whole, is_whole, name, source in self._connection.execute(_IN_ORDER):
                entry = Entry(raw.decode("utf-8", "surrogatepass"), Kind(kind), part)
                source = source or whole
                met = bool(is_folder) and source in of_a_file_too
                yield entry, Named(name or (whole if is_whole else _short(entry.name)), source, met)

    def _take(self, names: Iterable[str], *, is_folder: bool = False) -> None:
        rows = ((None, is_folder, None, None, None, True, key, instance_of(key)) for key in map(fold, names))
        self._connection.executemany(_ADD, rows)

    def _number(self, *, is_folder: bool) -> None:
        """Number names and sources that meet."""
        taken = Taken(fold)
        query = f"SELECT key FROM entries e WHERE is_folder = ? AND kind IS NULL AND {_MEETS_ANOTHER}"
        taken.add(key for (key,) in self._connection.execute(query, (is_folder,)))
        columns = "id, entry, whole, is_whole"
        query = f"SELECT {columns} FROM entries e WHERE is_folder = ? AND kind NOT NULL AND {_MEETS_ANOTHER}"
        meeting = [
            (number, whole if is_whole else _short(raw.decode("utf-8", "surrogatepass")))
            for number, raw, whole, is_whole in self._connection.execute(f"{query} ORDER BY part, entry", (is_folder,))
        ]
        self._call("name", meeting, numbered([name for _, name in meeting], taken, _Names(self._connection, is_folder)))
        same = self._connection.execute(_SAME_SOURCE, (is_folder, is_folder)).fetchall()
        if same:
            self._connection.execute("CREATE INDEX IF NOT EXISTS entries_whole ON entries (is_folder, whole)")
            others = _Sources(self._connection, is_folder)
            self._call("source", same, numbered([source for _, source in same], Taken(str), others))

    def _call(self, column: str, rows: Iterable[tuple[int, str]], names: Iterable[str]) -> None:
        changed = ((name, number) for (number, wanted), name in zip(rows, names, strict=True) if name != wanted)
        self._connection.executemany(f"UPDATE entries SET {column} = ? WHERE id = ?", changed)


class _Names:
    """All names that files, or folders, would have."""

    def __init__(self, connection: sqlite3.Connection, is_folder: bool) -> None:
        self._connection = connection
        self._is_folder = is_folder

    def meets(self, name: str) -> bool:
        key = fold(name)
        return self._has(_IS_KEY, key, instance_of(key)) or self._has(_IS_INSTANCE, key)

    def _has(self, query: str, *values: str | None) -> bool:
        return self._connection.execute(query, (self._is_folder, *values)).fetchone() is not None


class _Sources(_Names):
    """All sources that files, or folders, would have."""

    def meets(self, name: str) -> bool:
        return self._has("SELECT 1 FROM entries WHERE is_folder = ? AND whole = ?", name)


def _row_of(entry: Entry) -> _Row:
    is_folder = entry.kind is Kind.FOLDER
    stem, suffix = (entry.name, "") if is_folder else split_suffix(entry.name)
    short = sanitize(stem)
    key = fold(short)
    raw = entry.name.encode("utf-8", "surrogatepass")  # sorts as the text does
    return entry.part, is_folder, raw, entry.kind.value, short + suffix, not suffix, key, instance_of(key)


def _short(file: str) -> str:
    return sanitize(split_suffix(file)[0])


@contextmanager
def _storing() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        message = f"the names of a large folder cannot be kept in the system's folder for temporary files ({error})"
        raise StorageFullError(f"{message}: make room there and run again", stage=Stage.LIST) from error
