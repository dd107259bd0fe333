# SPDX-License-Identifier: MIT
"""Test the explanation of a plan in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.support.grayscale import frame_attributes, grayscale_instance, lut_item, show

from plainfilm.dicom.instance import Padding, PixelKind, Shutter, WindowItem
from plainfilm.options.render import Look, Polarity, UserWindow
from plainfilm.rendering.steps import Step

RAMP = np.arange(0, 4000, 5, dtype=np.uint16).reshape(20, 40)
WINDOW = WindowItem(1500, 2001, explanation="SECRET")


def steps(shown: Any) -> dict[str, Step]:
    return {step.name: step for step in shown.plan.steps}


def test_the_steps_stand_in_the_order_in_which_they_are_done() -> None:
    rest = {"padding": Padding(0), "shutter": Shutter(rectangle=(1, 40, 1, 20))}
    shown = show(grayscale_instance(frame_attributes(WINDOW, slope=2.0), rest=rest), RAMP)
    names = ["stored values", "padding", "shutter", "modality", "voi", "polarity"]
    assert [step.name for step in shown.plan.steps] == names


def test_a_missing_attribute_has_no_step() -> None:
    shown = show(grayscale_instance(), RAMP)
    assert [step.name for step in shown.plan.steps] == ["stored values", "modality", "voi", "polarity"]


def test_the_step_of_a_window_gives_its_numbers_and_not_its_explanation() -> None:
    shown = show(grayscale_instance(frame_attributes(WINDOW)), RAMP)
    voi = steps(shown)["voi"]
    assert voi.does == "window window:0: center 1500, width 2001, linear"
    assert voi.attribute == "Window Center, Window Width"
    assert voi.reason == "window:0 is the first VOI of the nearest level"
    assert "SECRET" not in str(shown.plan.steps)


def test_the_step_names_the_window_of_the_user() -> None:
    voi = steps(show(grayscale_instance(frame_attributes(WINDOW)), RAMP, window=UserWindow(40, 80)))["voi"]
    assert (voi.attribute, voi.reason) == ("--window", "the window of --window")
    assert "center 40, width 80" in voi.does


def test_a_repair_says_what_was_refused_and_why() -> None:
    voi = steps(show(grayscale_instance(frame_attributes(WindowItem(90000, 100), WINDOW)), RAMP))["voi"]
    assert voi.reason == "window:0 puts 100.0% of the pixels at 0; window:1 is used instead"


def test_the_step_of_the_fallback_explains_that_no_voi_exists() -> None:
    voi = steps(show(grayscale_instance(), RAMP))["voi"]
    assert voi.does.startswith("fallback: line from ")
    assert voi.reason.startswith("no VOI: the 0.1 and 99.9 percentile")


def test_the_step_of_the_identity_gives_the_reason() -> None:
    instance = grayscale_instance(bits_allocated=8, bits_stored=8)
    voi = steps(show(instance, np.arange(200, dtype=np.uint8)[:, None]))["voi"]
    assert voi.does == "identity: line from 0 to 255"
    assert "8 bits stored" in voi.reason


def test_an_image_of_one_level_is_explained() -> None:
    voi = steps(show(grayscale_instance(), np.full((2, 2), 7, np.uint16)))["voi"]
    assert voi.does == "fallback: the middle of the range"


def test_the_step_of_a_voi_lut_gives_its_size_and_bits() -> None:
    voi = steps(show(grayscale_instance(frame_attributes(lut_item(range(4096), first=7, bits=16))), RAMP))["voi"]
    assert voi.does == "table lut:0: 4096 entries from input 7, scaled by 12 bits"
    assert voi.attribute == "VOI LUT Sequence"


@pytest.mark.parametrize(
    ("modality", "does", "attribute"),
    [
        ({}, "nothing", ""),
        ({"slope": -2.0, "intercept": 5.0}, "-2 * x + 5", "Rescale Slope, Rescale Intercept"),
        ({"slope": 1.0, "intercept": 0.0}, "nothing", ""),
    ],
)
def test_the_step_of_a_rescale_gives_its_numbers(modality: dict[str, float], does: str, attribute: str) -> None:
    step = steps(show(grayscale_instance(frame_attributes(**modality)), RAMP))["modality"]
    assert (step.does, step.attribute) == (does, attribute)


def test_the_step_of_a_modality_lut_names_it() -> None:
    step = steps(show(grayscale_instance(frame_attributes(lut=lut_item(range(4000), first=3))), RAMP))["modality"]
    assert (step.does, step.attribute) == ("table of 4000 entries from input 3", "Modality LUT Sequence")


@pytest.mark.parametrize(("padding", "what"), [(Padding(0), "value 0"), (Padding(0, 20), "values 0 to 20")])
def test_the_step_of_padding_gives_its_range_and_share(padding: Padding, what: str) -> None:
    step = steps(show(grayscale_instance(rest={"padding": padding}), RAMP))["padding"]
    assert step.does.startswith(f"{what} (0.{'1' if padding.limit is None else '6'}% of the pixels)")


def test_the_step_of_stored_values_gives_bits_and_shift() -> None:
    step = steps(show(grayscale_instance(high_bit=15, signed=True), RAMP))["stored values"]
    assert step.does == "12 bits stored of 16 allocated, signed, shifted right by 4"
    assert step.reason == "as the header says"


def test_the_step_of_stored_values_names_masked_bits_as_the_reason() -> None:
    step = steps(show(grayscale_instance(), np.array([[1, 2, 3, 0x8004]], np.uint16)))["stored values"]
    assert "25.000% of the pixels" in step.reason


def test_floating_point_pixels_are_explained() -> None:
    instance = grayscale_instance(kind=PixelKind.FLOAT, bits_allocated=32, bits_stored=32)
    step = steps(show(instance, RAMP.astype(np.float32)))["stored values"]
    assert (step.does, step.attribute) == ("32-bit floating point", "FloatPixelData")


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_the_step_of_polarity_names_its_attribute(photometric: str) -> None:
    step = steps(show(grayscale_instance(photometric_interpretation=photometric), RAMP))["polarity"]
    assert step.does.startswith("inverted" if photometric == "MONOCHROME1" else "not inverted")
    assert step.reason == photometric


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("polarity", [Polarity.MONOCHROME1, Polarity.MONOCHROME2])
def test_the_step_of_polarity_names_the_choice_of_the_user(photometric: str, polarity: Polarity) -> None:
    step = steps(show(grayscale_instance(photometric_interpretation=photometric), RAMP, polarity=polarity))["polarity"]
    assert step.does.startswith("inverted" if polarity is Polarity.MONOCHROME1 else "not inverted")
    assert (step.attribute == "--polarity") is (polarity.value != photometric.lower())


def test_the_step_of_a_recipe_gives_its_voi_and_line() -> None:
    shown = show(grayscale_instance(frame_attributes(WINDOW), rest={"padding": Padding(0)}), RAMP, look=Look.MINMAX)
    assert [step.name for step in shown.plan.steps] == ["stored values", "voi", "stretch", "polarity"]
    assert steps(shown)["voi"].does == "window:0 on stored values"
    assert steps(shown)["stretch"].does == "line from 0 to 4095, truncated"


def test_the_step_of_a_recipe_without_voi_explains_it() -> None:
    assert steps(show(grayscale_instance(), RAMP, look=Look.STRETCH))["voi"].does == "none: stored values"


def test_the_look_stored_has_no_step_of_polarity() -> None:
    shown = show(grayscale_instance(signed=True), RAMP % 2048, look=Look.STORED)
    assert [step.name for step in shown.plan.steps] == ["stored values", "values"]
    assert steps(shown)["values"].does == "stored value plus 2048"
