# SPDX-License-Identifier: MIT
"""Write an OUT that is a URL: a run works in a folder of this machine, and whole objects are put into the store.

The folder is in the user's state directory and belongs to the URL. It holds OUT as it is in the store, so that a
resumed run need not fetch it. A machine without this folder fetches OUT first. An object `.plainfilm-lock` keeps other
runs out.

The order in which objects are put is that in which they refer to one another: images, tables, the ledger at last. A run
that is killed leaves the store as it was before, with further images at most, and the next run goes on in the folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar, cast

from plainfilm.errors import ConversionError, LedgerError, OutputLockedError, Reason, RunError, SourceError
from plainfilm.output.ownership import LEDGER, LOCK
from plainfilm.output.storage import translate_private_errors
from plainfilm.sources.remote_file import RemoteFile, RemoteUrl, parse_url
from plainfilm.sources.scheme import check_scheme
from plainfilm.sources.store import WritableStore, store_of

T = TypeVar("T")

_PRIVATE = f"{LEDGER}-"
_RECORD, _FOLDER = "objects.json", "out"
_TRANSFERS = 8
_TABLES = ("metadata.", "failures.", "run.json", "README.md", "report")


@dataclass(frozen=True, slots=True)
class _Known:
    """An object as this machine last put or fetched it: the file's size and time, and the object's version."""

    size: int
    mtime_ns: int
    version: int


@dataclass(frozen=True, slots=True)
class RemoteOut:
    """An OUT in a store.

    state: the folder of this machine for it. known: the objects that were put or fetched, by their names in OUT.
    """

    url: RemoteUrl
    state: Path
    known: dict[str, _Known] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The folder that a run takes for OUT."""
        return self.state / _FOLDER

    @property
    def _store(self) -> WritableStore:
        return cast(WritableStore, store_of(self.url))

    def fetch(self, *, overwrite: bool = False) -> None:
        """Make the folder the same as OUT in the store, where another machine has written last.

        Raises LedgerError where OUT holds objects and no ledger, and RunError.
        """
        objects = self._objects()
        ledger = objects.get(LEDGER)
        if ledger is None and any(not name.startswith(_PRIVATE) for name in objects) and not overwrite:
            if not (self.folder / LEDGER).exists():
                raise LedgerError(f"OUT ({self.url}) holds objects and no ledger: choose another OUT, or --overwrite")
        elif (None if ledger is None else ledger.version) != self._version_of(LEDGER) or self._is_folder_lost():
            # another machine has written, or somebody has emptied OUT, or this folder
            shutil.rmtree(self.folder, ignore_errors=True)
            self.known.clear()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        missing = {name: file for name, file in objects.items() if self._is_missing(name)} if ledger else {}
        self._transfer(self._fetch_object, missing)
        self._save()

    def put(self) -> None:
        """Put what has changed in the folder since it was last put, and remove what is gone. Raises RunError."""
        objects = self._objects()
        files = {name: path for name, path in self._files() if self._has_changed(name, path, objects)}
        for group in (False, True):
            self._transfer(self._put_file, {name: path for name, path in files.items() if _is_table(name) is group})
        gone = [name for name in self.known if not (self.folder / name).is_file()]
        self._transfer(lambda name, _: self._remove_object(name), dict.fromkeys(gone, None))
        if (self.folder / LEDGER).is_file() and self._has_changed(LEDGER, self.folder / LEDGER, objects):
            self._transfer(self._put_file, {LEDGER: self.folder / LEDGER})
        self._note_versions()
        self._save()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other runs out by an object. One of a process of this machine that has ended counts as none.

        Raises OutputLockedError and RunError.
        """
        pid = os.getpid()
        owner = {"host": socket.gethostname(), "pid": pid, "started": _start_of(pid), "token": uuid.uuid4().hex}
        url, content = self._url_of(LOCK), json.dumps(owner).encode()
        with _run_errors():
            if not self._store.create(url, content):
                self._check_stale()
                self._store.put(url, content)
            if self._owner().get("token") != owner["token"]:
                raise _locked_error(self.url, self._owner())
        try:
            yield
        finally:
            with suppress(ConversionError):
                self._store.remove(url)

    def _check_stale(self) -> None:
        owner = self._owner()
        pid = owner.get("pid")
        is_stale = owner.get("host") == socket.gethostname() and isinstance(pid, int)
        if owner and not (is_stale and _start_of(cast(int, pid)) != owner.get("started")):
            raise _locked_error(self.url, owner)

    def _owner(self) -> dict[str, object]:
        try:
            owner = json.loads(self._store.read(RemoteFile(self._url_of(LOCK))))
        except SourceError as error:
            if error.reason is not Reason.SOURCE_CHANGED:
                # the lock may be that of a run that is alive
                raise
            return {}
        except ValueError:
            return {}
        return owner if isinstance(owner, dict) else {}

    def _objects(self) -> dict[str, RemoteFile]:
        with _run_errors():
            return {
                name: file
                for name, file in self._store.list(self.url)
                if name and not name.startswith(_PRIVATE) and isinstance(file, RemoteFile)
            }

    def _url_of(self, name: str) -> RemoteUrl:
        return self.url.with_path(f"{self.url.path.rstrip('/')}/{name}")

    def _files(self) -> Iterator[tuple[str, Path]]:
        """Yield the files of the folder that are part of OUT, but for the ledger."""
        for folder, _, names in os.walk(self.folder):
            for name in names:
                path = Path(folder, name)
                place = path.relative_to(self.folder).as_posix()
                if place != LEDGER and not place.startswith(_PRIVATE) and path.is_file() and not path.is_symlink():
                    yield place, path

    def _is_folder_lost(self) -> bool:
        """Whether the folder lacks the ledger that this machine has put: its other files may be missing too."""
        return LEDGER in self.known and not (self.folder / LEDGER).is_file()

    def _version_of(self, name: str) -> int | None:
        return self.known[name].version if name in self.known else None

    def _is_missing(self, name: str) -> bool:
        """Whether an object was neither put nor fetched by this machine. A name that leads out of OUT is not ours."""
        components = name.split("/")
        return name not in self.known and not any(part in ("", ".", "..") or "\\" in part for part in components)

    def _has_changed(self, name: str, path: Path, objects: Mapping[str, RemoteFile]) -> bool:
        known, status = self.known.get(name), path.stat()
        is_same = known is not None and (known.size, known.mtime_ns) == (status.st_size, status.st_mtime_ns)
        return not is_same or name not in objects or objects[name].version != self._version_of(name)

    def _fetch_object(self, name: str, file: RemoteFile) -> None:
        path = self.folder / name
        with translate_private_errors(self.state):
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.parent / f"{_PRIVATE}{uuid.uuid4().hex}"
            partial.write_bytes(self._store.read(file))
            partial.replace(path)
            if name == LEDGER:
                path.chmod(0o600)
        status = path.stat()
        self.known[name] = _Known(status.st_size, status.st_mtime_ns, file.version)

    def _put_file(self, name: str, path: Path) -> None:
        status = path.stat()
        self._store.put(self._url_of(name), path.read_bytes())
        self.known[name] = _Known(status.st_size, status.st_mtime_ns, -1)

    def _remove_object(self, name: str) -> None:
        self._store.remove(self._url_of(name))
        del self.known[name]

    def _note_versions(self) -> None:
        """Note the versions that the store has given what was put."""
        objects = self._objects()
        for name, known in list(self.known.items()):
            if name in objects:
                self.known[name] = _Known(known.size, known.mtime_ns, objects[name].version)

    def _transfer(self, action: Callable[[str, T], None], items: Mapping[str, T]) -> None:
        """Do something with each object, several at a time. Raises RunError for the first that fails."""
        executor = ThreadPoolExecutor(_TRANSFERS, thread_name_prefix="plainfilm-transfer")
        try:
            with _run_errors():
                for future in [executor.submit(action, name, item) for name, item in items.items()]:
                    future.result()
        finally:
            executor.shutdown(cancel_futures=True)

    def _save(self) -> None:
        record = {name: [known.size, known.mtime_ns, known.version] for name, known in self.known.items()}
        partial = self.state / f"{_RECORD}.new"
        with translate_private_errors(self.state):
            partial.write_text(json.dumps(record))
            partial.replace(self.state / _RECORD)


def open_remote_out(out: str) -> RemoteOut:
    """Return the OUT of a URL with what this machine knows of it. Raises OptionsError and RunError."""
    import platformdirs

    check_scheme(out, "OUT")
    url = parse_url(out)
    digest = hashlib.sha256(str(url).rstrip("/").encode()).hexdigest()[:24]
    state = platformdirs.user_state_path("plainfilm") / "out" / digest
    with translate_private_errors(state):
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        record = json.loads((state / _RECORD).read_text())
        known = {name: _Known(*map(int, values)) for name, values in record.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        known = {}
    if url.scheme == "memory":
        # what another process has put there is gone
        shutil.rmtree(state / _FOLDER, ignore_errors=True)
        known = {}
    return RemoteOut(url, state, known)


def _is_table(name: str) -> bool:
    """Whether a file lists or describes images, so that it is put after them."""
    return name.rpartition("/")[2].startswith(_TABLES)


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


def _locked_error(url: RemoteUrl, owner: Mapping[str, object]) -> OutputLockedError:
    who = f"process {owner.get('pid')} on {owner.get('host')}" if owner else "another run"
    return OutputLockedError(
        f"OUT ({url}) is in use by {who}. If that run has ended, remove the object {LOCK} and give the command again"
    )


@contextmanager
def _run_errors() -> Iterator[None]:
    """Raise the errors of the store as those of the run, which cannot go on without OUT."""
    try:
        yield
    except ConversionError as error:
        raise RunError(f"OUT: {error.message}", reason=error.reason, stage=error.stage) from None
