# SPDX-License-Identifier: MIT
"""Reach the files of URLs through three verbs: list, read, put. The table in `scheme.py` names the classes.

A store is opened in the process that uses it: the clients of stores have threads and connections, which no other
process can use.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Protocol, TypeVar, cast

from plainfilm.errors import ConversionError, Reason, SourceError
from plainfilm.sources.remote_file import RemoteFile, RemoteUrl
from plainfilm.sources.scheme import store_class

T = TypeVar("T")

_MOST_STORES = 16
_PAUSES = (0.2, 0.5, 1.0, 2.0)


class Store(Protocol):
    """The files of one server, bucket or container. The class is called with the URL that the user gave.

    Every method raises SourceError, whose message quotes neither the URL nor what the server says: `network` where the
    server cannot be reached or fails, which another attempt may change; `unreadable` where it refuses. The methods may
    be called from several threads.
    """

    is_shared: bool
    """Whether other processes see the same files."""

    def list(self, url: RemoteUrl) -> Iterator[tuple[str, RemoteFile | ConversionError]]:
        """Yield the files at and below a URL, in no order, each with its path relative to the URL.

        Of the URL of a file, this path is ''. Yields nothing where nothing has this URL. An error stands for what
        cannot be listed while the rest can.
        """
        ...

    def read(self, file: RemoteFile, start: int = 0, stop: int | None = None) -> bytes:
        """Return the bytes of a file from `start` to `stop`, or to its end. Raises also `source_changed`."""
        ...


class WritableStore(Store, Protocol):
    """A store that OUT can be in."""

    def put(self, url: RemoteUrl, content: bytes) -> None:
        """Write a whole file. It is visible when it is complete, and not before."""
        ...

    def put_file(self, url: RemoteUrl, path: Path) -> None:
        """Write a whole file with the bytes of a file of this machine, in parts. Raises OSError where it is lost."""
        ...

    def create(self, url: RemoteUrl, content: bytes) -> bool:
        """Write a whole file where there is none; return whether there was none."""
        ...

    def copy(self, origin: RemoteUrl, target: RemoteUrl) -> None:
        """Copy a whole file within the store, whose server does it: no byte travels. Raises also `source_changed`."""
        ...

    def remove(self, url: RemoteUrl) -> None:
        """Remove a file, if there is one."""
        ...


def store_of(url: RemoteUrl) -> Store:
    """Return the store of a URL. This process has one for each server and user."""
    return _store(os.getpid(), replace(url, path="", query=""))


def forget_stores() -> None:
    """Open the stores anew: the environment may have other credentials."""
    _store.cache_clear()


@lru_cache(_MOST_STORES)
def _store(_process: int, url: RemoteUrl) -> Store:
    return cast(Store, store_class(url.scheme)(url))


def network_error(cause: str) -> SourceError:
    """Return the error of a server that does not answer as it should; a later run tries again."""
    return SourceError(f"the network or the server failed: {cause}", reason=Reason.NETWORK)


def retry_network(call: Callable[[], T]) -> T:
    """Call a function again after a pause where it raises SourceError (`network`), a few times."""
    for pause in _PAUSES:
        try:
            return call()
        except SourceError as error:
            if error.reason is not Reason.NETWORK:
                raise
        # so that the workers do not all come back at the same moment
        time.sleep(pause * random.uniform(0.5, 1.5))
    return call()


class NetworkRetries:
    """Calls with several attempts each, as `retry_network`; but with a single one while the server is down.

    After a call has failed with all its attempts, each further call has one attempt until one succeeds: a server that
    is down costs a run the pauses of one file, and not those of each.
    """

    def __init__(self) -> None:
        self._is_down = False

    def call(self, function: Callable[[], T]) -> T:
        """Return what the function returns. Raises its SourceError."""
        try:
            result = function() if self._is_down else retry_network(function)
        except SourceError as error:
            self._is_down = error.reason is Reason.NETWORK
            raise
        self._is_down = False
        return result


def with_content(file: RemoteFile) -> RemoteFile | ConversionError:
    """Return the file with its bytes, for processes that do not see the store, or why it cannot be read."""
    try:
        return replace(file, content=store_of(file.url).read(file))
    except ConversionError as error:
        return error
