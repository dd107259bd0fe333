# SPDX-License-Identifier: MIT
"""Run the plan of a frame on its samples: the image before overlays and geometry, and its histogram."""

from __future__ import annotations

from typing import Any, Protocol

import numpy.typing as npt

from plainfilm.decode.decoded import DecodedFrame
from plainfilm.kernels.levels import Levels
from plainfilm.pickling import dataclass
from plainfilm.rendering.color.palette import apply_supplemental_palette
from plainfilm.rendering.color.plan import ColorPlan
from plainfilm.rendering.grayscale.histogram import EMPTY_HISTOGRAM, Histogram, histogram_of
from plainfilm.rendering.grayscale.plan import (
    GrayscalePlan,
    masked_pixels,
    planned_levels,
    render_levels,
    rendered_histogram,
    shutter_level,
)
from plainfilm.rendering.grayscale.stored import stored_frame
from plainfilm.rendering.grayscale.survey import SurveyedFrame
from plainfilm.rendering.masks import FrameMasks
from plainfilm.rendering.plan import Plan
from plainfilm.rendering.statistics import color_histogram

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class RenderedPixels:
    """The output levels of a frame before overlays and geometry.

    stored: the stored values or samples that were rendered. levels: (rows, columns) or (rows, columns, 3), uint8 or
    uint16. histogram: the levels of the pixels that are neither unavailable nor masked. profile: the ICC Profile to
    embed into the image; None where there is none.
    """

    stored: Array
    levels: Levels
    histogram: Histogram
    profile: bytes | None = None


class PlannedPixels(Protocol):
    """The plan of the pixels of a frame, with the measurements of the frame on which the plan is based."""

    @property
    def plan(self) -> Plan:
        """The plan."""

    @property
    def padding_fraction(self) -> float:
        """The share of the pixels that is padding, missing, or not a number."""

    def render(self, decoded: DecodedFrame, masks: FrameMasks) -> RenderedPixels:
        """Run the plan on the frame for which it was made."""


@dataclass(frozen=True, slots=True)
class PlannedGrayscale:
    """The plan of a grayscale frame, with the histograms of its stored values.

    entries: the output level of each stored value that occurs; None where the plan is applied to each pixel.
    """

    plan: GrayscalePlan
    surveyed_frame: SurveyedFrame
    entries: Array | None = None

    @property
    def padding_fraction(self) -> float:
        """The share of the pixels that is padding, missing, or not a number."""
        return self.surveyed_frame.padding_fraction

    def render(self, decoded: DecodedFrame, masks: FrameMasks) -> RenderedPixels:
        """The output levels; RGB where a supplemental palette applies."""
        plan, surveyed_frame = self.plan, self.surveyed_frame
        stored = stored_frame(plan.rules, decoded.samples, surveyed_frame.cells)
        if plan.supplement is None and plan.enhancement is None:
            counted = surveyed_frame.valid if plan.has_masks else surveyed_frame.available.finite()
            levels = planned_levels(plan, stored, masks, self.entries)
            return RenderedPixels(stored, levels, rendered_histogram(plan, counted, self.entries))
        image = render_levels(plan, stored, masks, self.entries)
        excluded = masked_pixels(plan, stored, masks)
        if plan.supplement is None:
            return RenderedPixels(stored, image, histogram_of(image[~excluded]))
        image = apply_supplemental_palette(image, stored, plan.supplement, excluded)
        histogram = EMPTY_HISTOGRAM if excluded.all() else color_histogram(image[~excluded][None])
        return RenderedPixels(stored, image, histogram)


@dataclass(frozen=True, slots=True)
class PlannedColor:
    """The plan of a colour frame, with its samples as RGB."""

    plan: ColorPlan
    samples: Array

    @property
    def padding_fraction(self) -> float:
        """Always 0: padding does not apply to colour."""
        return 0.0

    def render(self, decoded: DecodedFrame, masks: FrameMasks) -> RenderedPixels:
        """The output levels, RGB. Unavailable pixels are black."""
        plan, image = self.plan, self.plan.apply(self.samples)
        outside = None if plan.shutter is None else masks.outside_shutter
        excluded = FrameMasks(masks.unavailable, outside).union
        if excluded is None:
            return RenderedPixels(decoded.samples, image, color_histogram(image), plan.embedded_profile)
        image = image.copy()
        image[excluded] = 0
        if plan.shutter is not None and outside is not None:
            image[outside] = shutter_level(plan.shutter, plan.ymax)
        histogram = color_histogram(image[None, ~excluded])
        return RenderedPixels(decoded.samples, image, histogram, plan.embedded_profile)
