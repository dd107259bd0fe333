# SPDX-License-Identifier: MIT
"""Check the arguments SOURCE, FILE and OUT before any work starts."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from plainfilm.errors import OptionsError, SourceMissingError
from plainfilm.options.local_path import check_local
from plainfilm.sources.entries import EntryKind, kind_of_source
from plainfilm.sources.scheme import check_scheme
from plainfilm.sources.source_list import STANDARD_INPUT, is_table


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


def path_of_option(text: str, flag: str) -> Path:
    """The path in the value of an option that only one command has. Raises OptionsError for a URL."""
    check_local(text, flag)
    return Path(text)


def check_out(out: str) -> None:
    """Check the OUT of an earlier run: a folder, or a URL that can be used.

    Raises OptionsError, which does not repeat a URL: it may hold a password.
    """
    if check_scheme(out, "OUT") is None and not Path(out).is_dir():
        raise OptionsError(f"{out} is not a folder")


def check_list_options(arguments: Namespace, sources: Sequence[str]) -> None:
    """Raise OptionsError for an option on the command line about lists where no SOURCE is such a list."""
    words = vars(arguments)
    if words.get("null") and STANDARD_INPUT not in sources:
        raise OptionsError("-0 has no effect without the SOURCE -, a list on standard input: leave it out")
    if words.get("source_column") is not None and not any(map(is_table, sources)):
        raise OptionsError(
            "--source-column has no effect without a SOURCE that is a CSV or Parquet table: leave it out"
        )
