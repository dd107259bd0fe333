# SPDX-License-Identifier: MIT
"""The statistics of a histogram equal those that NumPy computes from the pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from plainfilm.rendering.grayscale.histogram import EMPTY_HISTOGRAM, Histogram, histogram_of, pooled

Array = npt.NDArray[Any]

INTEGERS = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8")
TYPES = (*INTEGERS, "f4", "f8")


@st.composite
def pixels(draw: st.DrawFn) -> Array:
    """An image of any type, with values far apart, close together, or at the limits of the type."""
    kind = np.dtype(draw(st.sampled_from(TYPES)))
    if kind.kind == "f":
        values = st.floats(-(2.0**100), 2.0**100, width=32)
    else:
        info = np.iinfo(kind)
        near = st.integers(max(int(info.min), -3), 3)
        values = st.one_of(near, st.sampled_from([int(info.min), int(info.max)]), hnp.from_dtype(kind))
    return draw(hnp.arrays(kind, st.integers(1, 40), elements=values))


@given(pixels(), st.one_of(st.sampled_from([0.0, 0.1, 1.0, 50.0, 99.0, 99.9, 100.0]), st.floats(0, 100)))
def test_a_percentile_equals_that_of_numpy(image: Array, percent: float) -> None:
    ours = histogram_of(image).percentile(percent)
    theirs = np.percentile(image, (percent, percent))
    assert ours.dtype == theirs.dtype == np.float64
    assert [ours, ours] == theirs.tolist()


@given(pixels())
def test_a_median_equals_that_of_numpy(image: Array) -> None:
    ours, theirs = histogram_of(image).median(), np.median(image)
    assert ours == theirs
    assert ours.dtype == theirs.dtype


def test_a_percentile_overflows_as_in_numpy() -> None:
    """The difference 65535 overflows int16 to -1, by which NumPy, and the published recipe with it, interpolates."""
    image = np.array([-32768, 32767], np.int16)
    ours = histogram_of(image).percentile(25)
    assert ours == np.percentile(image, (25, 25))[0]
    assert ours < -32768


@pytest.mark.parametrize(("percent", "size"), [(1.0, 61), (0.1, 574)])
def test_a_percentile_is_interpolated_from_the_nearer_value_as_in_numpy(percent: float, size: int) -> None:
    """Interpolation from the lower value would differ in the last bit."""
    image = np.full(size, 10, np.uint16)
    image[0] = 3
    share = percent / 100 * (size - 1)
    assert share > 0.5
    assert histogram_of(image).percentile(percent) == np.percentile(image, (percent, percent))[0] != 3 + 7 * share


@pytest.mark.parametrize("kind", TYPES)
def test_the_histogram_is_the_sorted_distinct_values(kind: str) -> None:
    source = np.random.default_rng(5)
    image = (source.integers(0, 120, (23, 17)) - (60 if kind[0] != "u" else 0)).astype(kind)
    histogram = histogram_of(image)
    values, counts = np.unique(image, return_counts=True)
    assert histogram.values.dtype == image.dtype
    assert histogram.counts.dtype == np.int64
    np.testing.assert_array_equal(histogram.values, values)
    np.testing.assert_array_equal(histogram.counts, counts)
    assert histogram.total == image.size


@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2"])
def test_the_limits_of_a_type_are_counted(kind: str) -> None:
    info = np.iinfo(kind)
    histogram = histogram_of(np.array([info.max, info.min, info.max], kind))
    assert histogram.values.tolist() == [info.min, info.max]
    assert histogram.counts.tolist() == [1, 2]


def test_more_pixels_than_float32_can_count_are_counted() -> None:
    """OpenCV's histogram cannot count more than 2^24 pixels of one value."""
    histogram = histogram_of(np.full((2, (1 << 24) + 1), 7, np.uint8))
    assert histogram.values.tolist() == [7]
    assert histogram.counts.tolist() == [(1 << 25) + 2]


def test_a_view_that_is_not_contiguous_is_counted() -> None:
    image = np.arange(48, dtype=np.uint16).reshape(6, 8)[::2, ::3]
    assert histogram_of(image).values.tolist() == sorted(image.reshape(-1).tolist())


def test_mapping_to_equal_values_adds_their_counts() -> None:
    histogram = Histogram(np.array([1, 2, 3], np.uint16), np.array([10, 20, 30]))
    mapped = histogram.mapped(np.array([5.0, -1.0, 5.0]))
    assert mapped.values.tolist() == [-1.0, 5.0]
    assert mapped.counts.tolist() == [20, 40]


def test_pooling_adds_the_counts_of_several_histograms() -> None:
    parts = (histogram_of(np.array([1, 1, 4], np.uint8)), histogram_of(np.array([4, 9], np.uint8)))
    assert pooled(parts).values.tolist() == [1, 4, 9]
    assert pooled(parts).counts.tolist() == [2, 2, 1]


def test_pooling_a_single_histogram_returns_it() -> None:
    assert pooled((EMPTY_HISTOGRAM,)) is EMPTY_HISTOGRAM


def test_finite_excludes_nan_and_infinity() -> None:
    histogram = histogram_of(np.array([np.nan, 1.0, np.inf, -np.inf, np.nan, 1.0]))
    assert histogram.finite().values.tolist() == [1.0]
    assert histogram.finite().counts.tolist() == [2]
    assert histogram.total == 6


def test_at_rank_returns_the_value_in_the_sorted_sequence() -> None:
    histogram = histogram_of(np.array([7, 3, 3, 9], np.int16))
    assert [int(histogram.at_rank(rank)) for rank in range(4)] == [3, 3, 7, 9]
    assert histogram.at_rank(0).dtype == np.int16
