# SPDX-License-Identifier: MIT
"""`plainfilm explain`: a file -> what would be done to it and why, for people or as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plainfilm.cli.arguments import PICTURE_OPTIONS, Parser, add_options, environment, options_of, parse
from plainfilm.cli.output import write_text
from plainfilm.errors import OptionsError


def explain_command(words: Sequence[str]) -> int:
    """Run `plainfilm explain`. Raises RunError and ConversionError."""
    parser = Parser(
        prog="plainfilm explain",
        usage="plainfilm explain FILE [--json] [options]",
        description="Which step uses which attribute of FILE, why, and what is odd. Converts nothing.",
    )
    parser.add_argument("file", metavar="FILE", help="a DICOM file")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--frame", type=int, default=1, metavar="N", help="which frame, from 1 (default: 1)")
    add_options(parser, PICTURE_OPTIONS)
    arguments = parse(parser, words)
    options: dict[str, Any] = options_of(arguments, environment()).to_mapping()
    path = Path(arguments.file)
    if not path.is_file():
        raise OptionsError(f"{path} is not a file")

    from plainfilm.api import explain

    explanation = explain(path, frame=arguments.frame, **{name: options[name] for name in PICTURE_OPTIONS})
    text = json.dumps(explanation.to_dict(), indent=2) if arguments.json else str(explanation)
    write_text(text + "\n")
    return 0
