# SPDX-License-Identifier: MIT
"""Compute noise with the same bits on every machine, from raw words of PCG64, whose stream NumPy guarantees."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from plainfilm.demo.geometry import Field
from plainfilm.pickling import dataclass

Integers = npt.NDArray[np.int32]
# SPREAD is the standard deviation of the sum of four bytes
BYTES, SPREAD = 4, 147.797
TILE_SIZE = 512


class RandomStream:
    """A stream of pseudo-random numbers. seed: integers that name the seed and the purpose of the stream."""

    def __init__(self, *seed: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(seed))

    def uniform(self, low: float, high: float) -> float:
        """Return one of 65536 evenly spaced numbers from low to high."""
        return low + (high - low) * (int(self._bits.random_raw()) >> 48) / 65535

    def integer_below(self, count: int) -> int:
        """Return a whole number from 0 to count - 1."""
        return (int(self._bits.random_raw()) >> 32) * count >> 32

    def normal_integers(self, rows: int, columns: int) -> Integers:
        """Return nearly normal whole numbers (int32) of mean 0 and standard deviation SPREAD: sums of four bytes."""
        words = np.asarray(self._bits.random_raw(-(-rows * columns // 2))).astype("<u8")
        octets = words.view(np.uint8).reshape(-1, BYTES)[: rows * columns]
        sums = octets[:, 0].astype(np.int32) + octets[:, 1] + octets[:, 2] + octets[:, 3]
        return (sums - 510).reshape(rows, columns)


def blur(values: Integers, times: int) -> Integers:
    """Apply the filter (1, 2, 1)/4 along both axes `times` times; the edges are repeated.

    The result is a blur with a variance of times/2 pixels squared.
    """
    for _ in range(times):
        for axis in (0, 1):
            before, after = np.roll(values, 1, axis), np.roll(values, -1, axis)
            first, last = (slice(0, 1), slice(None)), (slice(-1, None), slice(None))
            if axis == 1:
                first, last = first[::-1], last[::-1]
            before[first], after[last] = values[first], values[last]
            values = (before + 2 * values + after + 2) >> 2
    return values


@dataclass(frozen=True, slots=True)
class TileOffset:
    """The row and column of the trabecula tile at which a texture begins."""

    row: int
    column: int


def random_offset(random: RandomStream) -> TileOffset:
    """Return a random offset in the trabecula tile."""
    row = random.integer_below(TILE_SIZE)
    return TileOffset(row, random.integer_below(TILE_SIZE))


@cache
def _tile() -> Field:
    """Return a periodic tile of spongy bone, 512 x 512 cells, about -1 to 1, with trabeculae along the columns.

    The walls of the net are where band-passed noise changes its sign; noise itself would give grains. The beam passes
    many such nets one behind the other, so three nets of different mesh sizes are added.
    """
    nets = [_net(number, mesh) for number, mesh in enumerate((2, 3, 6))]
    return np.asarray((nets[0] + nets[1] + nets[2]) / np.float32(2.2), np.float32)


def trabeculae(x: Field, y: Field, offset: TileOffset) -> Field:
    """Return the trabecula texture, about -1 to 1, at positions in cells of the tile, by linear interpolation."""
    tile = _tile().ravel()
    row, column = y + np.float32(offset.row), x + np.float32(offset.column)
    top, left = np.floor(row), np.floor(column)
    down, right = row - top, column - left
    upper, lower = (top.astype(np.int32) & 511) * 512, ((top.astype(np.int32) + 1) & 511) * 512
    first, second = left.astype(np.int32) & 511, (left.astype(np.int32) + 1) & 511
    above = tile[upper + first] + (tile[upper + second] - tile[upper + first]) * right
    below = tile[lower + first] + (tile[lower + second] - tile[lower + first]) * right
    return np.asarray(above + (below - above) * down, np.float32)


def _net(number: int, mesh: int) -> Field:
    normal_integers = RandomStream(number, 0x7AB).normal_integers(512, 512) * 64
    fine, coarse = _wrapped(normal_integers, mesh, 3 * mesh), _wrapped(normal_integers, 3 * mesh, 9 * mesh)
    band = np.abs(fine - coarse).astype(np.float32)
    typical = np.float32(np.partition(band.ravel(), band.size // 2)[band.size // 2])
    return np.asarray(1 - np.minimum(band / typical, np.float32(2.2)), np.float32)


def _wrapped(values: Integers, across: int, lengthwise: int) -> Integers:
    """Apply a binomial blur with periodic edges."""
    for axis, times in ((1, across), (0, lengthwise)):
        for _ in range(times):
            values = (np.roll(values, 1, axis) + 2 * values + np.roll(values, -1, axis) + 2) >> 2
    return values
