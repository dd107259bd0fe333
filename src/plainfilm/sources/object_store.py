# SPDX-License-Identifier: MIT
"""Object storage through fsspec: Amazon S3 and what speaks its protocol, Google Cloud Storage, Azure, and memory.

The grammar of the URLs, the configuration (`~/.config/fsspec`, `FSSPEC_*`) and the credentials are those of fsspec and
of the clients that it uses: profiles, single sign-on, roles and the environment.
"""

from __future__ import annotations

import errno
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import fsspec
from fsspec.asyn import AsyncFileSystem, sync

from plainfilm.errors import OptionsError, Reason, SourceError
from plainfilm.sources.remote_file import UNKNOWN_SIZE, RemoteFile, RemoteUrl, version_of
from plainfilm.sources.store import network_error, retry_network

T = TypeVar("T")

# What tells one content from another, best first: a hash, a version, a time.
_VERSION_NAMES = (
    "md5Hash",
    "ETag",
    "etag",
    "generation",
    "LastModified",
    "last_modified",
    "updated",
    "created",
)
_LIST_SECONDS, _COPY_SECONDS, _LEAST_SECONDS, _LEAST_RATE = 1800.0, 600.0, 30.0, 256 * 1024
# the least size of the parts of a large object of S3, the number of parts that it can have, and of those sent at once
_PART, _MOST_PARTS, _PARTS_AT_ONCE = 16 * 1024**2, 10_000, 4
# this module tries again; the client itself does so only for the connection
_S3_OPTIONS: dict[str, Any] = {
    "config_kwargs": {
        "retries": {"mode": "standard", "max_attempts": 2},
        "connect_timeout": 10,
        "read_timeout": 20,
        "max_pool_connections": 32,
    }
}
_CLIENT_ERRORS = {
    "botocore.exceptions": ("BotoCoreError", "ClientError"),
    "aiohttp": ("ClientError",),
    "google.auth.exceptions": ("GoogleAuthError",),
    "gcsfs.retry": ("HttpError",),
    "azure.core.exceptions": ("AzureError",),
}
_LOGGERS = ("adlfs", "azure", "fsspec", "gcsfs", "google", "s3fs")
# Python prints the warnings of a logger without a handler, and those of the clients quote URLs.
for _name in _LOGGERS:
    logging.getLogger(_name).addHandler(logging.NullHandler())
_CREDENTIAL_WORDS = ("credential", "profile", "auth", "token", "sso", "refresh")
_REFUSALS = (errno.EINVAL, errno.EACCES, errno.EPERM)


class _AlreadyThereError(SourceError):
    """An object that is to be created exists."""


class ObjectStore:
    """The objects of one bucket or container; see `store.Store`."""

    def __init__(self, url: RemoteUrl) -> None:
        if ":" in url.user_info:
            raise OptionsError(
                f"a URL with {url.scheme}:// has a user name and a password: give the credentials where other clients "
                "find them (environment, profile, configuration of fsspec)"
            )
        self.is_shared = url.scheme != "memory"
        self._tries_again = url.scheme == "gs"
        options = _S3_OPTIONS if url.scheme == "s3" else {}
        try:
            self._files, _ = fsspec.core.url_to_fs(
                url.access, skip_instance_cache=True, use_listings_cache=False, **options
            )
        except _client_errors() as error:
            raise _problem_of(error) from None
        self._is_s3 = url.scheme == "s3"
        if self._is_s3:
            self._files.retries = 1

    def list(self, url: RemoteUrl) -> Iterator[tuple[str, RemoteFile]]:
        """Yield the objects at and below a URL. An object whose key ends with `/` stands for a folder and is none."""
        top = self._path_of(url)
        found = self._attempt(lambda: self._call("find", _LIST_SECONDS, top, detail=True))
        for path, properties in found.items():
            if properties.get("type") == "directory" or path.endswith("/"):
                continue
            place = "" if path == top else path.removeprefix(f"{top}/")
            file_url = url.with_path(f"{url.path.rstrip('/')}/{place}" if place else url.path)
            yield place, RemoteFile(file_url, _size_in(properties), _version_in(properties))

    def read(self, file: RemoteFile, start: int = 0, stop: int | None = None) -> bytes:
        """Return the bytes of an object from `start` to `stop`, with one request."""
        path = self._path_of(file.url)
        end = file.size if stop is None and file.size != UNKNOWN_SIZE else stop
        if end is not None and end <= start:
            return b""
        seconds = _LEAST_SECONDS + (0 if end is None else end - start) / _LEAST_RATE
        # with a range s3fs asks once, and without one twice
        span = {} if end is None else {"start": start, "end": end}
        content: bytes = self._attempt(lambda: self._call("cat_file", seconds, path, **span))
        if end is not None and len(content) != end - start:
            message = f"the object changed after it was listed: it has not {file.size} bytes"
            raise SourceError(message, reason=Reason.SOURCE_CHANGED)
        return content

    def put(self, url: RemoteUrl, content: bytes) -> None:
        """Write a whole object."""
        seconds = _LEAST_SECONDS + len(content) / _LEAST_RATE
        self._attempt(lambda: self._call("pipe_file", seconds, self._path_of(url), content))

    def put_file(self, url: RemoteUrl, path: Path) -> None:
        """Write a whole object with the bytes of a file of this machine, in parts."""
        size = path.stat().st_size
        seconds = _LEAST_SECONDS + size / _LEAST_RATE
        part = max(_PART, -(-size // _MOST_PARTS))
        options = {"chunksize": part, "max_concurrency": _PARTS_AT_ONCE} if self._is_s3 else {}
        self._attempt(lambda: self._call("put_file", seconds, str(path), self._path_of(url), **options))

    def create(self, url: RemoteUrl, content: bytes) -> bool:
        """Write a whole object where there is none; return whether there was none."""
        try:
            self._attempt(lambda: self._call("pipe_file", _LEAST_SECONDS, self._path_of(url), content, mode="create"))
        except _AlreadyThereError:
            return False
        return True

    def copy(self, origin: RemoteUrl, target: RemoteUrl) -> None:
        """Copy an object; the server of the store does it. Raises SourceError (`source_changed`) if there is none."""
        paths = self._path_of(origin), self._path_of(target)
        self._attempt(lambda: self._call("cp_file", _COPY_SECONDS, *paths))

    def remove(self, url: RemoteUrl) -> None:
        """Remove an object, if there is one."""
        try:
            self._attempt(lambda: self._call("rm_file", _LEAST_SECONDS, self._path_of(url)))
        except SourceError as error:
            if error.reason is not Reason.SOURCE_CHANGED:
                raise

    def _attempt(self, call: Callable[[], T]) -> T:
        """Call a function, again where the network fails. The client of Google Cloud Storage tries six times itself."""
        return call() if self._tries_again else retry_network(call)

    def _path_of(self, url: RemoteUrl) -> str:
        path: str = self._files._strip_protocol(url.access)
        return path.rstrip("/")

    def _call(self, method: str, seconds: float, *arguments: object, **options: object) -> Any:
        """Call a method of the file system. Raises SourceError, without the error of the client, which quotes URLs."""
        problem: SourceError
        try:
            if isinstance(self._files, AsyncFileSystem):
                return sync(
                    self._files.loop, getattr(self._files, f"_{method}"), *arguments, timeout=seconds, **options
                )
            return getattr(self._files, method)(*arguments, **options)
        except FileNotFoundError:
            if method == "find":
                return {}
            problem = SourceError("the object is no longer there", reason=Reason.SOURCE_CHANGED)
        except NotImplementedError:
            problem = SourceError("the store has no such operation for this bucket")
        except FileExistsError:
            problem = _AlreadyThereError("there is such an object")
        except _client_errors() as error:
            problem = _problem_of(error)
        raise problem


def _client_errors() -> tuple[type[Exception], ...]:
    """The base classes of the errors of the clients that are loaded."""
    loaded = ((sys.modules[module], names) for module, names in _CLIENT_ERRORS.items() if module in sys.modules)
    return (OSError, ValueError, *(getattr(module, name) for module, names in loaded for name in names))


def _problem_of(error: Exception) -> SourceError:
    kind = type(error).__name__
    if isinstance(error, PermissionError) or any(word in kind.lower() for word in _CREDENTIAL_WORDS):
        return SourceError(
            f"the store refuses access ({kind}): check the credentials (environment, profile, configuration of fsspec)"
        )
    if isinstance(error, ValueError) or (isinstance(error, OSError) and error.errno in _REFUSALS):
        return SourceError(f"the store refuses the request ({kind}): check the URL and the configuration")
    return network_error(kind)


def _size_in(properties: dict[str, Any]) -> int:
    size = properties.get("size")
    return size if isinstance(size, int) else UNKNOWN_SIZE


def _version_in(properties: dict[str, Any]) -> int:
    return version_of(next((properties[name] for name in _VERSION_NAMES if properties.get(name)), None))
