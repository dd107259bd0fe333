# SPDX-License-Identifier: MIT
"""The command `plainfilm report`: write the report of a finished run anew."""

from __future__ import annotations

from collections.abc import Sequence

from plainfilm.cli.arguments import Parser, parse
from plainfilm.cli.file_argument import check_out
from plainfilm.cli.output import print_message


def report_parser() -> Parser:
    """The parser of `plainfilm report`."""
    parser = Parser(
        prog="plainfilm report",
        usage="plainfilm report OUT",
        description="Write OUT/report.html and its data files from the ledger of OUT. Every run of `convert` does the "
        "same at its end. The report opens from the disk; it needs no server and no network.",
    )
    parser.add_argument("out", metavar="OUT", help="the folder or URL of a finished run")
    return parser


def report_command(argv: Sequence[str]) -> int:
    """Run `plainfilm report` and return its exit code. Raises RunError and OutputError."""
    out: str = parse(report_parser(), argv).out
    check_out(out)

    from plainfilm.conversion.finished_folder import open_finished_folder
    from plainfilm.report.ledger_rows import open_finished_output
    from plainfilm.report.report import write_report
    from plainfilm.report.report_files import REPORT

    with open_finished_folder(out, is_changed=True) as place, open_finished_output(place.folder) as finished:
        write_report(finished.output, finished.rows)
    print_message(f"the report: {place.out}/{REPORT}")
    return 0
