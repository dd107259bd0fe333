# SPDX-License-Identifier: MIT
"""Hold the connections that have no association yet: only so many, so that silent senders keep no other sender away."""

from __future__ import annotations

import selectors
import socket
import ssl
import threading
from collections import Counter
from contextlib import suppress

from plainfilm.pickling import dataclass

MOST_WAITING = 100
"""The most connections without an association."""


@dataclass(slots=True, eq=False)
class Connection:
    """A connection without an association. stream: its socket, with TLS from the start of its negotiation on."""

    stream: socket.socket
    address: str
    _has_ended: bool = False

    def end(self) -> None:
        """End the connection, also where another thread waits for its sender."""
        self._has_ended = True
        with suppress(OSError):
            self.stream.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End and close the connection."""
        self.end()
        self.stream.close()

    def secure(self, context: ssl.SSLContext) -> None:
        """Negotiate TLS within the time-out of the socket. Raises OSError."""
        # the socket is replaced before the negotiation, so that the connection can be ended meanwhile
        stream = context.wrap_socket(self.stream, server_side=True, do_handshake_on_connect=False)
        self.stream = stream
        stream.do_handshake()

    def wait(self, seconds: float) -> None:
        """Wait until something arrives. Raises TimeoutError, and ConnectionError where nothing can arrive any more."""
        is_secure = isinstance(self.stream, ssl.SSLSocket)
        if isinstance(self.stream, ssl.SSLSocket) and self.stream.pending():
            return
        # select.select refuses descriptors from 1024 on
        with selectors.DefaultSelector() as selector:
            selector.register(self.stream, selectors.EVENT_READ)
            if not selector.select(max(seconds, 0.0)):
                raise TimeoutError
        # an association takes a tenth of a second, and is not made for a connection that was ended
        if self._has_ended or (not is_secure and not self.stream.recv(1, socket.MSG_PEEK)):
            raise ConnectionAbortedError


class WaitingConnections:
    """The connections without an association. One more than are allowed ends one of the address with the most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connections = list[Connection]()

    def add(self, connection: Connection) -> None:
        """Add a connection that was accepted."""
        with self._lock:
            self._connections = [each for each in self._connections if each.stream.fileno() >= 0]
            if len(self._connections) >= MOST_WAITING:
                address = Counter(each.address for each in self._connections).most_common(1)[0][0]
                oldest = next(each for each in self._connections if each.address == address)
                self._connections.remove(oldest)
                oldest.end()
            self._connections.append(connection)

    def remove(self, stream: socket.socket) -> None:
        """Remove the connection of a socket, which has an association now."""
        with self._lock:
            self._connections = [each for each in self._connections if each.stream is not stream]

    def end(self) -> None:
        """End all connections."""
        with self._lock:
            for connection in self._connections:
                connection.end()
