# SPDX-License-Identifier: MIT
"""Render one frame of an image, or explain how it is rendered, in this process or in a worker process."""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import Enum
from os import PathLike
from pathlib import Path
from typing import Literal, TypeAlias, Unpack, cast, overload

from pydicom.dataset import Dataset

from plainfilm.api.arguments import check_one_image, frame_index, options_of, python_errors
from plainfilm.api.source import Image8, Image16, Source, content_of, open_source_instance, path_of
from plainfilm.conversion.isolated import call_in_worker
from plainfilm.conversion.presentation_index import presentation_of
from plainfilm.decode.process_state import is_memory_suspect
from plainfilm.dicom.instance import Instance
from plainfilm.errors import PlainfilmError
from plainfilm.options.keywords import ImageKeywords, RenderKeywords, ScaledLook
from plainfilm.options.local_path import scheme_of
from plainfilm.options.options import Options
from plainfilm.options.output import Projection
from plainfilm.pickling import FastPickle, dataclass
from plainfilm.rendering.explanation import Explanation, explanation_of
from plainfilm.rendering.frame import PlannedFrame
from plainfilm.rendering.instance_survey import survey_instance
from plainfilm.rendering.opened_instance import opened_instance, with_presentation
from plainfilm.rendering.pipeline import plan_frame, render_frame, render_image
from plainfilm.rendering.projection import render_projection
from plainfilm.report.drawing import reduce_image
from plainfilm.report.explanation_page import CHART_BINS, LONGEST_SIDE, SmallImage
from plainfilm.report.tone_measurement import tone_chart
from plainfilm.workers.messages import Job, Report, TaskResult

FrameNumber: TypeAlias = int | Literal["mip", "mean"]
"""The number of a frame, counted from 1, or a projection of all frames."""


@overload
def render(
    source: Source,
    *,
    frame: FrameNumber = 1,
    isolated: bool = False,
    look: ScaledLook | None = None,
    bits: Literal[8] = 8,
    **options: Unpack[RenderKeywords],
) -> Image8: ...


@overload
def render(
    source: Source,
    *,
    frame: FrameNumber = 1,
    isolated: bool = False,
    look: ScaledLook | None = None,
    bits: Literal[16],
    **options: Unpack[RenderKeywords],
) -> Image16: ...


@overload
def render(
    source: Source,
    *,
    frame: FrameNumber = 1,
    isolated: bool = False,
    look: Literal["stored"],
    bits: Literal[8, 16] = 8,
    **options: Unpack[RenderKeywords],
) -> Image16: ...


def render(
    source: Source, *, frame: FrameNumber = 1, isolated: bool = False, **options: Unpack[ImageKeywords]
) -> Image8 | Image16:
    """Render one frame of an image as a radiologist's viewer shows it.

    source: a path, the bytes of a file, a binary file, or a pydicom Dataset, which is not changed. A DICOM file may be
        compressed with gzip.
    frame: the number of the frame, counted from 1; "mip" or "mean" renders all frames of a grayscale image as one.
    isolated: decode in a new worker process, with the default limits of time and memory, so that a hostile file cannot
        damage this process. This takes about half a second more. Use it for files from unknown sources. `convert` and
        `iterate` always decode in worker processes.
    options: the options of the command, with underscores in their names.

    Returns an array (rows, columns), or (rows, columns, 3) for colour, whose rows and columns are those after square
    pixels, crop and size. Its type is uint8, or uint16 with `bits=16` or `look="stored"`.
    Raises ConversionError, whose `reason` is a code, if the image cannot be rendered, OptionsError if the options are
    wrong, and ArgumentTypeError, which is a TypeError, for a source of a wrong type or an unknown option. A file that
    cannot be opened is also a FileNotFoundError, PermissionError, IsADirectoryError or NotADirectoryError.
    To render several frames of one file, `plainfilm.open` is several times as fast.
    """
    with python_errors(path_of(source)):
        image_options = options_of("render", options, ImageKeywords)
        check_one_image(image_options)
        if isolated:
            return cast("Image8 | Image16", _call_isolated(source, frame, image_options, _Result.IMAGE))
        with open_source_instance(source, image_options) as instance:
            return _render(instance, frame, image_options)


def explain(source: Source, *, frame: int = 1, **options: Unpack[ImageKeywords]) -> Explanation:
    """Explain what `render` does with the same arguments, and why. `str()` of the explanation is meant for people.

    Raises the same errors as `render`.
    """
    with python_errors(path_of(source)):
        return _explain(source, frame, options_of("explain", options, ImageKeywords))


def explain_isolated(source: Source, *, frame: int = 1, **options: Unpack[ImageKeywords]) -> Explanation:
    """Explain like `explain`, in a new worker process.

    Raises the same errors, whose messages spell the options as the command line does.
    """
    image_options = options_of("explain", options, ImageKeywords)
    return cast(Explanation, _call_isolated(source, frame, image_options, _Result.EXPLANATION))


@dataclass(frozen=True, slots=True)
class ExplainedImage(FastPickle):
    """An explanation, and the image that it explains, reduced."""

    explanation: Explanation
    small: SmallImage


def explain_image_isolated(source: Source, *, frame: int = 1, **options: Unpack[ImageKeywords]) -> ExplainedImage:
    """Explain like `explain_isolated`, and render the image too. Raises the same errors as `render`."""
    image_options = options_of("explain", options, ImageKeywords)
    return cast(ExplainedImage, _call_isolated(source, frame, image_options, _Result.EXPLAINED_IMAGE))


class _Result(Enum):
    """What a call in a worker process returns."""

    IMAGE = "image"
    EXPLANATION = "explanation"
    EXPLAINED_IMAGE = "explained image"


@dataclass(frozen=True, slots=True)
class _IsolatedCall(FastPickle):
    """A call of `render` or `explain` in a worker process."""

    source: str | Path | bytes | Dataset
    frame: FrameNumber
    options: Options
    result: _Result


def _call_isolated(source: Source, frame: FrameNumber, options: Options, result: _Result) -> object:
    passed: str | Path | bytes | Dataset
    if isinstance(source, (str, PathLike)):
        place = os.fspath(source)
        passed = Path(place).absolute() if scheme_of(place) is None else place
    else:
        passed = source if isinstance(source, Dataset) else content_of(source)
    call = _IsolatedCall(passed, frame, options, result)
    return call_in_worker("plainfilm.api.one_image:run_isolated_call", call, options.limits)


def run_isolated_call(job: Job, report: Callable[[Report], None]) -> bool:
    """The task of the worker that `_call_isolated` starts. A PlainfilmError is reported as the result."""
    call = job.payload
    assert isinstance(call, _IsolatedCall)
    source, result = cast(Source, call.source), cast(object, None)
    try:
        with open_source_instance(source, call.options) as instance:
            result = _result_of(call, instance)
    except PlainfilmError as error:
        result = error
    report(TaskResult(result))
    return is_memory_suspect()


def _render(instance: Instance, frame: FrameNumber, options: Options) -> Image8 | Image16:
    """Render a frame, counted from 1, or the projection of all frames of an image that has several."""
    if frame in tuple(Projection):
        opened = with_presentation(opened_instance(instance, options), presentation_of(options))
        if opened.instance.pixel.number_of_frames > 1:
            return render_projection(opened, Projection(frame)).image
        frame = 1
    return render_image(_plan(instance, cast(int, frame), options)[1])


def _result_of(call: _IsolatedCall, instance: Instance) -> object:
    if call.result is _Result.IMAGE:
        return _render(instance, call.frame, call.options)
    instance, planned = _plan(instance, cast(int, call.frame), call.options)
    if call.result is _Result.EXPLANATION:
        return explanation_of(instance, planned)
    rendered = render_frame(planned)
    image = reduce_image(rendered.image, LONGEST_SIDE, LONGEST_SIDE)
    return ExplainedImage(
        explanation_of(instance, planned), SmallImage(image, tone_chart(planned, rendered, CHART_BINS))
    )


def _explain(source: Source, frame: int, options: Options) -> Explanation:
    with open_source_instance(source, options) as instance:
        return explanation_of(*_plan(instance, frame, options))


def _plan(instance: Instance, frame: int, options: Options) -> tuple[Instance, PlannedFrame]:
    """Return the instance with the presentation state of the options, and the plan of a frame, counted from 1."""
    opened = with_presentation(opened_instance(instance, options), presentation_of(options))
    index = frame_index(frame, opened.instance.pixel.number_of_frames)
    return opened.instance, plan_frame(survey_instance(opened, [index]), index)
