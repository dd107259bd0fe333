# SPDX-License-Identifier: MIT
"""The bytes of one DICOM object -> its rendered frames: the one page to read first.

bytes -> Instance -> Decoded cells -> survey -> Plan -> output levels -> geometry -> Rendered
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import xxhash

from plainfilm.blackout import Blackout, blackout_of
from plainfilm.choices import Look, Pixels
from plainfilm.color.plan import ColorPlan, color_plan
from plainfilm.color.supplement import supplement_step, with_supplement
from plainfilm.decode import decode_frame
from plainfilm.decode.decoded import Decoded
from plainfilm.dicom.content import Content
from plainfilm.dicom.frames import FrameTable, locate_frames
from plainfilm.dicom.instance import Instance, Palette
from plainfilm.dicom.read import read_instance
from plainfilm.errors import ConversionError, DecodeError, Reason, TruncatedError
from plainfilm.findings import Finding
from plainfilm.geometry import Geometry, geometry_of
from plainfilm.grayscale.levels import NO_LEVELS, Levels, levels_of
from plainfilm.grayscale.padding import outside_shutter
from plainfilm.grayscale.plan import Plan, hidden, levels_shown, render_frame, rendered_levels
from plainfilm.grayscale.planning import Planner, planner
from plainfilm.grayscale.stored import Cells, stored_frame
from plainfilm.grayscale.survey import FrameCells, SurveyedFrame, survey, survey_frame, surveyed_frames
from plainfilm.options import Options
from plainfilm.picture_options import GeometryOptions
from plainfilm.quality import Statistics, color_levels, statistics
from plainfilm.record import Status
from plainfilm.redaction import NO_BOXES, Boxes
from plainfilm.watch import NOBODY, OmittedFrame, Watch

Array = npt.NDArray[Any]
P = TypeVar("P", Plan, ColorPlan)

MOST_MISSING_FRAMES = 1_000


@dataclass(frozen=True, slots=True)
class Film:
    """An opened instance: what its header says, where its frames lie, and the boxes that nobody shall see.

    verify: whether its frames are decoded twice.
    """

    instance: Instance
    frames: FrameTable
    boxes: Boxes = NO_BOXES
    verify: bool = False

    def decode(self, frame: int) -> Decoded:
        """The cells of a frame, counted from 0. Raises DecodeError, TruncatedError and UnsupportedError."""
        return decode_frame(self.instance.pixel, self.instance.data, self.frames, frame, self.verify)

    def blackout(self, frame: int) -> Blackout:
        """What of a frame, counted from 0, is hidden."""
        pixel = self.instance.pixel
        beyond = self.boxes.beyond(pixel.number_of_frames)
        return blackout_of(self.boxes.of(frame), (pixel.rows, pixel.columns), beyond)


@dataclass(frozen=True, slots=True)
class PlannedFrame:
    """A decoded frame with all that will be done to it; `surveyed`: the histograms of a grey one.

    What `blackout` hides has no part in the plan, and is painted before anything else is done with the picture.
    """

    frame: int
    decoded: Decoded
    plan: Plan | ColorPlan
    geometry: Geometry
    surveyed: SurveyedFrame | None = None
    blackout: Blackout = Blackout()
    supplement: Palette | None = None

    @property
    def padding_fraction(self) -> float:
        """The share of the pixels that is padding."""
        return 0.0 if self.surveyed is None else self.surveyed.padding_fraction

    @property
    def unseen(self) -> npt.NDArray[np.bool_] | None:
        """Which pixels (rows, columns) are blacked out or missing; None where none is."""
        samples = self.decoded.samples
        return self.blackout.unseen((samples.shape[0], samples.shape[1]), self.decoded.missing)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was odd: of the plan, the codestream and the geometry; and what was blacked out."""
        return (
            *self.plan.findings,
            *self.decoded.findings,
            *self.geometry.findings,
            *self.blackout.findings,
        )


@dataclass(frozen=True, slots=True)
class Rendered:
    """One frame (from 0) as it comes out, with the plan that was run and what is told of it in the tables."""

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


@dataclass(frozen=True, slots=True)
class FailedFrame:
    """A frame (from 0) that gave no picture; None where the instance as a whole gave none."""

    frame: int | None
    error: ConversionError


def open_film(content: Content, options: Options, boxes: Boxes = NO_BOXES) -> Film:
    """Read and check an instance without decoding it; its frames are read from the content when they are decoded.

    boxes: its own, beside those that the options have for all. Raises ConversionError as `read_instance` does.
    """
    return film_of(read_instance(content, options.limits.max_pixels, options.privacy.columns), options, boxes)


def film_of(instance: Instance, options: Options, boxes: Boxes = NO_BOXES) -> Film:
    """Find the frames of an instance. Raises TruncatedError where its Pixel Data cannot hold them.

    Of encapsulated frames some may be missing: each then fails alone, unless the claim is beyond all reason.
    """
    frames = locate_frames(instance.pixel, instance.data, options.decoding.allow_truncated)
    if frames.declared - frames.present > MOST_MISSING_FRAMES:
        message = f"Number of Frames is {frames.declared} and Pixel Data holds {frames.present}"
        raise TruncatedError(message, reason=Reason.TRUNCATED_PIXEL_DATA)
    return Film(instance, frames, options.privacy.redact + boxes, options.decoding.verify)


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

    Raises ConversionError where the instance has no frame that can be decoded.
    """
    if film.instance.pixel.is_color:
        return lambda frame: _plan_color(film, options, frame, film.decode(frame))
    single = film.decode(0) if film.instance.pixel.number_of_frames == 1 else None
    looked_at = _look_at_frames(film, watch) if single is None else (_frame_cells(film, 0, single),)
    plans = planner(film.instance, survey(film.instance, looked_at), options.render)
    return lambda frame: _plan_grey(film, options, plans, (frame, single or film.decode(frame)))


def render(planned: PlannedFrame) -> Rendered:
    """Run a plan: the grey levels or colours of a frame, then its geometry."""
    plan = planned.plan
    stored, image, levels = _painted(planned)
    return Rendered(
        frame=planned.frame,
        image=planned.geometry.apply(image),
        plan=planned.plan,
        geometry=planned.geometry,
        statistics=statistics(levels, planned.plan.ymax),
        padding_fraction=planned.padding_fraction,
        decoder=planned.decoded.decoder,
        findings=planned.findings,
        stored_hash=_hash(stored),
        profile=plan.embedded_profile if isinstance(plan, ColorPlan) else None,
    )


def _painted(planned: PlannedFrame) -> tuple[Array, Array, Levels]:
    """Stored values, the picture before geometry, and the histogram of its levels that count."""
    plan, samples, surveyed = planned.plan, planned.decoded.samples, planned.surveyed
    if isinstance(plan, ColorPlan) or surveyed is None:
        assert isinstance(plan, ColorPlan)  # a grey frame is surveyed before it is planned
        return samples, *_paint_color(planned, plan)
    stored = stored_frame(plan.rules, samples, surveyed.cells)
    image, levels = _paint_grey(planned, plan, (stored, surveyed))
    return stored, planned.blackout.paint(image), levels


def _paint_color(planned: PlannedFrame, plan: ColorPlan) -> tuple[Array, Levels]:
    """The picture of a colour plan, (rows, columns, 3), and the levels that statistics are of."""
    image, unseen = plan.apply(), planned.unseen
    if unseen is None:
        return image, color_levels(image)
    return np.where(unseen[:, :, None], 0, image).astype(image.dtype), color_levels(image[None, ~unseen])


def _paint_grey(planned: PlannedFrame, plan: Plan, known: tuple[Array, SurveyedFrame]) -> tuple[Array, Levels]:
    """The picture of a grey plan, RGB where there is a supplemental palette, and the levels that statistics are of."""
    (stored, surveyed), unseen = known, planned.unseen
    image = render_frame(plan, stored, surveyed.every, unseen)
    if planned.supplement is None and plan.enhancement is None:
        return image, rendered_levels(plan, surveyed.valid if plan.masks else surveyed.every.finite())
    mask = hidden(plan, stored, unseen)
    if planned.supplement is None:
        return image, levels_shown(image, mask)
    colored = with_supplement(image, stored, planned.supplement, mask)
    return colored, NO_LEVELS if mask.all() else color_levels(colored[~mask][None])


def _plan_color(film: Film, options: Options, frame: int, decoded: Decoded) -> PlannedFrame:
    blackout = film.blackout(frame)
    seen = replace(decoded, samples=blackout.paint(decoded.samples))
    plan = _marked(color_plan(film.instance, seen, options.render), decoded)
    return PlannedFrame(frame, decoded, plan, _geometry(film, options, plan.look, frame), blackout=blackout)


def _plan_grey(film: Film, options: Options, plans: Planner, decoded_frame: tuple[int, Decoded]) -> PlannedFrame:
    frame, decoded = decoded_frame
    known = next((one for one in plans.survey.frames if one.frame == frame), None)
    surveyed = known or survey_frame(film.instance, plans.survey.rules, _frame_cells(film, frame, decoded))
    plan = _marked(plans.plan(surveyed), decoded)
    supplement = film.instance.supplement if plan.masks else None
    if supplement is not None:
        plan = replace(plan, steps=(*plan.steps, supplement_step(supplement, plan.rules.signed)))
    geometry = _geometry(film, options, plan.look, frame)
    return PlannedFrame(frame, decoded, plan, geometry, surveyed, film.blackout(frame), supplement)


def _marked(plan: P, decoded: Decoded) -> P:
    """The plan; that of a frame which is cut short says that it is repaired."""
    return plan if decoded.missing is None else replace(plan, status=Status.REPAIRED)


def _look_at_frames(film: Film, watch: Watch) -> tuple[FrameCells, ...]:
    """The frames by which the instance is judged; those that cannot be decoded are left out, unless none can."""
    found, errors = list[FrameCells](), list[ConversionError]()
    for frame in surveyed_frames(film.instance.pixel.number_of_frames):
        if frame in watch.left_out:
            continue
        watch.looking(frame)
        try:
            found.append(_frame_cells(film, frame, film.decode(frame)))
        except ConversionError as error:
            errors.append(error)
    if not found:
        raise errors[0] if errors else DecodeError("no frame by which the instance could be judged can be decoded")
    return tuple(found)


def _frame_cells(film: Film, frame: int, decoded: Decoded) -> FrameCells:
    samples, shutter, blackout, missing = decoded.samples, film.instance.shutter, film.blackout(frame), decoded.missing
    unseen = blackout.unseen((samples.shape[0], samples.shape[1]), missing)
    every = inside = levels_of(samples if unseen is None else samples[~unseen])
    filled = 0 if missing is None else int(missing.sum())
    if shutter is not None:
        outside = outside_shutter(shutter, *samples.shape)
        inside = levels_of(samples[~(outside if unseen is None else outside | unseen)])
    return FrameCells(frame, Cells(every, decoded.precision, decoded.signed), inside, filled)


def _geometry(film: Film, options: Options, look: Look, frame: int) -> Geometry:
    wanted = GeometryOptions(pixels=Pixels.STORED) if look is Look.STORED else options.geometry
    return geometry_of(film.instance, frame, wanted, options.limits.max_pixels)


def _hash(stored: Array) -> str:
    """XXH3 (128 bits) of stored values with their type and shape: the same for the same stored pixels."""
    digest = xxhash.xxh3_128(f"{stored.dtype.str}{stored.shape}".encode())
    digest.update(np.ascontiguousarray(stored).data)
    return digest.hexdigest()
