# SPDX-License-Identifier: MIT
"""The command `plainfilm convert`: convert into a folder or into one image, or list what would be done.

Some modules are imported inside functions: worker processes start first and load their modules in the meantime, which
saves a fifth of a second.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from plainfilm.cli.arguments import Parser, command_parser, environment, options_of, parse
from plainfilm.cli.file_argument import check_list_options
from plainfilm.cli.help import CommandHelp
from plainfilm.cli.output import print_lines
from plainfilm.cli.progress import show_progress
from plainfilm.cli.signals import stopping_on_signals
from plainfilm.cli.single import convert_to_file
from plainfilm.cli.summary import summary_of_out
from plainfilm.cli.variables import warn_of_unknown_variables
from plainfilm.conversion.run_progress import ignore_progress
from plainfilm.errors import OptionsError
from plainfilm.options.encoding import ImageFormat, format_of_suffix
from plainfilm.options.local_path import check_local
from plainfilm.options.options import Options
from plainfilm.options.run import EngineName, Progress
from plainfilm.output.single import STANDARD_OUTPUT, check_single, is_image_name, with_format_of
from plainfilm.sources.scheme import check_scheme
from plainfilm.workers.spawn import PrestartedWorkers

_HELP = CommandHelp(
    usage="plainfilm convert SOURCE... OUT [options]",
    description="Convert DICOM files and folders (recursively, with any file name) into images in the folder OUT, "
    "or one file into one image if OUT ends in the suffix of an image format, such as .png, or is -. Not for "
    "diagnostic use.",
    examples=(
        ("plainfilm convert films/ out/", "a folder, with tables"),
        ("plainfilm convert hand.dcm hand.png", "one image"),
        ("plainfilm convert films/ out/ --size 512", "smaller images"),
        ("plainfilm convert inbox/ out/ --watch", "a folder that fills"),
    ),
)


def convert_parser() -> Parser:
    """The parser of `plainfilm convert`."""
    parser = command_parser("convert", _HELP)
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="SOURCE",
        help="files, folders, globs, archives, URLs, @list.txt, - (a list); OUT is last",
    )
    parser.add_argument("-o", "--output", metavar="OUT", help="the place for the images; all other paths are SOURCEs")
    return parser


def convert_command(argv: Sequence[str]) -> int:
    """Run `plainfilm convert` and return its exit code. Raises RunError."""
    arguments = parse(convert_parser(), argv)
    sources, out = _split_paths(arguments)
    is_single = out == STANDARD_OUTPUT or is_image_name(Path(out))
    single_format = (format_of_suffix(Path(out).suffix) or ImageFormat.PNG) if is_single else None
    options = options_of(arguments, environment(), single_format)
    check_list_options(arguments, sources)
    if not options.run.quiet:
        warn_of_unknown_variables(environment())
    if is_single or options.run.dry_run:
        check_local(out, "OUT")
    if is_single:
        check_single(sources, out, options)
        options = with_format_of(out, options, is_format_given="format" in vars(arguments))
    if options.run.dry_run:
        from plainfilm.cli.listing import list_sources

        return list_sources(sources, Path(out), options)
    return convert_to_file(sources[0], out, options) if is_single else convert_folder(sources, out, options)


def _split_paths(arguments: Namespace) -> tuple[list[str], str]:
    """The SOURCEs, and OUT, which is the last path or the value of `-o`. Raises OptionsError."""
    *sources, out = arguments.paths or [""]
    if arguments.output is not None:
        sources, out = list(arguments.paths), arguments.output
    if not sources:
        lack = "a SOURCE" if arguments.output is not None else "a SOURCE and an OUT"
        raise OptionsError(f"convert needs {lack} (see `plainfilm convert --help`)")
    if not out or "" in sources:
        raise OptionsError("a path is empty: give a SOURCE and an OUT")
    check_scheme(out, "OUT")
    return sources, out


def convert_folder(sources: Sequence[str], out: str, options: Options) -> int:
    """Convert into a folder, with progress and a summary on standard error; return the exit code. Raises RunError."""
    is_local = options.run.engine is EngineName.LOCAL
    with PrestartedWorkers(min(options.run.workers, _most_files(sources)) if is_local else 0) as workers:
        from plainfilm.conversion.remote_run import conversion_into

        conversion = conversion_into(sources, out, options, prestarted=workers)
        progress = (
            Progress.NONE if options.run.quiet and options.run.progress is Progress.AUTO else options.run.progress
        )
        with stopping_on_signals(conversion) as signals, show_progress(progress) as display:
            run = conversion.run(display.update if display.is_shown else ignore_progress)
            display.add_notes(run.notes)
    if options.run.progress is not Progress.JSON and not options.run.quiet:
        print_lines(summary_of_out(run, sources, out))
    return 128 + signals[0] if signals else run.exit_code


def _most_files(sources: Sequence[str]) -> int:
    """The number of files if all SOURCEs are files, else a large number: each worker's start takes a processor."""
    try:
        return len(sources) if all(Path(source).is_file() for source in sources) else sys.maxsize
    except OSError:  # the run itself reports a path that cannot be read
        return sys.maxsize
