# SPDX-License-Identifier: MIT
"""Fear: a statistic read off the histogram is not the one that NumPy takes of the pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from plainfilm.rendering.grayscale.histogram import EMPTY_HISTOGRAM, Histogram, histogram_of, pooled

Array = npt.NDArray[Any]

INTEGERS = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8")
TYPES = (*INTEGERS, "f4", "f8")


@st.composite
def pixels(draw: st.DrawFn) -> Array:
    """An image of any type: values far apart, close together, or at the ends of the type."""
    kind = np.dtype(draw(st.sampled_from(TYPES)))
    if kind.kind == "f":
        values = st.floats(-(2.0**100), 2.0**100, width=32)
    else:
        info = np.iinfo(kind)
        near = st.integers(max(int(info.min), -3), 3)
        values = st.one_of(near, st.sampled_from([int(info.min), int(info.max)]), hnp.from_dtype(kind))
    return draw(hnp.arrays(kind, st.integers(1, 40), elements=values))


@settings(deadline=None)
@given(pixels(), st.one_of(st.sampled_from([0.0, 0.1, 1.0, 50.0, 99.0, 99.9, 100.0]), st.floats(0, 100)))
def test_a_percentile_is_numpys(image: Array, percent: float) -> None:
    ours = histogram_of(image).percentile(percent)
    theirs = np.percentile(image, (percent, percent))
    assert ours.dtype == theirs.dtype == np.float64
    assert [ours, ours] == theirs.tolist()


@settings(deadline=None)
@given(pixels())
def test_a_median_is_numpys(image: Array) -> None:
    ours, theirs = histogram_of(image).median(), np.median(image)
    assert ours == theirs
    assert ours.dtype == theirs.dtype


def test_a_percentile_wraps_between_far_neighbours_as_numpys_does() -> None:
    """int16 holds no difference of 65535: NumPy interpolates along -1, and the published recipe did with it."""
    image = np.array([-32768, 32767], np.int16)
    ours = histogram_of(image).percentile(25)
    assert ours == np.percentile(image, (25, 25))[0]
    assert ours < -32768


@pytest.mark.parametrize(("percent", "size"), [(1.0, 61), (0.1, 574)])
def test_a_percentile_is_interpolated_from_the_nearer_end_as_numpys_is(percent: float, size: int) -> None:
    """From the lower value up it would be another float64 in its last bit."""
    image = np.full(size, 10, np.uint16)
    image[0] = 3
    share = percent / 100 * (size - 1)
    assert share > 0.5
    assert histogram_of(image).percentile(percent) == np.percentile(image, (percent, percent))[0] != 3 + 7 * share


@pytest.mark.parametrize("kind", TYPES)
def test_the_histogram_is_the_sorted_distinct_values(kind: str) -> None:
    source = np.random.default_rng(5)
    image = (source.integers(0, 120, (23, 17)) - (60 if kind[0] != "u" else 0)).astype(kind)
    levels = histogram_of(image)
    values, counts = np.unique(image, return_counts=True)
    assert levels.values.dtype == image.dtype
    assert levels.counts.dtype == np.int64
    np.testing.assert_array_equal(levels.values, values)
    np.testing.assert_array_equal(levels.counts, counts)
    assert levels.total == image.size


@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2"])
def test_the_ends_of_a_type_are_counted(kind: str) -> None:
    info = np.iinfo(kind)
    levels = histogram_of(np.array([info.max, info.min, info.max], kind))
    assert levels.values.tolist() == [info.min, info.max]
    assert levels.counts.tolist() == [1, 2]


def test_more_pixels_than_a_float32_counts_are_counted() -> None:
    """OpenCV's histogram stands still at 2^24 pixels of one value."""
    levels = histogram_of(np.full((2, (1 << 24) + 1), 7, np.uint8))
    assert levels.values.tolist() == [7]
    assert levels.counts.tolist() == [(1 << 25) + 2]


def test_a_view_with_gaps_is_counted_as_it_looks() -> None:
    image = np.arange(48, dtype=np.uint16).reshape(6, 8)[::2, ::3]
    assert histogram_of(image).values.tolist() == sorted(image.reshape(-1).tolist())


def test_mapping_levels_joins_those_that_meet() -> None:
    levels = Histogram(np.array([1, 2, 3], np.uint16), np.array([10, 20, 30]))
    mapped = levels.mapped(np.array([5.0, -1.0, 5.0]))
    assert mapped.values.tolist() == [-1.0, 5.0]
    assert mapped.counts.tolist() == [20, 40]


def test_several_histograms_are_pooled_into_one() -> None:
    parts = (histogram_of(np.array([1, 1, 4], np.uint8)), histogram_of(np.array([4, 9], np.uint8)))
    assert pooled(parts).values.tolist() == [1, 4, 9]
    assert pooled(parts).counts.tolist() == [2, 2, 1]


def test_pooling_one_histogram_is_that_one() -> None:
    assert pooled((EMPTY_HISTOGRAM,)) is EMPTY_HISTOGRAM


def test_what_is_no_number_is_left_out() -> None:
    levels = histogram_of(np.array([np.nan, 1.0, np.inf, -np.inf, np.nan, 1.0]))
    assert levels.finite().values.tolist() == [1.0]
    assert levels.finite().counts.tolist() == [2]
    assert levels.total == 6


def test_the_value_at_a_rank() -> None:
    levels = histogram_of(np.array([7, 3, 3, 9], np.int16))
    assert [int(levels.at_rank(rank)) for rank in range(4)] == [3, 3, 7, 9]
    assert levels.at_rank(0).dtype == np.int16
