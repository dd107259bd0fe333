# SPDX-License-Identifier: MIT
"""What a worker does with one reference: read, render each frame, encode, stage; an TaskResult for each."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import replace

from plainfilm.conversion.job import OVERLAY_FOLDER, ConvertJob, EncodedImage, RunContext, StagedImage
from plainfilm.conversion.presentation_index import presentation_for
from plainfilm.conversion.rows import SourceContext, failure_of, record_of, software_text, witness
from plainfilm.encode.png import Ancillary, encode_png
from plainfilm.errors import ConversionError, Reason, Stage
from plainfilm.options.choices import Names
from plainfilm.options.options import Options
from plainfilm.output.folder import FolderOutput
from plainfilm.rendering.hooks import FrameHooks, SkippedFrame
from plainfilm.rendering.pipeline import FailedFrame, RenderedFrame, render_frames
from plainfilm.rendering.reader import FrameReader, open_reader, with_presentation
from plainfilm.sources.file_reader import open_source
from plainfilm.sources.naming_rules import IMAGE_SUFFIX, frame_name, uid_name
from plainfilm.workers.messages import FrameSkipped, FrameStarted, FrameSurveyed, Job, Report, TaskResult


def convert_source(job: Job, report: Callable[[Report], None]) -> None:
    """Convert the frames of a reference (the job's payload, Work) that are left. The task of a worker process.

    Raises RunError where no image at all can be written; what is wrong with this instance is reported.
    """
    work = job.payload
    assert isinstance(work, ConvertJob)
    orders = work.orders
    try:
        with open_source(work.reference.path) as content:
            film = _presented(open_reader(content, orders.options, work.boxes), orders)
            wanted = _wanted(film, orders.options, job.first_frame)
            known = witness(work.reference, film.instance, orders.key)
            for result in render_frames(film, orders.options, wanted, _watch(film, job, report)):
                report(_outcome(work, known, result))
    except ConversionError as error:
        report(_refused(work, None, error))


def _watch(film: FrameReader, job: Job, report: Callable[[Report], None]) -> FrameHooks:
    """Where there are several frames it is told which one is worked on; the only one goes with its instance."""
    if film.instance.pixel.number_of_frames == 1:
        return FrameHooks(left_out=job.left_out)
    return FrameHooks(
        lambda frame: report(FrameStarted(frame)), lambda frame: report(FrameSurveyed(frame)), job.left_out
    )


def _presented(film: FrameReader, orders: RunContext) -> FrameReader:
    state, instance = presentation_for(film.instance, orders.options, orders.presentations)
    return with_presentation(replace(film, instance=instance), state)


def _wanted(film: FrameReader, options: Options, first_frame: int) -> range:
    """The frames asked for that are still to be done. Raises ConversionError where the instance has none of them."""
    frames = film.instance.pixel.number_of_frames
    chosen = options.output.frames.select(frames)
    if not chosen:
        message = f"frame {options.output.frames} was asked for and the instance has {frames}"
        raise ConversionError(message, reason=Reason.EXCLUDED, stage=Stage.READ)
    return range(max(chosen.start, first_frame), chosen.stop)


def _outcome(
    work: ConvertJob, known: SourceContext, result: RenderedFrame | FailedFrame | SkippedFrame
) -> TaskResult | FrameSkipped:
    if isinstance(result, SkippedFrame):
        return FrameSkipped(result.frame)
    if isinstance(result, FailedFrame):
        return _refused(work, result.frame, result.error)
    frames = known.instance.pixel.number_of_frames
    try:
        encoded = encode_png(result.image, Ancillary(software_text(result), result.profile))
        name = frame_name(_name_of(work, known), result.frame + 1, frames) + IMAGE_SUFFIX
        record = record_of(known, result, name, encoded)
        if work.orders.out is None:
            return TaskResult(EncodedImage(record, encoded))
        sink = FolderOutput(work.orders.out)
        # by the source's own name, which no other has: one by UID may change with what comes later
        masks = _staged_masks(sink, frame_name(work.reference.name, result.frame + 1, frames), result)
        record = replace(record, overlay_files=";".join(file_name for _, file_name in masks))
        return TaskResult(StagedImage(record, sink.stage([encoded]), masks))
    except ConversionError as error:
        return _refused(work, result.frame if frames > 1 else None, error)


def _name_of(work: ConvertJob, known: SourceContext) -> str:
    by_uid = work.orders.options.output.names is Names.UID
    return (uid_name(known.instance.identity.sop_instance_uid) if by_uid else None) or work.reference.name


def _staged_masks(sink: FolderOutput, name: str, rendered: RenderedFrame) -> tuple[tuple[str, str], ...]:
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


def _refused(work: ConvertJob, frame: int | None, error: ConversionError) -> TaskResult:
    """What is told of an instance, or a frame (from 0), without an image; with a traceback where it is asked for."""
    trace = "".join(traceback.format_exception(error)) if work.orders.options.run.verbose else ""
    return TaskResult(failure_of(work.reference, frame, error), trace)
