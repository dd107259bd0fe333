# SPDX-License-Identifier: MIT
"""Bring the files of an OUT in a store into the folder that a run works in, as far as the run needs them.

Of the images a run needs the size, the time and the name, so a placeholder takes the place of each. An object is known
to have the bytes that the ledger says if it is in the list that was put with the ledger. Any other object is fetched
and compared; the folder does not get one that differs, so the run finds that the image is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from plainfilm.conversion.disk_check import sha256_of_file
from plainfilm.conversion.summary import RUN_FILE
from plainfilm.errors import RunError
from plainfilm.ledger.database import Database, open_copy
from plainfilm.ledger.remaining_work import FileStat
from plainfilm.ledger.schema import has_tables
from plainfilm.ledger.stored_files import StoredFiles
from plainfilm.ledger.stored_previews import StoredPreviews
from plainfilm.ledger.stored_shards import StoredShards
from plainfilm.output.data_card import CARD
from plainfilm.output.placeholder import LEAST_SIZE, read_placeholder
from plainfilm.output.remote_out import RemoteOut
from plainfilm.pickling import dataclass
from plainfilm.report.report_files import is_report_file


@dataclass(frozen=True, slots=True)
class _ListedFile:
    """A file of a ledger; sha256: returns its SHA-256 in hexadecimal digits."""

    file_stat: FileStat
    sha256: Callable[[], str]


def bring_files(out: RemoteOut, *, is_current: bool, with_content: bool) -> None:
    """Make the folder the same as OUT in the store; the ledgers are there.

    is_current: what `fetch_ledgers` has returned. with_content: whether the bytes of the images are needed.

    Raises LedgerError where a ledger is damaged, StorageFullError and RunError.
    """
    if is_current:
        out.drop_lost()
        if with_content:
            out.fetch_content([name for name in _placeholders(out) if name in out.objects])
    else:
        for ledger in out.ledgers():
            _bring_listed(out, ledger, with_content=with_content)
        if out.names.share is None:
            _bring_others(out, with_content=with_content)
    out.save()


def needs_content(out: RemoteOut, tables: Sequence[str] = ("removed", "shards")) -> bool:
    """Whether the ledgers in the folder have rows in all of these tables.

    A merge needs the bytes of files that hold many images, if there are any, to write them without removed patients.

    Raises LedgerError and RunError.
    """
    return all(any(_has_rows(out, ledger, table) for ledger in out.ledgers()) for table in tables)


def lacks_previews(out: RemoteOut) -> bool:
    """Whether a report has to read image files: an earlier run has made images with `--no-report`."""
    return any(_lacks_previews(out, ledger) for ledger in out.ledgers())


@contextmanager
def naming_url(out: RemoteOut) -> Iterator[None]:
    """Let the messages of errors name the URL instead of the folder of this machine."""
    try:
        yield
    except RunError as error:
        error.message = error.message.replace(str(out.folder), str(out.url).rstrip("/"))
        raise


def _bring_listed(out: RemoteOut, ledger: str, *, with_content: bool) -> None:
    """Bring the files that a ledger lists and that are not there yet."""
    with open_copy(out.folder / ledger) as database:
        if not has_tables(database):
            return
        for page in _pages(database):
            files = {name: file for name, file in page.items() if name not in out.known}
            fetched = [
                name
                for name, file in files.items()
                if (with_content or not _has_stood_in(out, ledger, name, file.file_stat)) and name in out.objects
            ]
            out.fetch(fetched)
            for name in fetched:
                _compare(out, name, files[name])


def _has_stood_in(out: RemoteOut, ledger: str, name: str, file_stat: FileStat) -> bool:
    """Let a placeholder stand for a file of a ledger; return whether there is an object that has its bytes."""
    origin = name if out.is_inventoried(ledger, name) else out.copy_of(ledger, name)
    if origin is None or out.objects[origin].size != file_stat.size or file_stat.size < LEAST_SIZE:
        return False
    out.stand_in(name, file_stat.mtime_ns, origin=None if origin == name else origin)
    return True


def _compare(out: RemoteOut, name: str, file: _ListedFile) -> None:
    """Give a file that was fetched its time, or remove it if it is not the one that the ledger lists."""
    if sha256_of_file(out.folder / name) == file.sha256():
        out.set_time(name, file.file_stat.mtime_ns)
    else:
        out.drop(name)


def _pages(database: Database) -> Iterator[Mapping[str, _ListedFile]]:
    """Yield the files of a ledger by their names, a part of them at a time."""
    files = StoredFiles(database)
    for page in files.pages():
        yield {file.file_name: _ListedFile(file.file_stat, partial(files.sha256, file)) for file in page}
    shards = StoredShards(database).all().values()
    yield {item.name: _ListedFile(item.file_stat, partial(str, item.sha256)) for item in shards}


def _bring_others(out: RemoteOut, *, with_content: bool) -> None:
    """Bring the files that no ledger lists, such as tables."""
    fetched = []
    for name in out.public_objects():
        if name in out.known:
            continue
        if with_content or _is_read(name) or out.objects[name].size < LEAST_SIZE:
            fetched.append(name)
        else:
            out.stand_in(name)
    out.fetch(fetched)


def _is_read(name: str) -> bool:
    """Whether a run reads a file that no ledger lists before it replaces or removes the file."""
    return name in (RUN_FILE, CARD) or is_report_file(name)


def _placeholders(out: RemoteOut) -> Iterator[str]:
    return (name for name, path in out.files() if read_placeholder(path) is not None)


def _has_rows(out: RemoteOut, ledger: str, table: str) -> bool:
    with open_copy(out.folder / ledger) as database:
        return has_tables(database) and database.fetch_one(f"SELECT 1 FROM {table}") is not None


def _lacks_previews(out: RemoteOut, ledger: str) -> bool:
    with open_copy(out.folder / ledger) as database:
        return has_tables(database) and StoredPreviews(database).is_any_missing()
