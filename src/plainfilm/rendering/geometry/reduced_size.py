# SPDX-License-Identifier: MIT
"""Decide whether a frame may be decoded at a lower resolution (`--decode reduced`), and at which one."""

from __future__ import annotations

import math

from plainfilm.dicom.instance import Instance
from plainfilm.options.decoding import Resolution
from plainfilm.options.geometry import CropMode, Mask
from plainfilm.options.options import Options
from plainfilm.options.presentation import Overlays
from plainfilm.options.render import Look
from plainfilm.rendering.geometry.geometry import Geometry


def may_be_reduced(instance: Instance, frame: int, options: Options) -> bool:
    """Whether the output of a frame, counted from 0, can be made from fewer pixels than are stored.

    It cannot be made so where single pixels matter: values that are masked or looked up one by one, and overlay bits.
    """
    pixel = instance.pixel
    return (
        options.decoding.decode is Resolution.REDUCED
        and not options.decoding.verify
        and options.render.effective_look is not Look.STORED
        and options.presentation.overlays is Overlays.OFF
        and options.geometry.crop is not CropMode.BORDER
        and options.geometry.mask is Mask.NONE
        and pixel.bits_allocated in (8, 16)
        and not pixel.overlay_bit_positions
        and not pixel.photometric_interpretation.startswith("PALETTE")
        and instance.supplement is None
        and instance.padding is None
        and instance.shutter_of(frame) is None
    )


def needed_size(geometry: Geometry) -> tuple[int, int]:
    """The least rows and columns of a decoded frame that no later step has to enlarge."""
    row_scale, column_scale = geometry.scale
    # A product that is a whole number but for rounding errors counts as that number.
    return math.ceil(geometry.rows * column_scale - 1e-6), math.ceil(geometry.columns * row_scale - 1e-6)
