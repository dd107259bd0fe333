# SPDX-License-Identifier: MIT
"""Fetch the next file of a worker from its store while the worker converts another one."""

from __future__ import annotations

import threading

from plainfilm.errors import ConversionError
from plainfilm.sources.file_reader import MOST_AT_ONCE
from plainfilm.sources.reference import Reference
from plainfilm.sources.remote_file import UNKNOWN_SIZE, RemoteFile
from plainfilm.sources.remote_reader import read_remote


class ReadAhead:
    """At most one file that a thread fetches. A process has one of these objects, and one thread uses it."""

    def __init__(self) -> None:
        self._file: RemoteFile | None = None
        self._result: bytes | ConversionError | None = None
        self._thread: threading.Thread | None = None

    def begin(self, reference: Reference) -> None:
        """Begin to fetch a file that is read as a whole. A file that was fetched and not taken is forgotten."""
        file = reference.path
        is_whole = isinstance(file, RemoteFile) and file.content is None and reference.member is None
        if not is_whole or not isinstance(file, RemoteFile) or not UNKNOWN_SIZE < file.size <= MOST_AT_ONCE:
            return
        self._file, self._result = file, None
        # a daemon, so that a worker can end at once
        self._thread = threading.Thread(target=self._fetch, args=(file,), name="plainfilm-read-ahead", daemon=True)
        self._thread.start()

    def take(self, reference: Reference) -> Reference:
        """Return a reference with the content of its file where that was fetched. Raises the error of fetching it."""
        if self._file is None or self._file != reference.path or reference.member is not None:
            return reference
        assert self._thread is not None
        self._thread.join()
        result, self._file, self._result, self._thread = self._result, None, None, None
        if isinstance(result, ConversionError):
            raise result
        return reference if result is None else reference.with_content(result)

    def _fetch(self, file: RemoteFile) -> None:
        try:
            result: bytes | ConversionError = read_remote(file)
        except ConversionError as error:
            result = error
        if self._file is file:
            self._result = result
