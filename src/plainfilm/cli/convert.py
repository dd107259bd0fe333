# SPDX-License-Identifier: MIT
"""`plainfilm convert`: its arguments -> a run into a folder, one picture, or a list of what would be done.

Workers load what they need while this process loads what is imported late here: that is a fifth of a second.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from plainfilm.cli.arguments import Parser, add_options, environment, options_of, parse
from plainfilm.cli.output import say, write_picture
from plainfilm.cli.progress import show_progress
from plainfilm.errors import OptionsError
from plainfilm.options.options import Options
from plainfilm.options.run import Progress
from plainfilm.output.single import write_file
from plainfilm.records import Failure
from plainfilm.sources.naming_rules import IMAGE_SUFFIX
from plainfilm.workers.spawn import PrestartedWorkers

if TYPE_CHECKING:
    from plainfilm.conversion.conversion import Conversion
    from plainfilm.conversion.summary import Run

_LATER_SUFFIXES = (".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".jxl", ".npy")


def convert_command(words: Sequence[str]) -> int:
    """Run `plainfilm convert`. Raises RunError."""
    parser = Parser(
        prog="plainfilm convert",
        usage="plainfilm convert SOURCE... OUT [options]",
        description="Images from DICOM files and folders (recursive, any file name) into the folder OUT; or, where OUT "
        "ends in .png or is -, one picture from one file. Not for diagnostic use.",
    )
    parser.add_argument(
        "paths", nargs="+", metavar="SOURCE... OUT", help="files, folders or globs, and where to put the images"
    )
    add_options(parser, Options.declared())
    arguments = parse(parser, words)
    if len(arguments.paths) < 2:
        raise OptionsError("convert needs a SOURCE and an OUT")
    *sources, out = arguments.paths
    options = options_of(arguments, environment())
    if out == "-" or _is_picture(Path(out)):
        return _convert_one(sources, out, options)
    if options.run.dry_run:
        return _list(sources, Path(out), options)
    return convert_folder(sources, Path(out), options)


def convert_folder(sources: Sequence[str], out: Path, options: Options) -> int:
    """Convert into a folder, with progress and a summary on standard error; the exit code. Raises RunError."""
    with PrestartedWorkers(options.run.workers) as ahead:
        from plainfilm.conversion.conversion import Conversion

        conversion = Conversion([Path(source) for source in sources], out, options, prestarted=ahead)
        with _stopped_by_signals(conversion) as received, show_progress(options.run.progress) as display:
            run = conversion.run(display.update)
    if options.run.progress is not Progress.JSON:
        say(_summary(run, out))
    return 128 + received[0] if received else run.exit_code


def _summary(run: Run, out: Path) -> str:
    repaired = f" ({run.repaired} repaired)" if run.repaired else ""
    lines = [
        f"{run.converted} images{repaired}, {run.failed} failed, {run.skipped} skipped in {run.seconds:.1f} s: {out}"
    ]
    if run.failed or run.skipped:
        lines.append(f"why: {out / 'failures.csv'}")
    if run.interrupted:
        lines.append("interrupted: what is done is whole and in the tables; give the same command again for the rest")
    return "\n".join((*lines, *run.notes))


@contextmanager
def _stopped_by_signals(conversion: Conversion) -> Iterator[list[int]]:
    """SIGINT and SIGTERM stop the run; the list holds what came.

    A second one waits for nothing that is in flight; a third ends the process at once, the tables as they are. What
    comes after a run that was stopped is late: the process is about to leave, with the exit code of the first.
    """
    received: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        if len(received) > 2:
            raise SystemExit(128 + number)
        if len(received) == 1:
            conversion.stop()
        else:
            conversion.stop(0.0)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if received else handler)


def _is_picture(out: Path) -> bool:
    """Whether OUT is one picture. Raises OptionsError for a format that cannot be written yet."""
    if out.is_dir():
        return False
    suffix = out.suffix.lower()
    if suffix in _LATER_SUFFIXES:
        raise OptionsError(f"{suffix} cannot be written: give a name that ends in {IMAGE_SUFFIX}")
    return suffix == IMAGE_SUFFIX


def _convert_one(sources: Sequence[str], out: str, options: Options) -> int:
    """One file, one picture."""
    if len(sources) != 1 or Path(sources[0]).is_dir():
        raise OptionsError(f"one picture ({out}) is made of one file: give one file, or a folder as OUT")
    if out != "-" and Path(out).exists() and Path(out).samefile(sources[0]):
        raise OptionsError("OUT is the SOURCE itself: give another name")
    if options.run.dry_run:
        return _list(sources, Path(out), options)
    with PrestartedWorkers(1) as ahead:
        from plainfilm.conversion.single_image import convert_single

        result, frames = convert_single(Path(sources[0]), options, ahead)
    if isinstance(result, Failure):
        say(f"plainfilm: {result.reason} ({result.stage}): {result.message}")
        return 1
    if frames > 1 and options.output.frames.which == "all":
        say(f"plainfilm: frame 1 of {frames}; another with --frames, all with a folder as OUT")
    if out == "-":
        write_picture(result.encoded)
    else:
        write_file(Path(out), result.encoded)
    return 0


def _list(sources: Sequence[str], out: Path, options: Options) -> int:
    from plainfilm.cli.listing import list_sources

    return list_sources(sources, out, options)
