# SPDX-License-Identifier: MIT
"""Convert one file into one image, for `plainfilm convert FILE hand.png`."""

from __future__ import annotations

import os
from pathlib import Path

from plainfilm.cli.output import print_lines, print_message, write_image
from plainfilm.options.options import Options
from plainfilm.output.single import STANDARD_OUTPUT, write_file
from plainfilm.records import Failure, Record, Status
from plainfilm.workers.spawn import PrestartedWorkers


def convert_to_file(source: str, out: str, options: Options) -> int:
    """Convert one file, say in one line what happened, and return the exit code. Raises RunError."""
    with PrestartedWorkers(1) as workers:
        from plainfilm.conversion.single_image import convert_single, frames_note

        single = convert_single(source, options, workers)
    result, notes = single.result, [single.note] if single.note else []
    if isinstance(result, Failure):
        if single.trace:
            print_lines(single.trace.rstrip().splitlines())
        print_message(f"plainfilm: {result.reason} ({result.stage}): {result.message}")
        return 1
    if note := frames_note(single.frames, options):
        notes.append(note)
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
