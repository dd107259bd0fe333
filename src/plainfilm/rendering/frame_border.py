# SPDX-License-Identifier: MIT
"""Search the margin of a decoded frame (`--crop border`, `--mask border`).

The search uses stored values and the header alone, so that its result is the same for every look and depth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.decode.decoded import DecodedFrame
from plainfilm.dicom.instance import Instance
from plainfilm.pickling import dataclass
from plainfilm.rendering.color.plan import rgb_frame
from plainfilm.rendering.geometry.border_result import BorderOutcome, BorderResult, common_border
from plainfilm.rendering.geometry.border_search import PixelBlock, find_border
from plainfilm.rendering.geometry.outline_search import find_outline
from plainfilm.rendering.grayscale.padding import PaddingRange, loss_of, masked_range
from plainfilm.rendering.grayscale.stored import Cells, stored_rules, stored_values
from plainfilm.rendering.masks import FrameMasks

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class _FrameValues:
    """The values of a frame, converted block by block. convert: from samples to the values that are searched."""

    samples: Array
    masks: FrameMasks
    convert: Callable[[Array], Array]
    padding: PaddingRange | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.samples.shape[0], self.samples.shape[1]

    def block(self, rows: slice, columns: slice) -> PixelBlock:
        """The pixels of these rows and columns; masked: padding, outside the shutter, or not a number."""
        stored = self.convert(np.ascontiguousarray(self.samples[rows, columns]))
        outside, unavailable = self.masks.outside_shutter, self.masks.unavailable
        masked = None if outside is None else outside[rows, columns]
        if self.padding is not None:
            padding = self.padding.mask_of(stored)
            masked = padding if masked is None else masked | padding
        values = stored.astype(np.float32 if stored.dtype.itemsize <= 2 else np.float64)
        if stored.dtype.kind == "f" and not (finite := np.isfinite(values)).all():
            masked, values = ~finite if masked is None else masked | ~finite, np.where(finite, values, 0)
        return PixelBlock(values, masked, None if unavailable is None else unavailable[rows, columns])


def border_of_frame(
    instance: Instance, decoded: DecodedFrame, masks: FrameMasks, cells: Cells, *, has_outline: bool = False
) -> BorderResult:
    """The margin of a grayscale frame; cells: its histogram; has_outline: whether the outline is searched too."""
    rules, padding = stored_rules(instance.pixel, (cells,)), None
    if instance.padding is not None:
        padding = masked_range(instance.padding, rules, instance.pixel.bits_allocated, loss_of(decoded))
    return _border_of(_FrameValues(decoded.samples, masks, partial(stored_values, rules), padding), has_outline)


def border_of_color_frame(
    instance: Instance, decoded: DecodedFrame, masks: FrameMasks, *, has_outline: bool = False
) -> BorderResult:
    """The margin of a colour frame: where red, green and blue are all at the level of a margin.

    A colour may be as light as the margin, so that its luminance alone would not tell it from the margin.
    """
    samples, unavailable = decoded.samples, masks.unavailable
    available = samples if unavailable is None else samples[~unavailable]
    rgb = rgb_frame(instance, decoded, available).image.samples
    planes = (_FrameValues(rgb[..., plane], masks, _unchanged) for plane in range(3))
    return common_border([_border_of(plane, has_outline) for plane in planes])


def _border_of(frame: _FrameValues, has_outline: bool) -> BorderResult:
    """The box of the content; with its outline, which is the box itself where the search finds nothing better."""
    result = find_border(frame)
    if not has_outline:
        return result
    outline = find_outline(frame)
    if not outline and result.outcome is BorderOutcome.FOUND:
        box = result.content
        right, bottom = box.x + box.width - 1, box.y + box.height - 1
        outline = ((box.x, box.y), (right, box.y), (right, bottom), (box.x, bottom))
    return replace(result, outline=outline)


def _unchanged(samples: Array) -> Array:
    return samples
