# SPDX-License-Identifier: MIT
"""The bytes of one DICOM object -> its rendered frames: the one page to read first.

bytes -> Instance -> DecodedFrame cells -> survey -> Plan -> output levels -> geometry -> RenderedFrame
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import xxhash

from plainfilm.decode.decoded import DecodedFrame
from plainfilm.errors import ConversionError, DecodeError
from plainfilm.findings import Finding
from plainfilm.options.geometry import GeometryOptions, Pixels
from plainfilm.options.options import Options
from plainfilm.options.render import Look
from plainfilm.records import Status
from plainfilm.rendering.border import asks_for_border, search_frame, with_border
from plainfilm.rendering.color.palette import supplemental_palette_step
from plainfilm.rendering.color.plan import ColorPlan, color_plan
from plainfilm.rendering.frame import PlannedFrame, painted
from plainfilm.rendering.geometry.border_search import BorderResult
from plainfilm.rendering.geometry.geometry import Geometry, geometry_of
from plainfilm.rendering.grayscale.histogram import histogram_of
from plainfilm.rendering.grayscale.padding import outside_shutter
from plainfilm.rendering.grayscale.plan import Plan
from plainfilm.rendering.grayscale.planner import Planner, planner
from plainfilm.rendering.grayscale.stored import Cells
from plainfilm.rendering.grayscale.survey import FrameCells, survey, survey_frame, surveyed_frames
from plainfilm.rendering.hooks import NO_HOOKS, FrameHooks, SkippedFrame
from plainfilm.rendering.overlays import OverlayMask, OverlayPlan, overlay_plan
from plainfilm.rendering.reader import FrameReader
from plainfilm.rendering.statistics import Statistics, statistics

Array = npt.NDArray[Any]
P = TypeVar("P", Plan, ColorPlan)
# the cells of a frame, if it is grey, and what of it is no margin, where that is asked for
_LookedAt = tuple[FrameCells | None, BorderResult | None]


@dataclass(frozen=True, slots=True)
class RenderedFrame:
    """One frame (from 0) as it comes out, with the plan that was run and what is told of it in the tables.

    masks: its overlay planes, where they are asked for as pictures.
    """

    frame: int
    image: Array
    plan: Plan | ColorPlan
    geometry: Geometry
    statistics: Statistics
    padding_fraction: float
    decoder: str
    findings: tuple[Finding, ...]
    stored_hash: str
    profile: bytes | None = None
    masks: tuple[OverlayMask, ...] = ()


@dataclass(frozen=True, slots=True)
class FailedFrame:
    """A frame (from 0) that gave no picture; None where the instance as a whole gave none."""

    frame: int | None
    error: ConversionError


def render_frames(
    film: FrameReader, options: Options, wanted: range, watch: FrameHooks
) -> Iterator[RenderedFrame | FailedFrame | SkippedFrame]:
    """The wanted frames one at a time; `watch` is told of each before work on it begins.

    What is wrong with one frame fails that frame. What is wrong with the instance is raised as ConversionError.
    """
    if watch.left_out.issuperset(wanted):
        yield from map(SkippedFrame, wanted)
        return
    plan_frame = frame_planner(film, options, watch)
    for frame in wanted:
        if frame in watch.left_out:
            yield SkippedFrame(frame)
            continue
        watch.started(frame)
        try:
            yield render(plan_frame(frame))
        except ConversionError as error:
            yield FailedFrame(frame if film.instance.pixel.number_of_frames > 1 else None, error)


def frame_planner(film: FrameReader, options: Options, watch: FrameHooks = NO_HOOKS) -> Callable[[int], PlannedFrame]:
    """A function that decodes a frame and plans it. Grey frames are judged first, all of an instance together.

    So are colour frames where their margin is to be cut, which is the same one in all frames.

    Raises ConversionError where the instance has no frame that can be decoded.
    """
    pixel = film.instance.pixel
    if pixel.is_color and not asks_for_border(options):
        return lambda frame: _plan_color(film, options, frame, film.decode(frame))
    single = film.decode(0) if pixel.number_of_frames == 1 else None
    look = partial(_look_at, film, options)
    looked_at = _look_at_frames(film, watch, look) if single is None else (look(0, single),)
    framed = with_border(options, [found for _, found in looked_at if found is not None])
    if pixel.is_color:
        return lambda frame: _plan_color(film, framed, frame, single or film.decode(frame))
    grey = tuple(cells for cells, _ in looked_at if cells is not None)
    plans = planner(film.instance, survey(film.instance, grey), options.render)
    return lambda frame: _plan_grey(film, framed, plans, (frame, single or film.decode(frame)))


def render(planned: PlannedFrame) -> RenderedFrame:
    """Run a plan: the grey levels or colours of a frame, then its geometry."""
    plan = planned.plan
    stored, image, levels = painted(planned)
    return RenderedFrame(
        frame=planned.frame,
        image=planned.geometry.apply(image),
        plan=plan,
        geometry=planned.geometry,
        statistics=statistics(levels, plan.ymax),
        padding_fraction=planned.padding_fraction,
        decoder=planned.decoded.decoder,
        findings=planned.findings,
        stored_hash="" if planned.decoded.is_reduced else _hash(stored),
        profile=plan.embedded_profile if isinstance(plan, ColorPlan) else None,
        masks=planned.overlays.masks(planned.geometry, planned.blackout),
    )


def _plan_color(film: FrameReader, options: Options, frame: int, decoded: DecodedFrame) -> PlannedFrame:
    blackout = film.blackout(frame)
    seen = replace(decoded, samples=blackout.paint(decoded.samples))
    plan = _marked(color_plan(film.instance, seen, options.render), decoded)
    shutter = None if plan.look is Look.STORED else film.instance.shutter_of(frame)
    return PlannedFrame(
        frame=frame,
        decoded=decoded,
        plan=plan,
        geometry=_geometry(film, options, plan.look, frame),
        blackout=blackout,
        shutter=shutter,
        overlays=_overlays(film, options, plan.look, (frame, decoded)),
    )


def _plan_grey(
    film: FrameReader, options: Options, plans: Planner, decoded_frame: tuple[int, DecodedFrame]
) -> PlannedFrame:
    frame, decoded = decoded_frame
    known = next((one for one in plans.survey.frames if one.frame == frame), None)
    surveyed = known or survey_frame(film.instance, plans.survey.rules, _frame_cells(film, frame, decoded))
    plan = _marked(plans.plan(surveyed), decoded)
    supplement = film.instance.supplement if plan.masks else None
    if supplement is not None:
        plan = replace(plan, steps=(*plan.steps, supplemental_palette_step(supplement, plan.rules.signed)))
    return PlannedFrame(
        frame=frame,
        decoded=decoded,
        plan=plan,
        geometry=_geometry(film, options, plan.look, frame),
        surveyed=surveyed,
        blackout=film.blackout(frame),
        supplement=supplement,
        overlays=_overlays(film, options, plan.look, (frame, decoded)),
    )


def _marked(plan: P, decoded: DecodedFrame) -> P:
    """The plan; that of a frame which is cut short says that it is repaired."""
    return plan if decoded.missing is None else replace(plan, status=Status.REPAIRED)


def _look_at(film: FrameReader, options: Options, frame: int, decoded: DecodedFrame) -> _LookedAt:
    cells = None if film.instance.pixel.is_color else _frame_cells(film, frame, decoded)
    if not asks_for_border(options):
        return cells, None
    unseen = film.blackout(frame).unseen((decoded.samples.shape[0], decoded.samples.shape[1]), decoded.missing)
    return cells, search_frame(film.instance, (frame, decoded), None if cells is None else cells.cells, unseen)


def _look_at_frames(
    film: FrameReader, watch: FrameHooks, look: Callable[[int, DecodedFrame], _LookedAt]
) -> tuple[_LookedAt, ...]:
    """The frames by which the instance is judged; those that cannot be decoded are left out, unless none can."""
    found, errors = list[_LookedAt](), list[ConversionError]()
    for frame in surveyed_frames(film.instance.pixel.number_of_frames):
        if frame in watch.left_out:
            continue
        watch.looking(frame)
        try:
            found.append(look(frame, film.decode(frame)))
        except ConversionError as error:
            errors.append(error)
    if not found:
        raise errors[0] if errors else DecodeError("no frame by which the instance could be judged can be decoded")
    return tuple(found)


def _frame_cells(film: FrameReader, frame: int, decoded: DecodedFrame) -> FrameCells:
    samples, missing, shutter = decoded.samples, decoded.missing, film.instance.shutter_of(frame)
    unseen = film.blackout(frame).unseen((samples.shape[0], samples.shape[1]), missing)
    every = inside = histogram_of(samples if unseen is None else samples[~unseen])
    filled = 0 if missing is None else int(missing.sum())
    if shutter is not None:
        outside = outside_shutter(shutter, *samples.shape)
        inside = histogram_of(samples[~(outside if unseen is None else outside | unseen)])
    return FrameCells(frame, Cells(every, decoded.precision, decoded.signed), inside, filled)


def _geometry(film: FrameReader, options: Options, look: Look, frame: int) -> Geometry:
    if look is Look.STORED:
        return geometry_of(film.instance, frame, GeometryOptions(pixels=Pixels.STORED), options.limits.max_pixels)
    return geometry_of(film.instance, frame, options.geometry, options.limits.max_pixels, options.presentation.orient)


def _overlays(film: FrameReader, options: Options, look: Look, decoded_frame: tuple[int, DecodedFrame]) -> OverlayPlan:
    frame, decoded = decoded_frame
    return overlay_plan(film.instance, (frame, decoded.samples), options.presentation.overlays, look)


def _hash(stored: Array) -> str:
    """XXH3 (128 bits) of stored values with their type and shape: the same for the same stored pixels."""
    digest = xxhash.xxh3_128(f"{stored.dtype.str}{stored.shape}".encode())
    digest.update(np.ascontiguousarray(stored).data)
    return digest.hexdigest()
