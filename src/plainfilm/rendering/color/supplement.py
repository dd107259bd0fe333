# SPDX-License-Identifier: MIT
"""A grey picture and its stored values -> RGB, the values from the first one mapped on in the colours of a palette."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.dicom.instance import Palette
from plainfilm.rendering.color.palette import rgb_of_palette
from plainfilm.rendering.grayscale.steps import Step

Array = npt.NDArray[Any]


def with_supplement(image: Array, stored: Array, palette: Palette, hidden: npt.NDArray[np.bool_]) -> Array:
    """RGB (rows, columns, 3) of the grey levels' type (PS3.3 C.7.6.19): what is hidden keeps its level.

    Raises AttributeValueError as `rgb_of_palette` does.
    """
    colored = (stored >= palette.first(stored.dtype.kind == "i")) & ~hidden
    samples, bits, _ = rgb_of_palette(stored[colored][None], palette)
    scaled = np.floor(samples[0].astype(np.float64) * (np.iinfo(image.dtype).max / ((1 << bits) - 1)) + 0.5)
    rgb = np.repeat(image[:, :, None], 3, axis=2)
    rgb[colored] = scaled.astype(image.dtype)
    return rgb


def supplement_step(palette: Palette, signed: bool) -> Step:
    """What is done, for `explain`."""
    does = f"stored values from {palette.first(signed)} on in the colours of the palette, those below in grey"
    return Step("supplemental palette", does, "Palette Color Lookup Table, Pixel Presentation")
