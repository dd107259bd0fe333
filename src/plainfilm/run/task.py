# SPDX-License-Identifier: MIT
"""What a worker does with one reference: read, render each frame, encode, write; an Outcome for each."""

from __future__ import annotations

from collections.abc import Callable

from plainfilm.encode.png import Ancillary, encode_png
from plainfilm.errors import ConversionError, Reason, Stage
from plainfilm.options import Options
from plainfilm.pipeline import FailedFrame, Film, Rendered, open_film, render_frames
from plainfilm.record import Failure, Record
from plainfilm.run.messages import Outcome, Started
from plainfilm.run.recording import Witness, failure_of, record_of, software_text, witness
from plainfilm.run.work import IMAGE_SUFFIX, Picture, Work
from plainfilm.sinks.folder import FolderSink
from plainfilm.sources.content import read_source
from plainfilm.sources.names import frame_name

Report = Callable[[Started | Outcome], None]


def convert_source(work: Work, first_frame: int, report: Report) -> None:
    """Convert the frames of a reference from `first_frame` (from 0) on. The task of a worker process.

    Raises RunError where no image at all can be written; what is wrong with this instance is reported.
    """
    report(Started(None))
    try:
        film = open_film(read_source(work.reference.path), work.options)
        wanted = _wanted(film, work.options, first_frame)
        known = witness(work.reference, film.instance, work.key)
        several = film.instance.pixel.number_of_frames > 1
        started = lambda frame: report(Started(frame if several else None))  # noqa: E731
        for result in render_frames(film, work.options, wanted, started):
            report(Outcome(_outcome(work, known, result)))
    except ConversionError as error:
        report(Outcome(failure_of(work.reference, None, error)))


def _wanted(film: Film, options: Options, first_frame: int) -> range:
    """The frames asked for that are still to be done. Raises ConversionError where the instance has none of them."""
    frames = film.instance.pixel.number_of_frames
    chosen = options.output.frames.select(frames)
    if not chosen:
        message = f"frame {options.output.frames} was asked for and the instance has {frames}"
        raise ConversionError(message, reason=Reason.EXCLUDED, stage=Stage.READ)
    return range(max(chosen.start, first_frame), chosen.stop)


def _outcome(work: Work, known: Witness, result: Rendered | FailedFrame) -> Record | Picture | Failure:
    if isinstance(result, FailedFrame):
        return failure_of(work.reference, result.frame, result.error)
    frames = known.instance.pixel.number_of_frames
    try:
        encoded = encode_png(result.image, Ancillary(software_text(result)))
        name = frame_name(work.reference.name, result.frame + 1, frames) + IMAGE_SUFFIX
        record = record_of(known, result, name, encoded)
        if work.out is None:
            return Picture(record, encoded)
        FolderSink(work.out).write(name, encoded)
    except ConversionError as error:
        return failure_of(work.reference, result.frame if frames > 1 else None, error)
    return record
