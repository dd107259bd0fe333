# SPDX-License-Identifier: MIT
"""Convert one file into one encoded image, without a folder OUT."""

from __future__ import annotations

from pathlib import Path

from plainfilm.conversion.failures import failure_of_lost_worker
from plainfilm.conversion.job import ConvertJob, EncodedImage, RunContext
from plainfilm.conversion.pseudonyms import load_key
from plainfilm.errors import OptionsError, RunError
from plainfilm.options.options import Options
from plainfilm.options.presentation import Overlays
from plainfilm.options.redaction_list import load_redactions
from plainfilm.records import Failure
from plainfilm.sources.walk import iterate_references
from plainfilm.workers.messages import Job, TaskResult, WorkerLost, WorkerSettings
from plainfilm.workers.pool import WorkerPool
from plainfilm.workers.spawn import TASK, PrestartedWorkers


def convert_single(
    source: Path, options: Options, prestarted: PrestartedWorkers | None = None
) -> tuple[EncodedImage | Failure, int]:
    """Convert one file in a worker; return the encoded image or the failure, and the number of frames.

    The first frame of a multi-frame instance is converted unless the options choose another. Raises RunError.
    """
    _check_options(options)
    entry = next(iter(iterate_references([source], None)))
    if isinstance(entry, Failure):
        return entry, 0
    boxes = load_redactions(options.privacy.redact_from).of(entry.source)
    context = RunContext(options, load_key(options.run.key_file), None)
    job = Job(ConvertJob(entry, context.to_bytes(), boxes))
    settings = WorkerSettings(1, options.limits.timeout, options.limits.memory)
    with WorkerPool(TASK, [job], settings, prestarted) as pool:
        for event in pool.events():
            match event:
                case TaskResult(EncodedImage() as image):
                    return image, image.record.frames
                case TaskResult(Failure() as failure):
                    return failure, 0
                case WorkerLost():
                    return failure_of_lost_worker(event), 0
    raise RunError("the worker returned neither an image nor a failure")


def _check_options(options: Options) -> None:
    """Raise OptionsError for options that need a folder, or a file of --presentation that is not usable."""
    if options.presentation.overlays is Overlays.MASK:
        raise OptionsError("--overlays mask makes further pictures: give a folder as OUT")
    if options.presentation.presentation is not None:
        from plainfilm.conversion.presentation_index import presentation_of

        presentation_of(options)
