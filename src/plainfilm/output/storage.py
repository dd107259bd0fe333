# SPDX-License-Identifier: MIT
"""What the system says of a failed write -> whether this one image failed or the run cannot go on."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from plainfilm.errors import PlainfilmError, Reason, RunError, OutputError, Stage, StorageFullError

# EFBIG: the largest file this process may write, which is how some systems ration space
_FULL = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
_BROKEN = frozenset({errno.EIO, errno.EROFS, errno.ENODEV, errno.ENXIO, getattr(errno, "ESTALE", errno.EIO)})
_NO_FOLDER = frozenset({errno.ENOTDIR, errno.ELOOP})


def classify_os_error(error: OSError) -> PlainfilmError:
    """StorageFullError and RunError where every later image would fail too, else OutputError; none names a file."""
    said = error.strerror or type(error).__name__
    if error.errno in _FULL:
        return StorageFullError(f"no space is left for the output ({said}): make room and run again")
    if error.errno in _BROKEN:
        message = f"the output's storage fails ({said}): see to it and run again"
        return RunError(message, reason=Reason.WRITE_FAILED, stage=Stage.WRITE)
    if error.errno in _NO_FOLDER:
        return OutputError("the image could not be written: a folder on its way within OUT is a file or a symbolic link")
    return OutputError(f"the image could not be written: {said}")


@contextmanager
def translate_os_errors() -> Iterator[None]:
    """Turns an OSError within into a PlainfilmError."""
    try:
        yield
    except OSError as error:
        raise classify_os_error(error) from error
