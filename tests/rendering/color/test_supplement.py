# SPDX-License-Identifier: MIT
"""Supplemental palettes colour the values that they map, and do not influence how the other values are displayed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from tests.support.cases.build import build_case

import plainfilm
from plainfilm.errors import AttributeValueError

RED, GREEN, BLUE = [255, 0, 10], [0, 255, 20], [0, 0, 30]


def image_with_supplement(
    presentation: str | None = "COLOR", signed: bool = False, **parameters: Any
) -> tuple[Dataset, np.ndarray]:
    values = np.arange(48 * 32).reshape(32, 48) % 500 - (300 if signed else 0)
    first = 100 if not signed else -200
    values[:4, :6] = [first, first + 1, first + 2, first + 9, first - 1, first - 2]
    dataset, _ = build_case(rows=32, columns=48, pixel_representation=int(signed), **parameters)
    dataset.PixelData = (values & 0x0FFF if signed else values).astype("<u2").tobytes()
    if presentation is not None:
        dataset.PixelPresentation = presentation
    for color, table in (("Red", RED), ("Green", GREEN), ("Blue", BLUE)):
        descriptor = dataset.add_new(
            f"{color}PaletteColorLookupTableDescriptor", "SS" if signed else "US", [3, first, 16]
        )
        assert descriptor is None
        words = np.array([entry * 257 for entry in table], "<u2").tobytes()
        setattr(dataset, f"{color}PaletteColorLookupTableData", words)
    return dataset, values


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("signed", [False, True])
def test_values_from_the_first_mapped_value_on_are_colours(signed: bool, bits: int) -> None:
    dataset, values = image_with_supplement(signed=signed, centers=(-250 if signed else 50,), widths=(120,))
    shown = plainfilm.render(dataset, bits=bits)
    plain, _ = image_with_supplement(None, signed=signed, centers=(-250 if signed else 50,), widths=(120,))
    grey = plainfilm.render(plain, bits=bits)
    colored = values >= (100 if not signed else -200)
    assert np.array_equal(shown[~colored], np.repeat(grey[~colored][:, None], 3, 1))
    one = 1 if bits == 8 else 257
    assert (shown[0, :4] // one).tolist() == [[255, 0, 0], [0, 255, 0], [10, 20, 30], [10, 20, 30]]
    assert (shown[0, 4] == grey[0, 4]).all()


def test_coloured_pixels_do_not_influence_the_fallback() -> None:
    dataset, _ = image_with_supplement()
    assert plainfilm.explain(dataset).to_dict()["high"] < 100
    assert "supplemental palette" in str(plainfilm.explain(dataset))


@pytest.mark.parametrize("presentation", [None, "MONOCHROME", "TRUE_COLOR"])
def test_a_palette_is_ignored_without_pixel_presentation_color(presentation: str | None) -> None:
    assert plainfilm.render(image_with_supplement(presentation)[0]).ndim == 2


def test_a_recipe_ignores_the_palette() -> None:
    assert plainfilm.render(image_with_supplement()[0], look="minmax").ndim == 2


def test_blended_frames_are_refused() -> None:
    dataset, _ = image_with_supplement(None)
    path = Dataset()
    path.DataPathAssignment = "PRIMARY_SINGLE"
    dataset.DataFrameAssignmentSequence = [path]
    with pytest.raises(AttributeValueError, match="DataPathAssignment"):
        plainfilm.render(dataset)
    path.DataPathAssignment = "PRIMARY_PVALUES"
    assert plainfilm.render(dataset).ndim == 2


@pytest.mark.parametrize("space", ["ARGB", "CMYK", "HSV"])
def test_retired_colour_spaces_are_refused(space: str) -> None:
    dataset, _ = build_case(bits_allocated=8, bits_stored=8)
    dataset.PhotometricInterpretation = space
    dataset.SamplesPerPixel = 3 if space == "HSV" else 4
    with pytest.raises(AttributeValueError, match=space):
        plainfilm.render(dataset)


def test_a_window_that_shows_all_greys_black_is_kept_where_other_pixels_have_colours() -> None:
    dataset, _ = image_with_supplement(centers=(300,), widths=(100,))
    explained = plainfilm.explain(dataset).to_dict()
    assert (explained["voi"], explained["status"]) == ("window:0", "ok")
