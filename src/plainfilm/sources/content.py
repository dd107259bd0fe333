# SPDX-License-Identifier: MIT
"""A path -> the bytes of the file, or an error that says why not."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from plainfilm.errors import Reason, SourceError

_HEAD = 4096


def read_source(path: Path) -> bytes:
    """The whole file. Raises SourceError: `unreadable`, or `source_changed` where it shrank while it was read."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            content = file.read()
    except OSError as error:
        raise _unreadable(error) from error
    if len(content) < size:
        message = f"the file shrank from {size} to {len(content)} bytes while it was read"
        raise SourceError(message, reason=Reason.SOURCE_CHANGED)
    return content


def read_head(path: Path) -> bytes:
    """The first bytes of the file: enough to tell what it is. Raises SourceError."""
    try:
        with path.open("rb") as file:
            return file.read(_HEAD)
    except OSError as error:
        raise _unreadable(error) from error


def _unreadable(error: OSError) -> SourceError:
    why = os.strerror(error.errno) if error.errno is not None else type(error).__name__
    gone = " (it was there when the folder was listed)" if error.errno == errno.ENOENT else ""
    return SourceError(f"the file cannot be read: {why}{gone}")
