# SPDX-License-Identifier: MIT
"""The task of a worker process: read one source, render its frames, encode and stage them, and report each result."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import replace

from plainfilm.conversion.failures import failure_of_error
from plainfilm.conversion.job import OVERLAY_FOLDER, ConvertJob, EncodedImage, RunContext, StagedImage, StagedOverlay
from plainfilm.conversion.presentation_index import presentation_for
from plainfilm.conversion.rows import SourceContext, record_of, software_text, source_context
from plainfilm.decode.process_state import is_suspect
from plainfilm.encode.png import Ancillary, encode_png
from plainfilm.errors import ConversionError, Reason, Stage
from plainfilm.options.options import Options
from plainfilm.options.output import Names
from plainfilm.output.folder import FolderOutput
from plainfilm.rendering.hooks import FrameHooks, SkippedFrame
from plainfilm.rendering.pipeline import FailedFrame, RenderedFrame, render_frames
from plainfilm.rendering.reader import FrameReader, open_reader, with_presentation
from plainfilm.sources.file_reader import open_source
from plainfilm.sources.naming_rules import IMAGE_SUFFIX, frame_name, uid_name
from plainfilm.workers.messages import FrameSkipped, FrameStarted, FrameSurveyed, Job, Report, TaskResult


def convert_source(job: Job, report: Callable[[Report], None]) -> bool:
    """Convert the remaining frames of a source. The payload of the job is a ConvertJob.

    Each image or failure is reported as a TaskResult. Raises RunError where no image at all can be written.
    """
    convert_job = job.payload
    assert isinstance(convert_job, ConvertJob)
    context = convert_job.context
    try:
        with open_source(convert_job.reference.path) as content:
            reader = _with_presentation(open_reader(content, context.options, convert_job.boxes), context)
            frames = _selected_frames(reader, context.options, job.first_frame)
            source = source_context(convert_job.reference, reader.instance, context.key)
            for result in render_frames(reader, context.options, frames, _frame_hooks(reader, job, report)):
                report(_report_of(convert_job, source, result))
    except ConversionError as error:
        report(_failed(convert_job, None, error))
    return is_suspect()


def _frame_hooks(reader: FrameReader, job: Job, report: Callable[[Report], None]) -> FrameHooks:
    """Return hooks that report each frame of a multi-frame instance; a single frame is lost with its instance."""
    if reader.instance.pixel.number_of_frames == 1:
        return FrameHooks(left_out=job.skipped_frames)
    return FrameHooks(
        lambda frame: report(FrameStarted(frame)), lambda frame: report(FrameSurveyed(frame)), job.skipped_frames
    )


def _with_presentation(reader: FrameReader, context: RunContext) -> FrameReader:
    state, instance = presentation_for(reader.instance, context.options, context.presentation_index)
    return with_presentation(replace(reader, instance=instance), state)


def _selected_frames(reader: FrameReader, options: Options, first_frame: int) -> range:
    """Return the frames of `--frames` from `first_frame` on. Raises ConversionError where the instance has none."""
    number_of_frames = reader.instance.pixel.number_of_frames
    selected = options.output.frames.select(number_of_frames)
    if not selected:
        message = f"frame {options.output.frames} was asked for and the instance has {number_of_frames}"
        raise ConversionError(message, reason=Reason.EXCLUDED, stage=Stage.READ)
    return range(max(selected.start, first_frame), selected.stop)


def _report_of(
    convert_job: ConvertJob, source: SourceContext, result: RenderedFrame | FailedFrame | SkippedFrame
) -> TaskResult | FrameSkipped:
    """Encode and stage a rendered frame, and return what is to be reported."""
    if isinstance(result, SkippedFrame):
        return FrameSkipped(result.frame)
    if isinstance(result, FailedFrame):
        return _failed(convert_job, result.frame, result.error)
    try:
        return TaskResult(_encode(convert_job, source, result))
    except ConversionError as error:
        is_multi_frame = source.instance.pixel.number_of_frames > 1
        return _failed(convert_job, result.frame if is_multi_frame else None, error)


def _encode(convert_job: ConvertJob, source: SourceContext, rendered: RenderedFrame) -> StagedImage | EncodedImage:
    """Encode a frame, and stage its file where there is a folder OUT. Raises ConversionError."""
    encoded = encode_png(rendered.image, Ancillary(software_text(rendered), rendered.profile))
    number, frames = rendered.frame + 1, source.instance.pixel.number_of_frames
    file_name = frame_name(_image_name(convert_job, source), number, frames) + IMAGE_SUFFIX
    record = record_of(source, rendered, file_name, encoded)
    if convert_job.context.out is None:
        return EncodedImage(record, encoded)
    output = FolderOutput(convert_job.context.out)
    # named after the source, whose name is unique: a name by UID may change when later sources arrive
    overlays = _stage_overlays(output, frame_name(convert_job.reference.name, number, frames), rendered)
    record = replace(record, overlay_files=";".join(overlay.file_name for overlay in overlays))
    return StagedImage(record, output.stage([encoded]), overlays)


def _image_name(convert_job: ConvertJob, source: SourceContext) -> str:
    """Return the name of the images of a source without frame number and suffix."""
    if convert_job.context.options.output.names is Names.UID:
        return uid_name(source.instance.identity.sop_instance_uid) or convert_job.reference.name
    return convert_job.reference.name


def _stage_overlays(output: FolderOutput, name: str, rendered: RenderedFrame) -> tuple[StagedOverlay, ...]:
    """Stage the images of the overlay planes of a frame, where they are asked for."""
    if not rendered.masks:
        return ()
    text = Ancillary(software_text(rendered))
    return tuple(
        StagedOverlay(
            output.stage([encode_png(mask.image, text)]),
            f"{OVERLAY_FOLDER}/{name}_overlay{mask.number}{IMAGE_SUFFIX}",
        )
        for mask in rendered.masks
    )


def _failed(convert_job: ConvertJob, frame: int | None, error: ConversionError) -> TaskResult:
    """Return the report of an instance, or a frame (from 0), without an image; with `--verbose` it has a traceback."""
    trace = "".join(traceback.format_exception(error)) if convert_job.context.options.run.verbose else ""
    return TaskResult(failure_of_error(convert_job.reference, frame, error), trace)
