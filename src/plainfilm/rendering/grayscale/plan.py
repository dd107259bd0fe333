# SPDX-License-Identifier: MIT
"""Describe what is done to the values of one grayscale frame, and run it: stored values to output levels."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.dicom.instance import Palette, Shutter
from plainfilm.findings import Finding
from plainfilm.kernels.levels import Levels, LookupImage
from plainfilm.options.render import Clahe, Look
from plainfilm.pickling import dataclass
from plainfilm.records import Status
from plainfilm.rendering.grayscale.clahe import apply_clahe
from plainfilm.rendering.grayscale.histogram import Histogram
from plainfilm.rendering.grayscale.padding import Mask, PaddingRange
from plainfilm.rendering.grayscale.polarity import output_maximum, output_type
from plainfilm.rendering.grayscale.recipes import MinMaxRecipe, StretchRecipe
from plainfilm.rendering.grayscale.stored import StoredRules
from plainfilm.rendering.grayscale.transform import GrayscaleTransform, ViewerTransform
from plainfilm.rendering.grayscale.voi import Window
from plainfilm.rendering.masks import NO_MASKS, FrameMasks
from plainfilm.rendering.plan import LOOK_VERSIONS, PlanColumns
from plainfilm.rendering.steps import Step

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class GrayscalePlan:
    """Everything that is done to the values of one grayscale frame, and why.

    rules: how cells become stored values. transform: stored values to output levels, value by value.
    enhancement: levels to levels by the neighbourhood of each pixel. padding: the stored values that are left out
    of the statistics and, unless an irreversible codestream has changed them, painted 0.
    shutter: pixels outside of it are painted its presentation value. supplement: the palette that colours some values.
    voi, voi_available: the labels, in the tables, of the VOI that is used and of all VOIs of the file.
    """

    look: Look
    bits: int
    rules: StoredRules
    transform: GrayscaleTransform
    voi: str
    inverted: bool
    status: Status
    enhancement: Clahe | None = None
    padding: PaddingRange | None = None
    shutter: Shutter | None = None
    supplement: Palette | None = None
    voi_available: str = ""
    findings: tuple[Finding, ...] = ()
    steps: tuple[Step, ...] = ()

    @property
    def window(self) -> Window | None:
        """The window that is used; None where no window is used."""
        if isinstance(self.transform, ViewerTransform):
            return self.transform.voi if isinstance(self.transform.voi, Window) else None
        if isinstance(self.transform, StretchRecipe | MinMaxRecipe):
            return self.transform.voi.voi if isinstance(self.transform.voi.voi, Window) else None
        return None

    @property
    def has_masks(self) -> bool:
        """Whether padding and shutter are left out of the image; recipes and the look `stored` ignore both."""
        return isinstance(self.transform, ViewerTransform)

    @property
    def bits_stored(self) -> int:
        """Bits Stored, corrected by the values and the codestream."""
        return self.rules.bits_stored

    @property
    def line(self) -> tuple[float, float] | None:
        """The inputs that become 0 and the maximum, before polarity; None where the mapping is not a straight line."""
        return None if self.enhancement is not None else self.transform.line

    @property
    def ymax(self) -> int:
        """The largest output level: 255 or 65535."""
        return output_maximum(self.bits)

    @property
    def columns(self) -> PlanColumns:
        """The columns of the tables."""
        window, (low, high) = self.window, self.line or (None, None)
        return PlanColumns(
            status=self.status,
            look=self.look.value,
            look_version=LOOK_VERSIONS[self.look],
            bits=self.bits,
            bits_stored=self.bits_stored,
            voi=self.voi,
            voi_available=self.voi_available,
            voi_center=None if window is None else window.center,
            voi_width=None if window is None else window.width,
            voi_function="" if window is None else window.function.dicom,
            low=low,
            high=high,
            inverted=self.inverted,
        )


def planned_levels(plan: GrayscalePlan, stored: Array, masks: FrameMasks, entries: Array | None) -> Levels:
    """The levels of `render_levels`, to be looked up later where each depends on nothing but its own stored value."""
    paints_shutter = plan.shutter is not None and masks.outside_shutter is not None
    if entries is None or masks.unavailable is not None or plan.enhancement is not None or paints_shutter:
        return render_levels(plan, stored, masks, entries)
    return lookup_image(stored, entries)


def render_levels(
    plan: GrayscalePlan, stored: Array, masks: FrameMasks = NO_MASKS, entries: Array | None = None
) -> Array:
    """The output levels (uint8 or uint16) of a frame's stored values, (rows, columns); unavailable pixels are black.

    Integers of up to 16 bits are looked up in a table that the formulas fill; for all other types the formulas are
    applied to each pixel. entries: this table, if it is made already.
    """
    if has_table(stored.dtype):
        image = lookup_image(stored, table(plan, stored.dtype) if entries is None else entries).array()
    else:
        image = levels(plan, stored)
    if masks.unavailable is not None:
        image[masks.unavailable] = 0
    if plan.enhancement is not None:
        image = apply_clahe(image, masked_pixels(plan, stored, masks), plan.enhancement)
    if plan.shutter is not None and masks.outside_shutter is not None:
        np.copyto(image, shutter_level(plan.shutter, plan.ymax), where=masks.outside_shutter)
    return image


def masked_pixels(plan: GrayscalePlan, stored: Array, masks: FrameMasks = NO_MASKS) -> Mask:
    """The pixels (rows, columns) that are masked (padding, not a number, outside the shutter) or unavailable."""
    mask = np.zeros(stored.shape, np.bool_) if plan.padding is None else plan.padding.mask_of(stored)
    if masks.unavailable is not None:
        mask |= masks.unavailable
    if stored.dtype.kind == "f":
        mask |= ~np.isfinite(stored)
    if plan.shutter is not None and masks.outside_shutter is not None:
        mask |= masks.outside_shutter
    return mask


def levels(plan: GrayscalePlan, stored: Array) -> Array:
    """The output levels by the formulas; padding and values that are not numbers are 0; the shutter is left out."""
    image = plan.transform.apply(stored, plan.ymax)
    if plan.padding is not None and plan.padding.is_painted:
        image[plan.padding.mask_of(stored)] = 0
    if stored.dtype.kind == "f":
        image[~np.isfinite(stored)] = 0
    return image


def has_table(dtype: np.dtype[Any]) -> bool:
    """Whether the levels of stored values of this type can be looked up in a table."""
    return dtype.kind in "iu" and dtype.itemsize <= 2


def table(plan: GrayscalePlan, dtype: np.dtype[Any], values: Array | None = None) -> Array:
    """The plan as one table: the output level of every pattern of an 8 or 16-bit integer type.

    values: the values that occur, if they are known; only their entries are then filled.
    """
    unsigned, size = np.dtype(f"u{dtype.itemsize}"), 1 << 8 * dtype.itemsize
    if values is None:
        return levels(plan, np.arange(size, dtype=unsigned).view(dtype))
    entries = np.zeros(size, output_type(plan.ymax))
    entries[values.view(unsigned)] = levels(plan, values)
    return entries


def lookup_image(stored: Array, entries: Array) -> LookupImage:
    """The image of stored values of 8 or 16 bits whose levels a table has."""
    return LookupImage(np.ascontiguousarray(stored).view(np.dtype(f"u{stored.dtype.itemsize}")), entries)


def shutter_level(shutter: Shutter, ymax: int) -> int:
    """Shutter Presentation Value, a 16-bit P-Value, in the output range; black where it is absent."""
    value = (shutter.presentation_value or 0) % 65536
    return int(np.floor(value / 65535 * ymax + 0.5))


def rendered_histogram(plan: GrayscalePlan, stored: Histogram, entries: Array | None = None) -> Histogram:
    """The histogram of the output levels of pixels with these stored values, without a pass over the pixels.

    entries: the table of the plan, if it is made already; no value is padding then.
    Not valid for a plan with an enhancement, where a level also depends on the neighbourhood of the pixel.
    """
    if entries is None:
        return stored.mapped(plan.transform.apply(stored.values, plan.ymax))
    return stored.mapped(entries[stored.values.view(np.dtype(f"u{stored.values.itemsize}"))])
