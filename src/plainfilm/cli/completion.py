# SPDX-License-Identifier: MIT
"""Print the script that completes commands and options in a shell: `plainfilm --print-completion bash`."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from importlib import import_module

from plainfilm.cli.output import write_text
from plainfilm.errors import OptionsError
from plainfilm.options.suggestion import did_you_mean

# the placeholder of an option whose values are words
_CHOICES = re.compile(r"[a-z0-9-]+(?:\|[a-z0-9-]+)+")
SHELLS = ("bash", "zsh")


def print_completion(argv: Sequence[str]) -> int:
    """Print the script for a shell and return the exit code. Raises OptionsError."""
    if len(argv) != 1 or argv[0] not in SHELLS:
        hint = did_you_mean(argv[0], SHELLS) if argv else ""
        raise OptionsError(f"--print-completion needs one of {', '.join(SHELLS)}{hint}")
    try:
        import shtab
    except ImportError as error:
        raise OptionsError(
            '--print-completion needs shtab: install it with pip install "plainfilm[completion]"'
        ) from error
    write_text(shtab.complete(_parser_of_all_commands(shtab.FILE), argv[0]))
    return 0


def _parser_of_all_commands(file_completion: Mapping[str, object]) -> ArgumentParser:
    """A parser with the parser of each command below it; paths are completed with the names of files."""
    from plainfilm.cli.main import COMMANDS

    parser = ArgumentParser(prog="plainfilm")
    parser.add_argument("-V", "--version", action="store_true", help="print the version")
    commands = parser.add_subparsers()
    for name in COMMANDS:
        command = getattr(import_module(f"plainfilm.cli.{name}"), f"{name}_parser")()
        # the parsers have their own options for help
        added = commands.add_parser(name, parents=[command], add_help=False, help=_first_sentence(command.description))
        for action in added._actions:
            if _CHOICES.fullmatch(str(action.metavar)):
                action.choices = str(action.metavar).split("|")
            if not action.option_strings or action.metavar in ("FILE", "PATH", "CSV", "PATH|auto", "OUT"):
                action.complete = file_completion  # type: ignore[attr-defined]
    return parser


def _first_sentence(text: str | None) -> str:
    return (text or "").partition(". ")[0]
