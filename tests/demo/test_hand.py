# SPDX-License-Identifier: MIT
"""The exposure under a hand: the same each time, physical, and as its parameters say."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from plainfilm.demo.hand import LEAD, Collimation, HandParameters, Side, draw_exposure, field_of

SMALL = HandParameters(rows=250, columns=200, seed=3)


def test_the_same_parameters_give_the_same_exposure() -> None:
    assert np.array_equal(draw_exposure(SMALL), draw_exposure(SMALL))


def test_another_seed_is_another_hand() -> None:
    smooth = [cv2.GaussianBlur(draw_exposure(replace(SMALL, seed=seed)), (0, 0), 2.0) for seed in (3, 4)]
    assert np.abs(smooth[0] - smooth[1]).max() > 0.2


@pytest.mark.parametrize(("rows", "columns"), [(250, 200), (200, 250), (333, 97), (32, 32)])
def test_rows_and_columns_are_kept(rows: int, columns: int) -> None:
    exposure = draw_exposure(replace(SMALL, rows=rows, columns=columns))
    assert exposure.shape == (rows, columns)
    assert exposure.dtype == np.float32


def test_too_few_pixels_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 32"):
        HandParameters(rows=31)


def test_exposures_are_relative_to_air() -> None:
    exposure = draw_exposure(HandParameters())
    assert exposure.min() > 0
    assert exposure.max() < 1.2
    # air, flesh, bone and lead all cover a part of the picture
    shares = [
        ((exposure > low) & (exposure <= high)).mean() for low, high in [(0.9, 2), (0.5, 0.8), (0.2, 0.5), (0, 0.01)]
    ]
    assert min(shares) > 0.05


def test_lead_lets_nothing_through() -> None:
    exposure = draw_exposure(SMALL)
    assert exposure[field_of(SMALL) < -1].max() < 3 * LEAD


@pytest.mark.parametrize("side", list(Side))
def test_the_marker_is_in_the_corner_of_the_thumb(side: Side) -> None:
    exposure = draw_exposure(HandParameters(side=side))
    lead = (exposure < 0.02) & (field_of(HandParameters()) > 1)
    rows, columns = np.nonzero(lead)
    assert rows.size > 400
    assert rows.max() < 200
    assert (columns.max() < 200) if side is Side.RIGHT else (columns.min() > 600)


def test_the_letter_is_not_mirrored() -> None:
    """An L has its foot at the right of its stem, in a left hand's picture as anywhere."""
    exposure = draw_exposure(HandParameters(side=Side.LEFT))
    lead = (exposure < 0.02) & (field_of(HandParameters()) > 1)
    rows, columns = np.nonzero(lead)
    foot = columns[rows > rows.max() - 4]
    stem = columns[rows < rows.min() + 20]
    assert foot.max() > stem.max() + 15
    assert foot.min() >= stem.min() - 2


@pytest.mark.parametrize("side", list(Side))
def test_the_thumb_is_where_the_side_puts_it(side: Side) -> None:
    """The back of a right hand has its thumb at the left: there the hand reaches farther from the middle, low down."""
    exposure = draw_exposure(HandParameters(side=side))
    low = (exposure < 0.85)[520:600, 60:740]
    columns = np.nonzero(low.any(axis=0))[0]
    left, right = 340 - columns.min(), columns.max() - 340
    assert (left > right + 20) if side is Side.RIGHT else (right > left + 20)


def test_five_fingers_end_below_the_upper_border() -> None:
    """Across the middle phalanges the hand is four stripes; above them all there is air."""
    parameters = HandParameters()
    exposure = cv2.GaussianBlur(draw_exposure(parameters), (0, 0), 1.5)
    inside = field_of(parameters) > 2
    dark = (exposure < 0.9) & inside
    dark[:200, :200] = False
    stripes = np.diff(dark[270].astype(int)).clip(0).sum()
    assert stripes == 4
    assert not dark[30:55].any()


def test_fewer_photons_are_more_noise() -> None:
    def noise(photons: float) -> float:
        air = draw_exposure(replace(SMALL, photons=photons))[40:60, 20:40]
        return float(air.std())

    assert noise(600.0) > 4 * noise(60_000.0)


def test_collimation_is_a_tilted_rectangle() -> None:
    tilted = replace(SMALL, collimation=Collimation(margin=20.0, tilt=5.0))
    straight = replace(SMALL, collimation=Collimation(margin=20.0))
    assert (field_of(tilted) > 0).mean() == pytest.approx((field_of(straight) > 0).mean(), rel=0.02)
    top = [int(np.argmax(field_of(tilted)[:, column] > 0)) for column in (40, 160)]
    assert top[1] > top[0] + 5
