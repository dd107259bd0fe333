# SPDX-License-Identifier: MIT
"""The path of a ledger -> a connection to its SQLite database, with its tables made.

Write-ahead log, exclusive locking (one writer, and no shared memory, which network file systems lack), and every commit
on the disk before it returns. Not for several threads.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from plainfilm.errors import LedgerError, Reason, RunError, Stage, StorageFullError
from plainfilm.ledger.sql import INDEXES

SCHEMA = "1"

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- every file that was ever handed out: `name` is that of its images, `folded` what it shares with names that meet it
CREATE TABLE IF NOT EXISTS sources (
    source TEXT PRIMARY KEY, path BLOB NOT NULL, name TEXT NOT NULL, folded TEXT NOT NULL,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, done INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS sources_folded ON sources (folded);

-- an image is here after its file has its final name
CREATE TABLE IF NOT EXISTS images (
    id INTEGER PRIMARY KEY, source TEXT NOT NULL, frame INTEGER NOT NULL, file_name TEXT NOT NULL,
    sop_instance TEXT NOT NULL, stored_hash TEXT NOT NULL, status TEXT NOT NULL, row TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS images_source ON images (source, frame);
CREATE UNIQUE INDEX IF NOT EXISTS images_file ON images (file_name);

-- the further files of images
CREATE TABLE IF NOT EXISTS masks (file_name TEXT PRIMARY KEY, source TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS masks_source ON masks (source);

-- frame 0: the instance as a whole
CREATE TABLE IF NOT EXISTS failures (
    source TEXT NOT NULL, frame INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
    retry INTEGER NOT NULL, row TEXT NOT NULL, PRIMARY KEY (source, frame)) WITHOUT ROWID;

-- names that are about to get a file, or to lose it: without an image of that name, the file is to be removed
CREATE TABLE IF NOT EXISTS pending (file_name TEXT PRIMARY KEY) WITHOUT ROWID;
"""

# of 4 KiB each: a log that is short, since OUT may be a small disk, and whose pages find their place soon, while there
# is room for them; commits are rare enough for this to cost nothing
_PAGES_AHEAD = 8

_FULL = ("disk is full", "database or disk is full")


@contextmanager
def open_database(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that is closed, and what was not committed undone, when its block is left. Raises as `storing`."""
    with storing(path):
        connection = sqlite3.connect(path, isolation_level=None, timeout=0)
    with closing(connection):
        with storing(path):
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint={_PAGES_AHEAD}")
            connection.executescript(_TABLES)
        yield connection


def make_indexes(connection: sqlite3.Connection, path: Path, *, needed: bool) -> None:
    """Make the ordered look at the images quick; where there is no room for that, and it is not needed, do without."""
    try:
        with storing(path):
            connection.executescript(INDEXES)
    except StorageFullError:
        if needed:
            raise


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turns what SQLite raises into StorageFullError, LedgerError (no ledger, or damaged) or RunError."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        said = str(error)
        if any(word in said for word in _FULL):
            raise StorageFullError("no space is left for the ledger: make room and run again") from error
        if not isinstance(error, sqlite3.OperationalError):
            message = f"the ledger {path} is damaged ({said}): --overwrite begins anew"
            raise LedgerError(message, reason=Reason.LEDGER_DIFFERS) from error
        if "disk I/O error" in said:
            # also what SQLite makes of a quota, and of a largest file size that is reached
            raise StorageFullError(f"the ledger cannot be written ({said}): make room and run again") from error
        message = f"the ledger {path} cannot be written ({said}): see to the output's storage and run again"
        raise RunError(message, reason=Reason.WRITE_FAILED, stage=Stage.WRITE) from error


def remove_if_damaged(path: Path) -> None:
    """Remove a ledger that cannot be opened, with what belongs to it."""
    try:
        with open_database(path):
            pass
    except LedgerError:
        for name in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
            name.unlink(missing_ok=True)
