# SPDX-License-Identifier: MIT
"""The bytes of one DICOM object -> its rendered frames: the one page to read first.

bytes -> Instance -> Decoded cells -> survey -> Plan -> output levels -> geometry -> Rendered
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import xxhash

from plainfilm.border import asks_for_border, search_frame, with_border
from plainfilm.choices import Look, Pixels
from plainfilm.color.plan import ColorPlan, color_plan
from plainfilm.color.supplement import supplement_step
from plainfilm.decode.decoded import Decoded
from plainfilm.errors import ConversionError, DecodeError
from plainfilm.film import Film
from plainfilm.findings import Finding
from plainfilm.geometry import Geometry, geometry_of
from plainfilm.grayscale.levels import levels_of
from plainfilm.grayscale.padding import outside_shutter
from plainfilm.grayscale.plan import Plan
from plainfilm.grayscale.planning import Planner, planner
from plainfilm.grayscale.stored import Cells
from plainfilm.grayscale.survey import FrameCells, survey, survey_frame, surveyed_frames
from plainfilm.margin import Found
from plainfilm.options import Options
from plainfilm.overlays import OverlayMask, OverlayPlan, overlay_plan
from plainfilm.painting import PlannedFrame, painted
from plainfilm.picture_options import GeometryOptions
from plainfilm.quality import Statistics, statistics
from plainfilm.record import Status
from plainfilm.watch import NOBODY, OmittedFrame, Watch

Array = npt.NDArray[Any]
P = TypeVar("P", Plan, ColorPlan)
# the cells of a frame, if it is grey, and what of it is no margin, where that is asked for
_LookedAt = tuple[FrameCells | None, Found | None]


@dataclass(frozen=True, slots=True)
class Rendered:
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
    film: Film, options: Options, wanted: range, watch: Watch
) -> Iterator[Rendered | FailedFrame | OmittedFrame]:
    """The wanted frames one at a time; `watch` is told of each before work on it begins.

    What is wrong with one frame fails that frame. What is wrong with the instance is raised as ConversionError.
    """
    if watch.left_out.issuperset(wanted):
        yield from map(OmittedFrame, wanted)
        return
    plan_frame = frame_planner(film, options, watch)
    for frame in wanted:
        if frame in watch.left_out:
            yield OmittedFrame(frame)
            continue
        watch.started(frame)
        try:
            yield render(plan_frame(frame))
        except ConversionError as error:
            yield FailedFrame(frame if film.instance.pixel.number_of_frames > 1 else None, error)


def frame_planner(film: Film, options: Options, watch: Watch = NOBODY) -> Callable[[int], PlannedFrame]:
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


def render(planned: PlannedFrame) -> Rendered:
    """Run a plan: the grey levels or colours of a frame, then its geometry."""
    plan = planned.plan
    stored, image, levels = painted(planned)
    return Rendered(
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


def _plan_color(film: Film, options: Options, frame: int, decoded: Decoded) -> PlannedFrame:
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


def _plan_grey(film: Film, options: Options, plans: Planner, decoded_frame: tuple[int, Decoded]) -> PlannedFrame:
    frame, decoded = decoded_frame
    known = next((one for one in plans.survey.frames if one.frame == frame), None)
    surveyed = known or survey_frame(film.instance, plans.survey.rules, _frame_cells(film, frame, decoded))
    plan = _marked(plans.plan(surveyed), decoded)
    supplement = film.instance.supplement if plan.masks else None
    if supplement is not None:
        plan = replace(plan, steps=(*plan.steps, supplement_step(supplement, plan.rules.signed)))
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


def _marked(plan: P, decoded: Decoded) -> P:
    """The plan; that of a frame which is cut short says that it is repaired."""
    return plan if decoded.missing is None else replace(plan, status=Status.REPAIRED)


def _look_at(film: Film, options: Options, frame: int, decoded: Decoded) -> _LookedAt:
    cells = None if film.instance.pixel.is_color else _frame_cells(film, frame, decoded)
    if not asks_for_border(options):
        return cells, None
    unseen = film.blackout(frame).unseen((decoded.samples.shape[0], decoded.samples.shape[1]), decoded.missing)
    return cells, search_frame(film.instance, (frame, decoded), None if cells is None else cells.cells, unseen)


def _look_at_frames(film: Film, watch: Watch, look: Callable[[int, Decoded], _LookedAt]) -> tuple[_LookedAt, ...]:
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


def _frame_cells(film: Film, frame: int, decoded: Decoded) -> FrameCells:
    samples, missing, shutter = decoded.samples, decoded.missing, film.instance.shutter_of(frame)
    unseen = film.blackout(frame).unseen((samples.shape[0], samples.shape[1]), missing)
    every = inside = levels_of(samples if unseen is None else samples[~unseen])
    filled = 0 if missing is None else int(missing.sum())
    if shutter is not None:
        outside = outside_shutter(shutter, *samples.shape)
        inside = levels_of(samples[~(outside if unseen is None else outside | unseen)])
    return FrameCells(frame, Cells(every, decoded.precision, decoded.signed), inside, filled)


def _geometry(film: Film, options: Options, look: Look, frame: int) -> Geometry:
    if look is Look.STORED:
        return geometry_of(film.instance, frame, GeometryOptions(pixels=Pixels.STORED), options.limits.max_pixels)
    return geometry_of(film.instance, frame, options.geometry, options.limits.max_pixels, options.showing.orient)


def _overlays(film: Film, options: Options, look: Look, decoded_frame: tuple[int, Decoded]) -> OverlayPlan:
    frame, decoded = decoded_frame
    return overlay_plan(film.instance, (frame, decoded.samples), options.showing.overlays, look)


def _hash(stored: Array) -> str:
    """XXH3 (128 bits) of stored values with their type and shape: the same for the same stored pixels."""
    digest = xxhash.xxh3_128(f"{stored.dtype.str}{stored.shape}".encode())
    digest.update(np.ascontiguousarray(stored).data)
    return digest.hexdigest()
