# SPDX-License-Identifier: MIT
"""Equalise the contrast of output levels locally: contrast-limited adaptive histogram equalisation (CLAHE)."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from plainfilm.options.render import Clahe
from plainfilm.pickling import dataclass

Array = npt.NDArray[Any]
_BINS, _BIN_STEP = 256, 257  # the 16-bit levels of the bins are 0, 257, ... 65535


@dataclass(frozen=True, slots=True)
class _TileWeight:
    """The index of a tile along one axis, and its weight (float32) at each position of a span."""

    tile: int
    weight: Array


@dataclass(frozen=True, slots=True)
class _Span:
    """The positions between the centres of two neighbouring tiles along one axis, with the weights of both tiles."""

    positions: slice
    before: _TileWeight
    after: _TileWeight


def apply_clahe(image: Array, masked: npt.NDArray[np.bool_], parameters: Clahe) -> Array:
    """Apply CLAHE to output levels (rows, columns), uint8 or uint16.

    masked: pixels that are not part of the picture, or unavailable. They keep their level. In the histograms of the
    tiles an even sample of the other pixels takes their place, so that they have no influence on the result.
    """
    if masked.all():
        return image
    source = image
    if masked.any():
        picture, count = image[~masked], int(masked.sum())
        source = image.copy()
        source[masked] = picture[np.arange(count) * picture.size // count]
    if image.dtype == np.uint8:
        equalized: Array = cv2.createCLAHE(parameters.clip, (parameters.tiles, parameters.tiles)).apply(source)
    else:
        equalized = _apply_16_bit(source, parameters)
    equalized[masked] = image[masked]
    return equalized


def _apply_16_bit(image: Array, parameters: Clahe) -> Array:
    """Apply CLAHE to 16-bit levels with the 256 bins per tile of 8 bits, and interpolate between the bins.

    OpenCV uses 65,536 bins for 16-bit images. A radiograph fills few of them, so that the limit cuts off nearly all of
    each bin and hardly any effect remains.
    """
    tiles, (rows, columns) = parameters.tiles, image.shape
    # like OpenCV: where one side is not a multiple of the number of tiles, both sides get a border
    extra = int(rows % tiles > 0 or columns % tiles > 0)
    tile_rows, tile_columns = rows // tiles + extra, columns // tiles + extra
    bottom, right = tile_rows * tiles - rows, tile_columns * tiles - columns
    bordered = cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_REFLECT_101)
    tables = [
        [
            _tile_table(bordered[top : top + tile_rows, left : left + tile_columns], parameters.clip)
            for left in range(0, tiles * tile_columns, tile_columns)
        ]
        for top in range(0, tiles * tile_rows, tile_rows)
    ]
    equalized = np.empty_like(image)
    for vertical, horizontal in product(_spans(rows, tile_rows, tiles), _spans(columns, tile_columns, tiles)):
        block = image[vertical.positions, horizontal.positions]
        upper = _interpolated_row(tables[vertical.before.tile], block, horizontal)
        lower = _interpolated_row(tables[vertical.after.tile], block, horizontal)
        levels = upper * vertical.before.weight[:, None] + lower * vertical.after.weight[:, None]
        equalized[vertical.positions, horizontal.positions] = np.floor(levels + np.float32(0.5)).astype(np.uint16)
    return equalized


def _interpolated_row(tables: list[Array], block: Array, span: _Span) -> Array:
    """The output of a block of pixels by one row of tile tables, interpolated between two neighbouring tiles."""
    before, after = span.before, span.after
    levels: Array = tables[before.tile][block] * before.weight + tables[after.tile][block] * after.weight
    return levels


def _tile_table(tile: Array, clip: float) -> Array:
    """The output (float32) of each of the 65,536 levels: the clipped cumulative histogram of a tile, up to 65535."""
    bins = (tile.ravel().astype(np.uint32) + _BIN_STEP // 2) // _BIN_STEP
    counts = np.bincount(bins, minlength=_BINS)
    # like OpenCV: the limit is an integer, and the clipped pixels are spread evenly over the bins
    counts = np.minimum(counts, max(int(clip * tile.size / _BINS), 1))
    per_bin, remainder = divmod(tile.size - int(counts.sum()), _BINS)
    counts += per_bin
    counts[:: max(_BINS // max(remainder, 1), 1)][:remainder] += 1
    levels = np.cumsum(counts) * (65535 / tile.size)
    table: Array = np.interp(np.arange(65536), np.arange(_BINS) * _BIN_STEP, levels).astype(np.float32)
    return table


def _spans(length: int, tile_size: int, tiles: int) -> list[_Span]:
    """Divide an axis at the centres of its tiles. Before the first and after the last centre one tile counts alone."""
    centers = (-(-(2 * tile + 1) * tile_size // 2) for tile in range(tiles))
    bounds = [min(bound, length) for bound in (0, *centers, length)]
    spans = []
    for number, (start, stop) in enumerate(pairwise(bounds)):
        if start == stop:
            continue
        positions = np.arange(start, stop, dtype=np.float32)
        fraction = (positions / np.float32(tile_size) - np.float32(0.5)) % 1
        before = _TileWeight(max(number - 1, 0), 1 - fraction)
        after = _TileWeight(min(number, tiles - 1), fraction)
        spans.append(_Span(slice(start, stop), before, after))
    return spans
