# SPDX-License-Identifier: MIT
"""The recipe `equalize` gives the levels of OpenCV and of the published description."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.grayscale import frame_attributes, grayscale_instance, show

from plainfilm.dicom.instance import ModalityLevel, Padding, Shutter
from plainfilm.options.render import Look
from plainfilm.rendering.grayscale.equalization import equalization_table, equalize_recipe
from plainfilm.rendering.grayscale.histogram import histogram_of

Array = npt.NDArray[Any]


def recipe(values: Array, inverted: bool) -> Array:
    """The recipe as published, with OpenCV on every pixel."""
    shifted = values.astype(np.float64) - values.min()
    eight = (shifted / max(shifted.max(), 1) * 255).astype(np.uint8)
    return np.asarray(cv2.equalizeHist(255 - eight if inverted else eight))


def noise_image(kind: str, bits: int, seed: int = 0) -> Array:
    rows = np.random.default_rng(seed).normal(0.3, 0.15, (61, 83)).clip(0, 1) * (2**bits - 1)
    return (rows - (2 ** (bits - 1) if kind.startswith("i") else 0)).astype(kind)


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize(
    ("kind", "bits"), [("u1", 8), ("u2", 12), ("i2", 12), ("u2", 16), ("i2", 16), ("u4", 20), ("f4", 9)]
)
def test_every_level_equals_that_of_opencv(kind: str, bits: int, inverted: bool) -> None:
    values = noise_image(kind, bits)
    tone = equalize_recipe(histogram_of(values), inverted)
    assert np.array_equal(tone.apply(values, 255), recipe(values, inverted))


@given(st.lists(st.integers(0, 255), min_size=1, max_size=400))
def test_the_table_equals_that_of_opencv(pixels: list[int]) -> None:
    image = np.array([pixels], np.uint8)
    table = equalization_table(np.bincount(image.ravel(), minlength=256))
    assert np.array_equal(table[image], cv2.equalizeHist(image))


@pytest.mark.parametrize(("inverted", "level"), [(False, 0), (True, 255)])
def test_a_single_level_is_not_equalized(inverted: bool, level: int) -> None:
    values = np.full((3, 4), 77, np.uint16)
    assert set(equalize_recipe(histogram_of(values), inverted).apply(values, 255).ravel()) == {level}


def test_16_bit_levels_are_those_of_8_bits_times_257() -> None:
    values = noise_image("u2", 14)
    tone = equalize_recipe(histogram_of(values), False)
    deep = tone.apply(values, 65535)
    assert deep.dtype == np.uint16
    assert np.array_equal(deep, tone.apply(values, 255).astype(int) * 257)


def test_the_recipe_ignores_modality_lut_padding_and_shutter() -> None:
    values = noise_image("u2", 12)
    rest = {"padding": Padding(int(np.median(values))), "shutter": Shutter(rectangle=(5, 20, 5, 20))}
    modality = ModalityLevel(slope=-2.0, intercept=5.0)
    frame = frame_attributes(slope=modality.slope, intercept=modality.intercept)
    shown = show(
        grayscale_instance(frame, photometric_interpretation="MONOCHROME1", rest=rest), values, look=Look.EQUALIZE
    )
    assert np.array_equal(shown.image, recipe(values, True))
    assert "recipe_ignores" in shown.codes
    assert (shown.plan.voi, shown.plan.line, shown.plan.window, shown.plan.has_masks) == ("none", None, None, False)
    assert [step.name for step in shown.plan.steps] == ["stored values", "voi", "stretch", "polarity", "equalization"]
