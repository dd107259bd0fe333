# SPDX-License-Identifier: MIT
"""The command `plainfilm link`: find the patient hashes of an OUT that fit patient IDs, for the holder of the key.

Patient IDs come from standard input only: other users of the system can read the words of a command. No ID is printed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from plainfilm.cli.arguments import Parser, parse
from plainfilm.cli.file_argument import path_of_option
from plainfilm.cli.output import print_message, write_text
from plainfilm.errors import OptionsError


def link_parser() -> Parser:
    """The parser of `plainfilm link`."""
    parser = Parser(
        prog="plainfilm link",
        usage="plainfilm link OUT --key-file FILE [--issuer TEXT] - < IDS",
        description="Read patient IDs from standard input, one a line, and print the hashes of the column patient of "
        "OUT that fit: the number of the line, a tab and the hash. IDs are never printed. They are not read from the "
        "command line, because other users can see it. The exit code is 1 if no patient is found.",
    )
    parser.add_argument("paths", nargs="*", metavar="OUT", help="the folder of a run, followed by - for standard input")
    parser.add_argument("--key-file", required=True, metavar="FILE", help="the key file with which OUT was made")
    parser.add_argument(
        "--issuer",
        metavar="TEXT",
        help="only patients with this Issuer of Patient ID ('' for none); without the option, of any issuer",
    )
    return parser


def link_command(argv: Sequence[str]) -> int:
    """Run `plainfilm link` and return its exit code. Raises RunError."""
    arguments = parse(link_parser(), argv)
    if len(arguments.paths) != 2 or arguments.paths[1] != "-":
        # the words are not quoted: they may be patient IDs
        raise OptionsError(
            "link needs an OUT and then - for standard input: patient IDs are read there, one a line, and never from "
            "the command line, which other users can read (see `plainfilm link --help`)"
        )
    out, key_file = Path(arguments.paths[0]), path_of_option(arguments.key_file, "--key-file")
    if not out.is_dir():
        raise OptionsError("the first argument of link, OUT, is not a folder")

    from plainfilm.conversion.patient_links import PatientLinks

    links = PatientLinks.load(out, key_file)
    lines = linked_lines = 0
    for line, patient_id in _patient_ids():
        hashes = links.hashes_of(patient_id, arguments.issuer)
        lines += 1
        linked_lines += bool(hashes)
        write_text("".join(f"{line}\t{patient}\n" for patient in hashes))
    print_message(f"{linked_lines} of {lines} patient IDs are in {out}")
    return 0 if linked_lines else 1


def _patient_ids() -> Iterator[tuple[int, str]]:
    """Yield each patient ID of standard input with the number of its line; blank lines are left out."""
    if sys.stdin is None:
        raise OptionsError("standard input is closed: patient IDs are read there, one a line")
    for line, content in enumerate(sys.stdin.buffer, start=1):
        try:
            text = content.decode("utf-8-sig" if line == 1 else "utf-8").strip(" \0\t\r\n")
        except UnicodeDecodeError:
            raise OptionsError(f"line {line} of standard input is not UTF-8") from None
        if text:
            yield line, text
