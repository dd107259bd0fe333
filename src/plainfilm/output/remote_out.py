# SPDX-License-Identifier: MIT
"""Write an OUT that is a URL: a run works in a folder of this machine, and whole objects are put into the store.

The folder is in the user's state directory and belongs to the URL, or to one shard of it. It holds OUT as it is in the
store, so that a resumed run need not fetch it; a machine without this folder fetches the ledger first. An image that is
in the store already is a placeholder in the folder (`placeholder.py`), so that no image is fetched. A lock object keeps
other runs out (`remote_lock.py`); `remote_put.py` puts what has changed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from plainfilm.errors import LedgerError
from plainfilm.options.share import Share
from plainfilm.output.ownership import (
    LEDGER,
    OBJECTS_SUFFIX,
    WHOLE,
    PrivateNames,
    check_no_shares,
    is_private,
    shares_among,
)
from plainfilm.output.placeholder import digest_of_name, read_placeholder, write_placeholder
from plainfilm.output.remote_lock import check_shares_unlocked, lock_remote_out
from plainfilm.output.remote_objects import RemoteObjects
from plainfilm.output.remote_state import Inventory, KnownObject, parse_inventory, read_known, write_known
from plainfilm.output.storage import translate_private_errors
from plainfilm.sources.remote_file import RemoteFile, RemoteUrl, parse_url
from plainfilm.sources.scheme import check_scheme

BEING_PUT = -1
"""The version of an object that this machine is putting."""

_FOLDER = "out"


class RemoteOut:
    """An OUT in a store, as one run uses it. Every method raises RunError and StorageFullError.

    state: the folder of this machine for it. names: the names of the private entries of the run.
    """

    def __init__(self, url: RemoteUrl, state: Path, names: PrivateNames = WHOLE) -> None:
        self.url, self.state, self.names = url, state, names
        self.store = RemoteObjects(url)
        self.known = read_known(state)
        """The objects that this machine has put or fetched, by their names in OUT."""
        self.objects: dict[str, RemoteFile] = {}
        """The objects that were in OUT when its ledgers were fetched."""
        self.fetched: set[str] = set()
        """The files that this process has fetched."""
        self._inventories: dict[str, Inventory] = {}
        self._names_of_versions: dict[int, str] = {}

    @property
    def folder(self) -> Path:
        """The folder that a run takes for OUT."""
        return self.state / _FOLDER

    def lock(self) -> AbstractContextManager[None]:
        """Keep other runs out of OUT until the block ends. Raises OutputLockedError and RunError."""
        return lock_remote_out(self.url, self.names)

    def fetch_ledgers(self, *, overwrite: bool = False) -> bool:
        """Make the ledgers in the folder the same as in the store; return whether its other files are the same too.

        If they are not, the caller brings them, and then calls `save`. The folder is emptied where another machine has
        put a ledger since. Raises LedgerError where OUT holds objects and no ledger, and OutputLockedError where a
        shard is running.
        """
        self.objects = self.store.list()
        if self.names.share is None:
            check_shares_unlocked(self.url, self.objects)
        self._check_ownership(overwrite=overwrite)
        is_current = self._is_current()
        if not is_current:
            # first: a process that is killed leaves a folder that is not complete
            self.known.clear()
            self.save()
            shutil.rmtree(self.folder, ignore_errors=True)
        with translate_private_errors(self.state):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._fetch_private([self.names.ledger, LEDGER], with_inventory=not is_current)
        self._note_obsolete()
        self._fetch_private([PrivateNames(share).ledger for share in self.shares()], with_inventory=not is_current)
        return is_current

    def shares(self) -> list[Share]:
        """Return the shares whose ledgers are in the store and are not merged; for a shard, none."""
        return shares_among(self.objects) if self.names.share is None else []

    def check_merged(self) -> None:
        """Raise LedgerError if OUT has shards that are not merged."""
        check_no_shares(self.url, self.shares())

    def begin_share(self) -> None:
        """Put an empty ledger of the shard if there is none: from here on OUT has shards."""
        name = self.names.ledger
        if name not in self.objects and self.store.create(name, b"") and (file := self.store.find(name)) is not None:
            self.known[name] = KnownObject(0, 0, file.version)
            (self.folder / name).touch(0o600)
            self.save()

    def ledgers(self) -> list[str]:
        """Return the names of the ledgers in the folder that list the files of the run, those of shards first."""
        names = [*(PrivateNames(share).ledger for share in self.shares()), self.names.ledger]
        return [name for name in names if (self.folder / name).is_file()]

    def is_inventoried(self, ledger: str, name: str) -> bool:
        """Whether an object is the one that was there when the ledger of this name was put."""
        versions = self._inventories.get(ledger, Inventory()).objects
        return name in self.objects and versions.get(name) == self.objects[name].version

    def copy_of(self, ledger: str, name: str) -> str | None:
        """Return an object with the bytes that the one of this name had when a ledger was put; None if there is none.

        A run that was killed has copied an object, and may have replaced it after that. The version of a copy is the
        same where it follows from the bytes, as that of Amazon S3 does.
        """
        if not self._names_of_versions:
            self._names_of_versions = {file.version: name for name, file in self.objects.items()}
        version = self._inventories.get(ledger, Inventory()).objects.get(name)
        return None if version is None else self._names_of_versions.get(version)

    def public_objects(self) -> list[str]:
        """Return the names of the objects that are files of OUT. A name that leads out of OUT is none of a run."""
        return [name for name in self.objects if not is_private(name) and _is_below(name)]

    def stand_in(self, name: str, mtime_ns: int | None = None, *, origin: str | None = None) -> None:
        """Let a placeholder stand for an object of at least LEAST_SIZE bytes.

        mtime_ns: the time of the file. origin: the name of the object, if it is another one.
        """
        file = self.objects[origin or name]
        self._write_placeholder(name, file.size, mtime_ns, origin or name)
        status = (self.folder / name).stat()
        self.known[name] = KnownObject(file.size, status.st_mtime_ns, BEING_PUT if origin else file.version)

    def fetch(self, names: Iterable[str]) -> None:
        """Fetch objects into the folder."""
        names = list(names)
        self.fetched.update(names)
        self.store.each(self._fetch_object, {name: self.objects[name] for name in names})

    def fetch_content(self, names: Iterable[str]) -> None:
        """Give placeholders the bytes of their objects; their times stay."""
        times = {name: self.known[name].mtime_ns for name in names}
        self.fetch(times)
        for name, mtime_ns in times.items():
            self.set_time(name, mtime_ns)

    @contextmanager
    def with_content(self, names: Sequence[str]) -> Iterator[None]:
        """Let files have the bytes of their objects in the block, instead of placeholders."""
        self.fetch_content(names)
        try:
            yield
        finally:
            for name in names:
                self.release(name)

    def set_time(self, name: str, mtime_ns: int) -> None:
        """Give a file that was fetched the time that a ledger has for it."""
        with translate_private_errors(self.state):
            os.utime(self.folder / name, ns=(mtime_ns, mtime_ns))
        known = self.known[name]
        self.known[name] = KnownObject(known.size, mtime_ns, known.version)

    def drop(self, name: str) -> None:
        """Remove a file of the folder: the object of this name is not that of a ledger."""
        with translate_private_errors(self.state):
            (self.folder / name).unlink(missing_ok=True)

    def drop_lost(self) -> None:
        """Remove the placeholders of objects that are gone, or that somebody has replaced since they were put."""
        replaced = (name for name, known in self.known.items() if not self._is_same(name, known))
        changed = {name: path for name, path in self.files() if self.has_changed(name, path, self.objects)}
        present = {digest_of_name(name) for name in self.objects} if changed else set[bytes]()
        present.difference_update(map(digest_of_name, replaced))
        for name, path in changed.items():
            digest = read_placeholder(path)
            if digest is not None and digest not in present:
                self.drop(name)

    def files(self) -> Iterator[tuple[str, Path]]:
        """Yield the files of the folder that are part of OUT, without private ones, each with its name in OUT."""
        for folder, _, names in os.walk(self.folder):
            for name in names:
                path = Path(folder, name)
                place = path.relative_to(self.folder).as_posix()
                if not is_private(place) and path.is_file() and not path.is_symlink():
                    yield place, path

    def has_changed(self, name: str, path: Path, objects: Mapping[str, RemoteFile]) -> bool:
        """Whether a file is not the object that this machine has put or fetched; objects: those in OUT."""
        known, status = self.known.get(name), path.stat()
        is_same = known is not None and (known.size, known.mtime_ns) == (status.st_size, status.st_mtime_ns)
        return not is_same or name not in objects or objects[name].version != self._version_of(name)

    def release(self, name: str) -> None:
        """Let a placeholder stand for a file that is in the store."""
        known = self.known[name]
        self._write_placeholder(name, known.size, known.mtime_ns, name)

    def sha256(self, path: Path) -> str:
        """Return the SHA-256 of the object of a file in the folder in hexadecimal digits, '' if there is none."""
        file = self.objects.get(path.relative_to(self.folder).as_posix())
        if file is None:
            return ""
        digest = hashlib.sha256()
        for chunk in self.store.chunks(file):
            digest.update(chunk)
        return digest.hexdigest()

    def save(self) -> None:
        """Store what this machine knows of the objects."""
        write_known(self.state, self.known)

    def _check_ownership(self, *, overwrite: bool) -> None:
        """Raise LedgerError where OUT holds objects, and neither a ledger nor shards."""
        if overwrite or LEDGER in self.objects or shares_among(self.objects):
            return
        if any(not is_private(name) for name in self.objects) and not (self.folder / self.names.ledger).exists():
            raise LedgerError(f"OUT ({self.url}) holds objects and no ledger: choose another OUT, or --overwrite")

    def _is_current(self) -> bool:
        """Whether the folder belongs to the ledgers in the store: this machine has put or fetched them."""
        own = self.names.ledger
        if not self.folder.is_dir() or (own in self.known and not (self.folder / own).is_file()):
            # it is the first run on this machine, or somebody has removed the folder or what is in it
            return False
        shares = shares_among([*self.objects, *self.known]) if self.names.share is None else []
        names = {own, *(PrivateNames(share).ledger for share in shares)}
        return all(self._version_of(name) == _version_in(self.objects, name) for name in names)

    def _fetch_private(self, names: Iterable[str], *, with_inventory: bool) -> None:
        """Fetch the ledgers that are not known to be in the folder, and what the store lists for them."""
        for name in dict.fromkeys(names):
            if name not in self.objects:
                if name != self.names.ledger:
                    self.drop(name)
                    self.known.pop(name, None)
            elif self._version_of(name) != self.objects[name].version:
                self._fetch_object(name, self.objects[name])
                with translate_private_errors(self.state):
                    (self.folder / name).chmod(0o600)
            inventory = self.objects.get(f"{name}{OBJECTS_SUFFIX}")
            if with_inventory and name in self.objects and inventory is not None:
                content = b"".join(self.store.chunks(inventory))
                self._inventories[name] = parse_inventory(content, self.folder / name)

    def _note_obsolete(self) -> None:
        """Note the objects that a run was to remove, so that they are removed when this run ends."""
        for inventory in list(self._inventories.values()):
            for name, version in inventory.obsolete.items():
                if _version_in(self.objects, name) == version and _is_below(name):
                    self.known[name] = KnownObject(0, 0, version)
                    self.objects.pop(name)

    def _fetch_object(self, name: str, file: RemoteFile) -> None:
        self.store.fetch(file, self.folder / name)
        status = (self.folder / name).stat()
        self.known[name] = KnownObject(status.st_size, status.st_mtime_ns, file.version)

    def _write_placeholder(self, name: str, size: int, mtime_ns: int | None, origin: str) -> None:
        path = self.folder / name
        partial = path.parent / f"{LEDGER}-{uuid.uuid4().hex}"
        with translate_private_errors(self.state):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_placeholder(partial, origin, size)
            if mtime_ns is not None:
                os.utime(partial, ns=(mtime_ns, mtime_ns))
            partial.replace(path)

    def _version_of(self, name: str) -> int | None:
        return self.known[name].version if name in self.known else None

    def _is_same(self, name: str, known: KnownObject) -> bool:
        """Whether an object is as this machine has put or fetched it, as far as this machine knows."""
        return known.version in (BEING_PUT, _version_in(self.objects, name)) or is_private(name)


def open_remote_out(out: str, share: Share | None = None) -> RemoteOut:
    """Return the OUT of a URL with what this machine knows of it. Raises OptionsError and RunError.

    share: that of `--shard`, which has a folder of its own.
    """
    import platformdirs

    check_scheme(out, "OUT")
    url = parse_url(out)
    digest = hashlib.sha256(str(url).rstrip("/").encode()).hexdigest()[:24]
    suffix = "" if share is None else f"-{share.number}-of-{share.total}"
    state = platformdirs.user_state_path("plainfilm") / "out" / f"{digest}{suffix}"
    with translate_private_errors(state):
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
    remote = RemoteOut(url, state, PrivateNames(share))
    if url.scheme == "memory":
        # what another process has put there is gone
        shutil.rmtree(remote.folder, ignore_errors=True)
        remote.known.clear()
    return remote


def _version_in(objects: Mapping[str, RemoteFile], name: str) -> int | None:
    return objects[name].version if name in objects else None


def _is_below(name: str) -> bool:
    """Whether a name leads to a place below OUT."""
    return not any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in name.split("/"))
