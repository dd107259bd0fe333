# SPDX-License-Identifier: MIT
"""Convert one file into one image, for `plainfilm convert FILE hand.png`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from plainfilm.cli.output import print_message, write_image
from plainfilm.errors import OptionsError
from plainfilm.options.options import Options
from plainfilm.options.output import Names
from plainfilm.output.single import write_file
from plainfilm.records import Failure, Record, Status
from plainfilm.sources.entries import EntryKind, kind_of_source
from plainfilm.sources.scheme import check_local
from plainfilm.workers.spawn import PrestartedWorkers

STANDARD_OUTPUT = "-"


def check_single(sources: Sequence[str], out: str, options: Options) -> None:
    """Raise OptionsError unless the sources are one file and OUT is another one."""
    for source in sources:
        check_local(source, "SOURCE")
    if len(sources) != 1 or _is_folder(sources[0]):
        raise OptionsError(f"one image ({out}) is made from one file: give one file, or a folder as OUT")
    if options.output.names is not Names.KEEP:
        raise OptionsError("--names has no effect on one image: leave it out, or give a folder as OUT")
    if options.privacy.columns.words:
        raise OptionsError("--columns has no effect on one image, which has no table: give a folder as OUT")
    if out != STANDARD_OUTPUT and _is_same_file(out, sources[0]):
        raise OptionsError("OUT is the same file as SOURCE: give another name")


def convert_to_file(source: str, out: str, options: Options) -> int:
    """Convert one file, say in one line what happened, and return the exit code. Raises RunError."""
    with PrestartedWorkers(1) as workers:
        from plainfilm.conversion.single_image import convert_single

        single = convert_single(Path(source), options, workers)
    result, notes = single.result, [single.note] if single.note else []
    if isinstance(result, Failure):
        print_message(f"plainfilm: {result.reason} ({result.stage}): {result.message}")
        return 1
    if single.frames > 1 and options.output.frames.which == "all":
        notes.append(f"frame 1 of {single.frames}; --frames N selects another one, a folder as OUT gets all")
    place = _write(result.encoded, out)
    # a pipe works in silence unless there is something to know
    is_routine = out == STANDARD_OUTPUT and result.record.status is not Status.REPAIRED and not notes
    if not options.run.quiet and not is_routine:
        print_message("; ".join((f"plainfilm: {_description(result.record)} to {place}", *notes)))
    return 0


def _write(encoded: bytes, out: str) -> str:
    """Write the image, and return how a message calls its place. Raises RunError and OutputError."""
    if out == STANDARD_OUTPUT:
        write_image(encoded)
        return "standard output"
    is_replacement = os.path.lexists(out)
    write_file(Path(out), encoded)
    return f"{out} (the existing file was replaced)" if is_replacement else out


def _description(record: Record) -> str:
    """What was done, from codes and numbers of the plan: `converted (look viewer, voi window:0)`."""
    text = f"converted (look {record.look}, voi {record.voi})"
    return f"{text}, repaired: {record.findings}," if record.status is Status.REPAIRED else text


def _is_folder(source: str) -> bool:
    try:
        return kind_of_source(source) is EntryKind.FOLDER
    except (OSError, ValueError):
        return False


def _is_same_file(out: str, source: str) -> bool:
    try:
        return Path(out).samefile(source)
    except (OSError, ValueError):
        return False
