# SPDX-License-Identifier: MIT
"""Render a frame of a DICOM instance, in these steps. Read this module first.

    open      bytes -> OpenedInstance                     opened_instance.py, dicom/
    survey    OpenedInstance -> InstanceSurvey            instance_survey.py: decodes the frames and measures them
    set up    header, options -> FrameSetup               setup.py: what the header and the options decide
    decode    FrameSetup -> LoadedFrame                   opened_instance.py, decode/
    plan      LoadedFrame, InstanceSurvey -> PlannedFrame below; grayscale/planner.py, color/plan.py
    render    PlannedFrame -> output levels               below; pixels.py, grayscale/plan.py
    geometry  output levels -> RenderedFrame              below; geometry/
    encode    RenderedFrame -> file                       conversion/task.py

A ConversionError that `plan_frame` or `render_frame` raises is the failure of one frame; one that is raised before is
the failure of the whole instance.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from plainfilm.kernels.levels import levels_array
from plainfilm.records import ONE_LEVEL
from plainfilm.rendering.color.plan import color_plan, rgb_frame
from plainfilm.rendering.frame import LoadedFrame, PlannedFrame, RenderedFrame
from plainfilm.rendering.grayscale.plan import has_table, table
from plainfilm.rendering.grayscale.planner import GrayscalePlanner
from plainfilm.rendering.grayscale.polarity_evidence import polarity_findings
from plainfilm.rendering.grayscale.survey import frame_histograms, survey_frame
from plainfilm.rendering.instance_survey import InstanceSurvey
from plainfilm.rendering.opened_instance import OpenedInstance
from plainfilm.rendering.overlays import overlay_plan
from plainfilm.rendering.pixels import PlannedColor, PlannedGrayscale, PlannedPixels, RenderedPixels
from plainfilm.rendering.repairs import with_repairs
from plainfilm.rendering.setup import final_geometry
from plainfilm.rendering.statistics import statistics

Array = npt.NDArray[Any]


def plan_frame(survey: InstanceSurvey, frame: int) -> PlannedFrame:
    """Decode a frame, counted from 0, unless the survey has kept it, and plan everything that is done to it.

    Raises ConversionError where the frame cannot be decoded, or where no plan is possible.
    """
    opened, planner = survey.opened, survey.planner
    loaded = survey.cache.take(frame) or opened.load(frame)
    pixels = _plan_color(opened, loaded) if planner is None else _plan_grayscale(planner, loaded)
    return PlannedFrame(
        loaded,
        pixels,
        pixels.plan.columns,
        geometry=final_geometry(loaded.setup, opened.options, survey.border),
        overlays=overlay_plan(loaded.setup.overlays, loaded.decoded.samples),
    )


def render_frame(planned: PlannedFrame) -> RenderedFrame:
    """Run a plan: output levels, overlays, redaction, geometry."""
    rendered = planned.pixels.render(planned.loaded.decoded, planned.loaded.masks)
    stored_hash = "" if planned.loaded.decoded.is_reduced else hash_of(rendered.stored)
    return finish_frame(planned, rendered, stored_hash)


def render_image(planned: PlannedFrame) -> Array:
    """Run a plan for the image alone: the output levels of `render_frame`, without the hash of the stored values."""
    rendered = planned.pixels.render(planned.loaded.decoded, planned.loaded.masks)
    return finish_frame(planned, rendered, "").image


def finish_frame(planned: PlannedFrame, rendered: RenderedPixels, stored_hash: str) -> RenderedFrame:
    """Complete output levels to an image: overlays, redaction, geometry."""
    loaded, plan, geometry, overlays = planned.loaded, planned.plan, planned.geometry, planned.overlays
    redaction = loaded.setup.redaction
    levels = rendered.levels
    if overlays.is_drawn or redaction:
        levels = redaction.black_out(overlays.draw_into(levels_array(levels), plan.ymax, redaction))
    return RenderedFrame(
        frame=planned.frame,
        levels=geometry.apply(levels),
        plan=plan,
        plan_columns=planned.plan_columns,
        geometry=geometry,
        statistics=statistics(rendered.histogram, plan.ymax),
        padding_fraction=planned.pixels.padding_fraction,
        decoder=loaded.decoded.decoder,
        findings=planned.findings,
        stored_hash=stored_hash,
        profile=rendered.profile,
        overlay_masks=overlays.masks(geometry, redaction),
    )


def _plan_grayscale(planner: GrayscalePlanner, loaded: LoadedFrame) -> PlannedPixels:
    number, decoded, survey = loaded.setup.frame, loaded.decoded, planner.survey
    surveyed_frame = survey.frame(number)
    if surveyed_frame is None:
        surveyed_frame = survey_frame(planner.instance, survey.rules, frame_histograms(number, decoded, loaded.masks))
    plan, values = planner.plan(surveyed_frame), surveyed_frame.available.values
    entries = table(plan, values.dtype, values) if has_table(values.dtype) else None
    pixels = PlannedGrayscale(plan, surveyed_frame, entries)
    doubts = polarity_findings(planner.instance, pixels, decoded.samples, loaded.masks)
    plan = replace(plan, findings=(*plan.findings, *doubts)) if doubts else plan
    plan = with_repairs(plan, planner.instance, loaded, planner.options)
    return pixels if plan is pixels.plan else PlannedGrayscale(plan, surveyed_frame, entries)


def _plan_color(opened: OpenedInstance, loaded: LoadedFrame) -> PlannedPixels:
    setup, instance = loaded.setup, opened.instance
    decoded = replace(loaded.decoded, samples=setup.redaction.black_out(loaded.decoded.samples))
    rgb = rgb_frame(instance, decoded, decoded.samples)
    plan = color_plan(instance, decoded.photometric_interpretation, rgb, opened.options.render, setup.shutter)
    plan = with_repairs(plan, instance, loaded, opened.options.render)
    return PlannedColor(plan, rgb.image.samples)


def hash_of(stored: Array) -> str:
    """XXH3 (128 bits) of stored values with their type and shape: equal for equal stored pixels.

    It begins with `ONE_LEVEL` where all values are equal.
    """
    digest = xxhash.xxh3_128(f"{stored.dtype.str}{stored.shape}".encode())
    digest.update(np.ascontiguousarray(stored).data)
    return (ONE_LEVEL if _has_one_level(stored) else "") + digest.hexdigest()


def _has_one_level(stored: Array) -> bool:
    """Whether all stored values of a frame are equal."""
    first = stored.reshape(-1)[:1]
    # nearly every image differs in a few of its pixels
    return bool((stored.reshape(-1)[::997] == first).all() and (stored == first).all())
