# SPDX-License-Identifier: MIT
"""The published recipes give the results of small examples computed by hand; properties/ tests random images."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_windowing

from plainfilm.options.render import Stretch, VoiFunction
from plainfilm.rendering.grayscale.histogram import EMPTY_HISTOGRAM, histogram_of
from plainfilm.rendering.grayscale.lut import LookupTable
from plainfilm.rendering.grayscale.recipes import MinMaxRecipe, RecipeVoi, StretchRecipe, minmax_recipe, stretch_recipe
from plainfilm.rendering.grayscale.transform import StoredLook
from plainfilm.rendering.grayscale.voi import VoiLut, Window

Array = npt.NDArray[Any]


def stretch(v: Array, percentiles: Stretch = Stretch(0, 100), inverted: bool = False) -> StretchRecipe:  # noqa: B008
    return stretch_recipe(RecipeVoi(), histogram_of(v), percentiles, inverted)


def minmax(v: Array, inverted: bool = False) -> MinMaxRecipe:
    return minmax_recipe(RecipeVoi(), histogram_of(v), inverted)


def test_stretch_replaces_the_extremes_by_the_median() -> None:
    """[0, 10, 20, 30, 1000]: the median is 20, so t = [20, 10, 20, 30, 20]."""
    v = np.array([0, 10, 20, 30, 1000], np.uint16)
    assert stretch(v).line == (10, 30)
    assert stretch(v).apply(v, 255).tolist() == [0, 0, 127, 255, 255]


def test_stretch_with_all_counts_every_value() -> None:
    v = np.array([0, 10, 20, 30, 1000], np.uint16)
    assert stretch(v, Stretch(0, 100, True)).line == (0, 1000)
    assert stretch(v, Stretch(0, 100, True)).apply(v, 255).tolist() == [0, 2, 5, 7, 255]


def test_stretch_casts_the_median_to_the_type_of_the_values() -> None:
    """[0, 1, 2, 9]: the median 1.5 becomes 1 in an integer array, so t = [1, 1, 2, 1]; in float64 it stays 1.5."""
    whole = np.array([0, 1, 2, 9], np.int32)
    assert stretch(whole, Stretch(0, 50)).line == (1, 1)
    assert stretch(whole.astype(np.float64), Stretch(0, 50)).line == (1, 1.5)


@pytest.mark.parametrize(("ymax", "middle"), [(255, 128), (65535, 32768)])
def test_stretch_of_equal_percentiles_is_the_middle_of_the_range(ymax: int, middle: int) -> None:
    v = np.array([[5, 5], [5, 5]], np.uint8)
    assert set(stretch(v).apply(v, ymax).flat) == {middle}
    assert set(stretch(v, inverted=True).apply(v, ymax).flat) == {ymax - middle}


def test_a_border_over_most_of_the_image_makes_the_percentiles_equal() -> None:
    """The median is the value of the border, so the whole image is grey, as in the published recipe."""
    v = np.zeros(10_000, np.uint16)
    v[:3] = (100, 200, 300)
    assert set(stretch(v, Stretch()).apply(v, 255).flat) == {128}


def test_stretch_truncates_and_then_inverts() -> None:
    v = np.array([0, 1, 2, 3], np.uint8)
    recipe = stretch(v, Stretch(0, 100, True), inverted=True)
    assert recipe.apply(v, 255).tolist() == [255, 255 - 85, 255 - 170, 0]
    v = np.array([0, 1, 256], np.uint16)
    assert stretch(v, Stretch(0, 100, True), inverted=True).apply(v, 255).tolist() == [255, 255, 0]


def test_stretch_of_16_bits_is_computed_at_that_range() -> None:
    v = np.array([0, 1, 3], np.uint16)
    assert stretch(v, Stretch(0, 100, True)).apply(v, 65535).tolist() == [0, 21845, 65535]
    assert stretch(v, Stretch(0, 100, True)).apply(v, 65535).dtype == np.uint16


def test_minmax_runs_from_the_smallest_to_the_largest_value() -> None:
    v = np.array([100, 101, 104], np.uint16)
    assert minmax(v).apply(v, 255).tolist() == [0, 63, 255]
    assert minmax(v).line == (100, 104)


def test_minmax_inverts_monochrome1_before_the_stretch() -> None:
    """3/4 of 255 is 191.25, which is truncated to 191. Inverting the truncated level 63 would give 192."""
    v = np.array([100, 101, 104], np.uint16)
    assert minmax(v, inverted=True).apply(v, 255).tolist() == [255, 191, 0]


@pytest.mark.parametrize("inverted", [True, False])
def test_minmax_of_a_single_level_is_0(inverted: bool) -> None:
    v = np.full((2, 2), 9, np.int16)
    assert minmax(v, inverted).apply(v, 255).tolist() == [[0, 0], [0, 0]]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", ["i1", "i2", "i4", "i8", "u8"])
@pytest.mark.parametrize("inverted", [True, False])
def test_minmax_of_integers_never_wraps(kind: str, inverted: bool) -> None:
    info = np.iinfo(kind)
    values = [int(info.min), int(info.min) // 4, 5, int(info.max)]
    v = np.array(values, kind)
    span = values[-1] - values[0]
    expected = [int((values[-1] - value if inverted else value - values[0]) / span * 255) for value in values]
    assert minmax(v, inverted).apply(v, 255).tolist() == expected


@pytest.mark.parametrize("inverted", [True, False])
def test_minmax_is_monotonic_for_values_that_do_not_occur_in_the_image(inverted: bool) -> None:
    recipe = minmax(np.array([100, 200], np.uint8), inverted)
    levels = recipe.apply(np.arange(256, dtype=np.uint8), 255).astype(int)
    steps = np.diff(levels)
    assert (steps <= 0).all() if inverted else (steps >= 0).all()


@pytest.mark.parametrize("function", list(VoiFunction))
@pytest.mark.parametrize(("bits", "signed"), [(12, False), (16, True)])
@pytest.mark.parametrize("rescale", [None, (2.0, -1024.0), (0.5, 3.0)])
def test_a_window_equals_that_of_pydicom_bit_for_bit(
    function: VoiFunction, bits: int, signed: bool, rescale: tuple[float, float] | None
) -> None:
    dataset = Dataset()
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsStored, dataset.PixelRepresentation = bits, int(signed)
    dataset.WindowCenter, dataset.WindowWidth, dataset.VOILUTFunction = 900.0, 1501.0, function.dicom
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if rescale is not None:
        dataset.RescaleSlope, dataset.RescaleIntercept = rescale
        low, high = (end * rescale[0] + rescale[1] for end in (low, high))
    stored = np.arange(-3000 if signed else 0, 4096, dtype=np.int16 if signed else np.uint16)
    voi = RecipeVoi(Window(900.0, 1501.0, function), (float(low), float(high)))
    np.testing.assert_array_equal(voi.apply(stored), apply_windowing(stored, dataset))


@pytest.mark.filterwarnings("error")
def test_a_window_of_width_1_is_a_threshold() -> None:
    voi = RecipeVoi(Window(100.0, 1.0, VoiFunction.LINEAR), (0.0, 4095.0))
    assert voi.apply(np.array([99, 100], np.uint16)).tolist() == [0.0, 4095.0]


def test_a_table_gives_its_entries_unscaled() -> None:
    table = VoiLut(LookupTable(np.array([0, 7, 4095], np.uint16), 10, 12), 12)
    v = RecipeVoi(table).apply(np.array([9, 11, 99], np.uint16))
    assert (v.tolist(), v.dtype) == ([0, 7, 4095], np.uint16)


def test_without_a_voi_stored_values_keep_their_type() -> None:
    v = np.array([-3, 4], np.int16)
    assert RecipeVoi().apply(v) is v


@pytest.mark.parametrize("inverted", [True, False])
def test_recipes_work_for_an_image_without_finite_values(inverted: bool) -> None:
    v = np.array([np.nan, np.nan])
    assert stretch_recipe(RecipeVoi(), EMPTY_HISTOGRAM, Stretch(), inverted).apply(v, 255).shape == (2,)
    assert minmax_recipe(RecipeVoi(), EMPTY_HISTOGRAM, inverted).apply(v, 255).tolist() == [0, 0]


@pytest.mark.parametrize(("offset", "values", "line"), [(0, [0, 65535], (0, 65535)), (2048, [-2048, 2047], None)])
def test_the_look_stored_only_adds_its_offset(offset: int, values: list[int], line: tuple[int, int] | None) -> None:
    look = StoredLook(offset)
    levels = look.apply(np.array(values, np.int32), 65535)
    assert (levels.tolist(), levels.dtype) == ([value + offset for value in values], np.uint16)
    assert look.line == (line or (-2048, 63487))
