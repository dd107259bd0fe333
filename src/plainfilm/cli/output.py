# SPDX-License-Identifier: MIT
"""Write text and images to standard output and messages to standard error.

Each of these streams may be closed, full, or a pipe whose reader has ended.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from unicodedata import category

from plainfilm.errors import OptionsError, PlainfilmError
from plainfilm.output.single import write_stdout
from plainfilm.output.storage import classify_os_error
from plainfilm.pickling import dataclass

_CONTROLS = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode categories: controls, formats (among them directions of text), surrogates, separators of lines."""


def open_standard_streams() -> None:
    """Open the null device for each closed standard stream, so that no file or pipe gets its descriptor."""
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= 2:
        os.set_inheritable(descriptor, True)
        descriptor = os.open(os.devnull, os.O_RDWR)
    os.close(descriptor)


def write_text(text: str) -> None:
    """Write text to standard output, in UTF-8 whatever the locale. Without standard output nothing happens.

    Raises BrokenPipeError if the reader has gone, and otherwise the errors of a failed write of an image.
    """
    if sys.stdout is None:
        return
    text = escape_controls(text) if sys.stdout.isatty() else text
    _write(text.encode("utf-8", "backslashreplace"))


def _write(content: bytes) -> None:
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        discard_standard_output()
        raise classify_os_error(error) from error


@dataclass(frozen=True, slots=True)
class ColorTerminal:
    """A terminal on standard output: its width in characters, and whether it shows 24-bit colors."""

    columns: int
    has_true_color: bool


def color_terminal() -> ColorTerminal | None:
    """The terminal on standard output, if it shows colors and Unicode and the user has not set NO_COLOR."""
    if sys.stdout is None or not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return None
    if os.environ.get("TERM", "dumb") == "dumb" or "utf" not in (sys.stdout.encoding or "").lower():
        return None
    has_true_color = os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit")
    return ColorTerminal(shutil.get_terminal_size().columns, has_true_color)


def write_drawing(text: str) -> None:
    """Write a text of our own, with the codes of its colors, to a terminal. Raises as `write_text`."""
    write_page(text.encode("utf-8"))


def write_page(content: bytes) -> None:
    """Write bytes that hold no text of the data set unescaped to standard output. Raises as `write_text`."""
    if sys.stdout is not None:
        _write(content)


def write_image(encoded: bytes) -> None:
    """Write an encoded image to standard output.

    Raises OutputError, StorageFullError and RunError, and OptionsError if standard output is closed or a
    terminal.
    """
    if sys.stdout is None:
        raise OptionsError("standard output is closed: write the image to a file whose name ends in .png")
    if sys.stdout.isatty():
        raise OptionsError("standard output is a terminal: send the image to a file or a pipe, as with > hand.png")
    try:
        write_stdout(encoded)
    except PlainfilmError:
        discard_standard_output()
        raise


def print_message(text: str) -> None:
    """Write a message of one line to standard error, unless it is closed. Control characters are escaped."""
    print_lines([text])


def print_lines(lines: Iterable[str]) -> None:
    """Write lines to standard error, unless it is closed. Control characters are escaped: no name adds a line."""
    if sys.stderr is not None:
        sys.stderr.write("".join(f"{one_line(line)}\n" for line in lines))


def one_line(text: str) -> str:
    """Escape control characters with line ends and tabs, which file names may contain."""
    return escape_controls(text).replace("\n", "\\n").replace("\t", "\\t")


def escape_controls(text: str) -> str:
    """Escape the characters that control a terminal or the direction of text, except line ends and tabs.

    File names may contain them, and a terminal would obey them.
    """
    return "".join(
        character if character in "\n\t" or category(character) not in _CONTROLS else ascii(character)[1:-1]
        for character in text
    )


def discard_standard_output() -> None:
    """Discard unwritten output, so that the interpreter does not fail when it flushes standard output at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
