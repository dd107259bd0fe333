# SPDX-License-Identifier: MIT
"""CLAHE equals OpenCV's at 8 bits, is the same picture at 16 bits, and ignores pixels that are masked."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from tests.support.grayscale import grayscale_instance, masks_of_plan, show

from plainfilm.dicom.instance import Padding, Shutter
from plainfilm.options.render import Clahe, Look
from plainfilm.rendering.grayscale.clahe import apply_clahe
from plainfilm.rendering.grayscale.histogram import histogram_of
from plainfilm.rendering.grayscale.plan import masked_pixels

Array = npt.NDArray[Any]
PARAMETERS = [Clahe(), Clahe(4, 3), Clahe(1.5, 13), Clahe(100, 1), Clahe(0.1, 2)]


def smooth(rows: int, columns: int) -> Array:
    """A picture from 0 to 1 with slopes, a step and fine structure."""
    y, x = np.mgrid[:rows, :columns] / max(rows, columns)
    return np.clip(0.4 * y + 0.2 * (x > 0.5) + 0.2 * np.sin(40 * x * y) + 0.2 * np.cos(9 * x), 0, 1)


def no_mask(image: Array) -> Array:
    return np.zeros(image.shape, np.bool_)


@pytest.mark.parametrize("parameters", PARAMETERS)
def test_at_8_bits_it_equals_opencv(parameters: Clahe) -> None:
    image = (smooth(91, 120) * 255).astype(np.uint8)
    expected = cv2.createCLAHE(parameters.clip, (parameters.tiles, parameters.tiles)).apply(image)
    assert np.array_equal(apply_clahe(image, no_mask(image), parameters), expected)


@pytest.mark.parametrize("parameters", PARAMETERS)
@pytest.mark.parametrize("shape", [(256, 256), (301, 517), (256, 301), (520, 256), (7, 5)])
def test_clahe_of_16_bits_shows_the_same_picture(shape: tuple[int, int], parameters: Clahe) -> None:
    eight = np.floor(smooth(*shape) * 255 + 0.5).astype(np.uint8)
    deep = apply_clahe(eight.astype(np.uint16) * 257, no_mask(eight), parameters)
    # the inputs are equal; OpenCV rounds its tables, and the interpolation between them, to 8 bits
    assert np.abs(deep / 257 - apply_clahe(eight, no_mask(eight), parameters)).max() < 1.2


def test_at_16_bits_levels_between_those_of_8_bits_stay_distinct() -> None:
    image = (smooth(200, 200) * 65535).astype(np.uint16)
    assert np.unique(apply_clahe(image, no_mask(image), Clahe())).size > 5000


@pytest.mark.slow
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 5), (64, 64), (65, 63)])
@pytest.mark.parametrize("parameters", [Clahe(), Clahe(100, 32), Clahe(0.01, 1)])
def test_images_of_any_size_keep_their_shape_and_type(shape: tuple[int, int], kind: Any, parameters: Clahe) -> None:
    image = (smooth(*shape) * np.iinfo(kind).max).astype(kind)
    shown = apply_clahe(image, no_mask(image), parameters)
    assert (shown.shape, shown.dtype) == (image.shape, image.dtype)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_masked_pixels_keep_their_level_and_have_no_influence(kind: Any) -> None:
    image = (smooth(120, 160) * np.iinfo(kind).max).astype(kind)
    mask = no_mask(image)
    mask[:, :50] = True
    pictures = []
    for level in (0, np.iinfo(kind).max):
        painted = image.copy()
        painted[mask] = level
        shown = apply_clahe(painted, mask, Clahe())
        assert set(shown[mask].tolist()) == {level}
        pictures.append(shown[~mask])
    assert np.array_equal(*pictures)


def test_an_image_of_only_masked_pixels_is_unchanged() -> None:
    image = np.zeros((4, 5), np.uint8)
    assert np.array_equal(apply_clahe(image, np.ones((4, 5), np.bool_), Clahe()), image)


def stored_film() -> Array:
    values = (smooth(90, 110) * 3000 + 500).astype(np.uint16)
    values[:, :20] = 7
    return values


@pytest.mark.parametrize("bits", [8, 16])
def test_the_look_enhances_the_viewer_picture_and_then_paints_the_masks(bits: int) -> None:
    rest = {"padding": Padding(7), "shutter": Shutter(rectangle=(1, 100, 1, 80), presentation_value=65535)}
    instance, values = grayscale_instance(photometric_interpretation="MONOCHROME1", rest=rest), stored_film()
    viewer = show(instance, values, bits=bits)
    shown = show(instance, values, look=Look.CLAHE, clahe=Clahe(3, 4), bits=bits)
    mask = masked_pixels(shown.plan, values, masks_of_plan(shown.plan, values))
    assert np.array_equal(mask[:80, :100], values[:80, :100] == 7)
    assert mask[80:].all()
    assert np.array_equal(shown.image[mask], viewer.image[mask])
    black = np.where(mask, 0, viewer.image).astype(viewer.image.dtype)
    assert np.array_equal(shown.image[~mask], apply_clahe(black, mask, Clahe(3, 4))[~mask])
    assert (shown.plan.voi, shown.plan.inverted, shown.plan.line) == (viewer.plan.voi, True, None)
    assert shown.plan.steps[-1].name == "enhancement"
    assert "limit 3, 4 x 4 tiles" in shown.plan.steps[-1].does


def test_statistics_count_the_enhanced_levels_of_the_pixels_that_are_not_masked() -> None:
    instance, values = grayscale_instance(rest={"padding": Padding(7)}), stored_film()
    shown = show(instance, values, look=Look.CLAHE)
    counted = histogram_of(shown.image[~masked_pixels(shown.plan, values)])
    assert counted.total == int((values != 7).sum())
    assert (counted.values * counted.counts).sum() == int(shown.image[values != 7].sum())
