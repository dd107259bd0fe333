# SPDX-License-Identifier: MIT
"""Stored values, the intended picture and what is known of a film agree with one another."""

from __future__ import annotations

import numpy as np
import pytest

from plainfilm.demo.exposure import AIR, Radiograph
from plainfilm.demo.film import (
    CUT_MM,
    Film,
    exposure_of,
    ground_truth,
    intended_picture,
    shutter_of,
    store,
    truth_as_json,
    with_high_bits,
)
from plainfilm.demo.films import films, fluoroscopy_film
from plainfilm.demo.habit import (
    Burned,
    Curve,
    GrayscaleTransform,
    Habit,
    Intensity,
    Photometric,
    Response,
    Storage,
    Voi,
)
from plainfilm.demo.lead import field_depth

SMALL = Radiograph(rows=250, columns=200, seed=5)
FALLING = Response(offset=500.0, gain=-3000.0)
RISING = Response(offset=3500.0, gain=3000.0)
DEPTH = field_depth(SMALL.detector, SMALL.beam.collimation)


def a_film(**habit: object) -> Film:
    return Film(9, "test", "", SMALL, Habit(**({"response": FALLING} | habit)))  # type: ignore[arg-type]


def test_stored_values_follow_the_response() -> None:
    exposure = np.maximum(exposure_of(SMALL).values / AIR, 0.16)
    assert np.abs(store(a_film()) - (500 - 3000 * np.log10(exposure))).max() <= 0.5 + 1e-5


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_values_stay_within_bits_stored(bits: int) -> None:
    values = store(a_film(storage=Storage(bits_stored=bits), response=Response(offset=0.0, gain=-200_000.0)))
    assert (values.min(), values.max()) == (0, (1 << bits) - 1)


def test_padding_is_outside_the_field_and_only_there() -> None:
    assert np.array_equal(store(a_film(padding=4095)) == 4095, DEPTH < CUT_MM)


def test_a_shutter_blackens_the_intended_picture_only() -> None:
    plain, shut = a_film(), a_film(shutter=True)
    left, right, top, bottom = shutter_of(shut) or (0, 0, 0, 0)
    assert np.array_equal(store(plain), store(shut))
    picture = intended_picture(shut)
    assert not picture[: top - 1].any()
    assert not picture[:, right:].any()
    inside = (slice(top - 1, bottom), slice(left - 1, right))
    assert np.array_equal(picture[inside], intended_picture(plain)[inside])


@pytest.mark.parametrize("hot", [0, 5])
def test_hot_pixels_are_counted(hot: int) -> None:
    assert (store(a_film(storage=Storage(bits_stored=16), hot_pixels=hot)) == 65535).sum() == hot


def test_an_annotation_is_in_the_picture_and_high_bits_are_not() -> None:
    plain = a_film()
    written = a_film(storage=Storage(burned=Burned.ANNOTATION))
    hidden = a_film(storage=Storage(burned=Burned.HIGH_BITS))
    changed = intended_picture(written) != intended_picture(plain)
    assert changed.sum() > 100
    assert (intended_picture(written)[changed] == 255).all()
    assert np.array_equal(intended_picture(hidden), intended_picture(plain))
    cells = with_high_bits(store(hidden), hidden)
    assert (cells > 4095).mean() > 0.1
    assert np.array_equal(cells & 4095, store(plain))


def test_both_polarities_intend_the_same_picture() -> None:
    falling = a_film()
    rising = a_film(response=RISING, photometric=Photometric.MONOCHROME1)
    sloped = a_film(response=RISING, rescale=(-1.0, 4095.0))
    assert np.abs(intended_picture(falling).astype(int) - intended_picture(rising)).max() <= 1
    assert np.array_equal(intended_picture(rising), intended_picture(sloped))
    assert np.corrcoef(store(falling).ravel(), store(rising).ravel())[0, 1] < -0.99


@pytest.mark.parametrize("tone", [GrayscaleTransform(), GrayscaleTransform(curve=Curve.SIGMOID), None])
@pytest.mark.parametrize("intensity", list(Intensity))
def test_bones_are_light_on_dark(tone: GrayscaleTransform | None, intensity: Intensity) -> None:
    response = Response(offset=3000.0, gain=-2000.0, intensity=intensity)
    picture = intended_picture(a_film(response=response, tone=tone, voi=Voi.NONE))
    share = exposure_of(SMALL).values / AIR
    assert picture[share > 0.95].mean() < 40
    assert picture[(share > 0.2) & (share < 0.4)].mean() > 120


@pytest.mark.parametrize("film", films(), ids=lambda film: film.name)
def test_what_is_known_is_plain_and_within_the_film(film: Film) -> None:
    known, radiograph = truth_as_json(film), film.radiograph
    assert known["laterality"] == radiograph.laterality
    assert (known["rows"], known["columns"]) == intended_picture(film).shape
    for column, row in known["landmarks"].values():
        assert 0 < column < radiograph.columns
        assert 0 < row < radiograph.rows
    hands = len(radiograph.subject) if isinstance(radiograph.subject, tuple) else 0
    assert len([name for name in known["landmarks"] if name.endswith(" tip")]) == 5 * hands
    assert "picture" not in known


def test_frames_differ_in_noise_alone() -> None:
    film = fluoroscopy_film(3)
    first, last = ground_truth(film, 0), ground_truth(film, 2)
    assert first.landmarks == last.landmarks
    assert not np.array_equal(store(film, 0), store(film, 2))
    assert np.corrcoef(store(film, 0).ravel(), store(film, 2).ravel())[0, 1] > 0.95
