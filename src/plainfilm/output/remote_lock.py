# SPDX-License-Identifier: MIT
"""Keep other runs out of an OUT in a store, by an object that exists while a run lasts.

The object has the name of the file that the run would lock in a folder, so each shard has an object of its own. A run
first creates its own object and then looks for those that contradict it: of two runs that start at the same time, one
at least ends.
"""

from __future__ import annotations

import json
import os
import socket
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

from plainfilm.errors import ConversionError, OutputLockedError, Reason, SourceError
from plainfilm.output.ownership import LOCK, PrivateNames, share_of_lock
from plainfilm.output.storage import translate_store_errors
from plainfilm.sources.remote_file import RemoteFile, RemoteUrl
from plainfilm.sources.store import WritableStore, store_of


@contextmanager
def lock_remote_out(out: RemoteUrl, names: PrivateNames) -> Iterator[None]:
    """Hold the lock object of a run. One of a process of this machine that has ended counts as none.

    A shard keeps out the same shard only; `check_shares_unlocked` keeps out every other run.

    Raises OutputLockedError and RunError.
    """
    url, store = out.below(names.lock), cast(WritableStore, store_of(out))
    pid = os.getpid()
    owner = {"host": socket.gethostname(), "pid": pid, "started": _start_of(pid), "token": uuid.uuid4().hex}
    content = json.dumps(owner).encode()
    with translate_store_errors():
        if not store.create(url, content):
            _remove_stale(out, names.lock)
            # of several runs that find the same stale object, one creates its own
            store.create(url, content)
        present = _owner_of(url)
        if present is None or present.get("token") != owner["token"]:
            raise _locked_error(out, names.lock, present or {})
    try:
        if names.share is not None:
            _check_unlocked(out, LOCK)
        yield
    finally:
        with suppress(ConversionError):
            if (present := _owner_of(url)) is not None and present.get("token") == owner["token"]:
                store.remove(url)


def check_shares_unlocked(out: RemoteUrl, names: Iterable[str]) -> None:
    """Raise OutputLockedError where a shard is running; names: those of the objects of OUT."""
    for name in names:
        if share_of_lock(name) is not None:
            _check_unlocked(out, name)


def _check_unlocked(out: RemoteUrl, lock: str) -> None:
    """Raise OutputLockedError where another run holds a lock object; remove that of a process that has ended."""
    with translate_store_errors():
        _remove_stale(out, lock)


def _remove_stale(out: RemoteUrl, lock: str) -> None:
    """Remove a lock object of a process that has ended. Raises OutputLockedError for any other, and SourceError."""
    owner = _owner_of(out.below(lock))
    if owner is None:
        return
    _check_stale(out, lock, owner)
    # another run may have taken the lock over meanwhile
    present = _owner_of(out.below(lock))
    if present == owner:
        cast(WritableStore, store_of(out)).remove(out.below(lock))
    elif present is not None:
        raise _locked_error(out, lock, present)


def _check_stale(out: RemoteUrl, lock: str, owner: Mapping[str, object] | None) -> None:
    """Raise OutputLockedError unless the owner of a lock object is a process of this machine that has ended."""
    if not owner:
        return
    pid = owner.get("pid")
    is_here = owner.get("host") == socket.gethostname() and isinstance(pid, int)
    if not (is_here and _start_of(cast(int, pid)) != owner.get("started")):
        raise _locked_error(out, lock, owner)


def _owner_of(url: RemoteUrl) -> dict[str, object] | None:
    """Return what a lock object says; nothing if it is damaged, None if there is none. Raises SourceError."""
    try:
        owner = json.loads(store_of(url).read(RemoteFile(url)))
    except SourceError as error:
        if error.reason is not Reason.SOURCE_CHANGED:
            # the lock may be that of a run that is alive
            raise
        return None
    except ValueError:
        return {}
    return owner if isinstance(owner, dict) else {}


def _start_of(pid: int) -> str:
    """Return when a process has started, so that it differs from a later one of its number; '' if it has ended."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[19]}"
    except (OSError, IndexError):
        pass
    if Path("/proc/self/stat").exists():
        return ""
    try:
        os.kill(pid, 0)
    except (OSError, ValueError):
        return ""
    return "running"


def _locked_error(out: RemoteUrl, lock: str, owner: Mapping[str, object]) -> OutputLockedError:
    who = f"process {owner.get('pid')} on {owner.get('host')}" if owner else "another run"
    share = share_of_lock(lock)
    run = "" if share is None else f", which runs shard {share}"
    return OutputLockedError(
        f"OUT ({out}) is in use by {who}{run}. If that run has ended, remove the object {lock} and give the command "
        "again"
    )
