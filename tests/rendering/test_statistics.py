# SPDX-License-Identifier: MIT
"""Test the statistics of an image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plainfilm.findings import Finding, FindingCode
from plainfilm.rendering.grayscale.histogram import EMPTY_HISTOGRAM, histogram_of
from plainfilm.rendering.statistics import Statistics, color_histogram, is_polarity_suspect, statistics


@pytest.mark.parametrize(("kind", "ymax"), [(np.uint8, 255), (np.uint16, 65535)])
def test_statistics_equal_those_of_the_pixels(kind: Any, ymax: int) -> None:
    image = np.random.default_rng(8).integers(0, ymax, (60, 50), endpoint=True).astype(kind)
    image[:10], image[10:13] = 0, ymax
    found = statistics(histogram_of(image), ymax)
    share = np.bincount((image.astype(int) * 256 // (ymax + 1)).reshape(-1), minlength=256) / image.size
    used = share[share > 0]
    assert found.black_fraction == pytest.approx((image == 0).mean(), abs=1e-12)
    assert found.white_fraction == pytest.approx((image == ymax).mean(), abs=1e-12)
    assert found.mean == pytest.approx(image.mean() / ymax, abs=1e-12)
    assert found.entropy == pytest.approx(-(used * np.log2(used)).sum(), abs=1e-9)


@pytest.mark.parametrize(("level", "black", "white"), [(0, 1.0, 0.0), (255, 0.0, 1.0), (1, 0.0, 0.0), (254, 0.0, 0.0)])
def test_black_and_white_fractions_count_only_0_and_the_maximum(level: int, black: float, white: float) -> None:
    found = statistics(histogram_of(np.full((3, 3), level, np.uint8)), 255)
    assert found == Statistics(black, white, level / 255, 0.0)


def test_an_image_of_one_level_has_entropy_0() -> None:
    """Not of -0.0, which a table would show."""
    assert str(statistics(histogram_of(np.full(4, 9, np.uint8)), 255).entropy) == "0.0"


@pytest.mark.parametrize(("levels", "bits"), [(2, 1.0), (4, 2.0), (256, 8.0)])
def test_the_entropy_of_evenly_spread_levels_is_their_number_of_bits(levels: int, bits: float) -> None:
    image = np.arange(256, dtype=np.uint8) // (256 // levels) * (256 // levels)
    assert statistics(histogram_of(image), 255).entropy == pytest.approx(bits)


def test_the_entropy_of_16_bits_is_of_256_levels() -> None:
    image = np.arange(65536, dtype=np.uint16)
    assert statistics(histogram_of(image), 65535).entropy == pytest.approx(8.0)


def test_without_pixels_there_are_no_statistics() -> None:
    assert statistics(EMPTY_HISTOGRAM, 255) == Statistics(None, None, None, None)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    ("color", "level"), [((100, 0, 0), 30), ((0, 100, 0), 59), ((0, 0, 100), 11), ((100, 100, 100), 100)]
)
def test_the_levels_of_a_colour_image_are_its_luminance(kind: Any, color: tuple[int, ...], level: int) -> None:
    """ITU-R BT.601, red first: 0.299 R + 0.587 G + 0.114 B."""
    found = color_histogram(np.full((2, 3, 3), color, kind))
    assert (found.values.tolist(), found.counts.tolist()) == ([level], [6])


@pytest.mark.parametrize(
    ("codes", "suspect"),
    [
        ((), False),
        ((FindingCode.POLARITY_CONFLICT,), True),
        ((FindingCode.RECIPE_IGNORES,), False),
        ((FindingCode.RECIPE_IGNORES, FindingCode.POLARITY_CONFLICT), True),
    ],
)
def test_a_polarity_is_suspect_where_the_file_contradicts_itself(codes: tuple[FindingCode, ...], suspect: bool) -> None:
    assert is_polarity_suspect(tuple(Finding(code) for code in codes)) is suspect
