# SPDX-License-Identifier: MIT
"""A decoded frame with its plan -> its picture before geometry, and the levels that its statistics are of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.decode.decoded import DecodedFrame
from plainfilm.dicom.instance import Palette, Shutter
from plainfilm.findings import Finding
from plainfilm.rendering.color.palette import apply_supplemental_palette
from plainfilm.rendering.color.plan import ColorPlan
from plainfilm.rendering.geometry.geometry import Geometry
from plainfilm.rendering.grayscale.histogram import EMPTY_HISTOGRAM, Histogram
from plainfilm.rendering.grayscale.padding import outside_shutter
from plainfilm.rendering.grayscale.plan import Plan, hidden, levels_shown, render_frame, rendered_levels, shutter_level
from plainfilm.rendering.grayscale.stored import stored_frame
from plainfilm.rendering.grayscale.survey import SurveyedFrame
from plainfilm.rendering.overlays import OverlayPlan
from plainfilm.rendering.redaction import NO_REDACTION_MASK, RedactionMask
from plainfilm.rendering.statistics import color_histogram

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class PlannedFrame:
    """A decoded frame with all that will be done to it; `surveyed`: the histograms of a grey one.

    What `blackout` hides has no part in the plan, and is painted before geometry, over overlays too.
    shutter: of a colour frame; a grey one's is in its plan.
    """

    frame: int
    decoded: DecodedFrame
    plan: Plan | ColorPlan
    geometry: Geometry
    surveyed: SurveyedFrame | None = None
    blackout: RedactionMask = NO_REDACTION_MASK
    supplement: Palette | None = None
    shutter: Shutter | None = None
    overlays: OverlayPlan = OverlayPlan()

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
        """What was odd: of the plan, the codestream, the geometry and the overlays; and what was blacked out."""
        return (
            *self.plan.findings,
            *self.decoded.findings,
            *self.geometry.findings,
            *self.overlays.findings,
            *self.blackout.findings,
        )


def painted(planned: PlannedFrame) -> tuple[Array, Array, Histogram]:
    """Stored values, the picture before geometry, and the histogram of its levels that count: without overlays."""
    stored, image, levels = _without_overlays(planned)
    blackout = planned.blackout
    return stored, blackout.paint(planned.overlays.burned(image, planned.plan.ymax, blackout)), levels


def _without_overlays(planned: PlannedFrame) -> tuple[Array, Array, Histogram]:
    plan, samples, surveyed = planned.plan, planned.decoded.samples, planned.surveyed
    if isinstance(plan, ColorPlan) or surveyed is None:
        assert isinstance(plan, ColorPlan)  # a grey frame is surveyed before it is planned
        return samples, *_paint_color(planned, plan)
    stored = stored_frame(plan.rules, samples, surveyed.cells)
    image, levels = _paint_grey(planned, plan, (stored, surveyed))
    return stored, image, levels


def _paint_color(planned: PlannedFrame, plan: ColorPlan) -> tuple[Array, Histogram]:
    """The picture of a colour plan, (rows, columns, 3), and the levels that statistics are of."""
    image, unseen = plan.apply(), planned.unseen
    outside = None if planned.shutter is None else outside_shutter(planned.shutter, *image.shape[:2])
    if unseen is None and outside is None:
        return image, color_histogram(image)
    image = image.copy()
    mask = np.zeros(image.shape[:2], np.bool_) if unseen is None else unseen
    image[mask] = 0
    if outside is not None and planned.shutter is not None:
        image[outside] = shutter_level(planned.shutter, plan.ymax)
        mask = mask | outside
    return image, color_histogram(image[None, ~mask])


def _paint_grey(planned: PlannedFrame, plan: Plan, known: tuple[Array, SurveyedFrame]) -> tuple[Array, Histogram]:
    """The picture of a grey plan, RGB where there is a supplemental palette, and the levels that statistics are of."""
    (stored, surveyed), unseen = known, planned.unseen
    image = render_frame(plan, stored, surveyed.every, unseen)
    if planned.supplement is None and plan.enhancement is None:
        return image, rendered_levels(plan, surveyed.valid if plan.masks else surveyed.every.finite())
    mask = hidden(plan, stored, unseen)
    if planned.supplement is None:
        return image, levels_shown(image, mask)
    colored = apply_supplemental_palette(image, stored, planned.supplement, mask)
    return colored, EMPTY_HISTOGRAM if mask.all() else color_histogram(colored[~mask][None])
