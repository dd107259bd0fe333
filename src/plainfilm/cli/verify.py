# SPDX-License-Identifier: MIT
"""The command `plainfilm verify`: compare the files of an OUT with its ledger."""

from __future__ import annotations

import json
from collections.abc import Sequence

from plainfilm.cli.arguments import Parser, parse
from plainfilm.cli.file_argument import check_out
from plainfilm.cli.output import one_line, print_message, write_text
from plainfilm.options.counting import counted
from plainfilm.sources.remote_file import public_text


def verify_parser() -> Parser:
    """The parser of `plainfilm verify`."""
    parser = Parser(
        prog="plainfilm verify",
        usage="plainfilm verify OUT [--json]",
        description="Read every image and table of OUT and compare it with the ledger of OUT. List the files that are "
        "missing, that have changed, and that belong to no run. The exit code is 1 if there are any. Nothing is "
        "changed.",
    )
    parser.add_argument("out", metavar="OUT", help="the folder or URL of a finished run")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def verify_command(argv: Sequence[str]) -> int:
    """Run `plainfilm verify` and return its exit code. Raises RunError."""
    arguments = parse(verify_parser(), argv)
    check_out(arguments.out)

    from plainfilm.conversion.finished_folder import verify_out

    verification = verify_out(arguments.out)
    if arguments.json:
        write_text(json.dumps(verification.to_dict(), indent=2) + "\n")
    else:
        differences = {name: getattr(verification, name) for name in ("missing", "changed", "extra")}
        lines = [f"{kind}\t{one_line(name)}\n" for kind, names in differences.items() for name in names]
        write_text("".join(lines))
        counts = ", ".join(f"{len(names)} {kind}" for kind, names in differences.items())
        files = counted(verification.files, "file")
        print_message(f"{files} of the run in {public_text(arguments.out)}: {counts}")
    return 1 if verification.has_differences else 0
