# SPDX-License-Identifier: MIT
"""Convert one file into one encoded image, without a folder OUT."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from plainfilm.conversion.failures import failure_of_lost_worker
from plainfilm.conversion.job import ConvertJob, EncodedImage, RunContext
from plainfilm.conversion.pseudonyms import load_key
from plainfilm.conversion.redaction_lookup import load_matched_redactions
from plainfilm.errors import OptionsError, RunError
from plainfilm.options.local_path import scheme_of
from plainfilm.options.options import Options
from plainfilm.options.presentation import Overlays
from plainfilm.options.privacy import RedactionBoxes
from plainfilm.pickling import dataclass
from plainfilm.records import Failure
from plainfilm.sources.reference import Reference
from plainfilm.sources.walk import Listing
from plainfilm.workers.messages import Job, TaskResult, WorkerLost, WorkerSettings
from plainfilm.workers.pool import WorkerPool
from plainfilm.workers.spawn import TASK, PrestartedWorkers


@dataclass(frozen=True, slots=True)
class SingleImage:
    """What became of one file.

    result: the encoded image, or the failure. frames: the number of frames, 0 where there is no image.
    note: a line for the user; empty for none. trace: the traceback of the failure, with `--verbose`.
    """

    result: EncodedImage | Failure
    frames: int
    note: str
    trace: str = ""


def convert_single(source: str | Path, options: Options, prestarted: PrestartedWorkers | None = None) -> SingleImage:
    """Convert one file in a worker.

    The first frame of a multi-frame instance is converted unless the options choose another. Raises RunError.
    """
    _check_options(options)
    listing = Listing([source], None, options.sources)
    if scheme_of(source) is not None and listing.folder_names:
        raise OptionsError("one image is made from one file: give the URL of one file, or a folder as OUT")
    entries = list(islice(listing.entries(with_content=True), 2))
    if len(entries) != 1:
        raise OptionsError("one image is made from one file: give one file, or a folder as OUT")
    entry = entries[0]
    redactions = load_matched_redactions(listing, options.privacy)
    note = redactions.note({entry.source})
    if isinstance(entry, Failure):
        return SingleImage(entry, 0, note)
    result, trace = _convert(entry, redactions.of(entry.source), options, prestarted)
    frames = 0 if isinstance(result, Failure) else result.record.frames
    return SingleImage(result, frames, note, trace)


def frames_note(frames: int, options: Options) -> str:
    """Return a line for the user where one of several frames was converted without being asked for; '' otherwise."""
    if frames <= 1 or options.output.frames.which != "all":
        return ""
    return f"frame 1 of {frames}; --frames N selects another one, a folder as OUT gets all"


def _convert(
    entry: Reference, boxes: RedactionBoxes, options: Options, prestarted: PrestartedWorkers | None
) -> tuple[EncodedImage | Failure, str]:
    """Convert a file in a worker, and return what became of it, with the traceback of a failure. Raises RunError."""
    context = RunContext(options, None if options.run.key_file is None else load_key(options.run.key_file), None)
    job = Job(ConvertJob(entry, context.to_bytes(), boxes))
    settings = WorkerSettings(1, options.limits.timeout, options.limits.memory)
    with WorkerPool(TASK, [job], settings, prestarted) as pool:
        for event in pool.events():
            match event:
                case TaskResult((EncodedImage() | Failure()) as result):
                    return result, event.traceback
                case WorkerLost():
                    return failure_of_lost_worker(event), ""
    raise RunError("the worker returned neither an image nor a failure")


def _check_options(options: Options) -> None:
    """Raise OptionsError for options that need a folder, or a file of --presentation that is not usable."""
    if options.presentation.overlays is Overlays.MASK:
        raise OptionsError("--overlays mask makes further pictures: give a folder as OUT")
    if options.presentation.presentation is not None:
        from plainfilm.conversion.presentation_index import presentation_of

        presentation_of(options)
