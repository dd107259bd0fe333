# SPDX-License-Identifier: MIT
"""Polarity and rounding (PS3.3 C.7.6.3.1.2, C.11.6). Fear: bones black, or a level off by one."""

from __future__ import annotations

import numpy as np
import pytest

from plainfilm.options.choices import Polarity
from plainfilm.rendering.grayscale.polarity import decide_inversion, invert, nearest, output_maximum, output_type


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
def test_photometric_interpretation_wins_over_presentation_lut_shape(
    photometric: str, shape: str | None, inverted: bool, conflict: bool
) -> None:
    found, findings = decide_inversion(photometric, shape, Polarity.AUTO)
    assert found is inverted
    assert [finding.code.value for finding in findings] == (["polarity_conflict"] if conflict else [])


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("shape", [None, "IDENTITY", "INVERSE"])
def test_the_users_word_goes_over_both(photometric: str, shape: str | None) -> None:
    assert decide_inversion(photometric, shape, Polarity.MONOCHROME1)[0] is True
    assert decide_inversion(photometric, shape, Polarity.MONOCHROME2)[0] is False


def test_a_conflict_is_told_even_where_the_user_decides() -> None:
    """It is a fact of the header."""
    assert len(decide_inversion("MONOCHROME1", "IDENTITY", Polarity.MONOCHROME2)[1]) == 1


def test_inversion_is_about_the_output_range_and_before_rounding() -> None:
    """Rounding first would take 0.5 up to 1 and then down to 254, not up to 255."""
    y = np.array([0.0, 0.5, 100.0, 255.0])
    assert nearest(invert(y, 255), 255).tolist() == [255, 255, 155, 0]


@pytest.mark.parametrize("ymax", [255, 65535])
def test_nearest_takes_halves_up(ymax: int) -> None:
    y = np.array([0.0, 0.49999, 0.5, 1.5, 2.5, ymax - 0.51, ymax - 0.5, ymax])
    levels = nearest(y, ymax)
    assert levels.tolist() == [0, 0, 1, 2, 3, ymax - 1, ymax, ymax]
    assert levels.dtype == output_type(ymax)


def test_nothing_wraps_at_the_ends_of_the_range() -> None:
    assert nearest(np.array([-3.0, 255.6, 300.0]), 255).tolist() == [0, 255, 255]


def test_what_is_no_number_becomes_0() -> None:
    assert nearest(np.array([np.nan, 5.0]), 255).tolist() == [0, 5]


def test_the_output_range_of_each_depth() -> None:
    assert (output_maximum(8), output_type(255)) == (255, np.uint8)
    assert (output_maximum(16), output_type(65535)) == (65535, np.uint16)
