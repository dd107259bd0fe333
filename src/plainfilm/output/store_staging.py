# SPDX-License-Identifier: MIT
"""Stage images in the store that OUT is in, for workers that do not see the folder in which the run works.

The staged objects have private names below OUT, which its listings pass over. When the run gives an image its name, the
store copies the object; what no file of the run stands for is removed (see `remote_out.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, cast

from plainfilm.output.directory import temporary_name
from plainfilm.output.folder import FolderOutput
from plainfilm.output.ownership import WHOLE, PrivateNames
from plainfilm.output.placeholder import LEAST_SIZE, stage_placeholder
from plainfilm.output.storage import translate_store_errors
from plainfilm.pickling import dataclass
from plainfilm.sources.remote_file import RemoteFile, RemoteUrl
from plainfilm.sources.store import WritableStore, store_of


class Staging(Protocol):
    """Where workers write whole files that have no final name yet."""

    def stage(self, chunks: Iterable[bytes]) -> str:
        """Write a file and return its temporary name. Raises OutputError, StorageFullError and RunError."""
        ...


@dataclass(frozen=True, slots=True)
class StoreStaging:
    """The staged objects of a run. Every method raises RunError if the store fails.

    out: the URL of OUT. names: the names of the private entries of the run.
    """

    out: RemoteUrl
    names: PrivateNames = WHOLE

    def stage(self, chunks: Iterable[bytes]) -> str:
        """Put a whole object, and return its temporary name."""
        name = temporary_name()
        with translate_store_errors():
            self._store.put(self._url_of(name), b"".join(chunks))
        return name

    def discard(self, name: str) -> None:
        """Remove a staged object."""
        with translate_store_errors():
            self._store.remove(self._url_of(name))

    def read(self, name: str, size: int) -> bytes:
        """Return the bytes of a staged object."""
        with translate_store_errors():
            return self._store.read(RemoteFile(self._url_of(name), size))

    def stage_file(self, output: FolderOutput, name: str, size: int) -> str:
        """Stage a file in a folder that stands for a staged object, and return its temporary name.

        Of an object that is too small for that, the bytes are fetched. Raises also StorageFullError.
        """
        if size < LEAST_SIZE:
            return output.stage([self.read(name, size)])
        return stage_placeholder(output, f"{self.names.staging}/{name}", size)

    @property
    def _store(self) -> WritableStore:
        return cast(WritableStore, store_of(self.out))

    def _url_of(self, name: str) -> RemoteUrl:
        return self.out.below(f"{self.names.staging}/{name}")
