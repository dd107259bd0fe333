# SPDX-License-Identifier: MIT
"""Accept connections so that senders which say nothing keep no other sender away.

The server of pynetdicom negotiates TLS in the thread that accepts connections, so that one silent sender stops all
others, and makes an association of each connection, which costs a tenth of a second and counts among the few that are
allowed. Here TLS is negotiated in a thread of the connection, and an association is made when the sender has sent
something.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from typing import Any

from pynetdicom.transport import ThreadedAssociationServer

from plainfilm.receive.waiting_connections import MOST_WAITING, Connection, WaitingConnections


class Server(ThreadedAssociationServer):  # type: ignore[misc]
    """The server of an application entity.

    waiting: gets the connections. most_seconds: the time for the negotiation of TLS and the first bytes.
    report: gets a line about each connection whose TLS cannot be negotiated.
    """

    daemon_threads = True
    request_queue_size = MOST_WAITING

    def __init__(
        self,
        *arguments: Any,
        waiting: WaitingConnections,
        most_seconds: float,
        report: Callable[[str], None],
        **options: Any,
    ) -> None:
        # before the port is bound: without a port, the server is closed at once
        self._waiting = waiting
        self._most_seconds = most_seconds
        self._report = report
        super().__init__(*arguments, **options)

    def get_request(self) -> tuple[Connection, Any]:
        """Accept a connection."""
        stream, address = self.socket.accept()
        stream.settimeout(self._most_seconds)
        return Connection(stream, address[0]), address

    def process_request(self, request: Connection, client_address: Any) -> None:
        """Start the thread of a connection."""
        self._waiting.add(request)
        try:
            super().process_request(request, client_address)
        except RuntimeError:
            # the system has no more threads
            request.close()

    def process_request_thread(self, request: Connection, client_address: Any) -> None:
        """Negotiate TLS, wait for the first bytes, and make an association."""
        end = time.monotonic() + self._most_seconds
        try:
            if self.ssl_context is not None:
                request.secure(self.ssl_context)
            request.wait(end - time.monotonic())
            self.finish_request(request.stream, client_address)
        except (OSError, RuntimeError) as error:
            if isinstance(error, ssl.SSLError):
                self._report(f"a connection from {request.address} is closed: TLS cannot be negotiated")
            request.close()

    def server_close(self) -> None:
        """Close the server and the connections without an association."""
        self._waiting.end()
        super().server_close()
