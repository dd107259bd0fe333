# SPDX-License-Identifier: MIT
"""Take the folder OUT for one run: check that it is usable and belongs to plainfilm, and lock it.

At the top of OUT a run has these private entries. All other names that begin with `.plainfilm-` are reserved.

    .plainfilm           the ledger, one SQLite file, and what SQLite keeps beside it while the ledger is open
    .plainfilm-lock      an empty file that a run locks; it stays
    .plainfilm-staging   the folder of staged files; it exists while a run lasts

Each process of a run with `--shard I/N` has entries of its own instead: `.plainfilm-shard-00001-of-00004`, with `-lock`
and `-staging` behind it. `plainfilm merge` joins them. They share the lock of OUT with one another, but with no other
run.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from plainfilm.errors import LedgerError, OutputError, OutputLockedError, PlainfilmError, Reason, Stage, with_os_error
from plainfilm.options.share import Share
from plainfilm.output.directory import BY_DESCRIPTOR, TEMPORARY_NAME, open_directory
from plainfilm.output.lock import try_lock
from plainfilm.output.storage import classify_os_error
from plainfilm.pickling import dataclass
from plainfilm.sources.remote_file import RemoteUrl

LEDGER = ".plainfilm"
OBJECTS_SUFFIX = "-objects"
"""What follows the name of a ledger in that of the object which lists the objects of OUT."""
_LOCK_SUFFIX, _STAGING_SUFFIX = "-lock", "-staging"
LOCK, STAGING = LEDGER + _LOCK_SUFFIX, LEDGER + _STAGING_SUFFIX
_RESERVED_PREFIX = ".plainfilm-"
_SHARE = re.compile(r"\.plainfilm-shard-([0-9]{5,})-of-([0-9]{5,})")


@dataclass(frozen=True, slots=True)
class PrivateNames:
    """The names of the private entries of a run at the top of OUT; share: that of `--shard`, None without one."""

    share: Share | None = None

    @property
    def ledger(self) -> str:
        """The name of the ledger."""
        return LEDGER if self.share is None else f"{LEDGER}-shard-{self.share.number:05d}-of-{self.share.total:05d}"

    @property
    def lock(self) -> str:
        """The name of the file that the run locks."""
        return self.ledger + _LOCK_SUFFIX

    @property
    def objects(self) -> str:
        """The name of the object that lists the objects of OUT, where OUT is in a store."""
        return self.ledger + OBJECTS_SUFFIX

    @property
    def staging(self) -> str:
        """The name of the folder of staged files."""
        return self.ledger + _STAGING_SUFFIX

    @property
    def probe(self) -> str:
        """The name of the file by which a run finds out whether OUT can be written to."""
        return f".plainfilm-{0:016x}.tmp" if self.share is None else f"{self.ledger}-probe.tmp"


WHOLE = PrivateNames()
"""The names of the private entries of a run that converts all sources."""


def shares_of(out: Path) -> list[Share]:
    """Return the shares that have ledgers in OUT, which are not merged, by number. Raises LedgerError."""
    try:
        return shares_among(path.name for path in out.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise unusable_error(out, error) from error


def shares_among(names: Iterable[str]) -> list[Share]:
    """Return the shares whose ledgers are among the names at the top of OUT, by number."""
    matches = [match for name in names if (match := _SHARE.fullmatch(name))]
    shares = sorted((int(match[2]), int(match[1])) for match in matches)
    return [Share(number, total) for total, number in shares if 1 <= number <= total]


def share_of_lock(name: str) -> Share | None:
    """Return the share whose lock has this name, None for any other name."""
    return next(iter(shares_among([name.removesuffix(_LOCK_SUFFIX)])), None) if name.endswith(_LOCK_SUFFIX) else None


def check_merged(out: Path) -> None:
    """Raise LedgerError if OUT has shards that are not merged."""
    check_no_shares(out, shares_of(out))


def check_no_shares(out: Path | RemoteUrl, shares: Sequence[Share]) -> None:
    """Raise LedgerError if there are shards that are not merged."""
    if shares:
        listing = ", ".join(map(str, shares[:3])) + (", ..." if len(shares) > 3 else "")
        message = f"{out} holds shards that are not merged ({listing}): run all of them, then `plainfilm merge`"
        raise LedgerError(message, reason=Reason.LEDGER_DIFFERS)


def has_ledger(out: Path, name: str = LEDGER) -> bool:
    """Whether OUT has a ledger. An empty file is none: a run was killed before it began.

    Raises LedgerError where something else than a file has the name of the ledger.
    """
    path = out / name
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


def check_ownership(out: Path, names: PrivateNames = WHOLE, *, overwrite: bool = False) -> None:
    """Raise LedgerError if OUT holds files and no ledger, or shards that this run does not belong to.

    With `overwrite` only a ledger that is no file is an error.
    """
    has_own = has_ledger(out, names.ledger) | has_ledger(out)
    if overwrite:
        return
    if names.share is None:
        check_merged(out)
    if not has_own and not shares_of(out):
        try:
            check_empty(out)
        except LedgerError:
            # the first image of another shard may be there now
            if names.share is None or not shares_of(out):
                raise


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


def check_writable(out: Path, probe: str = WHOLE.probe, *, by_descriptor: bool = BY_DESCRIPTOR) -> None:
    """Write a file into OUT as a test. Raises LedgerError and StorageFullError."""
    try:
        with open_directory(out, by_descriptor=by_descriptor) as directory:
            # a run that was killed here has left its own
            directory.remove(probe)
            directory.create(probe, [b"\n"])
            directory.remove(probe)
    except OSError as error:
        raise unusable_error(out, error) from error


@contextmanager
def lock_folder(out: Path, names: PrivateNames = WHOLE, *, by_descriptor: bool = BY_DESCRIPTOR) -> Iterator[None]:
    """Keep other runs out of OUT, which exists, until the block or the process ends.

    A shard keeps out the same shard, and every run that is no shard.

    Raises OutputLockedError, and LedgerError where something else than a file has the name of the lock.
    """
    with ExitStack() as stack:
        if names.share is not None:
            stack.enter_context(_locked(out, LOCK, is_shared=True, by_descriptor=by_descriptor))
        stack.enter_context(_locked(out, names.lock, is_shared=False, by_descriptor=by_descriptor))
        yield


def check_unlocked(out: Path, names: PrivateNames, *, by_descriptor: bool = BY_DESCRIPTOR) -> None:
    """Raise OutputLockedError where a shard is running, also where the system has no shared locks."""
    with _locked(out, names.lock, is_shared=False, by_descriptor=by_descriptor):
        pass


@contextmanager
def _locked(out: Path, name: str, *, is_shared: bool, by_descriptor: bool) -> Iterator[None]:
    """Hold the lock of a file in OUT until the block ends. Raises as `lock_folder`."""
    _check_regular(out / name)
    with ExitStack() as stack:
        try:
            directory = stack.enter_context(open_directory(out, by_descriptor=by_descriptor))
            descriptor = directory.open_file(name, 0o600)
            stack.callback(os.close, descriptor)
            is_locked = try_lock(descriptor, is_shared=is_shared)
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
