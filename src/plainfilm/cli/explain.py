# SPDX-License-Identifier: MIT
"""The command `plainfilm explain`: what would be done to an image and why, as text or as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plainfilm.cli.arguments import Parser, command_parser, environment, options_of, parse
from plainfilm.cli.help import CommandHelp
from plainfilm.cli.output import write_text
from plainfilm.cli.variables import warn_of_unknown_variables
from plainfilm.errors import OptionsError, SourceMissingError
from plainfilm.options.field import Scope
from plainfilm.options.options import Options
from plainfilm.sources.entries import EntryKind, kind_of_source
from plainfilm.sources.scheme import check_local

_HELP = CommandHelp(
    usage="plainfilm explain FILE [--json] [--frame N] [options]",
    description="Show which step uses which attribute of FILE and why, and what is unusual. Nothing is converted. "
    "--json prints JSON, --frame N explains frame N, counted from 1.",
    examples=(("plainfilm explain hand.dcm", "as text"), ("plainfilm explain cine.dcm --frame 3", "of frame 3")),
)


def explain_parser() -> Parser:
    """The parser of `plainfilm explain`."""
    parser = command_parser("explain", _HELP, Scope.IMAGE)
    parser.add_argument("file", metavar="FILE", help="a DICOM file")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--frame", type=int, default=1, metavar="N", help="the frame, counted from 1 (default: 1)")
    return parser


def explain_command(argv: Sequence[str]) -> int:
    """Run `plainfilm explain` and return its exit code. Raises RunError and ConversionError."""
    arguments = parse(explain_parser(), argv)
    values = options_of(arguments, environment()).to_mapping()
    warn_of_unknown_variables(environment())
    path = _path_of_file(arguments.file)

    from plainfilm.api import explain_isolated

    keywords: dict[str, Any] = {option.name: values[option.name] for option in Options.declared(Scope.IMAGE)}
    explanation = explain_isolated(path, frame=arguments.frame, **keywords)
    text = json.dumps(explanation.to_dict(), indent=2) if arguments.json else str(explanation)
    write_text(text + "\n")
    return 0


def _path_of_file(text: str) -> Path:
    """The path of a regular file. Raises OptionsError and SourceMissingError."""
    check_local(text, "FILE")
    try:
        kind = kind_of_source(text)
    except (FileNotFoundError, NotADirectoryError):
        raise SourceMissingError(f"FILE {text} does not exist") from None
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else "the path is not valid"
        raise OptionsError(f"FILE {text} cannot be reached: {cause}") from error
    if kind is EntryKind.FOLDER:
        raise OptionsError(f"FILE {text} is a folder: explain reads one file")
    if kind is not EntryKind.FILE:
        raise OptionsError(f"FILE {text} is not a regular file, or cannot be reached")
    return Path(text)
