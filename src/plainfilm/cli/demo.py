# SPDX-License-Identifier: MIT
"""`plainfilm demo`: a folder -> eight synthetic films in it, their pictures, and a sheet that compares them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from plainfilm.cli.arguments import Parser, add_options, environment, options_of, parse
from plainfilm.cli.convert import convert_folder
from plainfilm.errors import LedgerError

FILMS, PICTURES, SHEET = "films", "pictures", "contact-sheet.png"


def demo_command(words: Sequence[str]) -> int:
    """Run `plainfilm demo`. Raises RunError."""
    parser = Parser(
        prog="plainfilm demo",
        usage="plainfilm demo OUT [options]",
        description=f"Makes eight synthetic hand radiographs, each a vendor's habit, in OUT/{FILMS}, converts them "
        f"into OUT/{PICTURES}, and shows both recipes' pictures in OUT/{SHEET}. No real patient is in them.",
    )
    parser.add_argument("out", metavar="OUT", help="a folder; it is made")
    add_options(parser)
    arguments = parse(parser, words)
    options, out = options_of(arguments, environment()), Path(arguments.out)
    if out.exists() and not options.run.overwrite and (not out.is_dir() or any(out.iterdir())):
        raise LedgerError(f"{out} holds files already: choose another OUT, or give --overwrite")

    from plainfilm.demo.dataset import write_films

    (out / FILMS).mkdir(parents=True, exist_ok=True)
    paths = write_films(out / FILMS)
    code = convert_folder([str(out / FILMS)], out / PICTURES, options)
    if code == 0:
        _compare(paths, out)
        sys.stderr.write(f"naive recipe and plainfilm side by side: {out / SHEET}\n")
    return code


def _compare(paths: Sequence[Path], out: Path) -> None:
    """Write the contact sheet of the films and the pictures made of them."""
    import cv2
    from pydicom import dcmread

    from plainfilm.demo.films import films
    from plainfilm.demo.naive import naive_picture
    from plainfilm.demo.sheet import Pair, contact_sheet

    pairs = []
    for film, path in zip(films(), paths, strict=True):
        ours = cv2.imread(str(out / PICTURES / f"{path.stem}.png"), cv2.IMREAD_GRAYSCALE)
        pairs.append(Pair(film.name, film.reason, naive_picture(dcmread(path)), ours))
    contact_sheet(pairs, out / SHEET)
