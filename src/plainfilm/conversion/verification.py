# SPDX-License-Identifier: MIT
"""Compare the files of an OUT with its ledger: which are missing, which have changed, and which belong to no run."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path

from plainfilm.conversion.disk_check import sha256_of_file
from plainfilm.conversion.placement import data_set_columns
from plainfilm.conversion.summary import RUN_FILE, recorded_options
from plainfilm.errors import LedgerError, Reason
from plainfilm.ledger.finished_ledger import FinishedLedger, no_run_message, open_finished_ledger
from plainfilm.ledger.ledger import Ledger
from plainfilm.ledger.remaining_work import FileStat
from plainfilm.output.data_card import CARD
from plainfilm.output.folder import FolderOutput
from plainfilm.output.ownership import check_merged, is_private
from plainfilm.output.tables import check_output_formats, encode_tables, table_columns
from plainfilm.pickling import dataclass
from plainfilm.report.report_files import is_report_file


@dataclass(frozen=True, slots=True)
class Verification:
    """The differences between the files of an OUT and its ledger, as names relative to OUT.

    files: the number of files that the ledger lists, and of tables.
    missing: files that are not there, or are no regular files.
    changed: images with another SHA-256, and tables with other rows, than the ledger has.
    extra: files that belong to no run.
    """

    files: int
    missing: tuple[str, ...]
    changed: tuple[str, ...]
    extra: tuple[str, ...]

    @property
    def has_differences(self) -> bool:
        """Whether any file differs."""
        return bool(self.missing or self.changed or self.extra)

    def to_dict(self) -> dict[str, object]:
        """Return the content as values of JSON."""
        return asdict(self)


Digests = Callable[[Iterable[Path]], Iterable[str]]
"""Returns the SHA-256 of files, in their order, in hexadecimal digits; '' where a file cannot be read."""


def _digests_of_files(paths: Iterable[Path]) -> Iterator[str]:
    return map(sha256_of_file, paths)


def verify_output(out: Path, digests: Digests = _digests_of_files) -> Verification:
    """Read every image and table of an OUT, and compare it with the ledger. Images and tables stay as they are.

    digests: reads the files; those that are in the folder may stand for others.

    Raises LedgerError where OUT holds no run, OutputLockedError where a run uses it, and RunError.
    """
    output = FolderOutput(out)
    check_merged(out)
    if not output.has_ledger():
        raise LedgerError(no_run_message(out), reason=Reason.LEDGER_DIFFERS)
    with output.lock(), open_finished_ledger(output.ledger_path) as ledger:
        counts, missing, changed = _check_images(out, ledger, digests)
        tables, missing_tables, changed_tables = _check_tables(out, ledger, digests)
        extra = sorted(_extra_files(out, ledger, tables))
    missing, changed = sorted([*missing, *missing_tables]), sorted([*changed, *changed_tables])
    return Verification(counts + len(tables), tuple(missing), tuple(changed), tuple(extra))


def _check_images(out: Path, ledger: Ledger, digests: Digests) -> tuple[int, list[str], list[str]]:
    """Return the number of files in the ledger, and the names of those that are missing and that have changed."""
    files, missing, changed = 0, list[str](), list[str]()
    for page in _pages(ledger):
        files += len(page)
        present = {name: sha256 for name, sha256 in page.items() if FileStat.of_output(out / name).size >= 0}
        missing += page.keys() - present.keys()
        actual = digests([out / name for name in present])
        changed += [name for name, digest in zip(present, actual, strict=True) if digest != present[name]()]
    return files, missing, changed


def _pages(ledger: Ledger) -> Iterator[dict[str, Callable[[], str]]]:
    """Yield the files in the ledger by name, some at a time, each with a function that returns its SHA-256."""
    for page in ledger.files.pages():
        yield {file.file_name: partial(ledger.files.sha256, file) for file in page}
    yield {shard.name: partial(str, shard.sha256) for shard in ledger.shards.all().values()}


def _check_tables(out: Path, ledger: FinishedLedger, digests: Digests) -> tuple[list[str], list[str], list[str]]:
    """Return the names of the tables, of those that are missing, and of those that the ledger would write otherwise."""
    options = recorded_options(ledger.fingerprint)
    check_output_formats(options.output)
    table, data_set = options.output.table, data_set_columns(options)
    columns, _ = table_columns(ledger, table, options.privacy.columns.words, data_set)
    names, missing, changed = list[str](), list[str](), list[str]()
    for name, chunks in encode_tables(ledger, table, columns, data_set):
        names.append(name)
        if FileStat.of_output(out / name).size < 0:
            missing.append(name)
            continue
        digest = hashlib.sha256()
        for chunk in chunks:
            digest.update(chunk)
        if [*digests([out / name])] != [digest.hexdigest()]:
            changed.append(name)
    return names, missing, changed


def _extra_files(out: Path, ledger: Ledger, tables: list[str]) -> Iterator[str]:
    """Yield the files and links that belong to no run; links to folders are not followed."""
    for folder, folders, files in os.walk(out):
        base = Path(folder).relative_to(out)
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for name in (*files, *links):
            relative_name = (base / name).as_posix()
            is_of_run = relative_name in tables or (base == Path() and _is_run_file(name))
            if not is_of_run and not _is_listed(relative_name, ledger):
                yield relative_name
        if base == Path():
            folders[:] = [name for name in folders if not is_private(name)]


def _is_run_file(name: str) -> bool:
    return is_private(name) or name in (RUN_FILE, CARD) or is_report_file(name)


def _is_listed(relative_name: str, ledger: Ledger) -> bool:
    # a name that is not UTF-8 is none of a run
    with suppress(UnicodeEncodeError):
        relative_name.encode()
        return ledger.files.has(relative_name)
    return False
