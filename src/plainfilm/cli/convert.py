# SPDX-License-Identifier: MIT
"""The command `plainfilm convert`: convert into a folder or into one image, or list what would be done.

Some modules are imported inside functions: worker processes start first and load their modules in the meantime, which
saves a fifth of a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from plainfilm.cli.arguments import Parser, add_options, environment, options_of, parse
from plainfilm.cli.output import print_message, write_image
from plainfilm.cli.progress import show_progress
from plainfilm.cli.signals import stopping_on_signals
from plainfilm.errors import OptionsError
from plainfilm.options.options import Options
from plainfilm.options.run import Progress
from plainfilm.output.single import write_file
from plainfilm.records import Failure
from plainfilm.sources.naming_rules import IMAGE_SUFFIX
from plainfilm.workers.spawn import PrestartedWorkers

if TYPE_CHECKING:
    from plainfilm.conversion.summary import Run

_UNSUPPORTED_SUFFIXES = (".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".jxl", ".npy")


def convert_command(argv: Sequence[str]) -> int:
    """Run `plainfilm convert` and return its exit code. Raises RunError."""
    parser = Parser(
        prog="plainfilm convert",
        usage="plainfilm convert SOURCE... OUT [options]",
        description="Convert DICOM files and folders (recursively, with any file name) into images in the folder OUT, "
        "or one file into one image if OUT ends in .png or is -. Not for diagnostic use.",
    )
    parser.add_argument(
        "paths", nargs="+", metavar="SOURCE... OUT", help="files, folders or globs, and the place for the images"
    )
    add_options(parser, Options.declared())
    arguments = parse(parser, argv)
    if len(arguments.paths) < 2:
        raise OptionsError("convert needs a SOURCE and an OUT")
    *sources, out = arguments.paths
    options = options_of(arguments, environment())
    if out == "-" or _is_image_name(Path(out)):
        return _convert_single(sources, out, options)
    if options.run.dry_run:
        return _list_sources(sources, Path(out), options)
    return convert_folder(sources, Path(out), options)


def convert_folder(sources: Sequence[str], out: Path, options: Options) -> int:
    """Convert into a folder, with progress and a summary on standard error; return the exit code. Raises RunError."""
    with PrestartedWorkers(options.run.workers) as workers:
        from plainfilm.conversion.conversion import Conversion

        conversion = Conversion([Path(source) for source in sources], out, options, prestarted=workers)
        with stopping_on_signals(conversion) as signals, show_progress(options.run.progress) as display:
            run = conversion.run(display.update)
            display.add_notes(run.notes)
    if options.run.progress is not Progress.JSON:
        print_message(_summary(run, out))
    return 128 + signals[0] if signals else run.exit_code


def _summary(run: Run, out: Path) -> str:
    repaired = f" ({run.repaired} repaired)" if run.repaired else ""
    lines = [
        f"{run.converted} images{repaired}, {run.failed} failed, {run.skipped} skipped in {run.seconds:.1f} s: {out}"
    ]
    if run.failed or run.skipped:
        lines.append(f"the reasons are in {out / 'failures.csv'}")
    if run.interrupted:
        lines.append("interrupted: the tables list all complete images; give the same command again for the rest")
    return "\n".join((*lines, *run.notes))


def _is_image_name(out: Path) -> bool:
    """Whether OUT names one image and not a folder. Raises OptionsError for an image format that is not supported."""
    if out.is_dir():
        return False
    suffix = out.suffix.lower()
    if suffix in _UNSUPPORTED_SUFFIXES:
        raise OptionsError(f"{suffix} files cannot be written: give a name that ends in {IMAGE_SUFFIX}")
    return suffix == IMAGE_SUFFIX


def _convert_single(sources: Sequence[str], out: str, options: Options) -> int:
    """Convert one file into one image and return the exit code. Raises RunError."""
    if len(sources) != 1 or Path(sources[0]).is_dir():
        raise OptionsError(f"one image ({out}) is made from one file: give one file, or a folder as OUT")
    if out != "-" and Path(out).exists() and Path(out).samefile(sources[0]):
        raise OptionsError("OUT is the same file as SOURCE: give another name")
    if options.run.dry_run:
        return _list_sources(sources, Path(out), options)
    with PrestartedWorkers(1) as workers:
        from plainfilm.conversion.single_image import convert_single

        single = convert_single(Path(sources[0]), options, workers)
    result, frames = single.result, single.frames
    if single.note:
        print_message(f"plainfilm: {single.note}")
    if isinstance(result, Failure):
        print_message(f"plainfilm: {result.reason} ({result.stage}): {result.message}")
        return 1
    if frames > 1 and options.output.frames.which == "all":
        print_message(f"plainfilm: frame 1 of {frames}; --frames N selects another one, a folder as OUT gets all")
    if out == "-":
        write_image(result.encoded)
    else:
        write_file(Path(out), result.encoded)
    return 0


def _list_sources(sources: Sequence[str], out: Path, options: Options) -> int:
    from plainfilm.cli.listing import list_sources

    return list_sources(sources, out, options)
