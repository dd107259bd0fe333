# SPDX-License-Identifier: MIT
"""`plainfilm demo`: a folder -> twelve synthetic films in it, their pictures, and a sheet that compares them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from plainfilm.cli.arguments import Parser, add_options, environment, options_of, parse
from plainfilm.cli.convert import convert_folder
from plainfilm.cli.output import say, write_text
from plainfilm.output.folder import FolderOutput
from plainfilm.output.storage import translate_os_errors

FILMS, PICTURES, NAIVE, TRUTH, SHEET = "films", "pictures", "naive", "truth", "contact-sheet.png"


def demo_command(words: Sequence[str]) -> int:
    """Run `plainfilm demo`. Raises RunError and OutputError."""
    parser = Parser(
        prog="plainfilm demo",
        usage="plainfilm demo OUT [options]",
        description=f"Makes twelve synthetic radiographs, each a vendor's habit, in OUT/{FILMS}, converts them into "
        f"OUT/{PICTURES}, puts the naive recipe's into OUT/{NAIVE}, shows both in OUT/{SHEET}, and writes down what "
        f"is known of each film in OUT/{TRUTH}. No real patient is in them.",
    )
    parser.add_argument("out", metavar="OUT", help="a folder; it is made")
    add_options(parser)
    arguments = parse(parser, words)
    options, out = options_of(arguments, environment()), Path(arguments.out)

    from plainfilm.demo.catalog import demo_radiographs
    from plainfilm.demo.dataset import write_ground_truth, write_radiographs

    if options.run.dry_run:
        write_text("".join(f"convert\t{film.name}.dcm\t{film.name}\n" for film in demo_radiographs()))
        return 0
    sink = FolderOutput(out)
    if not options.run.overwrite:
        sink.check_empty()
    sink.check_writable()
    with translate_os_errors():
        paths = write_radiographs(out / FILMS)
        for film in demo_radiographs():
            write_ground_truth(film, out / TRUTH)
    code = convert_folder([str(out / FILMS)], out / PICTURES, options)
    if code == 0 and all((out / PICTURES / f"{path.stem}.png").is_file() for path in paths):
        _compare(paths, out)
        say(f"naive recipe and plainfilm side by side: {out / SHEET}")
    elif code == 0:
        say("no contact sheet: it is made of PNG pictures that keep the films' names")
    return code


def _compare(paths: Sequence[Path], out: Path) -> None:
    """Write the naive pictures, and the contact sheet of both."""
    import cv2
    from pydicom import dcmread

    from plainfilm.demo.catalog import demo_radiographs
    from plainfilm.demo.naive import naive_image
    from plainfilm.demo.sheet import Pair, contact_sheet

    (out / NAIVE).mkdir(exist_ok=True)
    pairs = []
    for film, path in zip(demo_radiographs(), paths, strict=True):
        ours = cv2.imread(str(out / PICTURES / f"{path.stem}.png"), cv2.IMREAD_GRAYSCALE)
        assert ours is not None  # it was made just now
        naive = naive_image(dcmread(path))
        cv2.imwrite(str(out / NAIVE / f"{path.stem}.png"), naive)
        pairs.append(Pair(film.name, film.reason, naive, ours))
    contact_sheet(pairs, out / SHEET)
