# SPDX-License-Identifier: MIT
"""Stored values, reference image and ground truth of a radiograph agree with one another."""

from __future__ import annotations

from operator import attrgetter

import numpy as np
import pytest

from plainfilm.demo.catalog import demo_radiographs, fluoroscopy_radiograph
from plainfilm.demo.detector import field_depth
from plainfilm.demo.exposure import AIR, Acquisition
from plainfilm.demo.radiograph import (
    FIELD_INSET_MM,
    SyntheticRadiograph,
    exposure_of,
    ground_truth,
    ground_truth_json,
    reference_image,
    shutter_of,
    stored_values,
    with_high_bits,
)
from plainfilm.demo.vendor import (
    BurnedIn,
    Curve,
    DisplayTransform,
    Intensity,
    Photometric,
    Response,
    Storage,
    VendorProfile,
    Voi,
)

NAME = attrgetter("name")

SMALL = Acquisition(rows=250, columns=200, seed=5)
FALLING = Response(offset=500.0, gain=-3000.0)
RISING = Response(offset=3500.0, gain=3000.0)
DEPTH = field_depth(SMALL.detector, SMALL.beam.collimation)


def radiograph_with(**vendor: object) -> SyntheticRadiograph:
    return SyntheticRadiograph(9, "test", "", SMALL, VendorProfile(**({"response": FALLING} | vendor)))  # type: ignore[arg-type]


def test_stored_values_follow_the_response() -> None:
    exposure = np.maximum(exposure_of(SMALL).values / AIR, 0.16)
    assert np.abs(stored_values(radiograph_with()) - (500 - 3000 * np.log10(exposure))).max() <= 0.5 + 1e-5


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_values_stay_within_bits_stored(bits: int) -> None:
    values = stored_values(
        radiograph_with(storage=Storage(bits_stored=bits), response=Response(offset=0.0, gain=-200_000.0))
    )
    assert (values.min(), values.max()) == (0, (1 << bits) - 1)


def test_padding_is_outside_the_field_and_only_there() -> None:
    assert np.array_equal(stored_values(radiograph_with(padding=4095)) == 4095, DEPTH < FIELD_INSET_MM)


def test_a_shutter_changes_only_the_reference_image() -> None:
    plain, shut = radiograph_with(), radiograph_with(shutter=True)
    left, right, top, bottom = shutter_of(shut) or (0, 0, 0, 0)
    assert np.array_equal(stored_values(plain), stored_values(shut))
    picture = reference_image(shut)
    assert not picture[: top - 1].any()
    assert not picture[:, right:].any()
    inside = (slice(top - 1, bottom), slice(left - 1, right))
    assert np.array_equal(picture[inside], reference_image(plain)[inside])


@pytest.mark.parametrize("hot", [0, 5])
def test_the_number_of_hot_pixels_is_exact(hot: int) -> None:
    assert (stored_values(radiograph_with(storage=Storage(bits_stored=16), hot_pixels=hot)) == 65535).sum() == hot


def test_the_reference_image_shows_an_annotation_but_no_high_bits() -> None:
    plain = radiograph_with()
    written = radiograph_with(storage=Storage(burned_in=BurnedIn.ANNOTATION))
    hidden = radiograph_with(storage=Storage(burned_in=BurnedIn.HIGH_BITS))
    changed = reference_image(written) != reference_image(plain)
    assert changed.sum() > 100
    assert (reference_image(written)[changed] == 255).all()
    assert np.array_equal(reference_image(hidden), reference_image(plain))
    cells = with_high_bits(stored_values(hidden), hidden)
    assert (cells > 4095).mean() > 0.1
    assert np.array_equal(cells & 4095, stored_values(plain))


def test_both_polarities_have_the_same_reference_image() -> None:
    falling = radiograph_with()
    rising = radiograph_with(response=RISING, photometric=Photometric.MONOCHROME1)
    sloped = radiograph_with(response=RISING, rescale=(-1.0, 4095.0))
    assert np.abs(reference_image(falling).astype(int) - reference_image(rising)).max() <= 1
    assert np.array_equal(reference_image(rising), reference_image(sloped))
    assert np.corrcoef(stored_values(falling).ravel(), stored_values(rising).ravel())[0, 1] < -0.99


@pytest.mark.parametrize("display", [DisplayTransform(), DisplayTransform(curve=Curve.SIGMOID), None])
@pytest.mark.parametrize("intensity", list(Intensity))
def test_bones_are_light_on_dark(display: DisplayTransform | None, intensity: Intensity) -> None:
    response = Response(offset=3000.0, gain=-2000.0, intensity=intensity)
    picture = reference_image(radiograph_with(response=response, display=display, voi=Voi.NONE))
    share = exposure_of(SMALL).values / AIR
    assert picture[share > 0.95].mean() < 40
    assert picture[(share > 0.2) & (share < 0.4)].mean() > 120


@pytest.mark.slow
@pytest.mark.parametrize("radiograph", demo_radiographs(), ids=NAME)
def test_the_ground_truth_has_plain_values_within_the_image(radiograph: SyntheticRadiograph) -> None:
    known, acquisition = ground_truth_json(radiograph), radiograph.acquisition
    assert known["laterality"] == acquisition.laterality
    assert (known["rows"], known["columns"]) == reference_image(radiograph).shape
    for column, row in known["landmarks"].values():
        assert 0 < column < acquisition.columns
        assert 0 < row < acquisition.rows
    hands = len(acquisition.subject) if isinstance(acquisition.subject, tuple) else 0
    assert len([name for name in known["landmarks"] if name.endswith(" tip")]) == 5 * hands
    assert "picture" not in known


def test_frames_differ_only_in_their_noise() -> None:
    radiograph = fluoroscopy_radiograph(3)
    first, last = ground_truth(radiograph, 0), ground_truth(radiograph, 2)
    assert first.landmarks == last.landmarks
    assert not np.array_equal(stored_values(radiograph, 0), stored_values(radiograph, 2))
    assert np.corrcoef(stored_values(radiograph, 0).ravel(), stored_values(radiograph, 2).ravel())[0, 1] > 0.95
