# SPDX-License-Identifier: MIT
"""The objects of an OUT in a store, by their names relative to OUT: list, fetch, put, copy and remove them.

Large files are read and sent in parts, one file at a time, so that memory does not grow with their size. Small ones are
sent whole and several at a time, because the time of a request counts more than that of its bytes.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar, cast

from plainfilm.output.ownership import LEDGER
from plainfilm.output.storage import translate_private_errors, translate_store_errors
from plainfilm.pickling import dataclass
from plainfilm.sources.remote_file import UNKNOWN_SIZE, RemoteFile, RemoteUrl
from plainfilm.sources.store import WritableStore, store_of

T = TypeVar("T")

LARGE_SIZE = 16 * 1024**2
"""The least size of a file that is read and sent in parts, and the size of a part."""

_TRANSFERS = 8


@dataclass(frozen=True, slots=True)
class RemoteObjects:
    """The objects of an OUT. Every method raises RunError where the store fails, or refuses."""

    url: RemoteUrl

    @property
    def _store(self) -> WritableStore:
        return cast(WritableStore, store_of(self.url))

    def list(self) -> dict[str, RemoteFile]:
        """Return all objects, among them private ones."""
        with translate_store_errors():
            listing = self._store.list(self.url)
            return {name: file for name, file in listing if name and isinstance(file, RemoteFile)}

    def find(self, name: str) -> RemoteFile | None:
        """Return one object, None if there is none."""
        with translate_store_errors():
            listing = self._store.list(self.url.below(name))
            return next((file for place, file in listing if not place and isinstance(file, RemoteFile)), None)

    def chunks(self, file: RemoteFile) -> Iterator[bytes]:
        """Yield the bytes of an object in parts."""
        with translate_store_errors():
            if file.size == UNKNOWN_SIZE:
                yield self._store.read(file)
                return
            for start in range(0, file.size, LARGE_SIZE):
                yield self._store.read(file, start, min(start + LARGE_SIZE, file.size))

    def fetch(self, file: RemoteFile, path: Path) -> None:
        """Write the bytes of an object into a file of this machine, which is whole or not there."""
        with translate_private_errors(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.parent / f"{LEDGER}-{uuid.uuid4().hex}"
            with open(partial, "xb") as stream:
                for chunk in self.chunks(file):
                    stream.write(chunk)
            partial.replace(path)

    def put(self, files: Mapping[str, Path]) -> None:
        """Put files of this machine, each under its name."""
        large = {name: path for name, path in files.items() if path.stat().st_size >= LARGE_SIZE}
        self.each(self._put_small, {name: path for name, path in files.items() if name not in large})
        with translate_store_errors():
            for name, path in large.items():
                self._store.put_file(self.url.below(name), path)

    def put_bytes(self, name: str, content: bytes) -> None:
        """Put an object."""
        with translate_store_errors():
            self._store.put(self.url.below(name), content)

    def create(self, name: str, content: bytes) -> bool:
        """Put an object where there is none; return whether there was none."""
        with translate_store_errors():
            return self._store.create(self.url.below(name), content)

    def copy(self, origins: Mapping[str, str]) -> None:
        """Copy objects within the store; origins: the name of each object that there is to be -> that of another."""
        self.each(lambda name, origin: self._store.copy(self.url.below(origin), self.url.below(name)), origins)

    def remove(self, names: Iterable[str]) -> None:
        """Remove objects, if they are there."""
        self.each(lambda name, _: self._store.remove(self.url.below(name)), dict.fromkeys(names, None))

    def each(self, action: Callable[[str, T], None], items: Mapping[str, T]) -> None:
        """Do something with each object, several at a time. Raises the error of the first that fails."""
        executor = ThreadPoolExecutor(_TRANSFERS, thread_name_prefix="plainfilm-transfer")
        try:
            with translate_store_errors():
                for future in [executor.submit(action, name, item) for name, item in items.items()]:
                    future.result()
        finally:
            executor.shutdown(cancel_futures=True)

    def _put_small(self, name: str, path: Path) -> None:
        self._store.put(self.url.below(name), path.read_bytes())
