# SPDX-License-Identifier: MIT
"""Build the contents of synthetic images: integers of (frames, rows, columns) by kind, shape and range."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int, int, int]


def _gradient(shape: Shape, _: np.random.Generator) -> Array:
    """From 0 to 1 along rows and columns; frames drift."""
    frames, rows, columns = shape
    plane = np.linspace(0, 1, rows * columns).reshape(rows, columns)
    return np.stack([plane * (1 - 0.5 * frame / frames) for frame in range(frames)])


def _noise(shape: Shape, rng: np.random.Generator) -> Array:
    return rng.random(shape)


def _film(shape: Shape, rng: np.random.Generator) -> Array:
    """A bright oval on a dark ground, with grain."""
    _, rows, columns = shape
    row, column = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    oval = 0.2 + 0.6 * np.clip(1 - row**2 - column**2, 0, 1)
    return np.asarray(np.clip(oval + 0.05 * rng.standard_normal(shape), 0, 1))


def _constant(shape: Shape, _: np.random.Generator) -> Array:
    return np.full(shape, 0.4)


def _hot(shape: Shape, rng: np.random.Generator) -> Array:
    """A film in the lowest tenth, and two hot pixels a frame."""
    plane = _film(shape, rng) * 0.1
    plane[:, 3, 5] = plane[:, -2, 7] = 1
    return plane


def _border(shape: Shape, rng: np.random.Generator) -> Array:
    """A film within a margin at the lowest value, with a label at the highest."""
    plane = _film(shape, rng)
    plane[:, :4] = plane[:, -4:] = plane[:, :, :6] = plane[:, :, -6:] = 0
    plane[:, 5:9, 8:14] = 1
    return plane


def _two_levels(shape: Shape, rng: np.random.Generator) -> Array:
    return np.where(rng.random(shape) < 0.3, 0.25, 0.75)


def _four_levels(shape: Shape, _: np.random.Generator) -> Array:
    """One level nearly everywhere, three others in one pixel each: percentiles meet."""
    plane = np.full(shape, 0.5)
    plane[:, 0, 0], plane[:, 0, 1], plane[:, 0, 2] = 0, 0.4, 1
    return plane


def _three_levels(shape: Shape, rng: np.random.Generator) -> Array:
    return rng.choice([0.0, 0.5, 1.0], size=shape)


def _mostly(shape: Shape, rng: np.random.Generator) -> Array:
    """99.7 % at the lowest value."""
    return np.where(rng.random(shape) < 0.003, rng.random(shape), 0)


def _empty_ground(shape: Shape, rng: np.random.Generator) -> Array:
    """97 % at the lowest value: padding that is implausible."""
    return np.where(rng.random(shape) < 0.03, rng.random(shape), 0)


CONTENTS: dict[str, Callable[[Shape, np.random.Generator], Array]] = {
    "gradient": _gradient,
    "noise": _noise,
    "film": _film,
    "constant": _constant,
    "hot": _hot,
    "border": _border,
    "two_levels": _two_levels,
    "three_levels": _three_levels,
    "four_levels": _four_levels,
    "mostly": _mostly,
    "empty_ground": _empty_ground,
}


def make_content(kind: str, shape: Shape, ends: tuple[int, int], seed: int) -> Array:
    """Whole numbers between both ends, inclusive; dtype object where 64 bits are not enough, else int64."""
    fraction = CONTENTS[kind](shape, np.random.default_rng(seed))
    lowest, highest = ends
    if highest - lowest < 2**53:
        return np.asarray(lowest + np.rint(fraction * (highest - lowest)).astype(np.int64))
    steps = (fraction * 2**53).astype(np.int64).astype(object)
    return lowest + steps * (highest - lowest) // 2**53


def make_floats(kind: str, shape: Shape, ends: tuple[float, float], seed: int) -> Array:
    """Floating content between both ends, float64."""
    return ends[0] + CONTENTS[kind](shape, np.random.default_rng(seed)) * (ends[1] - ends[0])
