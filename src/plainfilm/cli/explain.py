# SPDX-License-Identifier: MIT
"""The command `plainfilm explain`: what would be done to an image and why, as text, JSON or an HTML page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from plainfilm.cli.arguments import Parser, command_parser, environment, options_of, parse
from plainfilm.cli.file_argument import path_of_file
from plainfilm.cli.help import CommandHelp
from plainfilm.cli.output import color_terminal, write_drawing, write_page, write_text
from plainfilm.cli.variables import warn_of_unknown_variables
from plainfilm.options.field import Scope
from plainfilm.options.options import Options
from plainfilm.sources.scheme import check_scheme

_HELP = CommandHelp(
    usage="plainfilm explain FILE [--json | --html] [--frame N] [options]",
    description="Show which step uses which attribute of FILE and why, and what is unusual. Nothing is converted. "
    "A terminal also shows a small image and its histogram. --json prints JSON, --html a page with image and "
    "histogram, --frame N explains frame N, counted from 1.",
    examples=(
        ("plainfilm explain hand.dcm", "as text"),
        ("plainfilm explain hand.dcm --html > hand.html", "as a page in one file"),
        ("plainfilm explain cine.dcm --frame 3", "of frame 3"),
    ),
)


def explain_parser() -> Parser:
    """The parser of `plainfilm explain`."""
    parser = command_parser("explain", _HELP, Scope.IMAGE)
    parser.add_argument("file", metavar="FILE", help="a DICOM file or its URL")
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument("--json", action="store_true", help="print JSON")
    formats.add_argument("--html", action="store_true", help="print an HTML page that holds everything")
    parser.add_argument("--frame", type=int, default=1, metavar="N", help="the frame, counted from 1 (default: 1)")
    return parser


def explain_command(argv: Sequence[str]) -> int:
    """Run `plainfilm explain` and return its exit code. Raises RunError and ConversionError."""
    arguments = parse(explain_parser(), argv)
    values = options_of(arguments, environment()).to_mapping()
    warn_of_unknown_variables(environment())
    file = arguments.file
    path = path_of_file(file, "explain") if check_scheme(file, "FILE") is None else file

    from plainfilm.api.one_image import explain_image_isolated, explain_isolated
    from plainfilm.report.explanation_page import explanation_page
    from plainfilm.report.terminal_preview import terminal_preview

    keywords: dict[str, Any] = {option.name: values[option.name] for option in Options.declared(Scope.IMAGE)}
    terminal = None if arguments.json or arguments.html else color_terminal()
    if arguments.html or terminal is not None:
        explained = explain_image_isolated(path, frame=arguments.frame, **keywords)
        explanation, small = explained.explanation, explained.small
        if terminal is None:
            write_page(explanation_page(explanation.to_dict(), small))
            return 0
        write_drawing(terminal_preview(small, terminal.columns, has_true_color=terminal.has_true_color))
    else:
        explanation = explain_isolated(path, frame=arguments.frame, **keywords)
    text = json.dumps(explanation.to_dict(), indent=2) if arguments.json else str(explanation)
    write_text(text + "\n")
    return 0
