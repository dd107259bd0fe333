# SPDX-License-Identifier: MIT
"""Stored values -> output levels: the part of a plan that is a function of the value alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from plainfilm.rendering.grayscale.equalization import EqualizeRecipe
from plainfilm.rendering.grayscale.modality import ModalityTransform
from plainfilm.rendering.grayscale.polarity import invert, nearest
from plainfilm.rendering.grayscale.recipes import MinMaxRecipe, StoredLook, StretchRecipe
from plainfilm.rendering.grayscale.voi import Voi

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class ViewerTransform:
    """Modality LUT, VOI and polarity, rounded to nearest: what a viewer shows of stored values (PS3.4 N.2)."""

    modality: ModalityTransform
    voi: Voi
    inverted: bool

    def apply(self, values: Array, ymax: int) -> Array:
        """Output levels of stored values of any shape."""
        y = self.voi.apply(self.modality.apply(values), float(ymax))
        return nearest(invert(y, float(ymax)) if self.inverted else y, ymax)

    @property
    def line(self) -> tuple[float, float] | None:
        """The modality outputs that become 0 and the maximum, where a line maps them."""
        return self.voi.line


GrayscaleTransform = ViewerTransform | StretchRecipe | MinMaxRecipe | EqualizeRecipe | StoredLook
