# SPDX-License-Identifier: MIT
"""A frame and what is asked of its picture -> how many rows and columns of cells are enough for it."""

from __future__ import annotations

import math

from plainfilm.dicom.instance import Instance
from plainfilm.errors import ConversionError
from plainfilm.options.geometry import Box
from plainfilm.options.options import Options
from plainfilm.options.presentation import Overlays
from plainfilm.options.render import Look
from plainfilm.rendering.geometry.geometry import geometry_of


def least_size(instance: Instance, frame: int, options: Options) -> tuple[int, int] | None:
    """The rows and columns of a whole frame, counted from 0, from which no step to its picture enlarges anything.

    None where the picture needs the cells themselves: what is counted or hidden by single pixels, or looked up.
    """
    if not _may_be_reduced(instance, frame, options):
        return None
    limit, orient = options.limits.max_pixels, options.presentation.orient
    try:
        geometry = geometry_of(instance, frame, options.geometry, limit, orient)
    except ConversionError:
        return None
    across, down = geometry.scale
    # what is a whole number but for the arithmetic is one
    return math.ceil(geometry.rows * down - 1e-6), math.ceil(geometry.columns * across - 1e-6)


def _may_be_reduced(instance: Instance, frame: int, options: Options) -> bool:
    pixel, crop = instance.pixel, options.geometry.crop
    return (
        options.render.effective_look is not Look.STORED
        and options.presentation.overlays is Overlays.OFF
        and (crop is None or isinstance(crop, Box))
        and pixel.bits_allocated in (8, 16)
        and not pixel.overlay_bit_positions
        and not pixel.photometric_interpretation.startswith("PALETTE")
        and instance.supplement is None
        and instance.padding is None
        and instance.shutter_of(frame) is None
    )
