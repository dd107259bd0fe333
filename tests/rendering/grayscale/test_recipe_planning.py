# SPDX-License-Identifier: MIT
"""What the recipes begin with: pydicom's `apply_voi_lut(pixel_array, ds, index=0)` where it is right."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_voi_lut
from tests.support.grayscale import frame_attributes, grayscale_instance, lut_item, show

from plainfilm.dicom.instance import LutItem, Padding, PixelKind, Shutter, WindowItem
from plainfilm.options.render import Look, VoiFunction, parse_voi
from plainfilm.rendering.grayscale.recipes import RecipeVoi

Array = npt.NDArray[Any]

RAMP = np.arange(0, 4000, 3, dtype=np.uint16).reshape(2, -1)
WINDOW = WindowItem(1500, 2001)


def recipe(*voi: Any, look: Look = Look.STRETCH, **more: Any) -> Any:
    instance = grayscale_instance(frame_attributes(*voi, **more.pop("modality", {})), **more)
    return show(instance, RAMP, look=look)


def pydicoms(*voi: Any, slope: float | None = None, intercept: float | None = None, signed: bool = False) -> Dataset:
    dataset = Dataset()
    dataset.PhotometricInterpretation, dataset.BitsStored, dataset.PixelRepresentation = "MONOCHROME2", 12, int(signed)
    windows = [item for item in voi if isinstance(item, WindowItem)]
    if windows:
        dataset.WindowCenter = [item.center for item in windows]
        dataset.WindowWidth = [item.width for item in windows]
        dataset.VOILUTFunction = windows[0].function or "LINEAR"
    luts = [item for item in voi if isinstance(item, LutItem)]
    if luts:
        dataset.VOILUTSequence = [_lut_item(item) for item in luts]
    if slope is not None:
        dataset.RescaleSlope = slope
    if intercept is not None:
        dataset.RescaleIntercept = intercept
    return dataset


def _lut_item(item: LutItem) -> Dataset:
    found = Dataset()
    count, first, bits = item.descriptor
    signed = first >= 32768
    found.add_new("LUTDescriptor", "SS" if signed else "US", [count, first - 65536 if signed else first, bits])
    found.add_new("LUTData", "US", np.frombuffer(item.data, "<u2").tolist())
    return found


@pytest.mark.parametrize("function", [None, "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize(
    "rescale",
    [{}, {"slope": 2.0, "intercept": -100.0}, {"slope": 2.0}, {"intercept": 5.0}, {"slope": 1.0, "intercept": 0.0}],
)
@pytest.mark.parametrize("signed", [True, False])
def test_a_recipe_applies_a_window_like_pydicom(function: str | None, rescale: dict[str, float], signed: bool) -> None:
    window = WindowItem(700, 901, function)
    shown = recipe(window, WINDOW, signed=signed, modality=rescale)
    stored = np.arange(-2048, 2048, dtype=np.int16) if signed else RAMP
    expected = apply_voi_lut(stored, pydicoms(window, WINDOW, signed=signed, **rescale), index=0)
    np.testing.assert_array_equal(shown.plan.transform.voi.apply(stored), expected)
    assert shown.plan.voi == "window:0"


@pytest.mark.parametrize("bits", [10, 12, 16])
@pytest.mark.parametrize("signed", [True, False])
def test_a_recipe_prefers_a_voi_lut_and_applies_it_like_pydicom(bits: int, signed: bool) -> None:
    entries = np.random.default_rng(bits).integers(0, 1 << bits, 200)
    lut = lut_item(entries, first=-100 if signed else 700, bits=bits)
    shown = recipe(WINDOW, lut, lut_item([1, 2, 3]), signed=signed)
    stored = np.arange(-2048, 2048, dtype=np.int16) if signed else RAMP
    expected = apply_voi_lut(stored, pydicoms(WINDOW, lut, signed=signed), index=0)
    np.testing.assert_array_equal(shown.plan.transform.voi.apply(stored), expected)
    assert shown.plan.voi == "lut:0"


def test_an_8_bit_voi_lut_is_not_read_modulo_256_as_pydicom_does() -> None:
    shown = recipe(lut_item([0, 50, 255], first=3, bits=8))
    assert shown.plan.transform.voi.apply(np.array([3, 4, 5, 259, 4095], np.uint16)).tolist() == [0, 50, 255, 255, 255]


@pytest.mark.parametrize(
    "item",
    [None, WindowItem(100, 0), WindowItem(100, -5), WindowItem(0.5, 0.5), LutItem((3, 0, 12), b"")],
    ids=["none", "width 0", "negative width", "narrow LINEAR", "empty LUT"],
)
@pytest.mark.parametrize("look", [Look.STRETCH, Look.MINMAX])
def test_no_voi_or_an_unusable_one_leaves_the_stored_values(item: Any, look: Look) -> None:
    shown = recipe(*([] if item is None else [item]), look=look)
    assert (shown.plan.transform.voi, shown.plan.voi, shown.plan.status) == (RecipeVoi(), "none", "ok")


def test_an_unusable_voi_does_not_give_way_to_the_next() -> None:
    assert recipe(WindowItem(100, 0), WINDOW).plan.voi == "none"


def test_a_narrow_linear_exact_window_is_used() -> None:
    shown = recipe(WindowItem(100, 0.5, "LINEAR_EXACT"))
    assert shown.plan.voi == "window:0"
    assert shown.plan.window.function is VoiFunction.LINEAR_EXACT


def test_a_recipe_uses_floating_point_pixels_unchanged() -> None:
    instance = grayscale_instance(frame_attributes(WINDOW), kind=PixelKind.FLOAT, bits_allocated=32, bits_stored=32)
    image = np.array([[0.0, np.nan, 2.0, 4.0]], np.float32)
    shown = show(instance, image, look=Look.MINMAX)
    assert (shown.plan.voi, shown.image.tolist()) == ("none", [[0, 0, 127, 255]])


def test_the_users_choice_of_voi_is_obeyed() -> None:
    instance = grayscale_instance(frame_attributes(WINDOW, lut_item([1, 2, 3]), WindowItem(5, 6)))
    for choice, expected in (("window", "window:0"), ("window:1", "window:1"), ("none", "none"), ("lut:0", "lut:0")):
        assert show(instance, RAMP, look=Look.STRETCH, voi=parse_voi(choice)).plan.voi == expected


@pytest.mark.parametrize("look", [Look.STRETCH, Look.MINMAX])
@pytest.mark.parametrize(
    ("modality", "rest", "word"),
    [
        ({"slope": 2.0, "intercept": 1.0}, {}, "rescale"),
        ({"intercept": -1024.0}, {}, "rescale"),
        ({}, {"padding": Padding(0)}, "pixel padding"),
        ({}, {"shutter": Shutter(rectangle=(1, 5, 1, 1))}, "display shutter"),
    ],
)
def test_attributes_that_recipes_ignore_are_findings(
    look: Look, modality: dict[str, float], rest: dict[str, Any], word: str
) -> None:
    plain, odd = recipe(look=look), recipe(look=look, modality=modality, rest=rest)
    assert np.array_equal(plain.image, odd.image)
    assert (plain.codes, odd.codes) == (set(), {"recipe_ignores"})
    assert word in odd.plan.findings[0].detail


def test_a_modality_lut_is_ignored_with_a_finding() -> None:
    odd = recipe(modality={"lut": lut_item(range(4095, -1, -1))})
    assert np.array_equal(odd.image, recipe().image)
    assert odd.codes == {"recipe_ignores"}


def test_a_rescale_of_1_and_0_has_no_finding() -> None:
    assert recipe(modality={"slope": 1.0, "intercept": 0.0}).codes == set()


def test_a_recipe_uses_each_frame_alone() -> None:
    dark, bright = np.array([[0, 10, 20]], np.uint16), np.array([[0, 1000, 4000]], np.uint16)
    instance = grayscale_instance(number_of_frames=2)
    lines = [show(instance, dark, bright, frame=n, look=Look.MINMAX).plan.line for n in (0, 1)]
    assert lines == [(0, 20), (0, 4000)]
