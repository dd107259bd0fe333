# SPDX-License-Identifier: MIT
"""Convert luminance and chrominance (YBR) to red, green and blue (PS3.3 C.7.6.3.1.2).

The standard gives the equations from RGB to YBR with four decimals. They are the definition of ITU-R BT.601 by its luma
weights. This module inverts that definition in integers, so that each result is exactly the nearest level.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
# The luma weights in thousandths: Y = 0.299 R + 0.587 G + 0.114 B.
_RED, _GREEN, _BLUE = 299, 587, 114
# The partial range of 8 bits has 219 steps of Y from 16 on, and 224 steps of CB and CR around 128; the full range 255.
_FULL_STEPS, _LUMA_STEPS, _CHROMA_STEPS, _LUMA_BLACK = 255, 219, 224, 16


def rgb_from_ybr_full(samples: Array, bits: int) -> Array:
    """Convert YBR_FULL samples (rows, columns, 3) of up to 32 bits to RGB of the same type."""
    luma, blue_difference, red_difference = _planes(samples, 1 << bits - 1, 0)
    return _rgb(luma * 1000, blue_difference, red_difference, 1000, bits, samples.dtype)


def rgb_from_ybr_partial(samples: Array, bits: int) -> Array:
    """Convert YBR_PARTIAL_422 or _420 samples (rows, columns, 3) of 8 to 16 bits to RGB of the same type.

    The chrominance has the full resolution already: the decoder upsamples it.
    """
    black = _LUMA_BLACK << bits - 8
    luma, blue_difference, red_difference = _planes(samples, 1 << bits - 1, black)
    unit = 1000 * _LUMA_STEPS * _CHROMA_STEPS
    chroma_factor = _FULL_STEPS * _LUMA_STEPS
    scaled_luma = luma * (1000 * _FULL_STEPS * _CHROMA_STEPS)
    scaled_blue, scaled_red = blue_difference * chroma_factor, red_difference * chroma_factor
    return _rgb(scaled_luma, scaled_blue, scaled_red, unit, bits, samples.dtype)


def _planes(samples: Array, middle: int, black: int) -> tuple[Array, Array, Array]:
    """Y, CB and CR as signed 64-bit integers, from their zero points."""
    wide = samples.astype(np.int64)
    return wide[:, :, 0] - black, wide[:, :, 1] - middle, wide[:, :, 2] - middle


def _rgb(
    luma: Array, blue_difference: Array, red_difference: Array, unit: int, bits: int, sample_type: np.dtype[Any]
) -> Array:
    """R = Y + 2 (1 - wr) CR, B = Y + 2 (1 - wb) CB, and G from Y = wr R + wg G + wb B, clipped to `bits` bits.

    A level is `unit` in luma, and unit / 1000 in the differences.
    """
    red_part = 2 * (1000 - _RED) * red_difference
    blue_part = 2 * (1000 - _BLUE) * blue_difference
    rgb = np.empty((*luma.shape, 3), sample_type)
    maximum = (1 << bits) - 1
    rgb[:, :, 0] = np.clip(_nearest_quotient(luma + red_part, unit), 0, maximum)
    rgb[:, :, 2] = np.clip(_nearest_quotient(luma + blue_part, unit), 0, maximum)
    green = _GREEN * luma - _RED * red_part - _BLUE * blue_part
    rgb[:, :, 1] = np.clip(_nearest_quotient(green, _GREEN * unit), 0, maximum)
    return rgb


def _nearest_quotient(numerator: Array, denominator: int) -> Array:
    """floor(numerator / denominator + 1/2)."""
    quotient: Array = (2 * numerator + denominator) // (2 * denominator)
    return quotient
