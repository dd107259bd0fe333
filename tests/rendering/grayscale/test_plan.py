# SPDX-License-Identifier: MIT
"""One table and one look-up. Fear: the fast path gives another picture than the formulas, or the wrong pixels black."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from plainfilm.dicom.instance import Shutter
from plainfilm.options.render import Look, Stretch, VoiFunction
from plainfilm.records import Status
from plainfilm.rendering.grayscale.histogram import histogram_of
from plainfilm.rendering.grayscale.lut import LookupTable
from plainfilm.rendering.grayscale.modality import ModalityTransform
from plainfilm.rendering.grayscale.padding import PaddingRange
from plainfilm.rendering.grayscale.plan import GrayscalePlan, levels, render_levels, rendered_histogram, table
from plainfilm.rendering.grayscale.recipes import RecipeVoi, minmax_recipe, stretch_recipe
from plainfilm.rendering.grayscale.stored import StoredRules
from plainfilm.rendering.grayscale.transform import GrayscaleTransform, StoredLook, ViewerTransform
from plainfilm.rendering.grayscale.voi import ConstantLevel, Line, VoiLut, Window
from plainfilm.rendering.masks import FrameMasks
from plainfilm.rendering.plan import LOOK_VERSIONS
from plainfilm.rendering.shutter import outside_shutter

Array = npt.NDArray[Any]

TYPES = ["u1", "i1", "u2", "i2"]
ENTRIES = np.random.default_rng(3).integers(0, 4096, 300).astype(np.uint16)


def plan_of(tone: GrayscaleTransform, bits: int = 8, **more: Any) -> GrayscalePlan:
    rules = StoredRules(0, 16, False, np.dtype("u2"))
    return GrayscalePlan(Look.VIEWER, bits, rules, tone, "window:0", tone_inverted(tone), Status.OK, **more)


def rendered(plan: GrayscalePlan, stored: Array) -> Array:
    """The levels of a frame with the shutter of its plan."""
    assert plan.shutter is not None
    return render_levels(plan, stored, FrameMasks(outside_shutter=outside_shutter(plan.shutter, *stored.shape)))


def tone_inverted(tone: GrayscaleTransform) -> bool:
    return not isinstance(tone, StoredLook) and tone.inverted


def viewer(voi: Any, modality: ModalityTransform = ModalityTransform(), inverted: bool = False) -> ViewerTransform:  # noqa: B008
    return ViewerTransform(modality, voi, inverted)


@st.composite
def images(draw: st.DrawFn, kinds: list[str] = TYPES) -> Array:
    kind = np.dtype(draw(st.sampled_from(kinds)))
    info = np.iinfo(kind)
    values = st.one_of(hnp.from_dtype(kind), st.sampled_from([int(info.min), int(info.max)]))
    return draw(hnp.arrays(kind, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=values))


@st.composite
def modalities(draw: st.DrawFn) -> ModalityTransform:
    slope = draw(st.sampled_from([1.0, -1.0, 0.01, 2.5]))
    rescale = ModalityTransform(slope, draw(st.sampled_from([0.0, -1024.0, 0.3])))
    first = draw(st.integers(-300, 300))
    return draw(st.sampled_from([ModalityTransform(), rescale, ModalityTransform(lut=LookupTable(ENTRIES, first, 12))]))


@st.composite
def vois(draw: st.DrawFn) -> Any:
    center, width = draw(st.floats(-3000, 3000)), draw(st.floats(1, 5000))
    window = Window(center, width, draw(st.sampled_from(VoiFunction)))
    lut = VoiLut(LookupTable(ENTRIES, draw(st.integers(-300, 300)), 12), 12)
    return draw(st.sampled_from([window, lut, Line(center, center + width), ConstantLevel()]))


@st.composite
def tones(draw: st.DrawFn, image: Array) -> GrayscaleTransform:
    inverted = draw(st.booleans())
    viewed = ViewerTransform(draw(modalities()), draw(vois()), inverted)
    voi = draw(vois().filter(lambda voi: isinstance(voi, (Window, VoiLut))))
    recipe_voi = draw(st.sampled_from([RecipeVoi(), RecipeVoi(voi, (0.0, 4095.0))]))
    found = histogram_of(image)
    stretch = stretch_recipe(recipe_voi, found, Stretch(1, 99, draw(st.booleans())), inverted)
    lowest = int(np.iinfo(image.dtype).min)
    return draw(st.sampled_from([viewed, stretch, minmax_recipe(recipe_voi, found, inverted), StoredLook(-lowest)]))


@given(st.data())
def test_the_lookup_table_equals_the_formulas(data: st.DataObject) -> None:
    image = data.draw(images())
    tone = data.draw(tones(image))
    bits = 16 if isinstance(tone, StoredLook) else data.draw(st.sampled_from([8, 16]))
    padding = data.draw(st.sampled_from([None, PaddingRange(-10, 40)]))
    plan = plan_of(tone, bits, padding=padding)
    looked_up = render_levels(plan, image)
    np.testing.assert_array_equal(looked_up, levels(plan, image))
    wide = image.astype(np.int32)  # too wide for a table
    if not isinstance(tone, StoredLook):
        np.testing.assert_array_equal(looked_up, render_levels(plan, wide))
    assert looked_up.dtype == (np.uint8 if bits == 8 else np.uint16)
    assert looked_up.shape == image.shape


@given(st.data())
def test_statistics_of_the_histogram_equal_those_of_the_image(data: st.DataObject) -> None:
    image = data.draw(images())
    plan = plan_of(data.draw(tones(image)), 16)
    counted, seen = rendered_histogram(plan, histogram_of(image)), histogram_of(render_levels(plan, image))
    assert counted.values.tolist() == seen.values.tolist()
    assert counted.counts.tolist() == seen.counts.tolist()


@pytest.mark.parametrize(("kind", "size"), [("u1", 256), ("i1", 256), ("u2", 65536), ("i2", 65536)])
def test_the_table_has_an_entry_for_every_pattern(kind: str, size: int) -> None:
    folded = table(plan_of(viewer(Line(-32768.0, 65535.0)), 16), np.dtype(kind))
    info = np.iinfo(kind)
    assert folded.shape == (size,)
    assert folded[0] == round(32768 / 98303 * 65535)
    largest_pattern = -1 if kind[0] == "i" else info.max
    assert folded[-1] == round((largest_pattern + 32768) / 98303 * 65535)


def test_a_16_bit_output_is_computed_at_its_range() -> None:
    """An 8-bit level times 257 would have 256 levels."""
    ramp = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    image = render_levels(plan_of(viewer(Window(2048, 4096, VoiFunction.LINEAR)), 16), ramp)
    np.testing.assert_array_equal(image, np.floor(ramp / 4095 * 65535 + 0.5).astype(np.uint16))
    assert np.unique(image).size == 4096


@pytest.mark.parametrize(("bits", "middle"), [(8, 128), (16, 32768)])
def test_polarity_is_applied_before_rounding(bits: int, middle: int) -> None:
    """The middle of the range goes up whichever way round the film is."""
    for inverted in (True, False):
        plan = plan_of(viewer(Line(0, 2), inverted=inverted), bits)
        assert render_levels(plan, np.array([[1]], np.uint16)).tolist() == [[middle]]


@pytest.mark.parametrize("inverted", [True, False])
def test_padding_is_painted_black_after_polarity(inverted: bool) -> None:
    plan = plan_of(viewer(Line(0, 255), inverted=inverted), padding=PaddingRange(10, 20))
    image = render_levels(plan, np.array([[9, 10, 20, 21]], np.uint16))
    assert image.tolist() == ([[246, 0, 0, 234]] if inverted else [[9, 0, 0, 21]])


@pytest.mark.parametrize("inverted", [True, False])
def test_the_shutter_is_painted_black_where_no_presentation_value_is_given(inverted: bool) -> None:
    plan = plan_of(viewer(Line(0, 255), inverted=inverted), shutter=Shutter(rectangle=(2, 3, 1, 1)))
    image = rendered(plan, np.array([[100, 100, 100, 100]], np.uint16))
    assert image.tolist() == ([[0, 155, 155, 0]] if inverted else [[0, 100, 100, 0]])


@pytest.mark.parametrize(
    ("presentation", "bits", "level"),
    [
        (65535, 8, 255),
        (32768, 8, 128),
        (128, 8, 0),
        (129, 8, 1),
        (65406, 8, 254),
        (65407, 8, 255),
        (0, 8, 0),
        (None, 8, 0),
        (12345, 16, 12345),
    ],
)
def test_the_presentation_value_of_the_shutter_is_scaled_to_the_output(
    presentation: int | None, bits: int, level: int
) -> None:
    shutter = Shutter(rectangle=(2, 2, 1, 1), presentation_value=presentation)
    plan = plan_of(viewer(Line(0, 255), inverted=True), bits, shutter=shutter)
    assert rendered(plan, np.array([[100, 100]], np.uint16))[0, 0] == level


def test_the_shutter_wins_over_padding() -> None:
    shutter = Shutter(rectangle=(2, 9, 1, 1), presentation_value=65535)
    plan = plan_of(viewer(Line(0, 255)), padding=PaddingRange(7, 7), shutter=shutter)
    assert rendered(plan, np.array([[7, 7, 50]], np.uint16)).tolist() == [[255, 0, 50]]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("inverted", [True, False])
@pytest.mark.parametrize(
    "voi", [Window(1, 3, VoiFunction.LINEAR), Line(0, 2), ConstantLevel()], ids=["window", "line", "flat"]
)
def test_values_that_are_not_finite_are_painted_black(voi: Any, inverted: bool) -> None:
    stored = np.array([[np.nan, np.inf, -np.inf, 1.0]], np.float32)
    image = render_levels(plan_of(viewer(voi, inverted=inverted)), stored)
    assert image[0, :3].tolist() == [0, 0, 0]
    assert image[0, 3] > 0


def test_a_non_contiguous_array_is_rendered_correctly() -> None:
    whole = np.arange(96, dtype=np.uint16).reshape(8, 12)
    plan = plan_of(viewer(Line(0, 255)))
    np.testing.assert_array_equal(render_levels(plan, whole[::2, ::3]), whole[::2, ::3])


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1)])
def test_one_row_or_column_keeps_its_shape(shape: tuple[int, int]) -> None:
    image = render_levels(plan_of(viewer(Line(0, 255))), np.full(shape, 9, np.int16))
    assert image.shape == shape


def test_rendering_does_not_change_the_stored_values() -> None:
    stored = np.array([[7, 8]], np.uint16)
    stored.setflags(write=False)
    plan = plan_of(viewer(Line(0, 255)), padding=PaddingRange(7, 7), shutter=Shutter(rectangle=(1, 1, 1, 1)))
    assert rendered(plan, stored).tolist() == [[0, 0]]


def test_a_plan_names_the_window_that_it_uses() -> None:
    window = Window(40, 80, VoiFunction.SIGMOID)
    recipe = stretch_recipe(RecipeVoi(window, (0, 1)), histogram_of(np.arange(9, dtype=np.uint8)), Stretch(), False)
    assert plan_of(viewer(window)).window == plan_of(recipe).window == window
    without = stretch_recipe(RecipeVoi(), histogram_of(np.arange(9, dtype=np.uint8)), Stretch(), False)
    assert [plan_of(tone).window for tone in (viewer(ConstantLevel()), without, StoredLook(0))] == [None] * 3


def test_recipes_and_stored_use_no_masks() -> None:
    recipe = minmax_recipe(RecipeVoi(), histogram_of(np.arange(9, dtype=np.uint8)), False)
    assert [plan_of(tone).has_masks for tone in (viewer(ConstantLevel()), recipe, StoredLook(0))] == [
        True,
        False,
        False,
    ]


def test_every_look_has_a_version() -> None:
    assert set(LOOK_VERSIONS) == set(Look)
    assert min(LOOK_VERSIONS.values()) >= 1


def test_a_plan_holds_bits_stored_ymax_and_line() -> None:
    plan = plan_of(viewer(Line(3, 9)), 16)
    assert (plan.bits_stored, plan.ymax, plan.line) == (16, 65535, (3, 9))
    assert replace(plan, bits=8).ymax == 255
