# SPDX-License-Identifier: MIT
"""Open sessions with web servers whose answers are limited in time and size from the first byte of their headers on.

The time-outs of requests count from one byte to the next: a server that sends a byte now and then, in its headers, in
the length of a chunk or behind the last one, would be waited for without an end.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.poolmanager import PoolManager

from plainfilm.errors import LimitError
from plainfilm.sources.store import network_error

_LEAST_RATE, _PATIENCE_SECONDS = 16 * 1024, 20.0
_MOST_BESIDES = 1024**2
"""The bytes that may come with one part of a body, or before it, and do not belong to it: headers and chunk lengths."""


def new_session() -> requests.Session:
    """A session whose answers raise SourceError where they come too slowly, and LimitError for endless headers."""
    session = requests.Session()
    # compressed answers could be bombs
    session.headers["Accept-Encoding"] = "identity"
    for prefix in ("http://", "https://"):
        session.mount(prefix, _Adapter())
    return session


class _AnswerStream(io.RawIOBase):
    """The bytes of an answer as the connection gives them."""

    def __init__(self, connection: io.RawIOBase) -> None:
        self._connection = connection
        self._first: float | None = None
        self._count = 0
        self.allow(0)

    def allow(self, size: int) -> None:
        """Allow a number of bytes of the body from here on."""
        self._rest = size + _MOST_BESIDES

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what has arrived. Raises SourceError, LimitError and the errors of the connection."""
        count = self._connection.readinto(buffer) or 0
        now = time.monotonic()
        self._count += count
        self._rest -= count
        # a server may need its time until it begins to answer
        self._first = now if self._first is None else self._first
        seconds = now - self._first
        if seconds > _PATIENCE_SECONDS and self._count < _LEAST_RATE * seconds:
            raise network_error("the server sends too slowly")
        if self._rest < 0:
            raise LimitError(f"the server sends more than {_MOST_BESIDES} bytes of headers")
        return count

    def close(self) -> None:
        """Close the connection's own stream too."""
        self._connection.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self._stream = _AnswerStream(self.fp.detach())
        self.fp = io.BufferedReader(self._stream)

    def read1(self, n: int = -1) -> bytes:
        """Read a part of the body."""
        self._stream.allow(max(n, 0))
        return super().read1(n)


class _Connection(HTTPConnection):  # type: ignore[misc]
    response_class = _Answer


class _SecureConnection(HTTPSConnection):  # type: ignore[misc]
    response_class = _Answer


class _Pool(HTTPConnectionPool):  # type: ignore[misc]
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):  # type: ignore[misc]
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):  # type: ignore[misc]
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Use the connections of this module."""
        super().init_poolmanager(*arguments, **options)
        _use_connections(self.poolmanager)

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:
        """Use the connections of this module also to a proxy."""
        return _use_connections(super().proxy_manager_for(*arguments, **options))


def _use_connections(manager: PoolManager) -> PoolManager:
    # a SOCKS proxy has connections of its own
    if manager.pool_classes_by_scheme["http"] is HTTPConnectionPool:
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
    return manager
