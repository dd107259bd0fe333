# SPDX-License-Identifier: MIT
"""A seed -> noise, the same to the last bit on every machine: raw words of PCG64, whose stream NumPy keeps for good."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from plainfilm.demo.geometry import Field

Integers = npt.NDArray[np.int32]
# the standard deviation of the sum of four bytes
BYTES, SPREAD = 4, 147.797


class Dice:
    """A stream of pseudo-random numbers from a seed and what it is for."""

    def __init__(self, *seed: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(seed))

    def uniform(self, low: float, high: float) -> float:
        """A number from low to high in 65536 steps."""
        return low + (high - low) * (int(self._bits.random_raw()) >> 48) / 65535

    def below(self, count: int) -> int:
        """A whole number from 0 to count - 1."""
        return (int(self._bits.random_raw()) >> 32) * count >> 32

    def bells(self, rows: int, columns: int) -> Integers:
        """Whole numbers of mean 0 and standard deviation SPREAD, nearly normal: sums of four bytes each; int32."""
        words = np.asarray(self._bits.random_raw(-(-rows * columns // 2))).astype("<u8")
        dice = words.view(np.uint8).reshape(-1, BYTES)[: rows * columns]
        sums = dice[:, 0].astype(np.int32) + dice[:, 1] + dice[:, 2] + dice[:, 3]
        return (sums - 510).reshape(rows, columns)


def blur(values: Integers, times: int) -> Integers:
    """(1, 2, 1)/4 along both axes, `times` times: a variance of times/2 pixels squared; edges are continued."""
    for _ in range(times):
        for axis in (0, 1):
            before, after = np.roll(values, 1, axis), np.roll(values, -1, axis)
            first, last = (slice(0, 1), slice(None)), (slice(-1, None), slice(None))
            if axis == 1:
                first, last = first[::-1], last[::-1]
            before[first], after[last] = values[first], values[last]
            values = (before + 2 * values + after + 2) >> 2
    return values


@cache
def _tile() -> Field:
    """A tile of spongy bone, 512 x 512 cells that repeat, about -1 to 1: plates and rods, drawn out along the columns.

    Walls are where band-passed noise changes its sign: that gives a net, as noise itself would give grains. As the
    beam meets many such nets one behind the other, three of different meshes are laid over each other.
    """
    nets = [_net(number, mesh) for number, mesh in enumerate((2, 3, 6))]
    return np.asarray((nets[0] + nets[1] + nets[2]) / np.float32(2.2), np.float32)


def trabeculae(x: Field, y: Field, lie: tuple[int, int]) -> Field:
    """The net at positions in cells, from a place of the tile on: about -1 to 1, by linear interpolation."""
    tile = _tile().ravel()
    row, column = y + np.float32(lie[0]), x + np.float32(lie[1])
    top, left = np.floor(row), np.floor(column)
    down, right = row - top, column - left
    upper, lower = (top.astype(np.int32) & 511) * 512, ((top.astype(np.int32) + 1) & 511) * 512
    first, second = left.astype(np.int32) & 511, (left.astype(np.int32) + 1) & 511
    above = tile[upper + first] + (tile[upper + second] - tile[upper + first]) * right
    below = tile[lower + first] + (tile[lower + second] - tile[lower + first]) * right
    return np.asarray(above + (below - above) * down, np.float32)


def _net(number: int, mesh: int) -> Field:
    bells = Dice(number, 0x7AB).bells(512, 512) * 64
    fine, coarse = _wrapped(bells, mesh, 3 * mesh), _wrapped(bells, 3 * mesh, 9 * mesh)
    band = np.abs(fine - coarse).astype(np.float32)
    typical = np.float32(np.partition(band.ravel(), band.size // 2)[band.size // 2])
    return np.asarray(1 - np.minimum(band / typical, np.float32(2.2)), np.float32)


def _wrapped(values: Integers, across: int, lengthwise: int) -> Integers:
    """Binomial blur that runs round the edges."""
    for axis, times in ((1, across), (0, lengthwise)):
        for _ in range(times):
            values = (np.roll(values, 1, axis) + 2 * values + np.roll(values, -1, axis) + 2) >> 2
    return values
