# SPDX-License-Identifier: MIT
"""DecodedFrame frames of an instance -> the one part of them that is left when the margin is cut (`--crop border`).

It is found from the stored values and the header alone, so that it is the same for every look and depth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.decode.decoded import DecodedFrame
from plainfilm.dicom.instance import Instance
from plainfilm.options.geometry import Border, Box
from plainfilm.options.options import Options
from plainfilm.options.render import Look
from plainfilm.rendering.color import to_rgb
from plainfilm.rendering.geometry.border_search import BorderOutcome, BorderResult, PixelBlock, without_margin
from plainfilm.rendering.grayscale.histogram import histogram_of
from plainfilm.rendering.grayscale.padding import PaddingRange, outside_shutter, padding_range
from plainfilm.rendering.grayscale.stored import Cells, stored_rules, stored_values

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

_NOTES = {
    BorderOutcome.NO_MARGIN: "no side has a margin that is certain; nothing is cut",
    BorderOutcome.EMPTY: "there is nothing but margin; nothing is cut",
    BorderOutcome.IMPLAUSIBLE: "less than a quarter of a side would be left; nothing is cut",
}


@dataclass(frozen=True, slots=True)
class _SearchedFrame:
    """A frame whose margin is looked for. values: makes of some cells what is compared, stored values.

    outside: the display shutter. unseen: what is blacked out or missing.
    """

    samples: Array
    values: Callable[[Array], Array]
    padding: PaddingRange | None
    outside: Mask | None
    unseen: Mask | None

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.samples.shape[0], self.samples.shape[1]

    def glimpse(self, rows: slice, columns: slice) -> PixelBlock:
        """The pixels of these rows and columns; what is padding or no number is hidden, as what the shutter hides."""
        stored = self.values(np.ascontiguousarray(self.samples[rows, columns]))
        hidden = None if self.outside is None else self.outside[rows, columns]
        if self.padding is not None:
            padding = self.padding.holds(stored)
            hidden = padding if hidden is None else hidden | padding
        values = stored.astype(np.float32 if stored.dtype.itemsize <= 2 else np.float64)
        if stored.dtype.kind == "f" and not (finite := np.isfinite(values)).all():
            hidden, values = ~finite if hidden is None else hidden | ~finite, np.where(finite, values, 0)
        return PixelBlock(values, hidden, None if self.unseen is None else self.unseen[rows, columns])


def asks_for_border(options: Options) -> bool:
    """Whether the margin is to be cut; the look `stored` has no geometry."""
    return isinstance(options.geometry.crop, Border) and options.render.effective_look is not Look.STORED


def search_frame(
    instance: Instance, decoded_frame: tuple[int, DecodedFrame], cells: Cells | None, unseen: Mask | None
) -> BorderResult:
    """What is no margin in a frame, counted from 0; cells: the histogram of a grey one.

    Of colours all three samples must be at the level of a margin: red, green and blue may be equally light.
    """
    frame, decoded = decoded_frame
    shutter, padding = instance.shutter_of(frame), None
    outside = None if shutter is None else outside_shutter(shutter, *decoded.samples.shape[:2])
    if cells is None:
        rgb = _rgb_of(instance, decoded, unseen)
        planes = (_SearchedFrame(rgb[..., sample], _as_it_is, None, outside, unseen) for sample in range(3))
        return common_part([without_margin(plane) for plane in planes])
    rules = stored_rules(instance.pixel, (cells,))
    if instance.padding is not None:
        padding = padding_range(instance.padding, rules, instance.pixel.bits_allocated)
    return without_margin(_SearchedFrame(decoded.samples, partial(stored_values, rules), padding, outside, unseen))


def common_part(found: Sequence[BorderResult]) -> BorderResult:
    """What any of several keeps; one that holds nothing but margin has no say."""
    said = [one for one in found if one.outcome is not BorderOutcome.EMPTY]
    for one in said or found:
        if one.outcome is not BorderOutcome.FOUND:
            return one
    left, top = min(one.kept.x for one in said), min(one.kept.y for one in said)
    right = max(one.kept.x + one.kept.width for one in said)
    bottom = max(one.kept.y + one.kept.height for one in said)
    return BorderResult(Box(left, top, right - left, bottom - top), BorderOutcome.FOUND)


def with_border(options: Options, found: Sequence[BorderResult]) -> Options:
    """The options with the part that all frames looked at have in common, where it is asked for."""
    if not asks_for_border(options):
        return options
    common = common_part(found)
    if common.outcome is BorderOutcome.FOUND:
        part = common.kept
        note = f"{part.width} x {part.height} stored pixels from column {part.x}, row {part.y} are kept"
        border = Border(part, f"{note}; the rest is margin")
    else:
        border = Border(None, _NOTES[common.outcome])
    return replace(options, geometry=replace(options.geometry, crop=border))


def _rgb_of(instance: Instance, decoded: DecodedFrame, unseen: Mask | None) -> Array:
    """Red, green and blue of a colour frame, (rows, columns, 3)."""
    pixel = replace(instance.pixel, signed=False)
    seen = decoded.samples if unseen is None else decoded.samples[~unseen]
    rules = stored_rules(pixel, (Cells(histogram_of(np.ascontiguousarray(seen)), decoded.precision),))
    stored = replace(decoded, samples=stored_values(rules, decoded.samples))
    return to_rgb(stored, replace(pixel, bits_stored=rules.bits_stored), instance.palette).samples


def _as_it_is(samples: Array) -> Array:
    return samples
