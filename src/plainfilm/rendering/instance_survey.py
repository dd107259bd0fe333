# SPDX-License-Identifier: MIT
"""Survey an instance before its frames are rendered: what all its frames share, so that they match.

Grayscale frames share the rules for stored values and the choice of the VOI; all frames share the border that
`--crop border` finds. The frames decoded for the survey are kept for rendering, as far as a memory budget allows.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass

from plainfilm.errors import ConversionError, DecodeError
from plainfilm.rendering.border import border_of_color_frame, border_of_frame
from plainfilm.rendering.frame import LoadedFrame
from plainfilm.rendering.geometry.border import BorderResult, common_border
from plainfilm.rendering.grayscale.planner import GrayscalePlanner, grayscale_planner
from plainfilm.rendering.grayscale.survey import FrameCells, frame_cells, survey, surveyed_frames
from plainfilm.rendering.opened_instance import OpenedInstance
from plainfilm.rendering.setup import needs_border

MOST_CACHED_BYTES = 256 << 20
# The cache takes at most this fraction of the memory that a worker may use.
CACHE_SHARE = 16


class FrameCache:
    """Decoded frames that are kept until they are rendered, at most `budget` bytes of them."""

    def __init__(self, budget: int) -> None:
        self._free = budget
        self._frames: dict[int, LoadedFrame] = {}

    def keep(self, loaded: LoadedFrame) -> None:
        """Keep a frame, unless it exceeds what is left of the budget."""
        if loaded.nbytes <= self._free:
            self._free -= loaded.nbytes
            self._frames[loaded.setup.frame] = loaded

    def take(self, frame: int) -> LoadedFrame | None:
        """Remove and return a frame, counted from 0; None where it was not kept."""
        loaded = self._frames.pop(frame, None)
        if loaded is not None:
            self._free += loaded.nbytes
        return loaded


@dataclass(frozen=True, slots=True)
class InstanceSurvey:
    """What the frames of an instance share.

    cache: frames decoded for the survey. border: None where no border was searched for. planner: plans grayscale
    frames; None for colour, whose frames are planned one by one.
    """

    opened: OpenedInstance
    cache: FrameCache
    border: BorderResult | None = None
    planner: GrayscalePlanner | None = None


@dataclass(frozen=True, slots=True)
class _Measurements:
    """What the survey needs of one frame: its cells where it is grayscale, its border where one is searched for."""

    cells: FrameCells | None
    border: BorderResult | None


def survey_instance(
    opened: OpenedInstance,
    frames: Collection[int],
    skipped_frames: Collection[int] = (),
    announce: Callable[[int], None] = lambda _frame: None,
) -> InstanceSurvey:
    """Survey an instance by its frames: all, or 32 spread evenly where there are more.

    frames: those that will be rendered, from 0; of these the decoded ones are kept. skipped_frames: frames that are
    not decoded. announce: is called with each frame before it is decoded. Frames that cannot be decoded do not count.
    Raises ConversionError where no frame can be decoded.
    """
    cache, instance, options = FrameCache(_budget(opened)), opened.instance, opened.options
    if instance.pixel.is_color and not needs_border(options):
        return InstanceSurvey(opened, cache)
    measurements, errors = list[_Measurements](), list[ConversionError]()
    for frame in surveyed_frames(instance.pixel.number_of_frames):
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
        raise errors[0] if errors else DecodeError("no frame by which the instance could be judged can be decoded")
    borders = [each.border for each in measurements if each.border is not None]
    cells = tuple(each.cells for each in measurements if each.cells is not None)
    return InstanceSurvey(
        opened,
        cache,
        border=common_border(borders) if borders else None,
        planner=grayscale_planner(instance, survey(instance, cells), options.render) if cells else None,
    )


def _budget(opened: OpenedInstance) -> int:
    """The bytes of frames to keep. The only frame of an instance is always kept: it is the next one to be rendered."""
    if opened.instance.pixel.number_of_frames == 1:
        return sys.maxsize
    return min(MOST_CACHED_BYTES, opened.options.limits.memory // CACHE_SHARE)


def _measure(opened: OpenedInstance, loaded: LoadedFrame) -> _Measurements:
    instance, decoded, masks, has_border = opened.instance, loaded.decoded, loaded.masks, needs_border(opened.options)
    if instance.pixel.is_color:
        return _Measurements(None, border_of_color_frame(instance, decoded, masks) if has_border else None)
    cells = frame_cells(loaded.setup.frame, decoded, masks)
    return _Measurements(cells, border_of_frame(instance, decoded, masks, cells.cells) if has_border else None)
