# SPDX-License-Identifier: MIT
"""Shrinking gives the exact mean of the area of each output pixel, the same with and without the compiled module."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainfilm.kernels import HAS_CORE
from plainfilm.kernels.area import area_means, area_means_numpy
from plainfilm.kernels.levels import LookupImage

Array = npt.NDArray[Any]


def noise(shape: tuple[int, ...], kind: str) -> Array:
    return np.random.default_rng(sum(shape)).integers(0, np.iinfo(kind).max + 1, shape).astype(kind)


def exact_mean(image: Array, row: int, column: int, height: int, width: int) -> int:
    """The mean of an output pixel by its definition, with fractions, rounded half upwards."""
    total = Fraction(0)
    rows, columns = image.shape
    for y in range(rows):
        tall = min(Fraction(y + 1), Fraction((row + 1) * rows, height)) - max(Fraction(y), Fraction(row * rows, height))
        for x in range(columns):
            right, left = Fraction((column + 1) * columns, width), Fraction(column * columns, width)
            wide = min(Fraction(x + 1), right) - max(Fraction(x), left)
            total += max(tall, Fraction(0)) * max(wide, Fraction(0)) * int(image[y, x])
    return int(total / Fraction(rows * columns, height * width) + Fraction(1, 2))


@pytest.mark.parametrize("kind", ["u1", "u2"])
@pytest.mark.parametrize(
    ("shape", "to_shape"), [((5, 7), (2, 3)), ((4, 4), (2, 2)), ((6, 5), (6, 1)), ((3, 3), (1, 1))]
)
def test_each_level_is_the_exact_mean_of_its_area(kind: str, shape: tuple[int, int], to_shape: tuple[int, int]) -> None:
    image, (height, width) = noise(shape, kind), to_shape
    expected = [[exact_mean(image, y, x, height, width) for x in range(width)] for y in range(height)]
    assert area_means(image, width, height).tolist() == expected
    assert area_means_numpy(image, width, height).tolist() == expected


def test_halves_are_rounded_upwards() -> None:
    assert area_means(np.array([[1, 2]], np.uint8), 1, 1).tolist() == [[2]]
    assert area_means_numpy(np.array([[1, 2]], np.uint8), 1, 1).tolist() == [[2]]


@given(st.data())
def test_the_compiled_means_are_those_of_numpy_and_within_a_level_of_opencv(data: st.DataObject) -> None:
    rows, columns = data.draw(st.integers(1, 60)), data.draw(st.integers(1, 60))
    height, width = data.draw(st.integers(1, rows)), data.draw(st.integers(1, columns))
    shape = data.draw(st.sampled_from([(rows, columns), (rows, columns, 3)]))
    image = noise(shape, data.draw(st.sampled_from(["u1", "u2"])))
    means = area_means(image, width, height)
    np.testing.assert_array_equal(means, area_means_numpy(image, width, height))
    peer = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).reshape(means.shape)
    assert np.abs(means.astype(int) - peer).max() <= 1


@pytest.mark.parametrize(("sample", "level"), [("u1", "u1"), ("u1", "u2"), ("u2", "u1"), ("u2", "u2")])
def test_levels_are_looked_up_while_they_are_averaged(sample: str, level: str) -> None:
    samples = noise((40, 30), sample)
    image = LookupImage(samples, noise((1 << 8 * samples.itemsize,), level))
    np.testing.assert_array_equal(area_means(image, 7, 11), area_means_numpy(image.array(), 7, 11))


def test_the_largest_levels_do_not_overflow() -> None:
    image = np.full((65_535, 3), 65_535, np.uint16)
    assert area_means(image, 2, 1).tolist() == [[65_535, 65_535]]
    assert area_means(image.reshape(3, -1), 1, 2).tolist() == [[65_535], [65_535]]


def test_a_part_of_a_larger_array_is_averaged() -> None:
    whole = noise((40, 50), "u1")
    np.testing.assert_array_equal(area_means(whole[3:33, 5:45], 13, 11), area_means_numpy(whole[3:33, 5:45], 13, 11))


@pytest.mark.skipif(not HAS_CORE, reason="plainfilm.kernels.core was not compiled")
@pytest.mark.parametrize(
    ("shape", "sizes", "to_shape"),
    [
        ((4, 4, 1), (1, 1), (5, 4)),
        ((4, 4, 1), (1, 1), (4, 0)),
        ((4, 5, 1), (1, 1), (1, 1)),
        ((0, 4, 1), (1, 1), (1, 1)),
        ((4, 4, 1), (1, 2), (1, 1)),
        ((4, 2, 1), (3, 3), (1, 1)),
        ((-4, -4, 1), (1, 1), (1, 1)),
        ((2**62, 4, 1), (1, 1), (1, 1)),
        ((1, 1, 16), (1, 1), (1, 1)),
    ],
)
def test_shapes_that_the_buffer_does_not_have_are_refused(
    shape: tuple[int, int, int], sizes: tuple[int, int], to_shape: tuple[int, int]
) -> None:
    from plainfilm.kernels import core

    with pytest.raises(ValueError, match=r"required|shape"):
        core.average(bytes(16), None, shape, sizes, to_shape)
