# SPDX-License-Identifier: MIT
"""The Python functions: render one image, explain it, or convert many. They never print and never exit."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from io import IOBase
from os import PathLike
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias, Unpack, cast, overload

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.isolated import call_in_worker
from plainfilm.conversion.presentation_index import presentation_of
from plainfilm.conversion.source_survey import SURVEY_OPTIONS, SourceSurvey
from plainfilm.conversion.summary import Run
from plainfilm.conversion.survey_result import Survey, survey_result
from plainfilm.decode.process_state import is_memory_suspect
from plainfilm.dicom.read import instance_from_dataset
from plainfilm.errors import OptionsError, PlainfilmError
from plainfilm.options.field import Scope
from plainfilm.options.keywords import ImageKeywords, RenderKeywords, RunKeywords, ScaledLook
from plainfilm.options.options import Options
from plainfilm.options.presentation import Overlays
from plainfilm.options.run import available_cpus
from plainfilm.pickling import FastPickle
from plainfilm.rendering.explanation import Explanation
from plainfilm.rendering.frame import PlannedFrame
from plainfilm.rendering.instance_survey import survey_instance
from plainfilm.rendering.opened_instance import OpenedInstance, open_instance, opened_instance, with_presentation
from plainfilm.rendering.pipeline import plan_frame, render_frame
from plainfilm.report.drawing import reduce_image
from plainfilm.report.explanation_page import CHART_BINS, LONGEST_SIDE, SmallImage
from plainfilm.report.tone_chart import tone_chart
from plainfilm.sources.file_reader import FileContent, inflated_content, open_source
from plainfilm.workers.messages import Job, Report, TaskResult

__all__ = ["Explanation", "Run", "Survey", "compare", "convert", "explain", "render", "survey"]

Source: TypeAlias = str | PathLike[str] | bytes | BinaryIO | Dataset
_SINGLE = (str, PathLike, bytes, Dataset, IOBase)
Image8: TypeAlias = npt.NDArray[np.uint8]
Image16: TypeAlias = npt.NDArray[np.uint16]


@overload
def render(
    source: Source,
    *,
    frame: int = 1,
    isolated: bool = False,
    look: ScaledLook | None = None,
    bits: Literal[8] = 8,
    **options: Unpack[RenderKeywords],
) -> Image8: ...


@overload
def render(
    source: Source,
    *,
    frame: int = 1,
    isolated: bool = False,
    look: ScaledLook | None = None,
    bits: Literal[16],
    **options: Unpack[RenderKeywords],
) -> Image16: ...


@overload
def render(
    source: Source,
    *,
    frame: int = 1,
    isolated: bool = False,
    look: Literal["stored"],
    bits: Literal[8, 16] = 8,
    **options: Unpack[RenderKeywords],
) -> Image16: ...


def render(
    source: Source, *, frame: int = 1, isolated: bool = False, **options: Unpack[ImageKeywords]
) -> Image8 | Image16:
    """Render one frame of an image as a radiologist's viewer shows it.

    source: a path, the bytes of a file, a binary file, or a pydicom Dataset, which is not changed. A DICOM file may be
        compressed with gzip.
    frame: the number of the frame, counted from 1.
    isolated: decode in a new worker process, with the default limits of time and memory, so that a hostile file cannot
        damage this process. This takes about half a second more. Use it for files from unknown sources. `convert`
        always decodes in worker processes.
    options: the options of the command, with underscores in their names.

    Returns an array (rows, columns), or (rows, columns, 3) for colour, whose rows and columns are those after square
    pixels, crop and size. Its type is uint8, or uint16 with `bits=16` or `look="stored"`.
    Raises ConversionError, whose `reason` is a code, if the image cannot be rendered, and OptionsError if the options
    are wrong.
    """
    image_options = _image_options(options)
    if image_options.presentation.overlays is Overlays.MASK:
        raise OptionsError("overlays mask makes further images: convert into a folder")
    if isolated:
        return cast("Image8 | Image16", _call_isolated(source, frame, image_options, explains=False))
    _, planned = _plan(source, frame, image_options)
    return render_frame(planned).image


def explain(source: Source, *, frame: int = 1, **options: Unpack[ImageKeywords]) -> Explanation:
    """Explain what `render` does with the same arguments, and why. `str()` of the explanation is meant for people.

    Raises the same errors as `render`.
    """
    opened, planned = _plan(source, frame, _image_options(options))
    return Explanation(opened.instance, planned)


@dataclass(frozen=True, slots=True)
class ExplanationText:
    """The content of an `Explanation`, which a worker can return: text for people, and plain values for JSON.

    small: the reduced image with its chart.
    """

    text: str
    values: dict[str, object]
    small: SmallImage


def explain_isolated(source: Source, *, frame: int = 1, **options: Unpack[ImageKeywords]) -> ExplanationText:
    """Explain like `explain`, in a new worker process. Raises the same errors, also where the image fails to render."""
    return cast(ExplanationText, _call_isolated(source, frame, _image_options(options), explains=True))


def compare(
    sources: Source | Iterable[Source],
    *,
    looks: str | Sequence[str] = "naive,viewer,stretch",
    frame: int = 1,
    **options: Unpack[ImageKeywords],
) -> Image8:
    """Compare looks in one picture, as `plainfilm compare` does: a row for each film, a column for each look.

    looks: names of looks, or `naive` for `pixel_array / max * 255`. options: as for `render`; the parameters of a look
    (window, stretch, clahe) apply to this look alone. The films are decoded in worker processes.

    Returns an RGB array (rows, columns, 3), uint8. Raises the ConversionError of the first film that gives no image,
    and OptionsError if the options are wrong.
    """
    from plainfilm.report.comparison import compare_looks
    from plainfilm.report.look_panels import options_of_looks, parse_looks

    values = _image_options(options).to_mapping()
    films = sources if isinstance(sources, Iterable) and not isinstance(sources, _SINGLE) else [sources]
    content = [_isolated_source(film) for film in films]
    comparison = compare_looks(content, options_of_looks(parse_looks(looks), values), frame, available_cpus())
    for error in comparison.errors.values():
        raise error
    return comparison.image


def convert(
    sources: str | PathLike[str] | Iterable[str | PathLike[str]],
    out: str | PathLike[str],
    **options: Unpack[RunKeywords],
) -> Run:
    """Convert files and folders into the folder `out`, as the command `plainfilm convert` does, and return a summary.

    Raises RunError if the run cannot continue. An image that fails raises nothing: it is a row of failures.csv in
    `out`.
    """
    paths = [sources] if isinstance(sources, (str, PathLike)) else list(sources)
    return Conversion([Path(path) for path in paths], Path(out), Options.of(options)).run()


def survey(sources: str | PathLike[str] | Iterable[str | PathLike[str]], **options: Unpack[RunKeywords]) -> Survey:
    """Count what files and folders hold before they are converted, from their headers alone, in worker processes.

    options: those of the command `plainfilm survey`; OptionsError is raised for any other one. The result holds counts
    alone, and nothing about a patient. Raises SourceMissingError for a source that does not exist.
    """
    if others := sorted(set(options) - set(SURVEY_OPTIONS)):
        raise OptionsError(f"{', '.join(others)}: not an option of a survey")
    paths = [sources] if isinstance(sources, (str, PathLike)) else list(sources)
    source_survey = SourceSurvey([Path(path) for path in paths], Options.of(options))
    source_survey.run()
    return survey_result(source_survey)


@dataclass(frozen=True, slots=True)
class _IsolatedCall(FastPickle):
    """A call of `render` or `explain` in a worker process."""

    source: Path | bytes | Dataset
    frame: int
    options: Options
    explains: bool


def _call_isolated(source: Source, frame: int, options: Options, *, explains: bool) -> object:
    call = _IsolatedCall(_isolated_source(source), frame, options, explains)
    return call_in_worker("plainfilm.api:run_isolated_call", call, options.limits)


def _isolated_source(source: Source) -> Path | bytes | Dataset:
    """The source as a value that a worker can get."""
    if isinstance(source, (str, PathLike)):
        return Path(source).absolute()
    return source if isinstance(source, (bytes, Dataset)) else source.read()


def run_isolated_call(job: Job, report: Callable[[Report], None]) -> bool:
    """The task of the worker that `_call_isolated` starts. A PlainfilmError is reported as the result."""
    call = job.payload
    assert isinstance(call, _IsolatedCall)
    result: object
    try:
        opened, planned = _plan(call.source, call.frame, call.options)
        if call.explains:
            explanation = Explanation(opened.instance, planned)
            result = ExplanationText(str(explanation), explanation.to_dict(), _small_image(planned))
        else:
            result = render_frame(planned).image
    except PlainfilmError as error:
        result = error
    report(TaskResult(result))
    return is_memory_suspect()


def _small_image(planned: PlannedFrame) -> SmallImage:
    rendered = render_frame(planned)
    image = reduce_image(rendered.image, LONGEST_SIDE, LONGEST_SIDE)
    return SmallImage(image, tone_chart(planned, rendered, CHART_BINS))


def _image_options(keywords: Mapping[str, object]) -> Options:
    """The options of one image. Raises OptionsError, also for an option that applies only to a run."""
    others = sorted(set(keywords) - {option.name for option in Options.declared(Scope.IMAGE)})
    if others:
        raise OptionsError(f"{', '.join(others)}: not an option of a single image")
    return Options.of(keywords)


def _plan(source: Source, frame: int, options: Options) -> tuple[OpenedInstance, PlannedFrame]:
    if isinstance(source, Dataset):
        instance = instance_from_dataset(source, options.limits.max_pixels)
        return _plan_frame(opened_instance(instance, options), frame, options)
    with _open_content(source) as content:
        return _plan_frame(open_instance(content, options), frame, options)


def _plan_frame(opened: OpenedInstance, frame: int, options: Options) -> tuple[OpenedInstance, PlannedFrame]:
    """The instance with the presentation state of the options, and the plan of a frame, counted from 1."""
    opened = with_presentation(opened, presentation_of(options))
    index, frames = operator.index(frame) - 1, opened.instance.pixel.number_of_frames
    if not 0 <= index < frames:
        raise OptionsError(f"there is no frame {frame}: the image has {frames}, counted from 1")
    return opened, plan_frame(survey_instance(opened, [index]), index)


def _open_content(source: str | PathLike[str] | bytes | BinaryIO) -> AbstractContextManager[bytes | FileContent]:
    if isinstance(source, (str, PathLike)):
        return open_source(Path(source))
    return nullcontext(inflated_content(source if isinstance(source, bytes) else source.read()))
