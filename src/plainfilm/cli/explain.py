# SPDX-License-Identifier: MIT
"""The command `plainfilm explain`: what would be done to an image and why, as text or as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from plainfilm.cli.arguments import Parser, command_parser, environment, options_of, parse
from plainfilm.cli.file_argument import path_of_file
from plainfilm.cli.help import CommandHelp
from plainfilm.cli.output import write_text
from plainfilm.cli.variables import warn_of_unknown_variables
from plainfilm.options.field import Scope
from plainfilm.options.options import Options

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
    path = path_of_file(arguments.file, "explain")

    from plainfilm.api import explain_isolated

    keywords: dict[str, Any] = {option.name: values[option.name] for option in Options.declared(Scope.IMAGE)}
    explanation = explain_isolated(path, frame=arguments.frame, **keywords)
    text = json.dumps(explanation.to_dict(), indent=2) if arguments.json else str(explanation)
    write_text(text + "\n")
    return 0
