# SPDX-License-Identifier: MIT
"""Every look gives the pictures that are recorded for its version.

The record is tests/golden/looks.json. Where a look shall give another picture, increase its number in
plainfilm.rendering.grayscale.plan.LOOK_VERSIONS, describe it in CHANGELOG.md, and run this file with
PLAINFILM_RENEW_GOLDEN=1, which adds missing entries to the record and changes none.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.support.grayscale import frame_attributes, grayscale_instance, lut_item, show

from plainfilm.dicom.instance import Padding, Shutter, WindowItem
from plainfilm.options.render import Look, UserWindow
from plainfilm.rendering.plan import LOOK_VERSIONS

Array = npt.NDArray[Any]
GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "looks.json"


def ramp(bits: int, signed: bool = False) -> Array:
    """A slope with a bright bar and a dark border, computed in integers so that it is the same on every machine."""
    rows, columns = np.mgrid[:72, :96]
    top = (1 << bits) - 1
    values = (rows * 5 + columns * 3 + (rows * columns) % 37) * top // 700
    values[20:50, 30:40] = values[20:50, 30:40] // 2 + top // 2
    values[:4], values[:, :4] = 0, top
    return (values - ((top + 1) // 2 if signed else 0)).astype("i2" if signed else "u1" if bits == 8 else "u2")


def instances() -> Iterator[tuple[Any, Array]]:
    """Instances and their cells, of each kind that a look distinguishes."""
    curve = lut_item([round((entry / 4095) ** 2 * 4095) for entry in range(4096)])
    rest = {"padding": Padding(0), "shutter": Shutter(circle=(36, 48, 40), presentation_value=20000)}
    signed = {"signed": True, "bits_stored": 12}
    yield grayscale_instance(), ramp(12)
    yield (
        grayscale_instance(frame_attributes(WindowItem(2000, 2500)), photometric_interpretation="MONOCHROME1"),
        ramp(12),
    )
    yield grayscale_instance(frame_attributes(curve)), ramp(12)
    yield (
        grayscale_instance(frame_attributes(WindowItem(-100, 900.5), slope=0.5, intercept=-80.0), **signed),
        ramp(12, signed=True),
    )
    yield grayscale_instance(frame_attributes(WindowItem(2000, 3000, "LINEAR_EXACT")), rest=rest), ramp(12)
    yield grayscale_instance(bits_allocated=8, bits_stored=8), ramp(8)
    yield grayscale_instance(bits_stored=16), ramp(16)


def picture_hash(look: Look, bits: int) -> str:
    digest = hashlib.sha256()
    for instance, cells in instances():
        window = UserWindow(1000, 1500) if look is Look.WINDOW else None
        image = show(instance, cells, look=look, window=window, bits=bits).image
        digest.update(f"{image.dtype.str.lstrip('|<')}{image.shape}".encode() + image.astype("<u2").tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("look", Look)
def test_the_output_of_a_look_changes_only_with_its_version(look: Look, bits: int) -> None:
    golden, key = json.loads(GOLDEN.read_text(encoding="utf-8")), f"{look} {LOOK_VERSIONS[look]}, {bits} bits"
    current = picture_hash(look, bits)
    if os.environ.get("PLAINFILM_RENEW_GOLDEN") and key not in golden["pictures"]:
        golden["pictures"][key] = current
        GOLDEN.write_text(json.dumps(golden, indent=2) + "\n", encoding="utf-8")
    assert key in golden["pictures"], f"{key} is not recorded: see {Path(__file__).name}"
    assert golden["pictures"][key] == current, f"{look} gives another picture: fix it, or increase its version"
