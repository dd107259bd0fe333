# SPDX-License-Identifier: MIT
"""Vendors' habits: the parameters do what they say, and impossible ones are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from plainfilm.demo.habit import Curve, GrayscaleTransform, Habit, Intensity, Photometric, Response, Storage

FALLING = Response(offset=500.0, gain=-3000.0)
RISING = Response(offset=3500.0, gain=3000.0)


def test_a_response_is_linear_or_logarithmic() -> None:
    assert FALLING.value_of([1.0, 0.5, 0.01]) == pytest.approx(500 - 3000 * np.log10([1.0, 0.5, 0.16]))
    linear = Response(offset=500.0, gain=-300.0, intensity=Intensity.LINEAR, least=0.0)
    assert linear.value_of([1.0, 0.5, 0.01]) == pytest.approx([200.0, 350.0, 497.0])


def test_a_tone_maps_its_two_exposures_to_the_ends() -> None:
    tone = GrayscaleTransform(black=0.9, white=0.2)
    levels = tone.level_of(FALLING.value_of([0.95, 0.9, (0.9 * 0.2) ** 0.5, 0.2, 0.18]), FALLING)
    assert levels == pytest.approx([0, 0, 0.5, 1, 1])
    bent = replace(tone, curve=Curve.SIGMOID).level_of(FALLING.value_of([0.9, (0.9 * 0.2) ** 0.5, 0.2]), FALLING)
    assert bent == pytest.approx([1 / (1 + np.exp(2)), 0.5, 1 / (1 + np.exp(-2))])


def test_signed_values_reach_below_zero() -> None:
    assert Storage(bits_stored=12).value_range == (0, 4095)
    assert Storage(bits_stored=12, signed=True).value_range == (-2048, 2047)


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
