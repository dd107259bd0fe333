# SPDX-License-Identifier: MIT
"""Decide whether a failed write concerns one image or ends the run."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from plainfilm.errors import (
    ConversionError,
    OutputError,
    PlainfilmError,
    Reason,
    RunError,
    Stage,
    StorageFullError,
    with_os_error,
)

# EFBIG: the largest file that this process may write; some systems limit space that way
_FULL = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
_BROKEN = frozenset({errno.EIO, errno.EROFS, errno.ENODEV, errno.ENXIO, getattr(errno, "ESTALE", errno.EIO)})
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE})
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
    if error.errno in _EXHAUSTED:
        message = f"too few files can be open at once ({description}): raise the limit (ulimit -n) and run again"
        return RunError(message, reason=Reason.WRITE_FAILED, stage=Stage.WRITE)
    if error.errno in _NO_FOLDER:
        return OutputError("the image could not be written: a folder of its path in OUT is a file or a symbolic link")
    return with_os_error(OutputError(f"the image could not be written: {description}"), error)


@contextmanager
def translate_os_errors() -> Iterator[None]:
    """Raise an OSError of the block as `classify_os_error` returns it."""
    try:
        yield
    except OSError as error:
        raise classify_os_error(error) from error


@contextmanager
def translate_private_errors(folder: Path) -> Iterator[None]:
    """Raise an OSError of the block as RunError: it concerns the private folder of OUT, which all images need."""
    try:
        with translate_os_errors():
            yield
    except OutputError as error:
        message = f"{folder} cannot be used ({_description(error)}): remove what is in the way, and run again"
        raise RunError(message, reason=Reason.WRITE_FAILED, stage=Stage.WRITE) from error


@contextmanager
def translate_store_errors() -> Iterator[None]:
    """Raise the errors of the store of OUT as those of the run, which cannot continue without OUT."""
    try:
        yield
    except ConversionError as error:
        raise RunError(f"OUT: {error.message}", reason=error.reason, stage=error.stage) from None


def unwritable_message(path: Path, error: OutputError) -> str:
    """Return the message for a file that belongs to the run and not to an image."""
    return f"{path} cannot be written ({_description(error)}): move away what has this name, or check the permissions"


def _description(error: OutputError) -> str:
    cause = error.__cause__
    return (cause.strerror if isinstance(cause, OSError) else None) or error.message
