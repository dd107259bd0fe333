# SPDX-License-Identifier: MIT
"""Render a film in several looks, in a worker process: small images with their charts for a comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.decode.process_state import is_memory_suspect
from plainfilm.dicom.instance import Instance
from plainfilm.dicom.read import instance_from_dataset
from plainfilm.errors import ConversionError, OptionsError, Reason, Stage
from plainfilm.options.options import Options
from plainfilm.options.render import LOOK_OPTIONS, Look
from plainfilm.pickling import FastPickle, dataclass
from plainfilm.records import Status
from plainfilm.rendering.frame import PlannedFrame
from plainfilm.rendering.grayscale.histogram import Histogram, histogram_of
from plainfilm.rendering.grayscale.stored import stored_frame
from plainfilm.rendering.instance_survey import survey_instance
from plainfilm.rendering.opened_instance import OpenedInstance, open_instance, opened_instance
from plainfilm.rendering.pipeline import plan_frame, render_frame
from plainfilm.rendering.pixels import PlannedGrayscale
from plainfilm.rendering.plan import PlanColumns
from plainfilm.report.drawing import reduce_image
from plainfilm.report.tone_chart import ToneChart
from plainfilm.report.tone_measurement import bin_middles, binned_counts, tone_chart
from plainfilm.sources.file_reader import open_source
from plainfilm.workers.messages import Job, Report, TaskResult

TASK = "plainfilm.report.look_panels:render_looks"
NAIVE = "naive"
"""The name of the recipe that people start from; it is no look of `--look`."""

CELL = 320
_CHART_BINS = 160
Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class LookPanel(FastPickle):
    """A film in one look.

    image: uint8, (rows, columns) or (rows, columns, 3), at most CELL pixels in each direction; None where the look
    gives no image. note: what the look did, or why there is no image.
    """

    look: str
    note: str
    image: npt.NDArray[np.uint8] | None
    chart: ToneChart | None


@dataclass(frozen=True, slots=True)
class FilmPanels(FastPickle):
    """A film in all looks of a comparison; facts: what the file is, in words that do not name the patient."""

    number: int
    facts: tuple[str, ...]
    panels: tuple[LookPanel, ...]


@dataclass(frozen=True, slots=True)
class LookRequest(FastPickle):
    """A film to render: its number in the comparison, a frame from 1, and the options of each look.

    source: a path, the bytes of a file, or a Dataset.
    The options of the look `naive` are those of the look `viewer`, of which it takes the decoded values alone.
    """

    number: int
    source: object
    frame: int
    looks: tuple[tuple[str, Options], ...]


def parse_looks(text: str | Sequence[str]) -> tuple[str, ...]:
    """Return the names of looks from `naive,viewer` or a sequence. Raises OptionsError for others and repeated ones."""
    names = tuple(name.strip() for name in (text.split(",") if isinstance(text, str) else text))
    allowed = (NAIVE, *(look.value for look in Look))
    unknown = [name for name in names if name not in allowed]
    if unknown or not names or len(set(names)) < len(names):
        problem = f"not {unknown[0]!r}" if unknown else "each at most once"
        raise OptionsError(f"--looks: any of {', '.join(allowed)}, joined by commas, {problem}")
    return names


def options_of_looks(names: Sequence[str], values: Mapping[str, object]) -> tuple[tuple[str, Options], ...]:
    """Return the options of each look. Raises OptionsError.

    The parameters of a look (window, stretch, clahe) go to this look alone; it is added where `names` lacks it.
    """
    shared = {name: value for name, value in values.items() if name not in LOOK_OPTIONS}
    implied = [name for name in LOOK_OPTIONS if name != "look" and values.get(name) is not None and name not in names]
    options = list[tuple[str, Options]]()
    for name in (*names, *implied):
        look = Look.VIEWER.value if name == NAIVE else name
        parameter = {name: values[name]} if values.get(name) is not None else {}
        options.append((name, Options.of({**shared, "look": look, **parameter})))
    return tuple(options)


def render_looks(job: Job, report: Callable[[Report], None]) -> bool:
    """The task of the worker. A ConversionError that concerns the whole file is reported as the result."""
    request = job.payload
    assert isinstance(request, LookRequest)
    result: object
    try:
        result = _film_panels(request)
    except ConversionError as error:
        result = error
    report(TaskResult((request.number, result)))
    return is_memory_suspect()


def _film_panels(request: LookRequest) -> FilmPanels:
    panels, errors, facts = list[LookPanel](), list[ConversionError](), tuple[str, ...]()
    for name, options in request.looks:
        try:
            with _opened(request.source, options) as opened:
                planned = _plan(opened, request.frame - 1)
                facts = facts or _facts(opened.instance)
                panels.append(_naive_panel(planned) if name == NAIVE else _panel(planned, name))
        except ConversionError as error:
            errors.append(error)
            panels.append(LookPanel(name, f"no image: {error.reason}", None, None))
    if len(errors) == len(panels):
        raise errors[0]
    return FilmPanels(request.number, facts, tuple(panels))


@contextmanager
def _opened(source: object, options: Options) -> Iterator[OpenedInstance]:
    """Open a path, the bytes of a file, or a Dataset. Raises ConversionError."""
    if isinstance(source, Path):
        with open_source(source) as content:
            yield open_instance(content, options)
    elif isinstance(source, bytes):
        yield open_instance(source, options)
    else:
        yield opened_instance(instance_from_dataset(source, options.limits.max_pixels), options)


def _plan(opened: OpenedInstance, frame: int) -> PlannedFrame:
    """Plan a frame, counted from 0. Raises ConversionError, also where there is no such frame."""
    frames = opened.instance.pixel.number_of_frames
    if not 0 <= frame < frames:
        message = f"there is no frame {frame + 1}: the image has {frames}, counted from 1"
        raise ConversionError(message, reason=Reason.EXCLUDED, stage=Stage.READ)
    return plan_frame(survey_instance(opened, [frame]), frame)


def _panel(planned: PlannedFrame, name: str) -> LookPanel:
    rendered = render_frame(planned)
    chart = tone_chart(planned, rendered, _CHART_BINS)
    return LookPanel(name, _note(planned.plan_columns), reduce_image(rendered.levels, CELL, CELL), chart)


def _naive_panel(planned: PlannedFrame) -> LookPanel:
    """The recipe `pixel_array / max * 255`: neither rescale nor VOI nor polarity, and values below 0 wrap around."""
    samples, pixels = planned.loaded.decoded.samples, planned.pixels
    if isinstance(pixels, PlannedGrayscale):
        samples = stored_frame(pixels.plan.rules, samples, pixels.surveyed_frame.cells)
    histogram = histogram_of(samples)
    image = reduce_image(_naive_levels(samples, histogram), CELL, CELL)
    counts, middles = binned_counts(histogram, _CHART_BINS), bin_middles(histogram, _CHART_BINS)
    levels = _naive_levels(middles, histogram).tobytes() if samples.ndim == 2 else b""
    chart = ToneChart(float(histogram.values[0]), float(histogram.values[-1]), counts, levels)
    return LookPanel(NAIVE, "value / maximum * 255", image, chart)


def _naive_levels(values: Array, histogram: Histogram) -> npt.NDArray[np.uint8]:
    largest = float(histogram.finite().values[-1]) if histogram.finite().values.size else 0.0
    if largest == 0:
        return np.zeros(values.shape, np.uint8)
    scaled = np.nan_to_num(values.astype(np.float64) / largest * 255, posinf=0, neginf=0)
    return scaled.astype(np.int64).astype(np.uint8)


def _facts(instance: Instance) -> tuple[str, ...]:
    description, pixel = instance.description, instance.pixel
    facts = (
        description.modality,
        description.body_part,
        description.view_position,
        pixel.photometric_interpretation,
        f"{pixel.bits_stored} bits",
        f"{pixel.columns} x {pixel.rows}",
    )
    return tuple(fact for fact in facts if fact)


def _note(columns: PlanColumns) -> str:
    """What a look did, in a few words."""
    parts = [f"voi {columns.voi}"]
    if columns.voi_center is not None and columns.voi_width is not None:
        parts.append(f"center {columns.voi_center:g} width {columns.voi_width:g}")
    elif columns.low is not None and columns.high is not None:
        parts.append(f"{columns.low:g} to {columns.high:g}")
    return ", ".join((*parts, *(["inverted"] if columns.inverted else []), *_repair(columns)))


def _repair(columns: PlanColumns) -> list[str]:
    return ["repaired"] if columns.status is Status.REPAIRED else []
