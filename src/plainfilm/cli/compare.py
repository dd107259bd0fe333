# SPDX-License-Identifier: MIT
"""The command `plainfilm compare`: images in several looks, side by side in one picture."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from plainfilm.cli.arguments import Parser, command_parser, environment, options_of, parse
from plainfilm.cli.file_argument import path_of_file, path_of_option
from plainfilm.cli.help import CommandHelp
from plainfilm.cli.output import print_message, write_image
from plainfilm.cli.variables import warn_of_unknown_variables
from plainfilm.errors import OptionsError
from plainfilm.options.field import Scope
from plainfilm.options.options import Options
from plainfilm.output.single import write_file

_DEFAULT_LOOKS = "naive,viewer,stretch"
# --looks replaces the first; the others make further images or need an index of the presentation states
_NOT_COMPARED = ("look", "overlays", "presentation")
_COMPARED = {option.name for option in Options.declared(Scope.IMAGE)} - set(_NOT_COMPARED) | {
    "timeout",
    "memory",
    "jobs",
}
_HELP = CommandHelp(
    usage="plainfilm compare FILE... -o PNG [--looks LOOK,...] [--frame N] [options]",
    description="Show images in several looks in one picture: a row for each FILE and a column for each look, with the "
    "histogram of the stored values and the curve that maps them to output levels. The look naive is "
    f"pixel_array / max * 255, the recipe that many scripts use; the default is --looks {_DEFAULT_LOOKS}. The picture "
    "holds no file names.",
    examples=(
        ("plainfilm compare hand.dcm -o looks.png", "one image in three looks"),
        ("plainfilm compare *.dcm -o looks.png --looks viewer,clahe", "a row for each image"),
    ),
)


def compare_parser() -> Parser:
    """The parser of `plainfilm compare`."""
    parser = command_parser("compare", _HELP, names=_COMPARED)
    parser.add_argument("files", nargs="+", metavar="FILE", help="DICOM files")
    parser.add_argument("-o", "--output", required=True, metavar="PNG", help="the picture; - for standard output")
    parser.add_argument(
        "--looks", default=_DEFAULT_LOOKS, metavar="LOOK,...", help=f"the looks (default: {_DEFAULT_LOOKS})"
    )
    parser.add_argument("--frame", type=int, default=1, metavar="N", help="the frame, counted from 1 (default: 1)")
    return parser


def compare_command(argv: Sequence[str]) -> int:
    """Run `plainfilm compare` and return its exit code. Raises RunError and OutputError."""
    arguments = parse(compare_parser(), argv)
    options = options_of(arguments, environment())
    warn_of_unknown_variables(environment())
    paths = [path_of_file(file, "compare") for file in arguments.files]
    _check_arguments(arguments)

    from plainfilm.report.comparison import compare_looks
    from plainfilm.report.look_panels import options_of_looks, parse_looks

    looks = options_of_looks(parse_looks(arguments.looks), options.to_mapping())
    comparison = compare_looks([path.absolute() for path in paths], looks, arguments.frame, options.run.workers)
    if arguments.output == "-":
        write_image(comparison.to_png())
    else:
        write_file(Path(arguments.output), comparison.to_png())
    for number, error in comparison.errors.items():
        print_message(f"plainfilm: {paths[number]}: {error.reason} ({error.stage}): {error.message}")
    return 1 if comparison.errors else 0


def _check_arguments(arguments: Namespace) -> None:
    """Raise OptionsError for a frame below 1, and for an output that is no PNG or is one of the files."""
    if arguments.frame < 1:
        raise OptionsError(f"--frame {arguments.frame}: frames are counted from 1")
    out = path_of_option(arguments.output, "-o")
    if arguments.output != "-" and (out.suffix.lower() != ".png" or out.is_dir()):
        raise OptionsError(f"-o {out} does not name a picture: give a name that ends in .png")
    if out.exists() and any(out.samefile(file) for file in arguments.files):
        raise OptionsError("the output is the same file as one of the FILEs: give another name")
