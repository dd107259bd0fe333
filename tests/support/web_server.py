# SPDX-License-Identifier: MIT
"""A web server on loopback whose answers are those of bad servers too: redirects, endless, slow and broken bodies."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import unquote


@dataclass
class WebServer:
    """The files of a server.

    files: by path. user: `name:password` where files need one. redirects: from path to URL. has_ranges: whether parts
    are sent. faults: what becomes of the next requests: a status, `reset`, `truncated`, `endless`, `drip`.
    requests: the path with its query, and the headers, of each request.
    """

    port: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    user: str = ""
    redirects: dict[str, str] = field(default_factory=dict)
    has_ranges: bool = True
    has_length: bool = True
    faults: list[str] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str, user: str = "") -> str:
        """Return the URL of a file."""
        return f"http://{f'{user}@' if user else ''}127.0.0.1:{self.port}{path}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: ClassVar[WebServer]

    def do_GET(self) -> None:
        """Answer a request."""
        state = self.state
        state.requests.append((self.path, dict(self.headers.items())))
        path = unquote(self.path.partition("?")[0])
        fault = state.faults.pop(0) if state.faults else ""
        if fault.isdecimal():
            self._answer(int(fault), {}, b"")
        elif fault == "reset":
            self.close_connection = True
        elif path in state.redirects:
            self._answer(302, {"Location": state.redirects[path]}, b"")
        elif state.user and self.headers.get("Authorization") != _basic(state.user):
            self._answer(401, {"WWW-Authenticate": "Basic"}, b"who are you, s3cr3t?")
        elif path not in state.files:
            self._answer(404, {}, b"")
        else:
            self._send(state.files[path], fault)

    def _send(self, content: bytes, fault: str) -> None:
        span = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", "")) if self.state.has_ranges else None
        etag = {"ETag": f'"{hash(content)}"'}
        if span is None or fault in ("endless", "drip"):
            self._answer(200, etag, content, fault)
            return
        first, last = int(span[1]), min(int(span[2]), len(content) - 1)
        if first >= len(content):
            self._answer(416, {"Content-Range": f"bytes */{len(content)}"}, b"")
            return
        part = {"Content-Range": f"bytes {first}-{last}/{len(content)}"}
        self._answer(206, etag | part, content[first : last + 1], fault)

    def _answer(self, status: int, headers: dict[str, str], body: bytes, fault: str = "") -> None:
        is_endless = fault in ("endless", "drip") or not self.state.has_length
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if is_endless:
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(body[: len(body) // 2] if fault == "truncated" else body)
            while fault == "endless":
                self.wfile.write(bytes(2**20))
            while fault == "drip" and not self.state.closed.wait(0.05):
                self.wfile.write(b"\0")
        self.close_connection |= fault == "truncated"

    def log_message(self, *_: object) -> None:
        """Write nothing."""


def _basic(user: str) -> str:
    return f"Basic {base64.b64encode(user.encode()).decode()}"


@contextmanager
def running_web_server() -> Iterator[WebServer]:
    """Start a server, which ends with the block."""
    state = WebServer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"state": state}))
    server.daemon_threads = True
    state.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield state
    finally:
        state.closed.set()
        server.shutdown()
        server.server_close()
