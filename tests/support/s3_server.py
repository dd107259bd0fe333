# SPDX-License-Identifier: MIT
"""An S3 server in a process of its own, behind a proxy on loopback that injects faults into the answers."""

from __future__ import annotations

import http.client
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

BUCKET = "films"
SECRET = "s3cr3t-access-key"
FAULTS = ("503", "reset", "truncated", "slow")

_SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(*server.get_host_and_port(), flush=True)
sys.stdin.read()
"""


@dataclass
class S3Server:
    """A bucket behind the proxy.

    faults: what becomes of the next requests for objects, first to last. constant_fault: of all others.
    requests: the method, the path and the range of each request so far. traffic: the method and the path of each, and
    the bytes of the object that were sent or fetched. port: that of the proxy, on its host.
    held_request: a method and the end of a path: such a request sets `has_held` and waits for `release`.
    held_requests: the number of those that wait or are being answered.
    """

    server_port: int
    port: int = 0
    host: str = "127.0.0.1"
    faults: list[str] = field(default_factory=list)
    constant_fault: str = ""
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    traffic: list[tuple[str, str, int]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    held_request: tuple[str, str] = ("", "")
    has_held: threading.Event = field(default_factory=threading.Event)
    held_requests: int = 0
    held: threading.Condition = field(default_factory=threading.Condition)
    release: threading.Event = field(default_factory=threading.Event)

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which clients find the server."""
        return {
            "AWS_ENDPOINT_URL": f"http://{self.host}:{self.port}",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def put(self, objects: Mapping[str, bytes], bucket: str = BUCKET) -> None:
        """Store objects, past the proxy."""
        for key, content in objects.items():
            self._ask("PUT", f"/{bucket}/{key}", content)

    def get(self, key: str, bucket: str = BUCKET) -> bytes:
        """Return an object, past the proxy."""
        return self._ask("GET", f"/{bucket}/{key}")

    def empty(self) -> None:
        """Leave the bucket alone, and nothing in it."""
        self._ask("POST", "/moto-api/reset")
        self._ask("PUT", f"/{BUCKET}")

    @contextmanager
    def holding(self, method: str, end: str) -> Iterator[threading.Event]:
        """Let requests with a method for paths with an end wait in the block; the event is set when there is one."""
        self.held_request = method, end
        self.has_held.clear()
        self.release.clear()
        try:
            yield self.has_held
        finally:
            self.held_request = "", ""
            self.release.set()
            with self.held:
                # none of them comes later
                self.held.wait_for(lambda: not self.held_requests, 120)

    def client(self) -> Any:
        """Return a client of the server, past the proxy."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.server_port}",
            aws_access_key_id="key",
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
        )

    def list_keys(self, bucket: str = BUCKET) -> set[str]:
        """Return the keys of all objects."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return {item["Key"] for page in pages for item in page.get("Contents", ())}

    def _ask(self, method: str, path: str, content: bytes = b"") -> bytes:
        from urllib.parse import quote

        with closing(http.client.HTTPConnection("127.0.0.1", self.server_port, timeout=30)) as connection:
            signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/s3/aws4_request"}
            connection.request(method, quote(path), content, signed)
            return connection.getresponse().read()


class _Proxy(BaseHTTPRequestHandler):
    """Hand each request on to the server, and its answer back, with a fault where one is due."""

    protocol_version = "HTTP/1.1"
    state: ClassVar[S3Server]

    def handle_any(self) -> None:
        content = self._body()
        if len(content) < int(self.headers.get("Content-Length", 0)):
            # the client was killed: a server takes no part of an object
            self.close_connection = True
            return
        is_object = self.path.count("/") > 1 and "list-type" not in self.path
        with self.state.lock:
            self.state.requests.append((self.command, self.path, self.headers.get("Range", "")))
            fault = ""
            if is_object:
                fault = self.state.faults.pop(0) if self.state.faults else self.state.constant_fault
        method, end = self.state.held_request
        if not (end and self.command == method and self.path.partition("?")[0].endswith(end)):
            self._answer_with(fault, content)
            return
        with self.state.held:
            self.state.held_requests += 1
        try:
            self.state.has_held.set()
            self.state.release.wait(120)
            self._answer_with(fault, content)
        finally:
            with self.state.held:
                self.state.held_requests -= 1
                self.state.held.notify_all()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any  # noqa: N815

    def _answer_with(self, fault: str, content: bytes) -> None:
        if fault == "503":
            self._answer(503, {}, b"<Error><Code>SlowDown</Code></Error>")
        elif fault == "reset":
            # the system then ends the connection with RST
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
        else:
            self._hand_on(content, fault)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") == "chunked":
            chunks = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return b"".join(chunks)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _hand_on(self, content: bytes, fault: str) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", self.state.server_port, timeout=60)) as connection:
            headers = {
                name: value
                for name, value in self.headers.items()
                if name.lower() not in ("host", "transfer-encoding", "content-length", "expect")
            }
            headers["Host"] = f"127.0.0.1:{self.state.server_port}"
            connection.request(self.command, self.path, content, headers)
            answer = connection.getresponse()
            body = answer.read()
        kept = {
            name: value for name, value in answer.getheaders() if name.lower() not in ("connection", "date", "server")
        }
        with self.state.lock:
            size = len(body) if self.command == "GET" else len(content)
            self.state.traffic.append((self.command, self.path, size))
        self._answer(answer.status, kept, body, fault)

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes, fault: str = "") -> None:
        self.send_response(status)
        if "content-length" not in {name.lower() for name in headers}:
            headers = {**headers, "Content-Length": str(len(body))}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if fault == "truncated":
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.close_connection = True
        elif fault == "slow":
            for start in range(0, len(body), 100):
                self.wfile.write(body[start : start + 100])
                self.wfile.flush()
        else:
            # the client may be a process that was killed
            with suppress(ConnectionError):
                self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@contextmanager
def running_proxy(server_port: int, host: str = "127.0.0.1") -> Iterator[S3Server]:
    """Start a proxy of a server, which has requests and faults of its own; it ends with the block."""
    state = S3Server(server_port, host=host)
    proxy = ThreadingHTTPServer((host, 0), type("Proxy", (_Proxy,), {"state": state}))
    proxy.daemon_threads = True
    state.port = proxy.server_address[1]
    thread = threading.Thread(target=proxy.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        proxy.shutdown()
        proxy.server_close()


@contextmanager
def running_s3_server() -> Iterator[S3Server]:
    """Start the server and the proxy; both end with the block."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        _, port = process.stdout.readline().split()
        with running_proxy(int(port)) as state:
            yield state
    finally:
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def kill_at(
    server: S3Server, request: tuple[str, str], words: Sequence[object], environment: Mapping[str, str]
) -> None:
    """Run plainfilm until it sends a request, and end the process with SIGKILL while the request is on its way.

    request: the method, and the end of the path.
    """
    with server.holding(*request) as has_held:
        process = subprocess.Popen(
            [sys.executable, "-m", "plainfilm", *map(str, words)],
            env=dict(environment),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert has_held.wait(120), "the request is never sent"
        finally:
            process.kill()
            process.wait(30)
