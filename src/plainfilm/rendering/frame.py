# SPDX-License-Identifier: MIT
"""Define the stages of one frame: `LoadedFrame` (decoded), `PlannedFrame` and `RenderedFrame`."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from plainfilm.decode.decoded import DecodedFrame
from plainfilm.findings import Finding
from plainfilm.kernels.levels import Levels, levels_array
from plainfilm.options.output import Projection
from plainfilm.pickling import dataclass
from plainfilm.rendering.geometry.geometry import Geometry
from plainfilm.rendering.masks import FrameMasks
from plainfilm.rendering.overlays import OverlayMask, OverlayPlan
from plainfilm.rendering.pixels import PlannedPixels
from plainfilm.rendering.plan import Plan, PlanColumns
from plainfilm.rendering.setup import FrameSetup
from plainfilm.rendering.statistics import Statistics

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class LoadedFrame:
    """A decoded frame, its setup, and its masks."""

    setup: FrameSetup
    decoded: DecodedFrame
    masks: FrameMasks

    @property
    def nbytes(self) -> int:
        """The memory that samples and masks take, in bytes."""
        return self.decoded.samples.nbytes + self.masks.nbytes


@dataclass(frozen=True, slots=True)
class PlannedFrame:
    """A loaded frame with everything that will be done to it.

    plan_columns: the columns of the tables that the plan decides.
    Redacted pixels have no influence on the plan. They are blacked out before geometry, also under overlays.
    """

    loaded: LoadedFrame
    pixels: PlannedPixels
    plan_columns: PlanColumns
    geometry: Geometry
    overlays: OverlayPlan

    @property
    def frame(self) -> int:
        """The number of the frame, from 0."""
        return self.loaded.setup.frame

    @property
    def plan(self) -> Plan:
        """The plan of the pixels."""
        return self.pixels.plan

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings about the plan, the codestream, the geometry, the overlays, and the redaction, in this order."""
        return (
            *self.plan.findings,
            *self.loaded.decoded.findings,
            *self.geometry.findings,
            *self.overlays.findings,
            *self.loaded.setup.redaction.findings,
        )


@dataclass(frozen=True, slots=True)
class RenderedFrame:
    """The image of a frame (from 0), with the plan that was run and the values that the tables give.

    levels: the output levels. plan_columns: the columns of the tables that the plan decides. stored_hash: XXH3 of the
    stored values, by which duplicates are found; '' for a reduced decode. profile: the ICC Profile to embed into the
    image. projection: how the image was made of all frames; None for the image of one frame. overlay_masks: the mask
    images of the overlay planes, with `--overlays mask`.
    """

    frame: int
    levels: Levels
    plan: Plan
    plan_columns: PlanColumns
    geometry: Geometry
    statistics: Statistics
    padding_fraction: float
    decoder: str
    findings: tuple[Finding, ...]
    stored_hash: str
    profile: bytes | None = None
    projection: Projection | None = None
    overlay_masks: tuple[OverlayMask, ...] = ()

    @property
    def image(self) -> Array:
        """The output levels as an array, (rows, columns) or (rows, columns, 3), computed anew each time."""
        return levels_array(self.levels)
