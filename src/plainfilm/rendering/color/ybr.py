# SPDX-License-Identifier: MIT
"""Luminance and chrominance -> red, green and blue (PS3.3 C.7.6.3.1.2).

The standard gives the way from RGB with four decimals of what ITU-R BT.601 defines by its luma weights; here that
definition is inverted exactly, in whole numbers, so that the nearest level is the nearest level.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
# Luma weights in thousandths: Y = 0.299 R + 0.587 G + 0.114 B.
_RED, _GREEN, _BLUE = 299, 587, 114
# Partial range: 219 steps of Y above 16, 224 of CB and CR around 128, where the full range has 255.
_FULL_STEPS, _LUMA_STEPS, _CHROMA_STEPS, _LUMA_BLACK = 255, 219, 224, 16


def rgb_of_full(samples: Array, bits: int) -> Array:
    """YBR_FULL samples (rows, columns, 3) of `bits` bits, at most 32, as RGB of the same type."""
    luma, blue_difference, red_difference = _planes(samples, 1 << bits - 1, 0)
    return _rgb(luma * 1000, blue_difference, red_difference, (1000, samples, bits))


def rgb_of_partial(samples: Array, bits: int) -> Array:
    """YBR_PARTIAL_422 or _420 samples (rows, columns, 3) of 8 to 16 bits, their chroma no longer halved, as RGB."""
    black = _LUMA_BLACK << bits - 8
    luma, blue_difference, red_difference = _planes(samples, 1 << bits - 1, black)
    unit = 1000 * _LUMA_STEPS * _CHROMA_STEPS
    chroma = _FULL_STEPS * _LUMA_STEPS
    scaled = luma * (1000 * _FULL_STEPS * _CHROMA_STEPS)
    return _rgb(scaled, blue_difference * chroma, red_difference * chroma, (unit, samples, bits))


def _planes(samples: Array, middle: int, black: int) -> tuple[Array, Array, Array]:
    wide = samples.astype(np.int64)
    return wide[:, :, 0] - black, wide[:, :, 1] - middle, wide[:, :, 2] - middle


def _rgb(luma: Array, blue_difference: Array, red_difference: Array, to: tuple[int, Array, int]) -> Array:
    """R = Y + 2 (1 - wr) CR, B = Y + 2 (1 - wb) CB, and G from Y = wr R + wg G + wb B.

    luma is in units of 1 / unit, the differences in 1000 / unit; to: unit, an array of the shape and type wanted, bits.
    """
    unit, like, bits = to
    red_part = 2 * (1000 - _RED) * red_difference
    blue_part = 2 * (1000 - _BLUE) * blue_difference
    rgb = np.empty(like.shape, like.dtype)
    most = (1 << bits) - 1
    rgb[:, :, 0] = np.clip(_nearest(luma + red_part, unit), 0, most)
    rgb[:, :, 2] = np.clip(_nearest(luma + blue_part, unit), 0, most)
    green = _GREEN * luma - _RED * red_part - _BLUE * blue_part
    rgb[:, :, 1] = np.clip(_nearest(green, _GREEN * unit), 0, most)
    return rgb


def _nearest(numerator: Array, denominator: int) -> Array:
    """floor(numerator / denominator + 1/2)."""
    quotient: Array = (2 * numerator + denominator) // (2 * denominator)
    return quotient
