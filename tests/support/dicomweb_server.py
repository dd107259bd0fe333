# SPDX-License-Identifier: MIT
"""A small DICOMweb server on loopback that has the quirks of real ones, one at a time."""

from __future__ import annotations

import gzip
import json
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

BOUNDARY = "a1b2c3"
_BLOCK = bytes(65536)
Uids = tuple[str, str, str]


class Quirk(Enum):
    """What the server does otherwise than the standard says, or what goes wrong."""

    NONE = auto()
    # of parts
    NO_HEADERS = auto()
    NO_EMPTY_LINE = auto()
    SINGLE_PART = auto()
    WRONG_SYNTAX = auto()
    SHORT_LINE_ENDS = auto()
    NO_BOUNDARY = auto()
    NO_LAST_BOUNDARY = auto()
    PREAMBLE = auto()
    EMPTY_PART = auto()
    NOT_ACCEPTED = auto()
    GZIP = auto()
    # of searches
    IGNORES_OFFSET = auto()
    IGNORES_LIMIT = auto()
    SMALL_PAGES = auto()
    REPEATS_SMALL_PAGE = auto()
    ENDLESS_RESULTS = auto()
    NO_SERIES = auto()
    IGNORES_FILTERS = auto()
    PAGE_OF_HTML = auto()
    NO_CONTENT = auto()
    # of what is hostile or broken
    REDIRECT = auto()
    REDIRECT_AT_HOME = auto()
    RETRIEVE_URL = auto()
    UNAUTHORISED = auto()
    BUSY = auto()
    DOWN = auto()
    ENDLESS_BODY = auto()
    DRIP = auto()
    BOMB = auto()
    CUT = auto()
    ANOTHER_INSTANCE = auto()
    NOT_DICOM = auto()


WAYS_OF_PARTS = (
    Quirk.NONE,
    Quirk.NO_HEADERS,
    Quirk.NO_EMPTY_LINE,
    Quirk.SINGLE_PART,
    Quirk.WRONG_SYNTAX,
    Quirk.SHORT_LINE_ENDS,
    Quirk.NO_BOUNDARY,
    Quirk.NO_LAST_BOUNDARY,
    Quirk.PREAMBLE,
    Quirk.EMPTY_PART,
)
"""The quirks with which an answer still holds the whole instance, in a body of its own form."""


class DicomWebServer:
    """The server. Its attributes may be changed while it runs.

    instances: the files by their UIDs. modalities: those of the series. quirk: its behaviour.
    elsewhere: where its redirects and Retrieve URLs lead. failures: how many requests fail before one succeeds.
    answers_left: how many instances it sends before it is down; None for any number.
    requests: the paths that were asked for, with their headers.
    """

    def __init__(self, instances: Mapping[Uids, bytes]) -> None:
        self.instances = dict(instances)
        self.modalities: dict[str, str] = {}
        self.quirk = Quirk.NONE
        self.elsewhere = ""
        self.failures = 0
        self.answers_left: int | None = None
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.port = 0

    @property
    def url(self) -> str:
        """The URL of the service, as a SOURCE."""
        return f"dicomweb+http://127.0.0.1:{self.port}/service"

    def retrieved(self) -> list[str]:
        """The paths of the instances that were asked for."""
        return [path for path, _ in self.requests if "/instances/" in path]

    def results(self, path: str, filters: Mapping[str, list[str]]) -> list[dict[str, object]]:
        """The results of a search, sorted."""
        parts = path.strip("/").split("/")[1:]
        uids = parts[1::2]
        level = len(parts[0::2])
        found = sorted({key[:level] for key in self.instances if key[: len(uids)] == tuple(uids)})
        if parts[-1] == "instances":
            found = sorted(key for key in self.instances if key[: len(uids)] == tuple(uids))
        wanted = [] if self.quirk is Quirk.IGNORES_FILTERS else filters.get("Modality", [])
        shown = [key for key in found if not wanted or self.modalities.get(key[1]) in wanted]
        return [self._result(key) for key in shown]

    def _result(self, key: tuple[str, ...]) -> dict[str, object]:
        values = dict(zip(("0020000D", "0020000E", "00080018"), key, strict=False))
        if len(key) == 2 and key[1] in self.modalities:
            values["00080060"] = self.modalities[key[1]]
        if self.quirk is Quirk.NO_SERIES and len(key) == 3:
            del values["0020000E"]
        if self.quirk is Quirk.REPEATS_SMALL_PAGE and len(key) == 1:
            values["00201208"] = str(sum(other[0] == key[0] for other in self.instances))
        if self.elsewhere:
            values["00081190"] = f"{self.elsewhere}/studies/{key[0]}"
        return {tag: {"vr": "UI", "Value": [value]} for tag, value in values.items()}


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_arguments: object) -> None:
        """Print nothing when a client closes its connection."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: DicomWebServer

    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        """Answer a request."""
        state, parts = self.state, urlsplit(self.path)
        state.requests.append((self.path, dict(self.headers.items())))
        with suppress(BrokenPipeError, ConnectionResetError):
            if not self._is_refused(state):
                uids = parts.path.strip("/").split("/")[2::2]
                if len(uids) == 3:
                    self._send_instance(state, (uids[0], uids[1], uids[2]))
                else:
                    self._send_page(state, parts.path, parse_qs(parts.query))

    def _is_refused(self, state: DicomWebServer) -> bool:
        is_instance = "/instances/" in self.path
        if is_instance and state.answers_left is not None:
            state.answers_left -= 1
        if state.quirk is Quirk.DOWN or (is_instance and state.answers_left is not None and state.answers_left < 0):
            self._send(503, b"down", {"Content-Type": "text/plain"})
        elif state.quirk is Quirk.UNAUTHORISED and is_instance:
            token = self.headers.get("Authorization", "")
            self._send(401, f"no: {token}".encode(), {"WWW-Authenticate": f'Bearer error="{token}"'})
        elif state.quirk is Quirk.BUSY and is_instance and state.failures:
            state.failures -= 1
            self._send(429 if state.failures % 2 else 503, b"", {"Retry-After": "0"})
        elif state.quirk is Quirk.REDIRECT and is_instance:
            self._send(302, b"", {"Location": f"{state.elsewhere}{self.path}"})
        elif state.quirk is Quirk.REDIRECT_AT_HOME and is_instance and "again" not in self.path:
            self._send(307, b"", {"Location": f"{self.path}?again"})
        elif state.quirk is Quirk.NOT_ACCEPTED and is_instance and "transfer-syntax" in self.headers["Accept"]:
            self._send(406, b"", {})
        else:
            return False
        return True

    def _send_page(self, state: DicomWebServer, path: str, query: dict[str, list[str]]) -> None:
        offset, limit = int(query.get("offset", ["0"])[0]), int(query.get("limit", ["1000"])[0])
        results, headers = state.results(path, query), {"Content-Type": "application/dicom+json"}
        if state.quirk is Quirk.PAGE_OF_HTML:
            self._send(200, b"<html>log in</html>", {"Content-Type": "text/html"})
            return
        if state.quirk is Quirk.ENDLESS_RESULTS:
            headers["Warning"] = "299 server: There are 5 additional results that can be requested"
        if state.quirk is Quirk.SMALL_PAGES:
            limit = 2
        if state.quirk is Quirk.REPEATS_SMALL_PAGE:
            offset, limit = 0, 4
        if state.quirk not in (Quirk.IGNORES_LIMIT, Quirk.ENDLESS_RESULTS):
            start = 0 if state.quirk is Quirk.IGNORES_OFFSET else offset
            results = results[start : start + limit]
        if state.quirk is Quirk.NO_CONTENT and not results:
            self._send(204, b"", {})
            return
        self._send(200, json.dumps(results).encode(), headers)

    def _send_instance(self, state: DicomWebServer, uids: Uids) -> None:
        content = state.instances.get(uids)
        if content is None:
            self._send(404, b"", {})
            return
        if state.quirk is Quirk.ANOTHER_INSTANCE:
            content = next(other for key, other in state.instances.items() if key != uids)
        if state.quirk is Quirk.NOT_DICOM:
            self._send(200, b"<html>log in</html>", {"Content-Type": "text/html"})
            return
        body, headers = multipart_answer(content, state.quirk)
        if state.quirk in (Quirk.ENDLESS_BODY, Quirk.DRIP):
            self._send_endlessly(headers, is_slow=state.quirk is Quirk.DRIP)
        elif state.quirk is Quirk.CUT:
            self._send(200, body[: len(body) // 2], headers, len(body))
            self.close_connection = True
        else:
            self._send(200, body, headers)

    def _send_endlessly(self, headers: Mapping[str, str], *, is_slow: bool) -> None:
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
        while True:
            self.wfile.write(_BLOCK[:1] if is_slow else _BLOCK)
            time.sleep(0.02 if is_slow else 0.0)

    def _send(self, status: int, body: bytes, headers: Mapping[str, str], length: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)


def multipart_answer(content: bytes, quirk: Quirk = Quirk.NONE) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of an answer with one instance."""
    delimiter, content_type = (
        f"--{BOUNDARY}".encode(),
        f'multipart/related; type="application/dicom"; boundary={BOUNDARY}',
    )
    syntax = "1.2.840.10008.1.2.4.90" if quirk is Quirk.WRONG_SYNTAX else "1.2.840.10008.1.2.1"
    part = b"Content-Type: application/dicom; transfer-syntax=" + syntax.encode() + b"\r\n\r\n"
    if quirk is Quirk.NO_HEADERS:
        part = b"\r\n"
    elif quirk is Quirk.NO_EMPTY_LINE:
        part = b""
    elif quirk is Quirk.EMPTY_PART:
        part = b"\r\n\r\n" + delimiter + b"\r\n" + part
    elif quirk is Quirk.NO_BOUNDARY:
        content_type = "multipart/related"
    body = delimiter + b"\r\n" + part + content + b"\r\n" + delimiter + b"--\r\n"
    if quirk is Quirk.SINGLE_PART:
        body, content_type = content, "application/dicom"
    elif quirk is Quirk.SHORT_LINE_ENDS:
        body = delimiter + b"\n" + part.replace(b"\r", b"") + content + b"\n" + delimiter + b"--\n"
    elif quirk is Quirk.NO_LAST_BOUNDARY:
        body = delimiter + b"\r\n" + part + content
    elif quirk is Quirk.PREAMBLE:
        body = b"This is a message in parts.\r\n" + body
    headers = {"Content-Type": content_type}
    if quirk in (Quirk.GZIP, Quirk.BOMB):
        body = gzip.compress(body if quirk is Quirk.GZIP else bytes(50_000_000), 1)
        headers["Content-Encoding"] = "gzip"
    return body, headers


@contextmanager
def serve_dicomweb(instances: Mapping[Uids, bytes], certificate: Path | None = None) -> Iterator[DicomWebServer]:
    """Run a server in threads of this process, with TLS where there is a certificate with its key."""
    state = DicomWebServer(instances)
    handler = type("Handler", (_Handler,), {"state": state})
    with _Server(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        state.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
