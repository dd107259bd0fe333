# SPDX-License-Identifier: MIT
"""Decide whether a failed write concerns one image or ends the run."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from plainfilm.errors import OutputError, PlainfilmError, Reason, RunError, Stage, StorageFullError

# EFBIG: the largest file that this process may write; some systems limit space that way
_FULL = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
_BROKEN = frozenset({errno.EIO, errno.EROFS, errno.ENODEV, errno.ENXIO, getattr(errno, "ESTALE", errno.EIO)})
_NO_FOLDER = frozenset({errno.ENOTDIR, errno.ELOOP})


def classify_os_error(error: OSError) -> PlainfilmError:
    """Return StorageFullError or RunError where every later image would fail too, else OutputError.

    No message names a file.
    """
    description = error.strerror or type(error).__name__
    if error.errno in _FULL:
        return StorageFullError(f"no space is left for the output ({description}): make room and run again")
    if error.errno in _BROKEN:
        message = f"the output's storage fails ({description}): check the storage and run again"
        return RunError(message, reason=Reason.WRITE_FAILED, stage=Stage.WRITE)
    if error.errno in _NO_FOLDER:
        return OutputError("the image could not be written: a folder of its path in OUT is a file or a symbolic link")
    return OutputError(f"the image could not be written: {description}")


@contextmanager
def translate_os_errors() -> Iterator[None]:
    """Raise an OSError of the block as `classify_os_error` returns it."""
    try:
        yield
    except OSError as error:
        raise classify_os_error(error) from error
