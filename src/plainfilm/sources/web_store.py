# SPDX-License-Identifier: MIT
"""Files of web servers: one URL, one file. Nothing is sent to any other server than that of the URL.

A redirect to another server is refused, because it could carry the user's password there. A server that is slow beyond
measure, or that sends more than the file has, is given up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote, urljoin, urlsplit

import requests
import urllib3.exceptions

from plainfilm.errors import LimitError, Reason, SourceError
from plainfilm.sources.remote_file import UNKNOWN_SIZE, RemoteFile, RemoteUrl, version_of
from plainfilm.sources.store import network_error, retry_network
from plainfilm.sources.web_adapter import new_session

LARGEST_UNKNOWN = 1024**3
"""The bytes that are read where the server does not say how many there are."""
_BLOCK = 256 * 1024
_TIMEOUTS = (10.0, 20.0)
_MOST_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_MISSING = (404, 410)
_TEMPORARY = (408, 425, 429, 500, 502, 503, 504)
_NO_SUCH_RANGE = 416
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")


class WebStore:
    """The files of one web server, for one user; see `store.Store`."""

    is_shared = True

    def __init__(self, url: RemoteUrl) -> None:
        self._session = new_session()
        user, _, password = url.user_info.partition(":")
        if url.user_info:
            self._session.auth = (unquote(user).encode(), unquote(password).encode())

    def list(self, url: RemoteUrl) -> Iterator[tuple[str, RemoteFile]]:
        """Yield the file of a URL. A web server lists no folders."""
        file = retry_network(lambda: self._describe(url))
        if file is not None:
            yield "", file

    def read(self, file: RemoteFile, start: int = 0, stop: int | None = None) -> bytes:
        """Return the bytes of a file from `start` to `stop`."""
        end = file.size if stop is None and file.size != UNKNOWN_SIZE else stop
        if end is not None and end <= start:
            return b""
        return retry_network(lambda: self._read(file, start, end, is_whole=start == 0 and stop is None))

    def _describe(self, url: RemoteUrl) -> RemoteFile | None:
        """Ask for one byte, because URLs that are signed for GET refuse HEAD; None where there is no file."""
        with self._response(url, "bytes=0-0") as response:
            headers, status = response.headers, response.status_code
            if status in _MISSING:
                return None
            version = version_of(headers.get("ETag") or headers.get("Last-Modified"), _length_in(headers))
            if status == _NO_SUCH_RANGE:
                return RemoteFile(url, 0, version)
            _check_status(status)
            part = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
            has_parts = status == requests.codes.partial_content and part is not None
            return RemoteFile(url, int(part[2]) if has_parts and part is not None else UNKNOWN_SIZE, version)

    def _read(self, file: RemoteFile, start: int, end: int | None, *, is_whole: bool) -> bytes:
        with self._response(file.url, None if is_whole or end is None else f"bytes={start}-{end - 1}") as response:
            _check_status(response.status_code)
            part = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
            first = int(part[1]) if part is not None and response.status_code == requests.codes.partial_content else 0
            if first != start:
                message = "the server does not send parts of a file"
                raise SourceError(message, reason=Reason.UNSUPPORTED_VALUE)
            return _body(response, None if end is None else end - start, is_whole=is_whole)

    @contextmanager
    def _response(self, url: RemoteUrl, span: str | None) -> Iterator[requests.Response]:
        """Open the answer to a request, after redirects within the same server. Raises SourceError."""
        problem: SourceError
        headers = {} if span is None else {"Range": span}
        try:
            address = f"{url.scheme}://{url.host}{url.path or '/'}" + (f"?{url.query}" if url.query else "")
            for _ in range(_MOST_REDIRECTS):
                with self._session.get(
                    address, headers=headers, stream=True, timeout=_TIMEOUTS, allow_redirects=False
                ) as response:
                    if response.status_code not in _REDIRECTS:
                        yield response
                        return
                    address = _redirected(address, response.headers.get("Location", ""))
            problem = SourceError("the server redirects in a circle")
        except requests.exceptions.SSLError:
            problem = SourceError(
                "the certificate of the server is not trusted (REQUESTS_CA_BUNDLE names another file)"
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            # its text quotes the URL
            problem = network_error(type(error).__name__)
        raise problem


def _redirected(address: str, location: str) -> str:
    """Return where a redirect leads. Raises SourceError for another server: a different scheme, host or port."""
    target = urljoin(address, location)
    old, new = urlsplit(address), urlsplit(target)
    if (old.scheme, old.hostname, old.port) != (new.scheme, new.hostname, new.port) or new.username is not None:
        raise SourceError("the server redirects to another server, which is not followed: give the URL of that server")
    return target


def _check_status(status: int) -> None:
    if status in (requests.codes.ok, requests.codes.partial_content):
        return
    if status in _TEMPORARY:
        raise network_error(f"HTTP {status}")
    if status in _MISSING:
        raise SourceError("the file is no longer there", reason=Reason.SOURCE_CHANGED)
    if status in (requests.codes.unauthorized, requests.codes.forbidden):
        raise SourceError(
            f"the server refuses access (HTTP {status}): give user:password@ in the URL, an entry in ~/.netrc, or a "
            "URL that is signed and has not expired"
        )
    raise SourceError(f"the server refuses the request (HTTP {status})")


def _body(response: requests.Response, size: int | None, *, is_whole: bool) -> bytes:
    """Read an answer of `size` bytes, or of any number. Raises SourceError and LimitError."""
    blocks, count = list[bytes](), 0
    most = LARGEST_UNKNOWN if size is None else size
    # `read` would wait for the whole block. One byte more shows that the file has grown.
    while count <= most and (block := response.raw.read1(min(_BLOCK, most + 1 - count), decode_content=False)):
        blocks.append(block)
        count += len(block)
        if count >= most and not is_whole:
            break
    content = b"".join(blocks)
    if size is None:
        if count > most:
            raise LimitError(f"the server sends more than {most} bytes")
        _check_length(response, count)
        return content
    if count < size:
        raise network_error("the answer ends early")
    if is_whole and count > size:
        raise SourceError("the file has grown since it was listed", reason=Reason.SOURCE_CHANGED)
    return content[:size]


def _check_length(response: requests.Response, count: int) -> None:
    length = _length_in(response.headers)
    if length is not None and count < length:
        raise network_error("the answer ends early")


def _length_in(headers: requests.structures.CaseInsensitiveDict[str]) -> int | None:
    length = headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None
