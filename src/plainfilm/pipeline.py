# SPDX-License-Identifier: MIT
"""The bytes of one DICOM object -> its rendered frames: the one page to read first.

bytes -> Instance -> Decoded cells -> survey -> Plan -> output levels -> geometry -> Rendered
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.choices import Look, Pixels
from plainfilm.color.plan import ColorPlan, color_plan
from plainfilm.decode import decode_frame
from plainfilm.decode.decoded import Decoded
from plainfilm.dicom.frames import FrameTable, locate_frames
from plainfilm.dicom.instance import Instance, Shutter
from plainfilm.dicom.presentation_state import PresentationState
from plainfilm.dicom.presented import presented
from plainfilm.dicom.read import read_instance
from plainfilm.errors import ConversionError, Reason, TruncatedError
from plainfilm.findings import Finding
from plainfilm.geometry import Geometry, geometry_of, placed
from plainfilm.grayscale.levels import NO_LEVELS, Levels, levels_of
from plainfilm.grayscale.padding import outside_shutter
from plainfilm.grayscale.plan import Plan, render_frame, rendered_levels, shutter_level
from plainfilm.grayscale.planning import Planner, planner
from plainfilm.grayscale.stored import Cells, stored_values
from plainfilm.grayscale.survey import FrameCells, survey, survey_frame, surveyed_frames
from plainfilm.options import Options
from plainfilm.overlays import OverlayMask, OverlayPlan, overlay_plan
from plainfilm.quality import Statistics, color_levels, statistics

Array = npt.NDArray[Any]
Started = Callable[[int | None], None]

MOST_MISSING_FRAMES = 1_000


@dataclass(frozen=True, slots=True)
class Film:
    """An opened instance: what its header says, and where its frames lie."""

    instance: Instance
    frames: FrameTable

    def decode(self, frame: int) -> Decoded:
        """The cells of a frame, counted from 0. Raises DecodeError, TruncatedError and UnsupportedError."""
        return decode_frame(self.instance.pixel, self.instance.data, self.frames, frame)


@dataclass(frozen=True, slots=True)
class PlannedFrame:
    """A decoded frame with all that will be done to it.

    counted: the grey levels that its statistics are of. shutter: of a colour frame; a grey one's is in its plan.
    """

    frame: int
    decoded: Decoded
    plan: Plan | ColorPlan
    geometry: Geometry
    counted: Levels = NO_LEVELS
    padding_fraction: float = 0.0
    shutter: Shutter | None = None
    overlays: OverlayPlan = OverlayPlan()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was odd: of the plan, the codestream, the geometry and the overlays."""
        return (*self.plan.findings, *self.decoded.findings, *self.geometry.findings, *self.overlays.findings)


@dataclass(frozen=True, slots=True)
class Rendered:
    """One frame (from 0) as it comes out, with the plan that was run and what is told of it in the tables.

    masks: its overlay planes, where they are asked for as images.
    """

    frame: int
    image: Array
    plan: Plan | ColorPlan
    geometry: Geometry
    statistics: Statistics
    padding_fraction: float
    decoder: str
    findings: tuple[Finding, ...]
    stored_sha256: str
    masks: tuple[OverlayMask, ...] = ()


@dataclass(frozen=True, slots=True)
class FailedFrame:
    """A frame (from 0) that gave no picture; None where the instance as a whole gave none."""

    frame: int | None
    error: ConversionError


def open_film(content: bytes, options: Options) -> Film:
    """Read and check an instance without decoding it. Raises ConversionError as `read_instance` does."""
    return film_of(read_instance(content, options.limits.max_pixels))


def with_presentation(film: Film, state: PresentationState | None) -> Film:
    """The film as a presentation state presents it; as it is where there is none."""
    return film if state is None else replace(film, instance=presented(film.instance, state))


def film_of(instance: Instance) -> Film:
    """Find the frames of an instance. Raises TruncatedError where its Pixel Data cannot hold them.

    Of encapsulated frames some may be missing: each then fails alone, unless the claim is beyond all reason.
    """
    frames = locate_frames(instance.pixel, instance.data)
    if frames.declared - frames.present > MOST_MISSING_FRAMES:
        message = f"Number of Frames is {frames.declared} and Pixel Data holds {frames.present}"
        raise TruncatedError(message, reason=Reason.TRUNCATED_PIXEL_DATA)
    return Film(instance, frames)


def render_frames(film: Film, options: Options, wanted: range, started: Started) -> Iterator[Rendered | FailedFrame]:
    """The wanted frames one at a time; `started` is told of each before work on it begins (None: before any).

    What is wrong with one frame fails that frame. What is wrong with the instance is raised as ConversionError.
    """
    plan_frame = frame_planner(film, options, started)
    for frame in wanted:
        started(frame)
        try:
            yield render(plan_frame(frame))
        except ConversionError as error:
            yield FailedFrame(frame if film.instance.pixel.number_of_frames > 1 else None, error)


def frame_planner(
    film: Film, options: Options, started: Started = lambda _frame: None
) -> Callable[[int], PlannedFrame]:
    """A function that decodes a frame and plans it. Grey frames are judged first, all of an instance together.

    `started` is told None before each frame that is looked at for that.

    Raises ConversionError where the instance has no frame that can be decoded.
    """
    if film.instance.pixel.is_color:
        return lambda frame: _plan_color(film, options, frame, film.decode(frame))
    single = film.decode(0) if film.instance.pixel.number_of_frames == 1 else None
    looked_at = _look_at_frames(film, started) if single is None else (_frame_cells(film, 0, single),)
    plans = planner(film.instance, survey(film.instance, looked_at), options.render)
    return lambda frame: _plan_grey(film, options, plans, (frame, single or film.decode(frame)))


def render(planned: PlannedFrame) -> Rendered:
    """Run a plan: the grey levels or colours of a frame, then its geometry."""
    plan, decoded = planned.plan, planned.decoded
    if isinstance(plan, ColorPlan):
        stored = decoded.samples
        image, levels = _render_color(planned, plan)
    else:
        stored = stored_values(plan.rules, decoded.samples)
        image = render_frame(plan, stored)
        levels = rendered_levels(plan, planned.counted)
    return Rendered(
        frame=planned.frame,
        image=planned.geometry.apply(planned.overlays.burned(image, plan.ymax)),
        plan=plan,
        geometry=planned.geometry,
        statistics=statistics(levels, plan.ymax),
        padding_fraction=planned.padding_fraction,
        decoder=decoded.decoder,
        findings=planned.findings,
        stored_sha256=_digest(stored),
        masks=planned.overlays.masks(planned.geometry),
    )


def _render_color(planned: PlannedFrame, plan: ColorPlan) -> tuple[Array, Levels]:
    """The colours of a frame, what the shutter hides painted over; and the levels of the rest."""
    image = plan.apply()
    if planned.shutter is None:
        return image, color_levels(image)
    outside = outside_shutter(planned.shutter, *image.shape[:2])
    levels = color_levels(image[~outside][None])
    image = image.copy()
    image[outside] = shutter_level(planned.shutter, plan.ymax)
    return image, levels


def _plan_color(film: Film, options: Options, frame: int, decoded: Decoded) -> PlannedFrame:
    plan = color_plan(film.instance, decoded, options.render)
    shutter = None if plan.look is Look.STORED else film.instance.shutter_of(frame)
    geometry = _geometry(film, options, plan.look, frame)
    overlays = overlay_plan(film.instance, (frame, decoded.samples), options.showing.overlays, plan.look)
    return PlannedFrame(frame, decoded, plan, geometry, shutter=shutter, overlays=overlays)


def _plan_grey(film: Film, options: Options, plans: Planner, decoded_frame: tuple[int, Decoded]) -> PlannedFrame:
    frame, decoded = decoded_frame
    known = next((one for one in plans.survey.frames if one.frame == frame), None)
    surveyed = known or survey_frame(film.instance, plans.survey.rules, _frame_cells(film, frame, decoded))
    plan = plans.plan(surveyed)
    counted = surveyed.valid if plan.masks else surveyed.every.finite()
    geometry = _geometry(film, options, plan.look, frame)
    overlays = overlay_plan(film.instance, (frame, decoded.samples), options.showing.overlays, plan.look)
    return PlannedFrame(frame, decoded, plan, geometry, counted, surveyed.padding_fraction, overlays=overlays)


def _look_at_frames(film: Film, started: Started) -> tuple[FrameCells, ...]:
    """The frames by which the instance is judged; those that cannot be decoded are left out, unless none can."""
    found, errors = [], []
    for frame in surveyed_frames(film.instance.pixel.number_of_frames):
        started(None)
        try:
            found.append(_frame_cells(film, frame, film.decode(frame)))
        except ConversionError as error:
            errors.append(error)
    if not found:
        raise errors[0]
    return tuple(found)


def _frame_cells(film: Film, frame: int, decoded: Decoded) -> FrameCells:
    samples, shutter = decoded.samples, film.instance.shutter_of(frame)
    every = levels_of(samples)
    inside = every if shutter is None else levels_of(samples[~outside_shutter(shutter, *samples.shape)])
    return FrameCells(frame, Cells(every, decoded.precision, decoded.signed), inside)


def _geometry(film: Film, options: Options, look: Look, frame: int) -> Geometry:
    pixels = Pixels.STORED if look is Look.STORED else options.geometry.pixels
    geometry = geometry_of(film.instance, frame, pixels, options.limits.max_pixels)
    if look is Look.STORED:
        return geometry
    return placed(geometry, film.instance, frame, options.showing.orient)


def _digest(stored: Array) -> str:
    """SHA-256 of stored values with their type and shape."""
    digest = hashlib.sha256(f"{stored.dtype.str}{stored.shape}".encode())
    digest.update(np.ascontiguousarray(stored).data)
    return digest.hexdigest()
