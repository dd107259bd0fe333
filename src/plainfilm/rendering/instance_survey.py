# SPDX-License-Identifier: MIT
"""Survey the frames of an instance before they are rendered, and decide what all of them share.

Grayscale frames share the rules for stored values and the choice of the VOI; all frames share the border that
`--crop border` finds. The frames decoded for the survey are kept for rendering, as far as a memory budget allows.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection

from plainfilm.errors import ConversionError, DecodeError
from plainfilm.pickling import dataclass
from plainfilm.rendering.frame import LoadedFrame
from plainfilm.rendering.frame_border import border_of_color_frame, border_of_frame
from plainfilm.rendering.geometry.border_result import BorderResult, common_border
from plainfilm.rendering.grayscale.planner import GrayscalePlanner, grayscale_planner
from plainfilm.rendering.grayscale.survey import FrameHistograms, frame_histograms, frames_to_survey, survey_grayscale
from plainfilm.rendering.opened_instance import OpenedInstance
from plainfilm.rendering.setup import needs_border, needs_outline

MOST_CACHED_BYTES = 256 << 20
# The cache takes at most this fraction of the memory that a worker may use.
CACHE_SHARE = 16


class FrameCache:
    """Decoded frames that are kept until they are rendered, at most `budget` bytes of them."""

    def __init__(self, budget: int) -> None:
        self._free = budget
        self._frames: dict[int, LoadedFrame] = {}

    def keep(self, loaded: LoadedFrame) -> None:
        """Keep a frame if the rest of the budget allows it."""
        size = loaded.nbytes
        if size <= self._free:
            self._free -= size
            self._frames[loaded.setup.frame] = loaded

    def take(self, frame: int) -> LoadedFrame | None:
        """Remove and return a frame, counted from 0; None where it was not kept."""
        loaded = self._frames.pop(frame, None)
        if loaded is not None:
            self._free += loaded.nbytes
        return loaded


@dataclass(frozen=True, slots=True)
class InstanceSurvey:
    """The decisions that all frames of an instance share, and the frames that were decoded for them.

    border: the result of the border search; None without one. planner: plans grayscale
    frames; None for colour, whose frames are planned one by one.
    """

    opened: OpenedInstance
    cache: FrameCache
    border: BorderResult | None = None
    planner: GrayscalePlanner | None = None


@dataclass(frozen=True, slots=True)
class _Measurement:
    """The measurements of one frame. histograms: None for colour. border: None without a border search."""

    histograms: FrameHistograms | None
    border: BorderResult | None


def survey_instance(
    opened: OpenedInstance,
    frames: Collection[int],
    skipped_frames: Collection[int] = (),
    announce: Callable[[int], None] = lambda _frame: None,
) -> InstanceSurvey:
    """Survey an instance by its frames: all, or 32 spread evenly where there are more.

    frames: the frames that will be rendered, from 0; they are kept if the survey decodes them. skipped_frames: frames
    that are not decoded. announce: called with each frame before it is decoded. Frames that cannot be decoded do not
    count.
    Raises ConversionError where no frame can be decoded.
    """
    cache, instance, options = FrameCache(cache_budget(opened)), opened.instance, opened.options
    if instance.pixel.is_color and not needs_border(options):
        return InstanceSurvey(opened, cache)
    measurements, errors = list[_Measurement](), list[ConversionError]()
    for frame in frames_to_survey(instance.pixel.number_of_frames):
        if frame in skipped_frames:
            continue
        announce(frame)
        try:
            loaded = opened.load(frame)
            measurements.append(_measure(opened, loaded))
        except ConversionError as error:
            errors.append(error)
            continue
        if frame in frames:
            cache.keep(loaded)
    if not measurements:
        raise errors[0] if errors else DecodeError("none of the frames that are surveyed can be decoded")
    borders = [measurement.border for measurement in measurements if measurement.border is not None]
    histograms = tuple(measurement.histograms for measurement in measurements if measurement.histograms is not None)
    return InstanceSurvey(
        opened,
        cache,
        border=common_border(borders) if borders else None,
        planner=grayscale_planner(instance, survey_grayscale(instance, histograms), options.render)
        if histograms
        else None,
    )


def cache_budget(opened: OpenedInstance) -> int:
    """The bytes of frames to keep. The frame of a single-frame instance is always kept, because it is rendered next."""
    if opened.instance.pixel.number_of_frames == 1:
        return sys.maxsize
    return min(MOST_CACHED_BYTES, opened.options.limits.memory // CACHE_SHARE)


def _measure(opened: OpenedInstance, loaded: LoadedFrame) -> _Measurement:
    instance, decoded, masks = opened.instance, loaded.decoded, loaded.masks
    has_border = needs_border(opened.options)
    has_outline = has_border and needs_outline(opened.options)
    if instance.pixel.is_color:
        color_border = border_of_color_frame(instance, decoded, masks, has_outline=has_outline) if has_border else None
        return _Measurement(None, color_border)
    histograms = frame_histograms(loaded.setup.frame, decoded, masks)
    if not has_border:
        return _Measurement(histograms, None)
    border = border_of_frame(instance, decoded, masks, histograms.cells, has_outline=has_outline)
    return _Measurement(histograms, border)
