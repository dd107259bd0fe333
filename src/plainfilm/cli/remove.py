# SPDX-License-Identifier: MIT
"""The command `plainfilm remove`: remove the images and rows of patients from an OUT for good."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from plainfilm.cli.arguments import Parser, parse
from plainfilm.cli.file_argument import check_out
from plainfilm.cli.output import print_message
from plainfilm.cli.signals import stopping_on_signals
from plainfilm.errors import OptionsError
from plainfilm.options.counting import counted

if TYPE_CHECKING:
    from plainfilm.conversion.removal import RemovalResult

_HASH = re.compile("[0-9a-f]{32}")


def remove_parser() -> Parser:
    """The parser of `plainfilm remove`."""
    parser = Parser(
        prog="plainfilm remove",
        usage="plainfilm remove OUT --patient HASH[,HASH...]",
        description="Remove all images and rows of patients from OUT for good. Tables, splits, shards, report and data "
        "card follow. The ledger of OUT keeps the hashes, so that later runs exclude the files of these patients. The "
        "exit code is 1 if no patient is found. A removal that was interrupted is completed by the same command, or "
        "by the next run. `plainfilm link` finds the hashes of patient IDs.",
    )
    parser.add_argument("out", metavar="OUT", help="the folder or URL of a run")
    parser.add_argument(
        "--patient",
        metavar="HASH",
        action="append",
        required=True,
        help="a hash of the column patient; several are separated by commas, or the option is repeated",
    )
    return parser


def remove_command(argv: Sequence[str]) -> int:
    """Run `plainfilm remove` and return its exit code. Raises RunError."""
    arguments = parse(remove_parser(), argv)
    patients = _hashes(arguments.patient)
    check_out(arguments.out)

    from plainfilm.conversion.finished_folder import open_finished_folder
    from plainfilm.conversion.removal import Removal

    with open_finished_folder(arguments.out, is_changed=True) as place:
        removal = Removal(place.folder)
        with stopping_on_signals(removal) as signals:
            result = removal.run(patients)
    for line in (*result.notes, *_lines(result)):
        print_message(line)
    if signals:
        print_message("the removal was interrupted: run the same command again")
        return 128 + signals[0]
    return 0 if result.has_found else 1


def _hashes(values: Sequence[str]) -> list[str]:
    """Return the hashes in the values of `--patient`. A message quotes none: a value may be a patient ID."""
    hashes = [word.strip().lower() for value in values for word in value.split(",")]
    for number, word in enumerate(hashes, start=1):
        if not _HASH.fullmatch(word):
            raise OptionsError(
                f"--patient: value {number} is not a hash of the column patient, which has 32 hex digits; "
                "`plainfilm link` finds the hash of a patient ID"
            )
    return hashes


def _lines(result: RemovalResult) -> list[str]:
    """Return what was done, in lines for the user."""
    lines = []
    if result.patients:
        images, rows = counted(result.images, "image"), counted(result.other_rows, "other row")
        lines.append(f"removed {counted(result.patients, 'patient')}: {images} and {rows}")
    lines += [f"{patient} was removed before" for patient in result.removed_before]
    lines += [f"{patient} is not in OUT" for patient in result.unknown]
    return lines
