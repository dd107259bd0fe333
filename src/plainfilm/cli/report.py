# SPDX-License-Identifier: MIT
"""The command `plainfilm report`: write the report of a finished run anew."""

from __future__ import annotations

from collections.abc import Sequence

from plainfilm.cli.arguments import Parser, parse
from plainfilm.cli.out_argument import existing_out
from plainfilm.cli.output import print_message


def report_parser() -> Parser:
    """The parser of `plainfilm report`."""
    parser = Parser(
        prog="plainfilm report",
        usage="plainfilm report OUT",
        description="Write OUT/report.html and its data files from the ledger of OUT. Every run of `convert` does the "
        "same at its end. The report opens from the disk; it needs no server and no network.",
    )
    parser.add_argument("out", metavar="OUT", help="the folder of a finished run")
    return parser


def report_command(argv: Sequence[str]) -> int:
    """Run `plainfilm report` and return its exit code. Raises RunError and OutputError."""
    out = existing_out(parse(report_parser(), argv).out)

    from plainfilm.report.ledger_rows import open_finished_output
    from plainfilm.report.report import write_report
    from plainfilm.report.report_files import REPORT

    with open_finished_output(out) as finished:
        write_report(finished.output, finished.rows)
    print_message(f"the report: {out / REPORT}")
    return 0
