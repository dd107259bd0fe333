# SPDX-License-Identifier: MIT
"""Polarity is decided once, and levels are rounded to nearest (PS3.3 C.7.6.3.1.2, C.11.6)."""

from __future__ import annotations

import numpy as np
import pytest

from plainfilm.options.render import Polarity
from plainfilm.rendering.grayscale.polarity import (
    decide_inversion,
    invert,
    output_maximum,
    output_type,
    round_to_levels,
)


@pytest.mark.parametrize(
    ("photometric", "shape", "inverted", "conflict"),
    [
        ("MONOCHROME1", None, True, False),
        ("MONOCHROME2", None, False, False),
        ("MONOCHROME1", "INVERSE", True, False),
        ("MONOCHROME2", "IDENTITY", False, False),
        ("MONOCHROME1", "IDENTITY", True, True),
        ("MONOCHROME2", "INVERSE", False, True),
        ("MONOCHROME1", "LIN OD", True, False),
        ("MONOCHROME2", "", False, False),
    ],
)
def test_photometric_interpretation_takes_precedence_over_presentation_lut_shape(
    photometric: str, shape: str | None, inverted: bool, conflict: bool
) -> None:
    is_inverted, findings = decide_inversion(photometric, shape, Polarity.AUTO)
    assert is_inverted is inverted
    assert [finding.code.value for finding in findings] == (["polarity_conflict"] if conflict else [])


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("shape", [None, "IDENTITY", "INVERSE"])
def test_the_choice_of_the_user_takes_precedence_over_both(photometric: str, shape: str | None) -> None:
    assert decide_inversion(photometric, shape, Polarity.MONOCHROME1)[0] is True
    assert decide_inversion(photometric, shape, Polarity.MONOCHROME2)[0] is False


def test_a_conflict_is_reported_even_where_the_user_decides() -> None:
    """The conflict is a property of the header."""
    assert len(decide_inversion("MONOCHROME1", "IDENTITY", Polarity.MONOCHROME2)[1]) == 1


def test_inversion_mirrors_the_output_range_before_rounding() -> None:
    """If 0.5 were rounded before the inversion, the result would be 254 instead of 255."""
    y = np.array([0.0, 0.5, 100.0, 255.0])
    assert round_to_levels(invert(y, 255), 255).tolist() == [255, 255, 155, 0]


@pytest.mark.parametrize("ymax", [255, 65535])
def test_halves_are_rounded_up(ymax: int) -> None:
    y = np.array([0.0, 0.49999, 0.5, 1.5, 2.5, ymax - 0.51, ymax - 0.5, ymax])
    levels = round_to_levels(y, ymax)
    assert levels.tolist() == [0, 0, 1, 2, 3, ymax - 1, ymax, ymax]
    assert levels.dtype == output_type(ymax)


def test_values_outside_the_range_are_clipped() -> None:
    assert round_to_levels(np.array([-3.0, 255.6, 300.0]), 255).tolist() == [0, 255, 255]


def test_nan_becomes_0() -> None:
    assert round_to_levels(np.array([np.nan, 5.0]), 255).tolist() == [0, 5]


def test_each_depth_has_its_output_range_and_type() -> None:
    assert (output_maximum(8), output_type(255)) == (255, np.uint8)
    assert (output_maximum(16), output_type(65535)) == (65535, np.uint16)
