# SPDX-License-Identifier: MIT
"""The ledgers that the shards of a run have left in OUT: whether they belong together, and whether all are there."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from plainfilm.errors import LedgerError, OptionsError, Reason
from plainfilm.ledger.database import database_files, open_database
from plainfilm.ledger.fingerprint import RunFingerprint, stored_fingerprint
from plainfilm.ledger.ledger import Ledger
from plainfilm.ledger.merge_state import MergeState
from plainfilm.ledger.remaining_work import FileStat
from plainfilm.ledger.schema import SCHEMA, file_names_of, has_tables, read_meta
from plainfilm.ledger.share_state import ShareState, check_alike, read_share
from plainfilm.ledger.source_names import read_prefixes
from plainfilm.ledger.stored_files import StoredFiles
from plainfilm.ledger.stored_shards import StoredShards
from plainfilm.options.counting import counted
from plainfilm.options.options import Options
from plainfilm.options.share import Share
from plainfilm.output.folder import FolderOutput
from plainfilm.output.ownership import PrivateNames, shares_of
from plainfilm.pickling import dataclass

_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class ShareLedgers:
    """The ledgers of shards that belong together, by number.

    fingerprint: what the images and tables of all depend on. state: the state of the first shard.
    prefixes: the prefixes of the SOURCEs. is_overwritten: whether all shards were run with `--overwrite`.
    """

    shares: tuple[Share, ...]
    paths: tuple[Path, ...]
    fingerprint: RunFingerprint
    state: ShareState
    prefixes: dict[str, str]
    is_overwritten: bool


def share_state(options: Options) -> ShareState:
    """Return the state of a shard that begins; its paths are absolute, since the merge may run elsewhere."""
    share = options.run.shard
    assert share is not None
    values = options.to_mapping()
    for name in ("key_file", "labels"):
        values[name] = values[name] and str(Path(str(values[name])).absolute())
    return ShareState(share.number, share.total, options.run.shard_members, values, options.run.overwrite)


def remove_shares(output: FolderOutput, ledger: Ledger) -> None:
    """Remove the ledgers of all shards; their images are pending in the ledger of OUT, for a run with `--overwrite`."""
    for share in shares_of(output.out):
        path = output.out / PrivateNames(share).ledger
        with suppress(LedgerError), open_database(path) as database:
            if has_tables(database):
                ledger.mark_pending(file_names_of(database))
        ledger.commit()
    remove_private_files(output.out, shares_of(output.out))


def remove_private_files(out: Path, shares: Sequence[Share]) -> None:
    """Remove the ledgers of shards, their locks and what they have staged. OUT is locked."""
    for share in shares:
        names = PrivateNames(share)
        with suppress(OSError):
            shutil.rmtree(out / names.staging)
        *others, ledger = reversed(database_files(out / names.ledger))
        for path in (*others, out / names.lock, ledger):
            with suppress(OSError):
                path.unlink()


def read_share_ledgers(output: FolderOutput, earlier: MergeState | None) -> ShareLedgers:
    """Check that the shards in OUT belong together and that none is missing.

    earlier: the state of an earlier merge into OUT, after which single shards may have been run again.

    Raises LedgerError where a shard is missing, is not finished, or was run with other options, another key or N, or
    where an image of a shard is not in OUT.
    """
    shares = shares_of(output.out)
    totals = sorted({share.total for share in shares})
    if len(totals) != 1:
        listing = " and ".join(f"{total}" for total in totals)
        raise _refusal(f"{output.out} holds shards of different runs, with N = {listing}: remove those that are wrong")
    paths = [output.out / PrivateNames(share).ledger for share in shares]
    contents = [_read(path) for path in paths]
    _check_complete(shares, contents, earlier)
    known = [content for content in contents if content is not None]
    for path, content in zip(paths[1:], known[1:], strict=True):
        check_alike(paths[0], known[0].state, path, content.state)
        _check_fingerprints(path, content.fingerprint, paths[0], known[0].fingerprint)
    for path, content in zip(paths, known, strict=True):
        _check_files(output.out, path, content.share)
    is_overwritten = all(content.state.is_overwritten for content in known)
    prefixes = _joined_prefixes([content.prefixes for content in known])
    return ShareLedgers(tuple(shares), tuple(paths), known[0].fingerprint, known[0].state, prefixes, is_overwritten)


@dataclass(frozen=True, slots=True)
class _Content:
    """What the ledger of a shard says about its run."""

    share: Share
    state: ShareState
    fingerprint: RunFingerprint
    prefixes: dict[str, str]


def _read(path: Path) -> _Content | None:
    """Return what the ledger of a shard says; None where the shard was killed before it began. Raises LedgerError."""
    with open_database(path) as database:
        meta = read_meta(database) if has_tables(database) else {}
        state = read_share(database) if meta else None
        if state is None:
            return None
        if meta.get("schema") != SCHEMA:
            raise _refusal(f"{path.name} is of another version of plainfilm: run the shard again with --overwrite")
        try:
            share = Share(state.number, state.total)
        except OptionsError:
            share = None
        if share is None or PrivateNames(share).ledger != path.name:
            raise _refusal(f"{path.name} is the ledger of another shard: give the file its name back")
        return _Content(share, state, stored_fingerprint(path, meta), read_prefixes(database))


def _check_complete(shares: Sequence[Share], contents: Sequence[_Content | None], earlier: MergeState | None) -> None:
    """Raise LedgerError with the shards that are missing or not finished."""
    total = shares[0].total
    is_known = earlier is not None and earlier.is_joined and earlier.total == total
    present = {share.number for share in shares}
    missing = [number for number in range(1, total + 1) if number not in present and not is_known]
    unfinished = [
        share.number
        for share, content in zip(shares, contents, strict=True)
        if content is None or not content.state.is_finished
    ]
    problems = [
        f"{'shard' if len(numbers) == 1 else 'shards'} {_listing(numbers)} of {total} {verb[len(numbers) > 1]}"
        for numbers, verb in (
            (missing, ("is missing", "are missing")),
            (unfinished, ("has not finished", "have not finished")),
        )
        if numbers
    ]
    if problems:
        example = (missing or unfinished)[0]
        raise _refusal(f"{'; '.join(problems)}: run the same command with --shard {example}/{total}, then merge")


def _check_fingerprints(path: Path, fingerprint: RunFingerprint, first: Path, expected: RunFingerprint) -> None:
    """Raise LedgerError where a shard was run with another key or other options than the first one."""
    differences = fingerprint.differences(expected)
    changed = fingerprint.changed_limits(expected)
    # what selects images must be the same; limits of time and memory need not
    selecting = (item for item in Options.declared() if item.resume.retry is Reason.EXCLUDED and item.name in changed)
    differences += [f"{item.flag} differs" for item in selecting]
    if differences:
        lines = "".join(f"\n  {line}" for line in differences)
        message = f"the shards were not run alike ({first.name} there, {path.name} now):{lines}"
        raise _refusal(f"{message}\nrun them with the same options, key and versions, then merge")


def _check_files(out: Path, path: Path, share: Share) -> None:
    """Raise LedgerError where files that a shard has made are missing from OUT, or have another size."""
    with open_database(path) as database:
        lost = sum(
            FileStat.of_output(out / file.file_name).size != file.file_stat.size
            for page in StoredFiles(database).pages()
            for file in page
        )
        packed = StoredShards(database).all().values()
        lost += sum(FileStat.of_output(out / item.name).size != item.file_stat.size for item in packed)
    if lost:
        files = counted(lost, f"file that shard {share} has made is", f"files that shard {share} has made are")
        message = f"{files} not in {out}: run the shard again, then merge"
        raise _refusal(message)


def _joined_prefixes(parts: Sequence[dict[str, str]]) -> dict[str, str]:
    """Join the prefixes that the shards have given to the folders among their SOURCEs. Raises LedgerError."""
    joined: dict[str, str] = {}
    for part in parts:
        for path, prefix in part.items():
            if joined.setdefault(path, prefix) != prefix:
                raise _refusal("the shards were given different SOURCEs, or in another order: run all shards alike")
    return joined


def _listing(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:_MOST_NAMED]))
    return f"{shown} and {len(numbers) - _MOST_NAMED} more" if len(numbers) > _MOST_NAMED else shown


def _refusal(message: str) -> LedgerError:
    return LedgerError(message, reason=Reason.LEDGER_DIFFERS)
