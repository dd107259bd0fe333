# SPDX-License-Identifier: MIT
"""Lay out the help of a command: a short text that explains the common options, and a long text that explains all."""

from __future__ import annotations

import argparse
import shutil
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from plainfilm.cli.output import write_text
from plainfilm.options.field import Option
from plainfilm.pickling import dataclass

_TITLES = {
    "render": "Look",
    "decoding": "Decoding",
    "geometry": "Size and shape",
    "presentation": "Overlays and orientation",
    "output": "Files",
    "privacy": "Privacy and columns",
    "limits": "Limits",
    "sources": "Sources",
    "run": "Run",
}
LETTERS = {"jobs": "j", "quiet": "q", "null": "0"}
"""The options that have a letter on the command line."""

_SUMMARIES = {
    "look": "viewer, stretch, window, minmax, equalize, clahe, stored",
    "window": "a window center and width of your own",
    "stretch": "the percentiles of the look stretch",
    "voi": "auto, none, lut[:N], window[:N] or an Explanation",
    "bits": "8 or 16 bits",
    "strict": "fail an image instead of repairing it",
    "size": "none, N (the longest side) or WxH, in pixels",
    "crop": "none, border or X,Y,W,H, in pixels",
    "frames": "all, first, middle or N, of multi-frame instances",
    "names": "keep (the path of the source), uid, hash or tags",
    "redact": "black out a box of stored pixels",
    "columns": "copy more DICOM attributes into the table",
    "exclude": "leave out the sources in a table",
    "jobs": "the number of worker processes",
    "overwrite": "convert everything again",
    "dry_run": "list what would be done and do nothing",
    "quiet": "print errors only",
}
"""The options that the short help explains, in at most 56 characters; it only names the others."""
_MAX_WIDTH = 100
_FLAG_WIDTH = 24


@dataclass(frozen=True, slots=True)
class CommandHelp:
    """What the help of a command consists of, beside its options.

    usage: one line or more. description: what the command does. examples: pairs of a command line and its meaning.
    own_title, own_options: the options that only this command has, as pairs of `--port N` and the meaning.
    """

    usage: str
    description: str
    examples: tuple[tuple[str, str], ...] = ()
    own_title: str = ""
    own_options: tuple[tuple[str, str], ...] = ()


def title_of(group: str) -> str:
    """The title of a group of options."""
    return _TITLES.get(group, group.replace("_", " ").capitalize())


def flags_of(option: Option) -> tuple[str, ...]:
    """All spellings of an option on the command line: `-j` and `--jobs`."""
    letter = LETTERS.get(option.name)
    return (option.flag,) if letter is None else (f"-{letter}", option.flag)


def help_of(option: Option) -> str:
    """The meaning of an option, with its default if it has one that the meaning does not state."""
    is_stated = option.is_switch or "(default" in option.meaning or str(option.default) in ("None", "")
    return option.meaning if is_stated else f"{option.meaning} (default: {option.default})"


class ShowHelp(argparse.Action):
    """Print the help of a command and exit with 0. `const` makes the text when it is needed."""

    def __call__(self, _parser: Any, _namespace: Any, _values: Any, _flag: str | None = None) -> None:
        write_text(self.const(self._width()))
        raise SystemExit(0)

    @staticmethod
    def _width() -> int:
        return min(shutil.get_terminal_size().columns, _MAX_WIDTH)


def short_help(command: CommandHelp, groups: Sequence[tuple[str, Sequence[Option]]], width: int) -> str:
    """The common options with a line each, and the names of the others."""
    lines = [*_introduction(command, width), *_own_lines(command, width)]
    for group, options in groups:
        common = [option for option in options if option.name in _SUMMARIES]
        others = ", ".join(option.flag for option in options if option.name not in _SUMMARIES)
        if not common:
            lines += _wrap(f"{title_of(group)}: {others}", width, "", "  ")
            continue
        lines.append(f"{title_of(group)}:")
        for option in common:
            lines += _lines_of(_usage_of(option, _short_metavar(option)), _SUMMARIES[option.name], width)
        if others:
            lines += _wrap(f"also {others}", width, "  ", "    ")
    lines += _wrap(
        "--config FILE reads options from a TOML or JSON file, PLAINFILM_LOOK=window sets one in the environment. "
        "--help-all explains every option.",
        width,
    )
    return "\n".join(lines) + "\n"


def long_help(command: CommandHelp, groups: Sequence[tuple[str, Sequence[Option]]], width: int) -> str:
    """Every option with its meaning and default."""
    lines = [*_introduction(command, width)]
    if command.own_options:
        lines += ["", *_own_lines(command, width)]
    for group, options in groups:
        lines += ["", f"{title_of(group)}:"]
        for option in options:
            lines += _option_lines(option, help_of(option), width)
    lines += ["", "Other:"]
    lines += _lines_of("--config FILE", "read options from a TOML or JSON file, such as the run.json of a run", width)
    lines += _lines_of("-h, --help", "show the common options", width)
    lines += _lines_of("--help-all", "show this text", width)
    return "\n".join(lines) + "\n"


def _introduction(command: CommandHelp, width: int) -> Iterator[str]:
    yield f"usage: {command.usage}"
    yield from _wrap(command.description, width)
    if command.examples:
        yield "Examples:"
    for line, meaning in command.examples:
        yield from _lines_of(line, meaning, width, 44)


def _own_lines(command: CommandHelp, width: int) -> Iterator[str]:
    """The options that only this command has; the short help explains them too."""
    if command.own_options:
        yield f"{command.own_title}:"
    for usage, meaning in command.own_options:
        yield from _lines_of(usage, meaning, width)


def _option_lines(option: Option, meaning: str, width: int) -> Iterable[str]:
    return _lines_of(_usage_of(option, option.value_type.metavar), meaning, width)


def _usage_of(option: Option, metavar: str) -> str:
    return f"{', '.join(flags_of(option))} {metavar}".rstrip()


def _short_metavar(option: Option) -> str:
    """The placeholder of an option; its name where the placeholder is a list of values, which the summary has."""
    metavar = option.value_type.metavar.partition("[")[0] if "|" not in option.value_type.metavar else "|"
    return option.name.upper() if "|" in metavar else metavar


def _lines_of(flags: str, meaning: str, width: int, column: int = _FLAG_WIDTH) -> list[str]:
    """The flags at the left and the meaning at the right; long flags have a line of their own."""
    indent = " " * column
    if len(flags) + 3 > column:
        return [f"  {flags}", *_wrap(meaning, width, indent, indent)]
    return _wrap(meaning, width, f"  {flags}".ljust(column), indent)


def _wrap(text: str, width: int, first: str = "", following: str = "") -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=following, break_long_words=False, break_on_hyphens=False
    )
