# SPDX-License-Identifier: MIT
"""Exposure -> stored values and intended grey: the parameters do what they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from plainfilm.demo.habit import (
    CUT_MM,
    Curve,
    Film,
    Habit,
    Intensity,
    Photometric,
    Response,
    Tone,
    Voi,
    intended_picture,
    store,
)
from plainfilm.demo.hand import HandParameters, draw_exposure, field_of

SMALL = HandParameters(rows=250, columns=200, seed=5)
FALLING = Response(offset=500.0, gain=-3000.0)
RISING = Response(offset=3500.0, gain=3000.0)


def a_film(**habit: object) -> Film:
    return Film(9, "test", "", SMALL, Habit(**({"response": FALLING} | habit)))  # type: ignore[arg-type]


def test_stored_values_follow_the_response() -> None:
    film = a_film()
    exposure = np.maximum(draw_exposure(SMALL).astype(float), 0.16)
    assert np.abs(store(film) - (500 - 3000 * np.log10(exposure))).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_values_stay_within_bits_stored(bits: int) -> None:
    values = store(a_film(bits_stored=bits, response=Response(offset=0.0, gain=-200_000.0)))
    assert values.min() == 0
    assert values.max() == (1 << bits) - 1


def test_signed_values_reach_below_zero() -> None:
    values = store(a_film(signed=True, response=Response(offset=-1000.0, gain=-3000.0)))
    assert values.dtype == np.int16
    assert values.min() < -900
    assert values.max() > 500


def test_padding_is_outside_the_field_and_only_there() -> None:
    values = store(a_film(padding=4095))
    assert np.array_equal(values == 4095, field_of(SMALL) < CUT_MM)


def test_unexposed_pixels_are_border_and_marker() -> None:
    values = store(a_film(unexposed=4095))
    assert (values == 4095)[field_of(SMALL) < -1].all()
    assert (values == 4095)[field_of(SMALL) > 1].sum() > 20


@pytest.mark.parametrize("hot", [0, 5])
def test_hot_pixels_are_counted(hot: int) -> None:
    assert (store(a_film(bits_stored=16, hot_pixels=hot)) == 65535).sum() == hot


def test_both_polarities_intend_the_same_picture() -> None:
    falling = a_film()
    rising = a_film(response=RISING, photometric=Photometric.MONOCHROME1)
    sloped = a_film(response=RISING, rescale=(-1.0, 4095.0))
    assert np.array_equal(intended_picture(falling), intended_picture(rising))
    assert np.array_equal(intended_picture(falling), intended_picture(sloped))
    assert np.corrcoef(store(falling).ravel(), store(rising).ravel())[0, 1] < -0.99


@pytest.mark.parametrize("tone", [Tone(), Tone(curve=Curve.SIGMOID), None])
@pytest.mark.parametrize("intensity", list(Intensity))
def test_bones_are_light_on_dark(tone: Tone | None, intensity: Intensity) -> None:
    response = Response(offset=3000.0, gain=-2000.0, intensity=intensity)
    picture = intended_picture(a_film(response=response, tone=tone, voi=Voi.NONE))
    exposure = draw_exposure(SMALL)
    air, bone = picture[exposure > 0.92], picture[(exposure > 0.2) & (exposure < 0.4)]
    assert air.mean() < 40
    assert bone.mean() > 130


def test_a_tone_maps_its_two_exposures_to_the_ends() -> None:
    tone = Tone(black=0.9, white=0.2)
    levels = tone.level_of(FALLING.value_of([0.95, 0.9, (0.9 * 0.2) ** 0.5, 0.2, 0.18]), FALLING)
    assert levels == pytest.approx([0, 0, 0.5, 1, 1])


@pytest.mark.parametrize(
    ("photometric", "rescale"), [(Photometric.MONOCHROME1, None), (Photometric.MONOCHROME2, (-1.0, 4095.0))]
)
def test_a_habit_that_shows_bones_dark_is_refused(
    photometric: Photometric, rescale: tuple[float, float] | None
) -> None:
    with pytest.raises(ValueError, match="bones dark"):
        Habit(response=FALLING, photometric=photometric, rescale=rescale)


def test_a_window_needs_a_tone_within_the_response() -> None:
    with pytest.raises(ValueError, match="derived from a tone"):
        Habit(response=FALLING, tone=None)
    with pytest.raises(ValueError, match="cut off"):
        Habit(response=replace(FALLING, least=0.3))
