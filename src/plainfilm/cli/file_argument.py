# SPDX-License-Identifier: MIT
"""Check a FILE or OUT argument before any work starts."""

from __future__ import annotations

from pathlib import Path

from plainfilm.errors import OptionsError, SourceMissingError
from plainfilm.sources.entries import EntryKind, kind_of_source
from plainfilm.sources.scheme import check_local, check_scheme


def path_of_file(text: str, command: str) -> Path:
    """The path of a regular file. command: the name of what reads it. Raises OptionsError and SourceMissingError."""
    check_local(text, "FILE")
    try:
        kind = kind_of_source(text)
    except (FileNotFoundError, NotADirectoryError):
        raise SourceMissingError(f"FILE {text} does not exist") from None
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else "the path is not valid"
        raise OptionsError(f"FILE {text} cannot be reached: {cause}") from error
    if kind is EntryKind.FOLDER:
        raise OptionsError(f"FILE {text} is a folder: {command} reads files")
    if kind is not EntryKind.FILE:
        raise OptionsError(f"FILE {text} is not a regular file, or cannot be reached")
    return Path(text)


def check_out(out: str) -> None:
    """Check the OUT of an earlier run: a folder, or a URL that can be used.

    Raises OptionsError, which does not repeat a URL: it may hold a password.
    """
    if check_scheme(out, "OUT") is None and not Path(out).is_dir():
        raise OptionsError(f"{out} is not a folder")
