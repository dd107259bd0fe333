# SPDX-License-Identifier: MIT
"""What is done to the grey levels of one frame, as a value: explained, kept in the tables, and run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from plainfilm.dicom.instance import Shutter
from plainfilm.findings import Finding
from plainfilm.options.render import Clahe, Look
from plainfilm.records import Status
from plainfilm.rendering.grayscale.clahe import apply_clahe
from plainfilm.rendering.grayscale.histogram import Histogram, histogram_of
from plainfilm.rendering.grayscale.padding import Mask, PaddingRange, outside_shutter
from plainfilm.rendering.grayscale.polarity import output_maximum, output_type
from plainfilm.rendering.grayscale.recipes import MinMaxRecipe, StretchRecipe
from plainfilm.rendering.grayscale.steps import Step
from plainfilm.rendering.grayscale.stored import StoredRules
from plainfilm.rendering.grayscale.transform import GrayscaleTransform, ViewerTransform
from plainfilm.rendering.grayscale.voi import Window

Array = npt.NDArray[Any]

# A look's version goes up whenever it gives another picture of the same file.
LOOK_VERSIONS = {
    Look.VIEWER: 1,
    Look.STRETCH: 1,
    Look.WINDOW: 1,
    Look.MINMAX: 1,
    Look.EQUALIZE: 1,
    Look.CLAHE: 1,
    Look.STORED: 1,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is done to the grey levels of one frame, and why.

    `tone` maps stored values to output levels, `enhancement` these by their neighbourhood; `padding` is painted 0, what
    lies outside `shutter` its presentation value. `voi` and `available` are the tables' labels of the VOI used and of
    those in the file.
    """

    look: Look
    bits: int
    rules: StoredRules
    tone: GrayscaleTransform
    voi: str
    inverted: bool
    status: Status
    enhancement: Clahe | None = None
    padding: PaddingRange | None = None
    shutter: Shutter | None = None
    available: str = ""
    findings: tuple[Finding, ...] = ()
    steps: tuple[Step, ...] = ()

    @property
    def window(self) -> Window | None:
        """The window that is used, if one is."""
        if isinstance(self.tone, ViewerTransform):
            return self.tone.voi if isinstance(self.tone.voi, Window) else None
        if isinstance(self.tone, StretchRecipe | MinMaxRecipe):
            return self.tone.voi.voi if isinstance(self.tone.voi.voi, Window) else None
        return None

    @property
    def masks(self) -> bool:
        """Whether padding and shutter are left out of the picture; recipes and the look `stored` know of neither."""
        return isinstance(self.tone, ViewerTransform)

    @property
    def bits_stored(self) -> int:
        """Bits Stored after what the values and the codestream said."""
        return self.rules.bits_stored

    @property
    def line(self) -> tuple[float, float] | None:
        """The inputs of the line that became 0 and the maximum, before polarity; None where no line maps them."""
        return None if self.enhancement is not None else self.tone.line

    @property
    def ymax(self) -> int:
        """The largest output level."""
        return output_maximum(self.bits)


def render_frame(plan: Plan, stored: Array, present: Histogram | None = None, unseen: Mask | None = None) -> Array:
    """The output levels (uint8 or uint16) of a frame's stored values, (rows, columns); what is `unseen` is black.

    Integers of up to 16 bits go through one table, everything else through the formulas themselves: the same ones.
    present: the histogram of all values but those that are unseen.
    """
    if stored.dtype.kind in "iu" and stored.dtype.itemsize <= 2:
        image = _look_up(stored, table(plan, stored.dtype, None if present is None else present.values))
    else:
        image = levels(plan, stored)
    if unseen is not None:
        image[unseen] = 0
    if plan.enhancement is not None:
        image = apply_clahe(image, hidden(plan, stored, unseen), plan.enhancement)
    if plan.shutter is not None:
        outside = outside_shutter(plan.shutter, *stored.shape)
        np.copyto(image, shutter_level(plan.shutter, plan.ymax), where=outside)
    return image


def hidden(plan: Plan, stored: Array, unseen: Mask | None = None) -> Mask:
    """Which pixels (rows, columns) are no part of the picture: padding, no number, outside the shutter, or unseen."""
    mask = np.zeros(stored.shape, np.bool_) if plan.padding is None else plan.padding.holds(stored)
    if unseen is not None:
        mask |= unseen
    if stored.dtype.kind == "f":
        mask |= ~np.isfinite(stored)
    if plan.shutter is not None:
        mask |= outside_shutter(plan.shutter, *stored.shape)
    return mask


def levels(plan: Plan, stored: Array) -> Array:
    """The output levels by the formulas, padding and what is not a number painted 0; the shutter is left out."""
    image = plan.tone.apply(stored, plan.ymax)
    if plan.padding is not None:
        image[plan.padding.holds(stored)] = 0
    if stored.dtype.kind == "f":
        image[~np.isfinite(stored)] = 0
    return image


def table(plan: Plan, kind: np.dtype[Any], present: Array | None = None) -> Array:
    """The plan folded into one table: the output level of every pattern of an 8 or 16-bit integer type.

    present: the values that occur, where these are known; the table is then worth looking up for them alone.
    """
    unsigned, size = np.dtype(f"u{kind.itemsize}"), 1 << 8 * kind.itemsize
    if present is None:
        return levels(plan, np.arange(size, dtype=unsigned).view(kind))
    folded = np.zeros(size, output_type(plan.ymax))
    folded[present.view(unsigned)] = levels(plan, present)
    return folded


def _look_up(stored: Array, entries: Array) -> Array:
    unsigned = np.ascontiguousarray(stored).view(np.dtype(f"u{stored.dtype.itemsize}"))
    image: Array = cv2.LUT(unsigned, entries)
    return image.reshape(stored.shape)


def shutter_level(shutter: Shutter, ymax: int) -> int:
    """Shutter Presentation Value, a 16-bit P-Value, in the output range; black where there is none."""
    value = (shutter.presentation_value or 0) % 65536
    return int(np.floor(value / 65535 * ymax + 0.5))


def rendered_levels(plan: Plan, stored: Histogram) -> Histogram:
    """The histogram of the output levels of the pixels whose stored values are given: no pixel is touched again.

    Where levels depend on their neighbourhood there is no such short cut: `levels_shown` counts them.
    """
    return stored.mapped(plan.tone.apply(stored.values, plan.ymax))


def levels_shown(image: Array, mask: Mask) -> Histogram:
    """The histogram of an image's levels where the mask does not hide them."""
    return histogram_of(image[~mask])
