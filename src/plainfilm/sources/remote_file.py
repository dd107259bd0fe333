# SPDX-License-Identifier: MIT
"""Define `RemoteUrl` and `RemoteFile`: where a file is that no path of this machine names, and what is known of it.

A URL may hold secrets: a user name and a password, and a query that is signed. They are needed to read the file, so
they travel with the URL to the workers, but no text of these classes shows them.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import field, replace
from urllib.parse import parse_qsl, unquote

from plainfilm.errors import OptionsError
from plainfilm.pickling import FastPickle, dataclass

UNKNOWN_SIZE = -1

# Two letters or more, because a single letter is a drive of Windows. A Path has joined the two slashes.
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/{1,2}([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#.*)?", re.DOTALL)
# A server with its port, or a resource of Amazon.
_HOST = re.compile(r"(?:\[[^\]]*\]|[^:]*)(?::[0-9]*)?|arn:.*", re.DOTALL)
_DECODED_SCHEMES = ("http", "https")
# The parameters of signed URLs change with each signature, while the file stays the same.
_SIGNATURES = re.compile(
    r"x-(amz|goog|ms)-.*|awsaccesskeyid|googleaccessid|signature|expires|policy|key-pair-id|.*token"
    r"|s(ig|e|p|v|r|t|pr|ip|koid|ktid|kt|ke|ks|kv|s|rt)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class RemoteUrl(FastPickle):
    """A URL. `str(url)` is what may be written: it has no user name, password or query.

    scheme: in lower case. host: the server with its port, the bucket or the container. path: what follows, with its
    first `/`. user_info: the user name and the password, as the URL has them. query: without the `?`.
    """

    scheme: str
    host: str
    path: str = ""
    user_info: str = field(default="", repr=False)
    query: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}{self.path}"

    @property
    def access(self) -> str:
        """The whole URL, with its secrets: only to read the file, never to be written."""
        user_info = f"{self.user_info}@" if self.user_info else ""
        query = f"?{self.query}" if self.query else ""
        return f"{self.scheme}://{user_info}{self.host}{self.path}{query}"

    @property
    def name(self) -> str:
        """The base name of the path; of a URL without a path, the host without its port."""
        base = self.path.rstrip("/").rpartition("/")[2]
        if not base:
            return self.host.partition(":")[0]
        return unquote(base).replace("/", "_") if self.scheme in _DECODED_SCHEMES else base

    def with_path(self, path: str) -> RemoteUrl:
        """The URL of another file of the same server."""
        return replace(self, path=path)

    def below(self, name: str) -> RemoteUrl:
        """The URL of a file below this one, by its relative path."""
        return self.with_path(f"{self.path.rstrip('/')}/{name}")


@dataclass(frozen=True, slots=True)
class RemoteFile(FastPickle):
    """A file of a store, as its listing describes it. It is an `os.PathLike`; its path is the text that identifies it.

    size: the number of bytes, or UNKNOWN_SIZE. version: a number that changes with the content.
    content: the bytes, if the process that listed the file alone can read it.
    """

    url: RemoteUrl
    size: int = UNKNOWN_SIZE
    version: int = 0
    content: bytes | None = field(default=None, repr=False)

    def __fspath__(self) -> str:
        """The URL without secrets; a query that is more than a signature is replaced by its hash."""
        parameters = [pair for pair in parse_qsl(self.url.query) if not _SIGNATURES.fullmatch(pair[0])]
        if not parameters:
            return str(self.url)
        return f"{self.url}?{hashlib.sha256(repr(parameters).encode()).hexdigest()[:16]}"

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.url.name


def parse_url(text: str) -> RemoteUrl:
    """Split a URL. Raises OptionsError, which does not quote it, for one without a host or with a broken password."""
    match = _URL.fullmatch(text)
    if match is not None and _has_broken_password(match):
        raise OptionsError("the user name or the password of the URL has a /, a ? or a #: write %2F, %3F or %23 for it")
    authority = "" if match is None else match[2]
    user_info, _, host = authority.rpartition("@")
    if match is None or not host:
        raise OptionsError("the URL is not complete: it has the form scheme://host/path")
    return RemoteUrl(match[1].lower(), host, match[3], user_info, match[4] or "")


def version_of(*properties: object) -> int:
    """Return the number of a version from the properties that change with the content, such as an ETag."""
    digest = hashlib.sha256(repr(properties).encode("utf-8", "backslashreplace")).digest()
    # a signed integer of SQLite
    return int.from_bytes(digest[:8], "big") >> 1


def public_text(place: str) -> str:
    """Return a SOURCE as it may be written: a URL loses its user name, its password and its query.

    Of a URL that `parse_url` refuses because of its password, only what follows the last `@` is left.
    """
    match = _URL.fullmatch(place)
    if match is None:
        return place
    if _has_broken_password(match):
        return f"{match[1]}://{re.split('[?#]', place.rpartition('@')[2])[0]}"
    return f"{match[1]}://{match[2].rpartition('@')[2]}{match[3]}"


def _has_broken_password(match: re.Match[str]) -> bool:
    """Whether a password ends the host too early: what looks like a port is none, and the `@` comes after it."""
    host = match[2].rpartition("@")[2]
    return "@" in match.string[match.end(2) :] and not _HOST.fullmatch(host)
