# SPDX-License-Identifier: MIT
"""The entries of a folder that holds more of them than memory should -> their names, by way of a private database.

SQLite keeps it in a file that the system removes with its last use, and sorts there. Names come out as `name_folders`
and `name_files` give them: only entries that meet another are looked at together, in memory.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager

from plainfilm.errors import Stage, StorageFullError
from plainfilm.sources.entries import Entry, Kind
from plainfilm.sources.naming_rules import (
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
CREATE INDEX entries_taken ON entries (is_folder) WHERE kind IS NULL;
"""
_ADD = """
INSERT INTO entries (part, is_folder, entry, kind, whole, is_whole, key, instance) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
# keys that are there twice, and those of a name beside what may be a frame of it
_MEETING_KEYS = """
SELECT key FROM entries WHERE is_folder = ?1 GROUP BY key HAVING count(*) > 1
UNION ALL SELECT e.key FROM entries i JOIN entries e ON e.is_folder = ?1 AND e.key = i.instance
    WHERE i.is_folder = ?1 AND i.instance NOT NULL
UNION ALL SELECT i.key FROM entries i JOIN entries e ON e.is_folder = ?1 AND e.key = i.instance
    WHERE i.is_folder = ?1 AND i.instance NOT NULL
"""
_MEETING = f"""
SELECT id, entry, whole, is_whole FROM entries
WHERE is_folder = ?1 AND kind NOT NULL AND key IN ({_MEETING_KEYS}) ORDER BY part, entry
"""
_TAKEN_AND_MEETING = f"SELECT whole FROM entries WHERE is_folder = ?1 AND kind IS NULL AND key IN ({_MEETING_KEYS})"
_MAKE_WHOLE = f"""
UPDATE entries SET is_whole = 1, key = fold(whole), instance = instance_of(fold(whole)) WHERE id IN (
    SELECT id FROM entries WHERE is_folder = ?1 AND kind NOT NULL AND NOT is_whole AND key IN ({_MEETING_KEYS}))
"""
_IS_KEY = "SELECT 1 FROM entries WHERE is_folder = ? AND key IN (?, ?)"
_IS_INSTANCE = "SELECT 1 FROM entries WHERE is_folder = ? AND instance = ?"
_IS_SOURCE = "SELECT 1 FROM entries WHERE is_folder = ? AND whole = ? AND kind NOT NULL"
_HAS_FOLDERS = "SELECT 1 FROM entries WHERE is_folder = 1 AND kind NOT NULL"
_OF_A_FILE_TOO = """
SELECT coalesce(source, whole) FROM entries WHERE is_folder = 1 AND kind NOT NULL
INTERSECT SELECT coalesce(source, whole) FROM entries WHERE is_folder = 0 AND kind NOT NULL
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
        while self._connection.execute(_MAKE_WHOLE, (False,)).rowcount:
            pass
        self._number(is_folder=False)

    def named(self) -> Iterator[tuple[Entry, Named]]:
        """Each entry; then the database is gone."""
        with closing(self._connection), _storing():
            has_folders = self._connection.execute(_HAS_FOLDERS).fetchone() is not None
            query = self._connection.execute(_OF_A_FILE_TOO) if has_folders else ()
            of_a_file_too = {source for (source,) in query}
            for part, is_folder, raw, kind, whole, is_whole, name, source in self._connection.execute(_IN_ORDER):
                entry = Entry(raw.decode("utf-8", "surrogatepass"), Kind(kind), part)
                source = source or whole
                met = bool(is_folder) and source in of_a_file_too
                yield entry, Named(name or (whole if is_whole else _short(raw)), source, met)

    def _take(self, names: Iterable[str], *, is_folder: bool = False) -> None:
        keys = ((name, fold(name)) for name in names)
        rows = ((None, is_folder, None, None, name, True, key, instance_of(key)) for name, key in keys)
        self._connection.executemany(_ADD, rows)

    def _number(self, *, is_folder: bool) -> None:
        """Number the names that meet, and the sources: whose sources are equal, their names meet."""
        family = (is_folder,)
        taken = Taken(fold)
        taken.add(name for (name,) in self._connection.execute(_TAKEN_AND_MEETING, family))
        meeting = self._connection.execute(_MEETING, family).fetchall()
        wanted = [(row[0], row[2] if row[3] else _short(row[1])) for row in meeting]
        self._call("name", wanted, numbered([name for _, name in wanted], taken, _Names(self._connection, is_folder)))
        times = Counter(row[2] for row in meeting)
        same = [(row[0], row[2]) for row in meeting if times[row[2]] > 1]
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
        return self._has(_IS_SOURCE, name)


def _row_of(entry: Entry) -> _Row:
    is_folder = entry.kind is Kind.FOLDER
    stem, suffix = (entry.name, "") if is_folder else split_suffix(entry.name)
    short = sanitize(stem)
    key = fold(short)
    raw = entry.name.encode("utf-8", "surrogatepass")  # sorts as the text does
    return entry.part, is_folder, raw, entry.kind.value, short + suffix, not suffix, key, instance_of(key)


def _short(raw: bytes) -> str:
    return sanitize(split_suffix(raw.decode("utf-8", "surrogatepass"))[0])


@contextmanager
def _storing() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        message = f"the names of a large folder cannot be kept in the system's folder for temporary files ({error})"
        raise StorageFullError(f"{message}: make room there and run again", stage=Stage.LIST) from error
