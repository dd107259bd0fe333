# SPDX-License-Identifier: MIT
"""What a worker does with one reference: read, render each frame, encode, stage; an Outcome for each."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import replace

from plainfilm.choices import Names
from plainfilm.encode.png import Ancillary, encode_png
from plainfilm.errors import ConversionError, Reason, Stage
from plainfilm.film import Film, open_film, with_presentation
from plainfilm.options import Options
from plainfilm.pipeline import FailedFrame, Rendered, render_frames
from plainfilm.run.messages import Job, Looking, Omitted, Outcome, Report, Started
from plainfilm.run.presentations import presentation_for
from plainfilm.run.recording import Witness, failure_of, record_of, software_text, witness
from plainfilm.run.work import OVERLAY_FOLDER, Orders, Picture, Staged, Work
from plainfilm.sinks.folder import FolderSink
from plainfilm.sources.content import open_source
from plainfilm.sources.names import IMAGE_SUFFIX, frame_name, uid_name
from plainfilm.watch import OmittedFrame, Watch


def convert_source(job: Job, report: Callable[[Report], None]) -> None:
    """Convert the frames of a reference (the job's payload, Work) that are left. The task of a worker process.

    Raises RunError where no image at all can be written; what is wrong with this instance is reported.
    """
    work = job.payload
    assert isinstance(work, Work)
    orders = work.orders
    try:
        with open_source(work.reference.path) as content:
            film = _presented(open_film(content, orders.options, work.boxes), orders)
            wanted = _wanted(film, orders.options, job.first_frame)
            known = witness(work.reference, film.instance, orders.key)
            for result in render_frames(film, orders.options, wanted, _watch(film, job, report)):
                report(_outcome(work, known, result))
    except ConversionError as error:
        report(_refused(work, None, error))


def _watch(film: Film, job: Job, report: Callable[[Report], None]) -> Watch:
    """Where there are several frames it is told which one is worked on; the only one goes with its instance."""
    if film.instance.pixel.number_of_frames == 1:
        return Watch(left_out=job.left_out)
    return Watch(lambda frame: report(Started(frame)), lambda frame: report(Looking(frame)), job.left_out)


def _presented(film: Film, orders: Orders) -> Film:
    state, instance = presentation_for(film.instance, orders.options, orders.presentations)
    return with_presentation(replace(film, instance=instance), state)


def _wanted(film: Film, options: Options, first_frame: int) -> range:
    """The frames asked for that are still to be done. Raises ConversionError where the instance has none of them."""
    frames = film.instance.pixel.number_of_frames
    chosen = options.output.frames.select(frames)
    if not chosen:
        message = f"frame {options.output.frames} was asked for and the instance has {frames}"
        raise ConversionError(message, reason=Reason.EXCLUDED, stage=Stage.READ)
    return range(max(chosen.start, first_frame), chosen.stop)


def _outcome(work: Work, known: Witness, result: Rendered | FailedFrame | OmittedFrame) -> Outcome | Omitted:
    if isinstance(result, OmittedFrame):
        return Omitted(result.frame)
    if isinstance(result, FailedFrame):
        return _refused(work, result.frame, result.error)
    frames = known.instance.pixel.number_of_frames
    try:
        encoded = encode_png(result.image, Ancillary(software_text(result), result.profile))
        name = frame_name(_name_of(work, known), result.frame + 1, frames) + IMAGE_SUFFIX
        record = record_of(known, result, name, encoded)
        if work.orders.out is None:
            return Outcome(Picture(record, encoded))
        sink = FolderSink(work.orders.out)
        # by the source's own name, which no other has: one by UID may change with what comes later
        masks = _staged_masks(sink, frame_name(work.reference.name, result.frame + 1, frames), result)
        record = replace(record, overlay_files=";".join(file_name for _, file_name in masks))
        return Outcome(Staged(record, sink.stage([encoded]), masks))
    except ConversionError as error:
        return _refused(work, result.frame if frames > 1 else None, error)


def _name_of(work: Work, known: Witness) -> str:
    by_uid = work.orders.options.output.names is Names.UID
    return (uid_name(known.instance.identity.sop_instance_uid) if by_uid else None) or work.reference.name


def _staged_masks(sink: FolderSink, name: str, rendered: Rendered) -> tuple[tuple[str, str], ...]:
    """The overlay planes, each as a staged file and the name that it will have."""
    if not rendered.masks:
        return ()
    text = Ancillary(software_text(rendered))
    return tuple(
        (
            sink.stage([encode_png(mask.image, text)]),
            f"{OVERLAY_FOLDER}/{name}_overlay{mask.number}{IMAGE_SUFFIX}",
        )
        for mask in rendered.masks
    )


def _refused(work: Work, frame: int | None, error: ConversionError) -> Outcome:
    """What is told of an instance, or a frame (from 0), without an image; with a traceback where it is asked for."""
    trace = "".join(traceback.format_exception(error)) if work.orders.options.run.verbose else ""
    return Outcome(failure_of(work.reference, frame, error), trace)
