# SPDX-License-Identifier: MIT
"""The command `plainfilm demo`: make twelve synthetic radiographs, convert them, and compare the images on a sheet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from plainfilm.cli.arguments import Parser, command_parser, environment, options_of, parse
from plainfilm.cli.convert import convert_folder
from plainfilm.cli.help import CommandHelp
from plainfilm.cli.output import print_message, write_text
from plainfilm.options.local_path import check_local
from plainfilm.options.options import Options
from plainfilm.output.ownership import check_empty, check_writable, make_folder
from plainfilm.output.storage import translate_os_errors

FILMS, PICTURES, NAIVE, TRUTH, SHEET = "films", "pictures", "naive", "truth", "contact-sheet.png"
_NOT_FOR_THE_DEMO = ("source_column", "null", "shard", "shard_members", "prune", "watch")
_HELP = CommandHelp(
    usage="plainfilm demo OUT [options]",
    description=f"Make twelve synthetic radiographs in OUT/{FILMS}, each with the peculiarities of a vendor, and "
    f"convert them into OUT/{PICTURES}. OUT/{NAIVE} holds the images of a naive conversion, OUT/{SHEET} compares "
    f"both, and OUT/{TRUTH} describes the contents of each radiograph. They show no real patient.",
    examples=(("plainfilm demo out/", "look at out/contact-sheet.png"),),
)


def demo_parser() -> Parser:
    """The parser of `plainfilm demo`."""
    names = [option.name for option in Options.declared() if option.name not in _NOT_FOR_THE_DEMO]
    parser = command_parser("demo", _HELP, names=names)
    parser.add_argument("out", metavar="OUT", help="the folder for the results")
    return parser


def demo_command(argv: Sequence[str]) -> int:
    """Run `plainfilm demo` and return its exit code. Raises RunError and OutputError."""
    arguments = parse(demo_parser(), argv)
    check_local(arguments.out, "OUT")
    options, out = options_of(arguments, environment(), without=_NOT_FOR_THE_DEMO), Path(arguments.out)

    from plainfilm.demo.catalog import demo_radiographs
    from plainfilm.demo.dataset import write_ground_truth, write_radiographs

    if options.run.dry_run:
        write_text("".join(f"convert\t{radiograph.name}.dcm\t{radiograph.name}\n" for radiograph in demo_radiographs()))
        return 0
    make_folder(out)
    if not options.run.overwrite:
        check_empty(out)
    check_writable(out)
    with translate_os_errors():
        paths = write_radiographs(out / FILMS)
        for radiograph in demo_radiographs():
            write_ground_truth(radiograph, out / TRUTH)
    code = convert_folder([str(out / FILMS)], str(out / PICTURES), options)
    if code == 0 and all((out / PICTURES / f"{path.stem}.png").is_file() for path in paths):
        _compare(paths, out)
        print_message(f"the naive conversion and plainfilm side by side: {out / SHEET}")
    elif code == 0:
        print_message("no contact sheet: it needs images that keep the names of the radiographs")
    return code


def _compare(paths: Sequence[Path], out: Path) -> None:
    """Write the images of the naive conversion, and the contact sheet of both conversions."""
    import cv2
    from pydicom import dcmread

    from plainfilm.demo.catalog import demo_radiographs
    from plainfilm.demo.naive import naive_image
    from plainfilm.demo.sheet import Pair, contact_sheet

    (out / NAIVE).mkdir(exist_ok=True)
    pairs = []
    for radiograph, path in zip(demo_radiographs(), paths, strict=True):
        image = cv2.imread(str(out / PICTURES / f"{path.stem}.png"), cv2.IMREAD_GRAYSCALE)
        assert image is not None  # the run has just written this file
        naive = naive_image(dcmread(path))
        cv2.imwrite(str(out / NAIVE / f"{path.stem}.png"), naive)
        pairs.append(Pair(radiograph.name, radiograph.reason, naive, image))
    contact_sheet(pairs, out / SHEET)
