# SPDX-License-Identifier: MIT
"""Text and pictures -> standard output; a line for people -> standard error. Either may be closed, full or left."""

from __future__ import annotations

import os
import sys

from plainfilm.errors import OptionsError, PlainfilmError
from plainfilm.output.single import write_stdout
from plainfilm.output.storage import classify_os_error


def open_standard_streams() -> None:
    """Open what of standard input, output and error was closed, so that no file or pipe gets its number."""
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= 2:
        os.set_inheritable(descriptor, True)
        descriptor = os.open(os.devnull, os.O_RDWR)
    os.close(descriptor)


def write_text(text: str) -> None:
    """Write to standard output, in UTF-8 whatever the locale; nothing where there is none.

    Raises BrokenPipeError where its reader has gone, else what a failed write of an image raises.
    """
    if sys.stdout is None:
        return
    try:
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        abandon_standard_output()
        raise classify_os_error(error) from error


def write_picture(encoded: bytes) -> None:
    """Write an image, and nothing else, to standard output.

    Raises OutputError, StorageFullError and RunError, and OptionsError where there is no standard output.
    """
    if sys.stdout is None:
        raise OptionsError("standard output is closed: give the picture a name that ends in .png")
    try:
        write_stdout(encoded)
    except PlainfilmError:
        abandon_standard_output()
        raise


def say(text: str) -> None:
    """Write a line to standard error, where there is one."""
    if sys.stderr is not None:
        sys.stderr.write(f"{text}\n")


def abandon_standard_output() -> None:
    """Give up what standard output has not taken, so that the interpreter does not fail on it when it leaves."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
