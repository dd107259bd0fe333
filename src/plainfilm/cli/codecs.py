# SPDX-License-Identifier: MIT
"""`plainfilm codecs`: the table of codecs -> what this installation decodes, and what is missing and why."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from plainfilm.cli.arguments import Parser, parse
from plainfilm.decode.table import codec_status


def codecs_command(words: Sequence[str]) -> int:
    """Run `plainfilm codecs`."""
    parser = Parser(
        prog="plainfilm codecs",
        description="What this installation can decode and encode, and what is missing and why.",
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    arguments = parse(parser, words)
    statuses = codec_status()
    if arguments.json:
        sys.stdout.write(json.dumps([asdict(status) for status in statuses], indent=2) + "\n")
        return 0
    for status in statuses:
        found = f"{status.row} {status.version}" if status.available else f"missing: {status.missing}"
        sys.stdout.write(f"{'yes' if status.available else 'no ':4}{status.uid:28}{status.name}\n{'':32}{found}\n")
    return 0
