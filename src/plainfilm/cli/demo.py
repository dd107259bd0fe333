# SPDX-License-Identifier: MIT
"""`plainfilm demo`: a folder -> eight synthetic films in it, their pictures, and a sheet that compares them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from plainfilm.cli.arguments import Parser, add_options, environment, options_of, parse
from plainfilm.cli.convert import convert_folder
from plainfilm.cli.output import say, write_text
from plainfilm.sinks.folder import FolderSink
from plainfilm.sinks.storage import writing

FILMS, PICTURES, SHEET = "films", "pictures", "contact-sheet.png"


def demo_command(words: Sequence[str]) -> int:
    """Run `plainfilm demo`. Raises RunError and SinkError."""
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

    from plainfilm.demo.dataset import write_films
    from plainfilm.demo.films import films

    if options.run.dry_run:
        write_text("".join(f"convert\t{film.name}.dcm\t{film.name}\n" for film in films()))
        return 0
    sink = FolderSink(out)
    if not options.run.overwrite:
        sink.refuse_files()
    sink.check()
    with writing():
        paths = write_films(out / FILMS)
    code = convert_folder([str(out / FILMS)], out / PICTURES, options)
    if code == 0:
        _compare(paths, out)
        say(f"naive recipe and plainfilm side by side: {out / SHEET}")
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
        assert ours is not None  # every film was converted
        pairs.append(Pair(film.name, film.reason, naive_picture(dcmread(path)), ours))
    contact_sheet(pairs, out / SHEET)
