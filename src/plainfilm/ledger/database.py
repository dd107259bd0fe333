# SPDX-License-Identifier: MIT
"""Open the SQLite database of a ledger and run statements in it.

The database has a write-ahead log and exclusive locking (one writer, and no shared memory, which network file systems
lack). A commit is on the disk before it returns. A connection must not be used by several threads.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from plainfilm.errors import LedgerError, Reason, RunError, Stage, StorageFullError

# 32 KiB: the log stays short, since OUT may be a small disk, and its pages are moved into the database while there is
# space for them. Commits are rare enough that this costs nothing.
_CHECKPOINT_PAGES = 8

_FULL_MESSAGES = ("disk is full", "database or disk is full")


class Database:
    """One open database. Statements begin a transaction where none is open; `commit` ends it.

    Every method but `rollback` and `truncate_log` raises StorageFullError, LedgerError (the database is damaged) and
    RunError (it cannot be written).
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path

    def execute(self, sql: str, values: tuple[object, ...] = ()) -> int:
        """Run one statement that changes data, and return the number of changed rows."""
        with translate_sqlite_errors(self.path):
            self._begin()
            return self._connection.execute(sql, values).rowcount

    def execute_many(self, sql: str, rows: Iterable[tuple[object, ...]]) -> None:
        """Run one statement for each row of values."""
        with translate_sqlite_errors(self.path):
            self._begin()
            self._connection.executemany(sql, rows)

    def execute_script(self, sql: str) -> None:
        """Commit, then run statements that create tables or indexes."""
        with translate_sqlite_errors(self.path):
            self._connection.executescript(sql)

    def fetch_all(
        self, query: str, values: tuple[object, ...] = (), types: tuple[type, ...] = ()
    ) -> list[tuple[Any, ...]]:
        """Return all rows of a query; each must have values of these types, if there are any."""
        with translate_sqlite_errors(self.path):
            rows = self._connection.execute(query, values).fetchall()
        if types and any(tuple(map(type, row)) != types for row in rows):
            raise damage(self.path, "a row has values of a wrong type")
        return rows

    def fetch_one(
        self, query: str, values: tuple[object, ...] = (), types: tuple[type, ...] = ()
    ) -> tuple[Any, ...] | None:
        """Return the first row of a query, or None; it must have values of these types, if there are any."""
        with translate_sqlite_errors(self.path):
            row: tuple[Any, ...] | None = self._connection.execute(query, values).fetchone()
        if types and row is not None and tuple(map(type, row)) != types:
            raise damage(self.path, "a row has values of a wrong type")
        return row

    def iterate(self, query: str, values: tuple[object, ...] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query; none of them is kept in memory."""
        with translate_sqlite_errors(self.path):
            yield from self._connection.execute(query, values)

    def commit(self) -> None:
        """Write all changes since the last commit to the disk."""
        with translate_sqlite_errors(self.path):
            if self._connection.in_transaction:
                self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """Undo all changes since the last commit."""
        if self._connection.in_transaction:
            with suppress(sqlite3.DatabaseError):
                self._connection.execute("ROLLBACK")

    def truncate_log(self) -> None:
        """Move the write-ahead log into the database and free its space, where the disk has space for that."""
        with suppress(sqlite3.DatabaseError):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def compact(self) -> None:
        """Commit, and write the database anew, so that nothing of deleted rows is left in the file and in the log.

        The new database takes the place of the old one in one step. Temporary tables are dropped.
        """
        # `VACUUM` alone would write a whole copy to the folder of temporary files, and another one to the log
        self.commit()
        new = new_database_path(self.path)
        try:
            with translate_sqlite_errors(self.path):
                # the log must be gone when another file gets the name of the database
                self._connection.execute("PRAGMA journal_mode=DELETE").fetchall()
                # bytes, since the name of a folder need not be UTF-8
                self._connection.execute("VACUUM INTO CAST(? AS TEXT)", (os.fsencode(new),))
            self.close()
            _replace(new, self.path)
        finally:
            new.unlink(missing_ok=True)
            self.close()
            self._connection = _connect_to_write(self.path)

    def close(self) -> None:
        """Undo uncommitted changes, and close the database."""
        self._connection.close()

    def _begin(self) -> None:
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN IMMEDIATE")


@contextmanager
def open_database(path: Path) -> Iterator[Database]:
    """Open the database, creating the file if needed; at the end of the block uncommitted changes are undone.

    Only the user may read the file. No other connection of this process may have it open: closing any descriptor of the
    file would drop SQLite's locks.

    Raises as `translate_sqlite_errors`, and LedgerError where something else than a file has its name.
    """
    check_regular_files(path)
    _make_private(path)
    with closing(Database(_connect_to_write(path), path)) as database:
        yield database


@contextmanager
def open_copy(path: Path) -> Iterator[Database]:
    """Open the database of a ledger, or a copy of it where that needs no file in OUT. Raises LedgerError, RunError."""
    with ExitStack() as stack:
        with translate_sqlite_errors(path):
            connection = stack.enter_context(closing(_connect(path, stack)))
            connection.execute("PRAGMA trusted_schema=OFF")
        yield Database(connection, path)


@contextmanager
def translate_sqlite_errors(path: Path) -> Iterator[None]:
    """Raise an error of SQLite as StorageFullError, LedgerError (no ledger, or a damaged one) or RunError."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        description = str(error)
        if any(message in description for message in _FULL_MESSAGES):
            raise StorageFullError("no space is left for the ledger: make room and run again") from error
        if (detail := _damage_in(error)) is not None:
            # SQLite may quote a row in its message, so the message must not appear in a traceback either
            raise damage(path, detail) from None
        if "disk I/O error" in description:
            # SQLite reports a quota and the limit of the file size this way too
            raise StorageFullError(f"the ledger cannot be written ({description}): make room and run again") from error
        message = f"the ledger {path} cannot be written ({description}): check the output's storage and run again"
        raise RunError(message, reason=Reason.WRITE_FAILED, stage=Stage.WRITE) from error


def damage(path: Path, detail: str) -> LedgerError:
    """Return the error of a damaged ledger. `detail` must not quote a row."""
    message = f"the ledger {path} is damaged ({detail}): give --overwrite to do everything again, or choose another OUT"
    return LedgerError(message, reason=Reason.LEDGER_DIFFERS)


def check_regular_files(path: Path) -> None:
    """Raise LedgerError where a symbolic link, a folder or a device has a name that SQLite opens."""
    for file in database_files(path):
        try:
            mode = file.lstat().st_mode
        except OSError:
            continue
        if not stat.S_ISREG(mode):
            message = f"{file} is a symbolic link, a folder or a device, and no ledger: remove it or choose another OUT"
            raise LedgerError(message, reason=Reason.LEDGER_DIFFERS)


def database_files(path: Path) -> list[Path]:
    """Return the paths of the database and of the files that SQLite keeps beside it."""
    return [path, *(path.with_name(f"{path.name}-{suffix}") for suffix in ("wal", "shm", "journal"))]


def new_database_path(path: Path) -> Path:
    """Return the path of a database that is to take the place of another one; what a killed process left is removed."""
    new = path.with_name(f"{path.name}-new")
    for file in database_files(new):
        file.unlink(missing_ok=True)
    _make_private(new)
    return new


def _replace(new: Path, path: Path) -> None:
    """Give a closed database the name of another one, which no process has open. Raises RunError."""
    try:
        _sync(new)
        new.replace(path)
        _sync(path.parent)
    except OSError as error:
        message = f"the ledger {path} cannot be replaced ({error.strerror}): check the output's storage and run again"
        raise RunError(message, reason=Reason.WRITE_FAILED, stage=Stage.WRITE) from error


def _sync(path: Path) -> None:
    """Write a file, or the names in a folder where the system can open one, to the disk."""
    if path.is_dir() and not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _connect_to_write(path: Path) -> sqlite3.Connection:
    with translate_sqlite_errors(path), ExitStack() as stack:
        connection = sqlite3.connect(path, isolation_level=None, timeout=0)
        stack.callback(connection.close)
        # functions in a schema that another program may have written are not called
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        stack.pop_all()
        return connection


def _connect(path: Path, stack: ExitStack) -> sqlite3.Connection:
    log = path.with_name(f"{path.name}-wal")
    if not log.exists() or not log.stat().st_size:
        return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    # a killed run left its last commits in the log: SQLite merges the log into a copy
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="plainfilm-")))
    for file in (path, log):
        shutil.copyfile(file, folder / file.name)
    return sqlite3.connect(folder / path.name)


def _make_private(path: Path) -> None:
    """Create the file if it is missing, and remove the permissions of other users; SQLite reports what fails here."""
    flags = os.O_RDONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with suppress(OSError):
        descriptor = os.open(path, flags | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            if hasattr(os, "fchmod") and os.fstat(descriptor).st_mode & 0o077:
                os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)


def _damage_in(error: sqlite3.DatabaseError) -> str | None:
    """Return what an error says about a damaged database, without any text of its rows; None for other errors."""
    description = str(error)
    if "decode" in description:
        return "a text is not UTF-8"
    if description.startswith("no such "):
        return "a table or a column is missing"
    if isinstance(error, sqlite3.OperationalError):
        return None
    return description.partition(" (")[0]
