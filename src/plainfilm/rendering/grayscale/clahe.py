# SPDX-License-Identifier: MIT
"""Output levels -> output levels by their neighbourhood: contrast-limited adaptive histogram equalisation."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from plainfilm.options.choices import Clahe

Array = npt.NDArray[Any]
_BINS, _STEP = 256, 257  # of 16-bit levels: 0, 257, ... 65535


def apply_clahe(image: Array, hidden: npt.NDArray[np.bool_], parameters: Clahe) -> Array:
    """The levels (rows, columns), uint8 or uint16, of evened contrast.

    What is hidden (padding, outside the shutter) gives its place in the histograms to an even sample of what is shown,
    so that it neither takes part in a tile nor bends it; it keeps its own level.
    """
    if hidden.all():
        return image
    seen = image
    if hidden.any():
        shown, count = image[~hidden], int(hidden.sum())
        seen = image.copy()
        seen[hidden] = shown[np.arange(count) * shown.size // count]
    if image.dtype == np.uint8:
        equalized: Array = cv2.createCLAHE(parameters.clip, (parameters.tiles, parameters.tiles)).apply(seen)
    else:
        equalized = _of_16_bits(seen, parameters)
    equalized[hidden] = image[hidden]
    return equalized


def _of_16_bits(image: Array, parameters: Clahe) -> Array:
    """The same tables of 256 bins a tile as at 8 bits, drawn between them.

    OpenCV counts 65,536 bins at 16 bits, of which a film fills few: nearly all of each is above the limit and cut off,
    so that next to nothing is left of the effect.
    """
    tiles, (rows, columns) = parameters.tiles, image.shape
    # where one side does not divide into tiles, OpenCV adds a border to both
    more = int(rows % tiles > 0 or columns % tiles > 0)
    height, width = rows // tiles + more, columns // tiles + more
    border = cv2.copyMakeBorder(image, 0, height * tiles - rows, 0, width * tiles - columns, cv2.BORDER_REFLECT_101)
    tables = [
        [_table(border[top : top + height, left : left + width], parameters.clip) for left in _starts(tiles, width)]
        for top in _starts(tiles, height)
    ]
    equalized = np.empty_like(image)
    for (y, vertical), (x, horizontal) in product(_spans(rows, height, tiles), _spans(columns, width, tiles)):
        block = image[y, x]
        across = [_blend([tables[tile][other][block] for other, _ in horizontal], horizontal) for tile, _ in vertical]
        down = _blend(across, [(tile, weight[:, None]) for tile, weight in vertical])
        equalized[y, x] = np.floor(down + np.float32(0.5)).astype(np.uint16)
    return equalized


def _starts(tiles: int, size: int) -> range:
    return range(0, tiles * size, size)


def _table(tile: Array, clip: float) -> Array:
    """The output (float32) of each of the 65,536 levels: the share of the tile up to it, no bin above the limit."""
    nearest = (tile.ravel().astype(np.uint32) + _STEP // 2) // _STEP
    counts = np.bincount(nearest, minlength=_BINS)
    # whole numbers, and what is left over to bins evenly apart: as OpenCV has it
    counts = np.minimum(counts, max(int(clip * tile.size / _BINS), 1))
    everywhere, rest = divmod(tile.size - int(counts.sum()), _BINS)
    counts += everywhere
    counts[:: max(_BINS // max(rest, 1), 1)][:rest] += 1
    shares = np.cumsum(counts) * (65535 / tile.size)
    table: Array = np.interp(np.arange(65536), np.arange(_BINS) * _STEP, shares).astype(np.float32)
    return table


def _spans(length: int, size: int, tiles: int) -> list[tuple[slice, list[tuple[int, Array]]]]:
    """The stretches of an axis between centres of tiles; with each the two tiles that count, and their weights."""
    edges = [0, *(-(-(2 * tile + 1) * size // 2) for tile in range(tiles)), length]
    spans = []
    for number, (start, stop) in enumerate(pairwise(min(edge, length) for edge in edges)):
        if start == stop:
            continue
        share = (np.arange(start, stop, dtype=np.float32) / np.float32(size) - np.float32(0.5)) % 1
        first, second = max(number - 1, 0), min(number, tiles - 1)
        spans.append((slice(start, stop), [(first, 1 - share), (second, share)]))
    return spans


def _blend(parts: list[Array], weights: list[tuple[int, Array]]) -> Array:
    blended: Array = parts[0] * weights[0][1] + parts[1] * weights[1][1]
    return blended
