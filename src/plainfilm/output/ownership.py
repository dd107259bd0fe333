# SPDX-License-Identifier: MIT
"""Take the folder OUT for one run: check that it is usable and belongs to plainfilm, and lock it.

At the top of OUT a run has these private entries. All other names that begin with `.plainfilm-` are reserved.

    .plainfilm           the ledger, one SQLite file, and what SQLite keeps beside it while the ledger is open
    .plainfilm-lock      an empty file that a run locks; it stays
    .plainfilm-staging   the folder of staged files; it exists while a run lasts
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from plainfilm.errors import LedgerError, OutputError, OutputLockedError, PlainfilmError, Reason, Stage, with_os_error
from plainfilm.output.directory import BY_DESCRIPTOR, TEMPORARY_NAME, open_directory
from plainfilm.output.lock import try_lock
from plainfilm.output.storage import classify_os_error

LEDGER = ".plainfilm"
LOCK = ".plainfilm-lock"
STAGING = ".plainfilm-staging"
_RESERVED_PREFIX = ".plainfilm-"
_PROBE = f".plainfilm-{0:016x}.tmp"


def has_ledger(out: Path) -> bool:
    """Whether OUT has a ledger. An empty file is none: a run was killed before it began.

    Raises LedgerError where something else than a file has the name of the ledger.
    """
    path = out / LEDGER
    try:
        status = path.lstat()
    except OSError:
        return False
    if stat.S_ISDIR(status.st_mode):
        message = (
            f"{out} was written by an earlier version of plainfilm, which kept its ledger in a folder {LEDGER}: choose "
            "another OUT, or remove that folder and give --overwrite to do everything again"
        )
        raise LedgerError(message, reason=Reason.LEDGER_DIFFERS)
    _check_regular(path)
    return status.st_size > 0


def is_private(name: str) -> bool:
    """Whether an entry at the top of OUT with this name belongs to the ledger, the lock or the staging of a run."""
    return name == LEDGER or name.startswith(_RESERVED_PREFIX)


def check_ownership(out: Path, *, overwrite: bool = False) -> None:
    """Raise LedgerError if OUT holds files and no ledger, unless `overwrite` is true, or if its ledger is no file."""
    if not has_ledger(out) and not overwrite:
        check_empty(out)


def check_empty(out: Path) -> None:
    """Raise LedgerError if OUT holds files other than those of a run that was killed before its first image."""
    if any(not TEMPORARY_NAME.fullmatch(path.name) for path in _files_in(out)):
        raise LedgerError(
            f"{out} holds files and no ledger: choose another OUT, or give --overwrite to write among them"
        )


def make_folder(out: Path) -> None:
    """Create OUT and its parents where they are missing. Raises LedgerError and StorageFullError."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unusable_error(out, error) from error


def check_writable(out: Path, *, by_descriptor: bool = BY_DESCRIPTOR) -> None:
    """Write a file into OUT as a test. Raises LedgerError and StorageFullError."""
    try:
        with open_directory(out, by_descriptor=by_descriptor) as directory:
            # a run that was killed here has left its own
            directory.remove(_PROBE)
            directory.create(_PROBE, [b"\n"])
            directory.remove(_PROBE)
    except OSError as error:
        raise unusable_error(out, error) from error


@contextmanager
def lock_folder(out: Path, *, by_descriptor: bool = BY_DESCRIPTOR) -> Iterator[None]:
    """Keep other runs out of OUT, which exists, until the block or the process ends.

    Raises OutputLockedError, and LedgerError where something else than a file has the name of the lock.
    """
    _check_regular(out / LOCK)
    with ExitStack() as stack:
        try:
            directory = stack.enter_context(open_directory(out, by_descriptor=by_descriptor))
            descriptor = directory.open_file(LOCK, 0o600)
            stack.callback(os.close, descriptor)
            is_locked = try_lock(descriptor)
        except OSError as error:
            raise unusable_error(out, error) from error
        if not is_locked:
            raise OutputLockedError(f"another run writes into {out}: wait for it, or choose another OUT")
        yield


def unusable_error(out: Path, error: OSError) -> PlainfilmError:
    """Return the error of an OUT that cannot be used at all."""
    classified = classify_os_error(error)
    if not isinstance(classified, OutputError):
        return classified
    if isinstance(error, (FileExistsError, NotADirectoryError)):
        problem = "is no folder, or is below a file"
    else:
        problem = f"cannot be written to ({error.strerror})"
    refusal = LedgerError(f"OUT {out} {problem}: choose another OUT", stage=Stage.WRITE)
    cause = NotADirectoryError(*error.args) if isinstance(error, FileExistsError) else error
    return with_os_error(refusal, cause, out)


def _check_regular(path: Path) -> None:
    """Raise LedgerError where a symbolic link, a folder or a device has this name."""
    with suppress(FileNotFoundError, NotADirectoryError):
        if not stat.S_ISREG(path.lstat().st_mode):
            message = f"{path} is a symbolic link, a folder or a device: remove it or choose another OUT"
            raise LedgerError(message, reason=Reason.LEDGER_DIFFERS)


def _files_in(out: Path) -> Iterator[Path]:
    """Yield every file in OUT except the private entries; symbolic links are not followed."""
    folders = [out]
    while folders:
        folder = folders.pop()
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if folder == out and is_private(entry.name):
                    continue
                if stat.S_ISDIR(entry.stat(follow_symlinks=False).st_mode):
                    folders.append(Path(entry.path))
                else:
                    yield Path(entry.path)
