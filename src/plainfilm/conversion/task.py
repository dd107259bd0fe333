# SPDX-License-Identifier: MIT
"""The task of a worker process: read one source, render its frames, encode and stage them, and report each result."""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace

from plainfilm.conversion.array_files import write_array
from plainfilm.conversion.failures import failure_of_error
from plainfilm.conversion.job import (
    OVERLAY_FOLDER,
    ArrayImage,
    ConvertJob,
    EncodedImage,
    RunContext,
    StagedImage,
    StagedOverlay,
)
from plainfilm.conversion.labels import key_of_identity
from plainfilm.conversion.patients import open_selected_instance
from plainfilm.conversion.presentation_index import presentation_for
from plainfilm.conversion.rows import SourceContext, record_of, software_text, source_context
from plainfilm.conversion.tag_names import tag_name
from plainfilm.decode.codecs import preload_decoders
from plainfilm.decode.process_state import is_memory_short, is_memory_suspect
from plainfilm.encode.image import encode_image
from plainfilm.encode.png import Ancillary, encode_png
from plainfilm.errors import ConversionError, Reason, Stage
from plainfilm.options.options import Options
from plainfilm.options.output import Names, Projection
from plainfilm.output.folder import FolderOutput
from plainfilm.output.ownership import PrivateNames
from plainfilm.output.store_staging import Staging, StoreStaging
from plainfilm.rendering.frame import PlannedFrame, RenderedFrame
from plainfilm.rendering.instance_survey import survey_instance
from plainfilm.rendering.opened_instance import OpenedInstance, with_presentation
from plainfilm.rendering.pipeline import plan_frame, render_frame
from plainfilm.rendering.projection import render_projection
from plainfilm.report.thumbnail import make_preview
from plainfilm.sources.member_reader import open_reference
from plainfilm.sources.naming_rules import MASK_SUFFIX, frame_name, projection_name, uid_name
from plainfilm.sources.read_ahead import ReadAhead
from plainfilm.workers.messages import FrameSkipped, FrameStarted, FrameSurveyed, Job, MemoryShort, Report, TaskResult

_READ_AHEAD = ReadAhead()
# before the memory of the worker is limited
preload_decoders()


def convert_source(job: Job, report: Callable[[Report], None]) -> bool:
    """Convert the remaining frames of a source. The payload of the job is a ConvertJob.

    Each image or failure is reported as a TaskResult. A ConversionError that is raised for a frame fails this frame;
    one that is raised before fails the instance. Raises RunError where no image at all can be written.
    """
    convert_job = job.payload
    assert isinstance(convert_job, ConvertJob)
    context = convert_job.context
    try:
        reference = _READ_AHEAD.take(convert_job.reference)
        if isinstance(job.upcoming, ConvertJob):
            _READ_AHEAD.begin(job.upcoming.reference)
        with open_reference(reference) as content:
            opened = open_selected_instance(content, convert_job, report)
            pixel = opened.instance.pixel
            if is_memory_short(pixel.rows * pixel.columns * pixel.samples_per_pixel):
                report(MemoryShort())
            for result in _results(job, convert_job, _with_presentation(opened, context), report):
                report(result)
    except ConversionError as error:
        report(_failed(convert_job, None, error))
    return is_memory_suspect()


def _results(
    job: Job, convert_job: ConvertJob, opened: OpenedInstance, report: Callable[[Report], None]
) -> Iterator[TaskResult | FrameSkipped]:
    """Yield the result of each remaining frame; a frame of a multi-frame instance is announced before work on it."""
    context, is_multi_frame = convert_job.context, opened.instance.pixel.number_of_frames > 1
    if is_multi_frame and (projection := context.options.output.frames.projection) is not None:
        yield from _projection_results(job, opened, projection, report)
        return
    frames = _selected_frames(opened, context.options, job.first_frame)
    remaining = [frame for frame in frames if frame not in job.skipped_frames]

    def announce(message: type[FrameStarted] | type[FrameSurveyed], frame: int) -> None:
        if is_multi_frame:
            report(message(frame))

    if not remaining:
        yield from map(FrameSkipped, frames)
        return
    label_key = convert_job.label_key or _label_key(opened, context)
    source = source_context(convert_job.reference, opened.instance, context.key, label_key)
    survey = survey_instance(opened, remaining, job.skipped_frames, lambda frame: announce(FrameSurveyed, frame))
    for frame in frames:
        if frame in job.skipped_frames:
            yield FrameSkipped(frame)
            continue
        announce(FrameStarted, frame)
        try:
            planned = plan_frame(survey, frame)
            yield TaskResult(_encode(convert_job, source, render_frame(planned), planned))
        except ConversionError as error:
            yield _failed(convert_job, frame if is_multi_frame else None, error)


def _projection_results(
    job: Job, opened: OpenedInstance, projection: Projection, report: Callable[[Report], None]
) -> Iterator[TaskResult | FrameSkipped]:
    """Yield the one image of all frames. If one frame is lost, there is none: the frame is reported as skipped."""
    convert_job = job.payload
    assert isinstance(convert_job, ConvertJob)
    if job.first_frame > 0:
        return
    if job.skipped_frames:
        yield FrameSkipped(min(job.skipped_frames))
        return
    source = source_context(convert_job.reference, opened.instance, convert_job.context.key)

    def announce(frame: int) -> None:
        report(FrameSurveyed(frame))

    yield TaskResult(_encode(convert_job, source, render_projection(opened, projection, announce)))


def _with_presentation(opened: OpenedInstance, context: RunContext) -> OpenedInstance:
    state, instance = presentation_for(opened.instance, context.options, context.presentation_index)
    opened = opened if instance is opened.instance else replace(opened, instance=instance)
    return with_presentation(opened, state)


def _label_key(opened: OpenedInstance, context: RunContext) -> str:
    """Return the key of an instance in the label file where one of its attributes is the key, otherwise ''."""
    data_set, key = context.options.data_set, context.key
    if key is None or not data_set.label:
        return ""
    return key_of_identity(key, data_set.label_key, opened.instance.identity)


def _selected_frames(opened: OpenedInstance, options: Options, first_frame: int) -> list[int]:
    """Return the frames of `--frames` from `first_frame` on. Raises ConversionError where the instance has none."""
    number_of_frames = opened.instance.pixel.number_of_frames
    selected = options.output.frames.select(number_of_frames)
    if not selected:
        message = f"--frames {options.output.frames} was asked for and the instance has {number_of_frames}"
        raise ConversionError(message, reason=Reason.EXCLUDED, stage=Stage.READ)
    return [frame for frame in selected if frame >= first_frame]


def _encode(
    convert_job: ConvertJob, source: SourceContext, rendered: RenderedFrame, planned: PlannedFrame | None = None
) -> StagedImage | EncodedImage | ArrayImage:
    """Encode a frame, and stage its file where there is a folder OUT; or write its array. Raises ConversionError.

    planned: the plan of the frame, which the report explains; None for a projection of several frames.
    """
    context = convert_job.context
    encoding, run, frames = context.options.encoding, context.options.run, source.instance.pixel.number_of_frames
    file_name = _name_of(_image_name(convert_job, source), rendered, frames) + encoding.format.suffix
    if context.arrays is not None:
        record = record_of(source, rendered, file_name, None)
        return ArrayImage(record, write_array(rendered.image, context.arrays))
    encoded = encode_image(rendered.levels, Ancillary(software_text(rendered), rendered.profile), encoding)
    record = record_of(source, rendered, file_name, encoded)
    if context.out is None:
        return EncodedImage(record, encoded)
    staging = _staging_of(context)
    # named after the source, whose name is unique: a name by UID may change when later sources arrive
    overlays = _stage_overlays(staging, _name_of(convert_job.reference.name, rendered, frames), rendered)
    if overlays:
        record = replace(record, overlay_files=";".join(overlay.file_name for overlay in overlays))
    preview = b"" if run.no_report else make_preview(source.instance, planned, rendered).to_bytes()
    return StagedImage(record, staging.stage([encoded]), overlays, preview, len(encoded))


def _name_of(name: str, rendered: RenderedFrame, frames: int) -> str:
    """Return the name of an image without suffix; name: that of its source."""
    if rendered.projection is not None:
        return projection_name(name, rendered.projection)
    return frame_name(name, rendered.frame + 1, frames)


def _image_name(convert_job: ConvertJob, source: SourceContext) -> str:
    """Return the name of the images of a source without frame number and suffix."""
    names, own_name = convert_job.context.options.output.names, convert_job.reference.name
    if names is Names.UID:
        return uid_name(source.instance.identity.sop_instance_uid) or own_name
    if names is Names.TAGS:
        return tag_name(source.instance, source.pseudonyms.sop_instance) or own_name
    return own_name


def _staging_of(context: RunContext) -> Staging:
    """Return where the images of a run are staged; it has a folder OUT."""
    names = PrivateNames(context.options.run.shard)
    if context.store is not None:
        return StoreStaging(context.store, names)
    assert context.out is not None
    return FolderOutput(context.out, names=names)


def _stage_overlays(staging: Staging, name: str, rendered: RenderedFrame) -> tuple[StagedOverlay, ...]:
    """Stage the images of the overlay planes of a frame, where they are asked for: PNG, which is small and exact."""
    if not rendered.overlay_masks:
        return ()
    text = Ancillary(software_text(rendered))
    overlays = []
    for mask in rendered.overlay_masks:
        encoded = encode_png(mask.image, text)
        file_name = f"{OVERLAY_FOLDER}/{name}_overlay{mask.number}{MASK_SUFFIX}"
        digest = hashlib.sha256(encoded).hexdigest()
        overlays.append(StagedOverlay(staging.stage([encoded]), file_name, len(encoded), digest))
    return tuple(overlays)


def _failed(convert_job: ConvertJob, frame: int | None, error: ConversionError) -> TaskResult:
    """Return the report of an instance, or a frame (from 0), without an image; with `--verbose` it has a traceback."""
    trace = "".join(traceback.format_exception(error)) if convert_job.context.options.run.verbose else ""
    return TaskResult(failure_of_error(convert_job.reference, frame, error), trace)
