# SPDX-License-Identifier: MIT
"""Create the tables of a ledger, and check the tables of an existing one before any of its rows is used."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from itertools import chain
from pathlib import Path

from plainfilm.errors import LedgerError, Reason
from plainfilm.ledger.database import (
    Database,
    check_regular_files,
    damage,
    database_files,
    new_database_path,
    open_database,
)
from plainfilm.ledger.sql import CREATE_DUPLICATE_INDEXES, CREATE_SHARD_INDEX, CREATE_TABLES, FILE_NAMES, SHARD_NAMES

SCHEMA = "4"
"""The version of the tables. A ledger with another version is refused."""

_STRUCTURE = "SELECT type, name, sql FROM sqlite_master"
_REMOVED = "SELECT patient, key_fingerprint FROM removed"


class _UnreadablePatientsError(LedgerError):
    """The patients that must not come back cannot be read."""


def create_tables(database: Database) -> None:
    """Create all tables, or none, in a database that has none."""
    if not has_tables(database):
        database.execute_script(f"BEGIN IMMEDIATE; {CREATE_TABLES} COMMIT;")


def has_tables(database: Database) -> bool:
    """Whether the database has any table. One that a killed run has just created has none."""
    return database.fetch_one(f"{_STRUCTURE} LIMIT 1") is not None


def read_meta(database: Database) -> dict[str, str]:
    """Return the rows of the table `meta`; none if no run has begun.

    Raises LedgerError if a ledger of this version has not exactly the tables and indexes that this module creates. A
    ledger of another version is not checked.
    """
    meta = dict(database.fetch_all("SELECT name, value FROM meta", types=(str, str)))
    if meta.get("schema", SCHEMA) == SCHEMA:
        _check_structure(database)
    return meta


def remove_if_unusable(path: Path) -> list[str]:
    """Remove a ledger that is damaged or of another version; return the names of its images that could be read.

    A ledger with patients that must not come back is replaced, in one step, by one that has these patients alone.

    Raises LedgerError where something else than a file has the name of the ledger, or where such patients cannot be
    read.
    """
    check_regular_files(path)
    if not path.exists():
        return []
    file_names: list[str] = []
    removed: list[tuple[str, str]] = []
    try:
        with open_database(path) as database:
            if not has_tables(database):
                return []
            removed.extend(_removed_patients(database))
            if _is_usable(database):
                return []
            file_names.extend(file_names_of(database))
    except _UnreadablePatientsError:
        raise
    except LedgerError:
        pass
    ledger, *logs = database_files(path)
    new = _new_ledger(path, removed) if removed else None
    for file in logs:
        file.unlink(missing_ok=True)
    if new is None:
        ledger.unlink(missing_ok=True)
    else:
        new.replace(ledger)
    return file_names


def is_relative_name(name: object) -> bool:
    """Whether this is a text that names a file within OUT."""
    return isinstance(name, str) and "\0" not in name and all(part not in ("", ".", "..") for part in name.split("/"))


def _removed_patients(database: Database) -> list[tuple[str, str]]:
    if database.fetch_one(f"{_STRUCTURE} WHERE name = 'removed'") is None:
        return []
    try:
        return [(str(patient), str(key)) for patient, key in database.fetch_all(_REMOVED, types=(str, str))]
    except LedgerError:
        message = f"the ledger {database.path} is damaged, and the patients that were removed from OUT cannot be read"
        raise _UnreadablePatientsError(f"{message}: choose another OUT", reason=Reason.LEDGER_DIFFERS) from None


def _new_ledger(path: Path, removed: list[tuple[str, str]]) -> Path:
    """Write a ledger with patients that must not come back and nothing else beside another one; return its path."""
    new = new_database_path(path)
    with open_database(new) as database:
        create_tables(database)
        database.execute_many("INSERT INTO removed VALUES (?, ?)", removed)
        database.commit()
    return new


def _check_structure(database: Database) -> None:
    required, optional = _expected_structure()
    structure = set(database.fetch_all(_STRUCTURE))
    if not required <= structure <= required | optional:
        raise damage(database.path, "its tables are not those of a ledger")


@cache
def _expected_structure() -> tuple[set[tuple[object, ...]], set[tuple[object, ...]]]:
    """Return the entries of the schema that every ledger has, and those that are created when they are needed."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(CREATE_TABLES)
        required = set(connection.execute(_STRUCTURE))
        connection.executescript(f"{CREATE_DUPLICATE_INDEXES}{CREATE_SHARD_INDEX};")
        return required, set(connection.execute(_STRUCTURE)) - required


def file_names_of(database: Database) -> Iterator[str]:
    """Yield the names of all images, and of the files that hold many of them. Raises LedgerError for any other text."""
    for (name,) in chain(database.iterate(FILE_NAMES), database.iterate(SHARD_NAMES)):
        if not is_relative_name(name):
            raise damage(database.path, "a file name leads out of OUT")
        yield name


def _is_usable(database: Database) -> bool:
    """Whether a ledger is of this version and undamaged. The names of its images are read, and not kept."""
    try:
        if read_meta(database).get("schema", SCHEMA) != SCHEMA:
            return False
        deque(file_names_of(database), maxlen=0)
        return database.fetch_one("PRAGMA quick_check(1)") == ("ok",)
    except LedgerError:
        return False
