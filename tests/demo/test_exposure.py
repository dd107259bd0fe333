# SPDX-License-Identifier: MIT
"""The exposure is reproducible on every machine and follows the physics of beam and collimator."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from plainfilm.demo.detector import Collimation, Marker, Opening, field_depth, marker_cover
from plainfilm.demo.exposure import AIR, LEAD, Acquisition, Beam, expose
from plainfilm.demo.hand import Hand
from plainfilm.demo.phantoms import Phantom
from plainfilm.demo.skeleton import Person, Side

SMALL = Acquisition(rows=250, columns=200, seed=3)


def test_the_same_radiograph_gives_the_same_exposure() -> None:
    assert np.array_equal(expose(SMALL).values, expose(SMALL).values)


def test_the_exposure_is_the_same_on_every_machine() -> None:
    """A different hash means that every synthetic radiograph changes: name the change in the changelog."""
    subjects = ((Hand(),), Phantom.CHEST, Phantom.BREAST)
    values = [expose(replace(SMALL, subject=subject)).values.astype("<u2").tobytes() for subject in subjects]
    assert [hashlib.sha256(content).hexdigest()[:16] for content in values] == PINNED


PINNED = ["f283912b0a793823", "fb2f64bc8456a603", "50e36d074cc39a77"]


@pytest.mark.parametrize(("rows", "columns"), [(250, 200), (200, 250), (333, 97), (32, 32)])
@pytest.mark.parametrize("subject", [(Hand(),), Phantom.CHEST, Phantom.BREAST])
def test_the_exposure_has_its_rows_and_columns(rows: int, columns: int, subject: tuple[Hand, ...] | Phantom) -> None:
    values = expose(replace(SMALL, rows=rows, columns=columns, subject=subject)).values
    assert (values.shape, values.dtype) == ((rows, columns), np.uint16)


def test_too_few_pixels_and_too_many_hands_are_rejected() -> None:
    with pytest.raises(ValueError, match="at least 32"):
        Acquisition(rows=31)
    with pytest.raises(ValueError, match="one hand or two"):
        Acquisition(subject=(Hand(), Hand(), Hand()))


def test_exposures_are_relative_to_air() -> None:
    share = expose(Acquisition()).values / AIR
    bands = [(0.85, 1.1), (0.5, 0.8), (0.2, 0.5), (0, 0.02)]
    assert min(((share > low) & (share <= high)).mean() for low, high in bands) > 0.05
    assert share.max() < 1.2


def test_the_heel_effect_weakens_the_beam_and_quanta_give_noise() -> None:
    quiet, noisy = (expose(replace(SMALL, beam=Beam(photons=photons))).values for photons in (1e6, 2e3))
    assert quiet[20:40, 20:30].mean() > 1.02 * quiet[220:240, 20:30].mean()
    assert noisy[20:40, 20:40].std() > 5 * quiet[20:40, 20:40].std()


def test_nothing_passes_the_collimator() -> None:
    for collimation in (Collimation(9.0), Collimation(9.0, 6.0), Collimation(5.0, 0.0, Opening.ROUND)):
        acquisition = replace(SMALL, beam=Beam(collimation=collimation))
        exposed = expose(acquisition)
        depth = field_depth(acquisition.detector, collimation)
        assert exposed.values[depth < -3].max() < 4 * LEAD
        assert exposed.values[depth > 3].min() > 0.05 * AIR
        for column, row in exposed.outline:
            inside = 0 <= column < 200 and 0 <= row < 250
            assert not inside or abs(depth[int(row), int(column)]) < 2


@pytest.mark.parametrize("right", [False, True])
@pytest.mark.parametrize("mirrored", [False, True])
def test_the_foot_of_an_l_points_right_unless_the_marker_is_mirrored(right: bool, mirrored: bool) -> None:
    acquisition, marker = Acquisition(), Marker("L", right=right, mirrored=mirrored)
    cover = marker_cover(acquisition.detector, Collimation(), marker)
    rows, columns = np.nonzero(cover > 0.5)
    foot, stem = columns[rows > rows.max() - 4], columns[rows < rows.min() + 20]
    assert (foot.mean() < stem.mean()) == mirrored
    assert (columns.min() > 412) == right
    column, row = expose(replace(acquisition, beam=Beam(marker=marker))).landmarks["marker"]
    assert columns.min() < column < columns.max()
    assert rows.min() < row < rows.max()


def test_the_step_wedge_has_steps() -> None:
    plain, wedged = (expose(replace(SMALL, beam=Beam(wedge=wedge))).values.astype(int) for wedge in (False, True))
    column = (plain - wedged).max(axis=1)
    assert (np.diff(np.sort(wedged[(plain - wedged) > 3000])) > 150).sum() >= 6
    assert column[:100].max() < 4000 < column[150:].max()


def test_two_hands_have_their_thumbs_side_by_side() -> None:
    hands = (Hand(Person(Side.LEFT)), Hand(Person(Side.RIGHT)))
    landmarks = expose(Acquisition(rows=250, columns=350, width=360.0, subject=hands)).landmarks
    order = ["L little tip", "L thumb tip", "R thumb tip", "R little tip"]
    columns = [landmarks[name][0] for name in order]
    assert columns == sorted(columns)
