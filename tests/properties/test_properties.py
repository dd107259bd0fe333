# SPDX-License-Identifier: MIT
"""Test properties that hold for every image, and the published recipes exactly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from plainfilm.dicom.instance import (
    Description,
    FrameAttributes,
    ImagePixel,
    Instance,
    InstanceIdentity,
    Padding,
    PixelData,
    Shutter,
    VoiLevel,
    WindowItem,
)
from plainfilm.options.render import Look, RenderOptions, Stretch, VoiFunction
from plainfilm.records import Status
from plainfilm.rendering.grayscale.histogram import histogram_of
from plainfilm.rendering.grayscale.lut import LookupTable
from plainfilm.rendering.grayscale.modality import ModalityTransform
from plainfilm.rendering.grayscale.plan import GrayscalePlan, render_levels, rendered_histogram
from plainfilm.rendering.grayscale.planner import grayscale_planner
from plainfilm.rendering.grayscale.polarity import invert, round_to_levels
from plainfilm.rendering.grayscale.recipes import MinMaxRecipe, RecipeVoi, StretchRecipe, minmax_recipe, stretch_recipe
from plainfilm.rendering.grayscale.stored import Cells, StoredRules
from plainfilm.rendering.grayscale.survey import FrameHistograms, survey_grayscale
from plainfilm.rendering.grayscale.transform import ViewerTransform
from plainfilm.rendering.grayscale.voi import VoiLut, Window
from plainfilm.rendering.statistics import statistics

Array = npt.NDArray[Any]

INTEGERS = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8"]
PERCENTILES = [(0.1, 99.9), (1.0, 99.0), (0.0, 100.0), (50.0, 50.5), (5.0, 60.0)]
ENTRIES = np.random.default_rng(12).integers(0, 4096, 200).astype(np.uint16)
RECIPE_VOIS = [
    RecipeVoi(),
    RecipeVoi(Window(60.0, 101.0, VoiFunction.LINEAR), (0.0, 4095.0)),
    RecipeVoi(Window(20.5, 1.0, VoiFunction.LINEAR), (-2048.0, 2047.0)),
    RecipeVoi(Window(0.0, 77.0, VoiFunction.LINEAR_EXACT), (-1024.0, 3071.0)),
    RecipeVoi(Window(50.0, 300.0, VoiFunction.SIGMOID), (0.0, 255.0)),
    RecipeVoi(VoiLut(LookupTable(ENTRIES, -50, 12), 12)),
]


@st.composite
def films(draw: st.DrawFn, kind: str) -> Array:
    """An image: of any values, of few, of one, with neighbours far apart, or with a border over most of it."""
    info = np.iinfo(kind)
    lowest, highest = int(info.min), int(info.max)
    if info.bits == 64:
        highest -= 4096  # a median that rounds to 2^63 or 2^64 is none of the type's values
    whole, near = st.integers(lowest, highest), st.integers(max(lowest, -4), 4)
    ends = st.sampled_from([lowest, lowest + 1, 0, highest - 1, highest])
    values = draw(st.sampled_from([whole, near, ends, st.just(draw(whole)), st.one_of(whole, near, ends)]))
    image = draw(hnp.arrays(np.dtype(kind), (draw(st.integers(1, 4)), draw(st.integers(1, 9))), elements=values))
    border = draw(st.sampled_from([0, 0, 60, 2000]))
    padded = np.full((image.shape[0], image.shape[1] + border), draw(values), kind)
    padded[:, : image.shape[1]] = image
    return padded


def published_stretch(v: Array, percentiles: Stretch, monochrome1: bool, ymax: int) -> Array:
    """The recipe for hand films, as it is written: VOI output in, grey levels out."""
    t = v.copy()
    if not percentiles.all_values:
        t[(v == v.min()) | (v == v.max())] = np.median(v)
    lo, hi = np.percentile(t, (percentiles.low, percentiles.high))
    kind = np.uint8 if ymax == 255 else np.uint16
    if lo == hi:
        out = np.full(v.shape, 128 if ymax == 255 else 32768, kind)
    else:
        out = np.clip((v - lo) * (ymax / (hi - lo)), 0, ymax).astype(kind)
    return ymax - out if monochrome1 else out


def published_minmax(v: Array, monochrome1: bool, ymax: int) -> Array:
    """The recipe of the chest X-ray competitions, as it is written; integers of any size, so that nothing wraps."""
    if v.dtype.kind in "iu":
        v = v.astype(object)
    if monochrome1:
        v = v.max() - v
    v = v - v.min()
    if v.max() == 0:
        return np.zeros(v.shape, int)
    return np.trunc(v.astype(np.float64) / float(v.max()) * ymax).astype(int)


def plan_of(tone: Any, bits: int) -> GrayscalePlan:
    rules = StoredRules(0, 16, False, np.dtype("u2"))
    return GrayscalePlan(Look.STRETCH, bits, rules, tone, "none", tone.inverted, Status.OK)


def compare(recipe: StretchRecipe | MinMaxRecipe, image: Array, expected: Array, ymax: int) -> None:
    """By the formulas, and through the table that the plan folds into where there is one."""
    np.testing.assert_array_equal(recipe.apply(image, ymax), expected)
    rendered = render_levels(plan_of(recipe, 8 if ymax == 255 else 16), image)
    np.testing.assert_array_equal(rendered, expected)
    assert rendered.dtype == (np.uint8 if ymax == 255 else np.uint16)


@pytest.mark.slow
@pytest.mark.parametrize("kind", INTEGERS)
@given(data=st.data())
def test_stretch_is_the_published_recipe_bit_for_bit(kind: str, data: st.DataObject) -> None:
    image, voi = data.draw(films(kind)), data.draw(st.sampled_from(RECIPE_VOIS))
    percentiles = Stretch(*data.draw(st.sampled_from(PERCENTILES)), data.draw(st.booleans()))
    monochrome1, ymax = data.draw(st.booleans()), data.draw(st.sampled_from([255, 65535]))
    recipe = stretch_recipe(voi, histogram_of(image), percentiles, monochrome1)
    compare(recipe, image, published_stretch(voi.apply(image), percentiles, monochrome1, ymax), ymax)


@pytest.mark.slow
@pytest.mark.parametrize("kind", INTEGERS)
@given(data=st.data())
def test_minmax_is_the_published_recipe_bit_for_bit(kind: str, data: st.DataObject) -> None:
    image, voi = data.draw(films(kind)), data.draw(st.sampled_from(RECIPE_VOIS))
    monochrome1, ymax = data.draw(st.booleans()), data.draw(st.sampled_from([255, 65535]))
    recipe = minmax_recipe(voi, histogram_of(image), monochrome1)
    compare(recipe, image, published_minmax(voi.apply(image), monochrome1, ymax), ymax)


@pytest.mark.parametrize("kind", ["u1", "u2", "i2"])
@pytest.mark.parametrize("monochrome1", [True, False])
def test_the_recipes_hold_for_an_image_with_many_levels(kind: str, monochrome1: bool) -> None:
    """A film of a smooth hand on noise, with a margin and a marker: a size at which percentiles fall between ranks."""
    source = np.random.default_rng(99)
    row, column = np.mgrid[0:211, 0:173]
    film = 60 + 50 * np.exp(-((row - 90) ** 2 + (column - 80) ** 2) / 4000) + source.normal(0, 3, row.shape)
    film *= 1 if kind == "u1" else 20
    film[:, :20], film[5:15, 150:170] = 0, film.max()
    image = (film - (1000 if kind == "i2" else 0)).astype(kind)
    for percentiles in (Stretch(), Stretch(1, 99), Stretch(0, 100), Stretch(0.1, 99.9, True)):
        recipe = stretch_recipe(RecipeVoi(), histogram_of(image), percentiles, monochrome1)
        compare(recipe, image, published_stretch(image, percentiles, monochrome1, 255), 255)
    compare(
        minmax_recipe(RecipeVoi(), histogram_of(image), monochrome1),
        image,
        published_minmax(image, monochrome1, 255),
        255,
    )


@st.composite
def windows(draw: st.DrawFn, reach: float) -> Window:
    function = draw(st.sampled_from(VoiFunction))
    width = draw(st.floats(1.0 if function is VoiFunction.LINEAR else 1e-3, reach))
    return Window(draw(st.floats(-reach, reach)), width, function)


@given(windows(1e18), hnp.arrays(np.float64, 12, elements=st.floats(-2e18, 2e18)), st.sampled_from([255, 65535]))
def test_a_window_is_monotonic(window: Window, values: Array, ymax: int) -> None:
    """Also beyond 2^53, where its arithmetic is coarse: no level may wrap."""
    x = np.sort(np.concatenate([values, [window.center, window.center + window.width / 2]]))
    levels = round_to_levels(window.apply(x, float(ymax)), ymax).astype(int)
    assert (np.diff(levels) >= 0).all()


@given(windows(1e6), hnp.arrays(np.float64, 12, elements=st.floats(-2e6, 2e6)), st.sampled_from([255.0, 65535.0]))
def test_display_values_are_in_the_output_range(window: Window, values: Array, ymax: float) -> None:
    x = np.concatenate([values, [window.center, window.center + window.width / 2, window.center - window.width / 2]])
    y = window.apply(x, ymax)
    assert y.min() >= -1e-6 * ymax
    assert y.max() <= ymax * (1 + 1e-6)


@given(hnp.arrays(np.float64, 12, elements=st.floats(0, 1)), st.sampled_from([255, 65535]))
def test_inversion_is_its_own_inverse(shares: Array, ymax: int) -> None:
    levels = np.floor(shares * ymax)
    np.testing.assert_array_equal(invert(invert(levels, ymax), ymax), levels)
    np.testing.assert_allclose(invert(invert(shares * ymax, ymax), ymax), shares * ymax, atol=1e-9)


@given(windows(5000), st.sampled_from([8, 16]))
def test_an_image_and_its_inverse_add_up_to_the_range(window: Window, bits: int) -> None:
    """But for halves, which both go up."""
    image = np.arange(-300, 300, dtype=np.int16).reshape(20, 30)
    tones = [ViewerTransform(ModalityTransform(), window, inverted) for inverted in (False, True)]
    plain, inverse = (render_levels(plan_of(tone, bits), image).astype(int) for tone in tones)
    assert set(np.unique(plain + inverse)) <= {(1 << bits) - 1, 1 << bits}


def instance_of(window: WindowItem | None, padding: int | None, shutter: Shutter | None = None) -> Instance:
    """A film of 12 bits whose pixels are given apart."""
    pixel = ImagePixel(1, 1, 1, "MONOCHROME2", 0, 16, 12, 11, False, 1)
    frame = FrameAttributes(voi_levels=(VoiLevel(windows=() if window is None else (window,)),))
    data = PixelData(b"", "1.2.840.10008.1.2.1", False)
    whole = Instance(InstanceIdentity(), Description(), pixel, data, (frame,), shutter=shutter)
    return whole if padding is None else replace(whole, padding=Padding(padding))


def shown(instance: Instance, every: list[int], inside: list[int]) -> tuple[Any, ...]:
    """What is decided and told of a film: tone, label, status, and the statistics of its picture."""
    cells, visible = (histogram_of(np.array(values, np.uint16)) for values in (every, inside))
    surveyed = survey_grayscale(instance, (FrameHistograms(0, Cells(cells), visible),))
    frame = surveyed.frames[0]
    plan = grayscale_planner(instance, surveyed, RenderOptions()).plan(frame)
    return plan.transform, plan.voi, plan.status, statistics(rendered_histogram(plan, frame.valid), plan.ymax)


VALID = st.lists(st.integers(0, 3000), min_size=1, max_size=30)
WINDOWS = st.sampled_from([None, WindowItem(500, 1000), WindowItem(2000, 1), WindowItem(9000, 10)])


@given(VALID, WINDOWS, st.integers(3001, 4095), st.integers(0, 15))
def test_padding_never_influences_the_statistics(
    valid: list[int], window: WindowItem | None, padding: int, times: int
) -> None:
    """Whatever value it has and however much of it there is (up to 94 %), the film is shown as without it."""
    every = valid + [padding] * (times * len(valid))
    assert shown(instance_of(window, padding), every, every) == shown(instance_of(window, None), valid, valid)


@given(VALID, WINDOWS, st.lists(st.integers(0, 4095), max_size=60))
def test_pixels_outside_the_shutter_never_influence_the_statistics(
    valid: list[int], window: WindowItem | None, hidden: list[int]
) -> None:
    shuttered = instance_of(window, None, Shutter(rectangle=(1, 1, 1, 1)))
    assert shown(shuttered, valid + hidden, valid) == shown(instance_of(window, None), valid, valid)
