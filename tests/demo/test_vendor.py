# SPDX-License-Identifier: MIT
"""The parameters of vendor profiles have their documented effect, and impossible parameters are rejected."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from plainfilm.demo.vendor import Curve, DisplayTransform, Intensity, Photometric, Response, Storage, VendorProfile

FALLING = Response(offset=500.0, gain=-3000.0)
RISING = Response(offset=3500.0, gain=3000.0)


def test_a_response_is_linear_or_logarithmic() -> None:
    assert FALLING.value_of([1.0, 0.5, 0.01]) == pytest.approx(500 - 3000 * np.log10([1.0, 0.5, 0.16]))
    linear = Response(offset=500.0, gain=-300.0, intensity=Intensity.LINEAR, least=0.0)
    assert linear.value_of([1.0, 0.5, 0.01]) == pytest.approx([200.0, 350.0, 497.0])


def test_a_display_maps_its_two_exposures_to_black_and_white() -> None:
    display = DisplayTransform(black=0.9, white=0.2)
    levels = display.level_of(FALLING.value_of([0.95, 0.9, (0.9 * 0.2) ** 0.5, 0.2, 0.18]), FALLING)
    assert levels == pytest.approx([0, 0, 0.5, 1, 1])
    bent = replace(display, curve=Curve.SIGMOID).level_of(FALLING.value_of([0.9, (0.9 * 0.2) ** 0.5, 0.2]), FALLING)
    assert bent == pytest.approx([1 / (1 + np.exp(2)), 0.5, 1 / (1 + np.exp(-2))])


def test_signed_values_can_be_negative() -> None:
    assert Storage(bits_stored=12).value_range == (0, 4095)
    assert Storage(bits_stored=12, signed=True).value_range == (-2048, 2047)


@pytest.mark.parametrize(
    ("photometric", "rescale"), [(Photometric.MONOCHROME1, None), (Photometric.MONOCHROME2, (-1.0, 4095.0))]
)
def test_a_profile_that_shows_bones_dark_is_rejected(
    photometric: Photometric, rescale: tuple[float, float] | None
) -> None:
    with pytest.raises(ValueError, match="bones dark"):
        VendorProfile(response=FALLING, photometric=photometric, rescale=rescale)


def test_a_window_needs_a_display_within_the_response() -> None:
    with pytest.raises(ValueError, match="needs a display"):
        VendorProfile(response=FALLING, display=None)
    with pytest.raises(ValueError, match="cut off"):
        VendorProfile(response=replace(FALLING, least=0.3))
