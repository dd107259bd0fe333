# SPDX-License-Identifier: MIT
"""The command `plainfilm explain`: what would be done to an image and why, as text or as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plainfilm.cli.arguments import Parser, add_options, environment, options_of, parse
from plainfilm.cli.output import write_text
from plainfilm.errors import OptionsError
from plainfilm.options.field import Scope
from plainfilm.options.options import Options


def explain_command(argv: Sequence[str]) -> int:
    """Run `plainfilm explain` and return its exit code. Raises RunError and ConversionError."""
    parser = Parser(
        prog="plainfilm explain",
        usage="plainfilm explain FILE [--json] [options]",
        description="Show which step uses which attribute of FILE and why, and what is unusual. Nothing is converted.",
    )
    parser.add_argument("file", metavar="FILE", help="a DICOM file")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--frame", type=int, default=1, metavar="N", help="the frame, counted from 1 (default: 1)")
    add_options(parser, Options.declared(Scope.IMAGE))
    arguments = parse(parser, argv)
    values = options_of(arguments, environment()).to_mapping()
    path = Path(arguments.file)
    if not path.is_file():
        raise OptionsError(f"{path} is not a file")

    from plainfilm.api import explain_isolated

    keywords: dict[str, Any] = {option.name: values[option.name] for option in Options.declared(Scope.IMAGE)}
    explanation = explain_isolated(path, frame=arguments.frame, **keywords)
    text = json.dumps(explanation.to_dict(), indent=2) if arguments.json else str(explanation)
    write_text(text + "\n")
    return 0
