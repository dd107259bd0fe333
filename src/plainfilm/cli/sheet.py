# SPDX-License-Identifier: MIT
"""The command `plainfilm sheet`: a contact sheet of a finished run as PNG or PDF."""

from __future__ import annotations

from collections.abc import Sequence

from plainfilm.cli.arguments import Parser, parse
from plainfilm.cli.file_argument import check_out, path_of_option
from plainfilm.cli.output import print_message
from plainfilm.errors import OptionsError
from plainfilm.output.single import write_file

_FORMATS = (".png", ".pdf")


def sheet_parser() -> Parser:
    """The parser of `plainfilm sheet`."""
    parser = Parser(
        prog="plainfilm sheet",
        usage="plainfilm sheet OUT -o PNG|PDF [--sort COLUMN] [--descending] [--suspects] [--failed]",
        description="Draw a contact sheet of the images of OUT, which a run has finished, with their names and what is "
        "unusual about them. A PDF has 30 images on a page, a PNG all of them (at most 500).",
    )
    parser.add_argument("out", metavar="OUT", help="the folder or URL of a finished run")
    parser.add_argument("-o", "--output", required=True, metavar="PNG|PDF", help="the contact sheet")
    parser.add_argument("--sort", metavar="COLUMN", help="sort by a column of the tables, such as mean or entropy")
    parser.add_argument("--descending", action="store_true", help="the largest value first")
    parser.add_argument("--suspects", action="store_true", help="only the images that a person should look at first")
    parser.add_argument("--failed", action="store_true", help="only the inputs without an image, with their reasons")
    return parser


def sheet_command(argv: Sequence[str]) -> int:
    """Run `plainfilm sheet` and return its exit code. Raises RunError and OutputError."""
    arguments = parse(sheet_parser(), argv)
    check_out(arguments.out)
    path = path_of_option(arguments.output, "-o")
    if path.suffix.lower() not in _FORMATS or path.is_dir():
        raise OptionsError(f"-o {path} does not name a sheet: give a name that ends in .png or .pdf")

    from plainfilm.conversion.finished_folder import open_finished_folder
    from plainfilm.report.ledger_rows import open_finished_output
    from plainfilm.report.sheet import MOST_IN_PDF, MOST_IN_PNG, SheetChoice, make_sheet

    choice = SheetChoice(arguments.sort, arguments.descending, arguments.failed, arguments.suspects)
    is_pdf = path.suffix.lower() == ".pdf"
    with open_finished_folder(arguments.out) as place, open_finished_output(place.folder) as finished:
        sheet = make_sheet(place.folder, finished.rows, choice, MOST_IN_PDF if is_pdf else MOST_IN_PNG)
        with place.with_images(cell.image for cell in sheet.cells if cell.image is not None):
            write_file(path, sheet.to_pdf() if is_pdf else sheet.to_png())
    if not sheet.total:
        print_message(f"plainfilm: {place.out} holds nothing to show: the sheet is empty")
    return 0
