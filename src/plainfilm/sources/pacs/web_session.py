# SPDX-License-Identifier: MIT
"""Ask one DICOMweb server, with limits: of the origin, of the size and the time of an answer, and of the attempts."""

from __future__ import annotations

import io
import time
import zlib
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3.exceptions

from plainfilm.errors import LimitError, Reason, SourceError
from plainfilm.pickling import dataclass
from plainfilm.sources.pacs.credentials import Authorization
from plainfilm.sources.store import network_error
from plainfilm.sources.web_adapter import new_session
from plainfilm.sources.web_store import LARGEST_UNKNOWN

_BLOCK = 256 * 1024
_TIMEOUTS = (10.0, 30.0)
_MOST_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_TEMPORARY = (408, 425, 429, 500, 502, 503, 504)
_MISSING = (404, 410)
_NOT_ACCEPTED = (400, 406, 415)
_LONGEST_WAIT = 10.0
_GZIP = 16 + zlib.MAX_WBITS
_IDENTITY = ("", "identity")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that has been read within the limits. warning: the text of its header `Warning`."""

    body: bytes
    content_type: str
    warning: str


class NotAcceptedError(SourceError):
    """The server does not accept the request in this form."""

    default_reason = Reason.UNSUPPORTED_VALUE


class WebSession:
    """The session with one server. It is also the session of dicomweb-client, which calls `get` only.

    origin: scheme, host and port of the server, as a URL. most_bytes: the largest answer.
    """

    def __init__(self, origin: str, auth: Authorization | None, most_bytes: int | None = None) -> None:
        self._session = new_session()
        self._session.auth = auth
        self._origin = _origin_of(origin)
        self._most_bytes = LARGEST_UNKNOWN if most_bytes is None else most_bytes
        self.answer = Answer(b"", "", "")
        """The last answer that `get` has returned."""

    def fetch(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Return the whole answer to a request. Raises SourceError and LimitError, which quote nothing of it."""
        problem: SourceError
        try:
            return self._follow(url, headers)
        except requests.exceptions.SSLError:
            problem = SourceError(
                "the certificate of the server is not trusted (REQUESTS_CA_BUNDLE names another file)"
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, zlib.error, OSError, ValueError) as error:
            # its text quotes the URL
            problem = network_error(type(error).__name__)
        raise problem

    def get(self, url: str | bytes, **options: Any) -> requests.Response:
        """Return an answer for dicomweb-client, which reads its body only. Raises as `fetch` does."""
        # dicomweb-client sends a host without its port
        headers = {name: value for name, value in (options.get("headers") or {}).items() if name != "Host"}
        self.answer = self.fetch(str(url), headers)
        response = requests.Response()
        response.status_code = requests.codes.ok
        response.raw = io.BytesIO(self.answer.body)
        return response

    def _follow(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Send a request, and follow redirects to the same server."""
        for _ in range(_MOST_REDIRECTS):
            if _origin_of(url) != self._origin or urlsplit(url).username is not None:
                raise SourceError(
                    "the server redirects to another server, which is not followed: give the URL of that server"
                )
            with self._session.get(
                url, headers=headers, stream=True, timeout=_TIMEOUTS, allow_redirects=False
            ) as response:
                if response.status_code not in _REDIRECTS:
                    _check_status(response)
                    body = b"".join(self._blocks(response))
                    found = response.headers
                    return Answer(body, found.get("Content-Type", ""), found.get("Warning", ""))
                url = urljoin(url, response.headers.get("Location", ""))
        raise SourceError("the server redirects in a circle")

    def _blocks(self, response: requests.Response) -> Iterator[bytes]:
        """Yield the body, decompressed where the server compresses it unasked. The size after that is limited."""
        count = received = 0
        inflate = _inflate_of(response.headers.get("Content-Encoding", ""))
        # `read` would wait for the whole block
        while block := response.raw.read1(_BLOCK, decode_content=False):
            received += len(block)
            content = block if inflate is None else inflate.decompress(block, self._most_bytes + 1 - count)
            count += len(content)
            if count > self._most_bytes:
                raise LimitError(f"the server sends more than {self._most_bytes} bytes")
            yield content
        length = response.headers.get("Content-Length", "")
        if (length.isdecimal() and received < int(length)) or (inflate is not None and not inflate.eof):
            raise network_error("the answer ends early")


def _origin_of(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname, parts.port or default


def _inflate_of(encoding: str) -> Any:
    """The decompressor of a content coding, None for none. Raises SourceError for one that is not supported."""
    if encoding.lower() in _IDENTITY:
        return None
    if encoding.lower() in ("gzip", "x-gzip", "deflate"):
        return zlib.decompressobj(_GZIP if "gzip" in encoding.lower() else zlib.MAX_WBITS)
    raise SourceError("the server compresses its answer in a way that is not supported")


def _check_status(response: requests.Response) -> None:
    status = response.status_code
    if status in (requests.codes.ok, requests.codes.no_content, requests.codes.partial_content):
        return
    if status in _TEMPORARY:
        seconds = response.headers.get("Retry-After", "")
        # waits here, because only here is known for how long; the usual pause follows
        time.sleep(min(float(seconds), _LONGEST_WAIT) if seconds.isdecimal() else 0.0)
        raise network_error(f"HTTP {status}")
    if status in _MISSING:
        raise SourceError(
            "the server has nothing at this URL: the path of the service is wrong, or the instance was deleted",
            reason=Reason.SOURCE_CHANGED,
        )
    if status in (requests.codes.unauthorized, requests.codes.forbidden):
        raise SourceError(
            f"the server refuses access (HTTP {status}): give user:password@ in the URL, a token in the variable "
            "DICOMWEB_TOKEN, or an entry in the keyring or in ~/.netrc"
        )
    if status in _NOT_ACCEPTED:
        raise NotAcceptedError(f"the server does not accept the request (HTTP {status})")
    raise SourceError(f"the server refuses the request (HTTP {status})")
