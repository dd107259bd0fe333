# SPDX-License-Identifier: MIT
"""Map stored values to output levels: the part of a plan that depends on the value of each pixel alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.findings import Finding
from plainfilm.pickling import dataclass
from plainfilm.rendering.grayscale.equalization import EqualizeRecipe
from plainfilm.rendering.grayscale.modality import ModalityTransform
from plainfilm.rendering.grayscale.polarity import invert, round_to_levels
from plainfilm.rendering.grayscale.recipes import MinMaxRecipe, StretchRecipe
from plainfilm.rendering.grayscale.voi import Voi

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class ViewerTransform:
    """Modality LUT, VOI LUT and polarity, rounded to nearest: the output of a viewer (PS3.4 N.2)."""

    modality: ModalityTransform
    voi: Voi
    inverted: bool

    def apply(self, values: Array, ymax: int) -> Array:
        """The output levels, 0 to ymax, of stored values of any shape."""
        y = self.voi.apply(self.modality.apply(values), float(ymax))
        return round_to_levels(invert(y, float(ymax)) if self.inverted else y, ymax)

    @property
    def line(self) -> tuple[float, float] | None:
        """The modality outputs that become 0 and the maximum; None where the VOI is not a straight line."""
        return self.voi.line


@dataclass(frozen=True, slots=True)
class StoredLook:
    """The look `stored`: stored values as 16-bit levels; for signed data, `offset` = 2^(Bits Stored - 1) is added."""

    offset: int

    def apply(self, values: Array, _ymax: int) -> Array:
        """Return the stored values plus the offset, as uint16."""
        return (values.astype(np.int64) + self.offset).astype(np.uint16)

    @property
    def line(self) -> tuple[float, float]:
        """The stored values that become 0 and 65535."""
        return float(-self.offset), float(65535 - self.offset)


GrayscaleTransform = ViewerTransform | StretchRecipe | MinMaxRecipe | EqualizeRecipe | StoredLook


@dataclass(frozen=True, slots=True)
class TransformChoice:
    """The transform chosen for a frame: the label of its VOI in the tables, the reason, and whether it is a repair."""

    transform: GrayscaleTransform
    voi: str
    reason: str
    findings: tuple[Finding, ...] = ()
    is_repair: bool = False
