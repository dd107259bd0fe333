# SPDX-License-Identifier: MIT
"""Compare the levels of random presentation states with the oracle, at 16 bits."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from tests.support.cases.build import build_case
from tests.support.oracle.presentation import presented_levels
from tests.support.presentation_states import item, lut, state_of, to_file

import plainfilm


def parts(rng: Random) -> dict[str, Any]:
    """A Modality LUT or a rescale, a VOI, and a Presentation LUT or a shape; each may be left out."""
    rescale = {"RescaleSlope": rng.choice([0.5, 2, -1]), "RescaleIntercept": rng.choice([-1024, 0, 4095])}
    modality = {"ModalityLUTSequence": [lut(sorted(rng.choices(range(4096), k=900)), rng.choice([0, 500]), 12)]}
    window = {"SoftcopyVOILUTSequence": [item(WindowCenter=rng.randint(0, 4000), WindowWidth=rng.randint(2, 5000))]}
    # the largest entry uses all the bits that are declared
    curve = [*rng.choices(range(4096), k=1500), 4095]
    voi = {"SoftcopyVOILUTSequence": [item(VOILUTSequence=[lut(curve, rng.choice([0, 700]), 12)])]}
    shape = {"PresentationLUTShape": rng.choice(["IDENTITY", "INVERSE"])}
    table = {"PresentationLUTShape": None, "PresentationLUTSequence": [lut(rng.choices(range(1024), k=700), 0, 10)]}
    return {**rng.choice([{}, rescale, modality]), **rng.choice([{}, window, voi]), **rng.choice([shape, table])}


@pytest.mark.parametrize("seed", range(60))
def test_levels_equal_the_oracle_exactly(seed: int, tmp_path: Path) -> None:
    rng = Random(seed)
    image, cells = build_case(rows=16, columns=20, seed=seed, photometric=rng.choice(["MONOCHROME1", "MONOCHROME2"]))
    state = state_of(image, **parts(rng))
    named = tmp_path / "state.dcm"
    named.write_bytes(to_file(state))
    mine = plainfilm.render(to_file(image), presentation=str(named), bits=16)
    expected = presented_levels(state, np.asarray(cells).reshape(16, 20), 12, 65535)
    assert np.abs(mine.astype(np.int64) - expected).max() == 0
