# SPDX-License-Identifier: MIT
"""Project all frames of a grayscale instance to one image: the largest output level of each pixel, or the mean.

The levels are those of the single frames before overlays and geometry (P-Values), so that window, polarity and padding
have been applied. Memory does not grow with the number of frames: a running maximum or sum is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from plainfilm.errors import ConversionError, Reason, Stage
from plainfilm.findings import Finding
from plainfilm.kernels.levels import levels_array
from plainfilm.options.output import Projection
from plainfilm.records import Status
from plainfilm.rendering.frame import PlannedFrame, RenderedFrame
from plainfilm.rendering.grayscale.histogram import EMPTY_HISTOGRAM, histogram_of
from plainfilm.rendering.grayscale.plan import GrayscalePlan, masked_pixels
from plainfilm.rendering.instance_survey import InstanceSurvey, survey_instance
from plainfilm.rendering.opened_instance import OpenedInstance
from plainfilm.rendering.pipeline import finish_frame, hash_of, plan_frame
from plainfilm.rendering.pixels import RenderedPixels

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


class _Accumulator:
    """The running maximum or sum of the levels of frames, and what their rows have in common.

    excluded: the pixels that count in no frame: padding, outside the shutter, redacted or missing.
    """

    def __init__(self, projection: Projection) -> None:
        self._projection = projection
        self._levels: Array | None = None
        self._type: npt.DTypeLike = np.uint8
        self._frames = 0
        self._excluded: Mask | None = None
        self._padding = 0.0
        self._digest: xxhash.xxh3_128 | None = xxhash.xxh3_128(projection.encode())
        self._findings: dict[Finding, None] = {}
        self.first: PlannedFrame | None = None
        self.repaired: PlannedFrame | None = None

    def add(self, planned: PlannedFrame) -> None:
        """Add a frame. Raises ConversionError where its pixels are no grayscale levels of the size of the first."""
        decoded, masks, plan = planned.loaded.decoded, planned.loaded.masks, planned.plan
        rendered = planned.pixels.render(decoded, masks)
        if not isinstance(plan, GrayscalePlan) or len(rendered.levels.shape) != 2:
            raise _color_error(self._projection)
        self._add_levels(levels_array(rendered.levels))
        excluded = masked_pixels(plan, rendered.stored, masks)
        self._excluded = excluded if self._excluded is None else self._excluded & excluded
        self._frames += 1
        self._padding += planned.pixels.padding_fraction
        self._findings |= dict.fromkeys(planned.findings)
        self._add_hash(rendered.stored, is_reduced=decoded.is_reduced)
        if self.first is None:
            self.first = planned
        if self.repaired is None and plan.status is Status.REPAIRED:
            self.repaired = planned

    def render(self) -> RenderedFrame:
        """The image of the frames that were added, with the plan of the first frame that is repaired, or the first."""
        planned = self.repaired or self.first
        assert planned is not None and self._levels is not None and self._excluded is not None  # noqa: PT018
        image = self._image()
        histogram = EMPTY_HISTOGRAM if self._excluded.all() else histogram_of(image[~self._excluded])
        digest = "" if self._digest is None else self._digest.hexdigest()
        finished = finish_frame(planned, RenderedPixels(image, image, histogram), digest)
        return replace(
            finished,
            projection=self._projection,
            padding_fraction=self._padding / self._frames,
            findings=tuple(self._findings),
        )

    def _add_levels(self, image: Array) -> None:
        if self._levels is None:
            self._type = image.dtype
            sum_type = np.uint32 if image.dtype.itemsize == 1 else np.uint64
            self._levels = image.copy() if self._projection is Projection.MIP else image.astype(sum_type)
        elif self._projection is Projection.MIP:
            np.maximum(self._levels, image, out=self._levels)
        else:
            np.add(self._levels, image, out=self._levels)

    def _add_hash(self, stored: Array, *, is_reduced: bool) -> None:
        if is_reduced:
            self._digest = None
        elif self._digest is not None:
            self._digest.update(hash_of(stored).encode())

    def _image(self) -> Array:
        assert self._levels is not None
        if self._projection is Projection.MIP:
            return self._levels
        # the nearest level, floor(sum / frames + 0.5), in whole numbers
        return ((2 * self._levels.astype(np.uint64) + self._frames) // (2 * self._frames)).astype(self._type)


def render_projection(
    opened: OpenedInstance, projection: Projection, announce: Callable[[int], None] = lambda _frame: None
) -> RenderedFrame:
    """Render all frames of a grayscale instance as one image.

    announce: called with each frame, counted from 0, before work on it begins. Overlays, redaction of the image and
    geometry are those of the first frame.
    Raises ConversionError (unsupported_value) for colour, and the error of the first frame that cannot be rendered:
    an image that lacks a frame is not the projection of the instance.
    """
    instance = opened.instance
    if instance.pixel.is_color or instance.supplement is not None:
        raise _color_error(projection)
    frames = range(instance.pixel.number_of_frames)
    survey = survey_instance(opened, frames, announce=announce)
    accumulator = _Accumulator(projection)
    for frame in frames:
        announce(frame)
        accumulator.add(_planned(survey, frame, projection))
    return accumulator.render()


def _planned(survey: InstanceSurvey, frame: int, projection: Projection) -> PlannedFrame:
    try:
        return plan_frame(survey, frame)
    except ConversionError as error:
        message = f"frame {frame + 1} of the {projection}: {error.message}"
        raise ConversionError(message, reason=error.reason, stage=error.stage) from error


def _color_error(projection: Projection) -> ConversionError:
    message = f"a {projection} needs grayscale frames, and these have colours: choose single frames with --frames"
    return ConversionError(message, reason=Reason.UNSUPPORTED_VALUE, stage=Stage.RENDER)
