# SPDX-License-Identifier: MIT
"""Compare presentation states with DCMTK's dcmp2pgm, an independent implementation of PS3.4 N.2."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support.cases.build import build_case
from tests.support.presentation_states import item, lut, state_of, to_file

import plainfilm

Array = NDArray[Any]
Both = Callable[..., tuple[Array, Array]]


@pytest.fixture
def both(dcmj2pnm: str, tmp_path: Path) -> Both:
    """Our picture and DCMTK's of an image by a presentation state."""

    def show(image: Any, state: Any, **options: Any) -> tuple[Array, Array]:
        film, named, made = (
            tmp_path / "image.dcm",
            tmp_path / f"state{len(list(tmp_path.iterdir()))}.dcm",
            tmp_path / "made.pgm",
        )
        film.write_bytes(to_file(image))
        named.write_bytes(to_file(state))
        tool = str(Path(dcmj2pnm).with_name("dcmp2pgm"))
        done = subprocess.run([tool, "-p", named, film, made], capture_output=True, text=True, check=False, timeout=60)
        assert made.exists(), done.stderr
        mine = plainfilm.render(film, presentation=str(named), **options)
        return mine, np.asarray(cv2.imread(str(made), cv2.IMREAD_UNCHANGED))

    return show


def image_in_series(**changes: Any) -> Any:
    dataset, _ = build_case(rows=24, columns=40, **changes)
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3.4.6", "1.2.3.4.8"
    return dataset


def window(center: float, width: float, **more: Any) -> list[Any]:
    return [item(WindowCenter=center, WindowWidth=width, **more)]


GREY: dict[str, dict[str, Any]] = {
    "window": {"SoftcopyVOILUTSequence": window(1800, 2500)},
    "inverse": {"SoftcopyVOILUTSequence": window(1800, 2500), "PresentationLUTShape": "INVERSE"},
    "no voi": {},
    "rescale": {
        "RescaleSlope": 2,
        "RescaleIntercept": -500,
        "RescaleType": "US",
        "SoftcopyVOILUTSequence": window(3000, 4000),
    },
    "modality lut": {
        "ModalityLUTSequence": [lut(np.arange(4096)[::-1] // 2, bits=11, ModalityLUTType="US")],
        "SoftcopyVOILUTSequence": window(1000, 1500),
    },
    "voi lut": {
        "SoftcopyVOILUTSequence": [item(VOILUTSequence=[lut(np.sqrt(np.arange(4096) / 4095) * 4095, bits=12)])]
    },
    "presentation lut": {
        "SoftcopyVOILUTSequence": window(1800, 2500),
        "PresentationLUTShape": None,
        "PresentationLUTSequence": [lut((np.arange(4096) / 4095) ** 2 * 4095, bits=12)],
    },
}


@pytest.mark.parametrize("name", GREY)
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_grey_levels_of_presentation_states_equal_dcmtk(name: str, photometric: str, both: Both) -> None:
    """The image has a window and a shape of its own, which the state replaces."""
    image = image_in_series(photometric=photometric, centers=(300,), widths=(10,), slope=1, intercept=7)
    mine, theirs = both(image, state_of(image, **GREY[name]))
    assert mine.shape == theirs.shape
    assert np.abs(mine.astype(int) - theirs.astype(int)).max() <= 1
    assert np.unique(mine).size > 20


def test_a_bitmap_shutter_equals_dcmtk(both: Both) -> None:
    image = image_in_series()
    bits = np.zeros((24, 40), np.uint8)
    bits[:5] = bits[:, 33:] = 1
    values = {"ShutterShape": "BITMAP", "ShutterOverlayGroup": 0x6000, "ShutterPresentationValue": 65535}
    state = state_of(image, SoftcopyVOILUTSequence=window(1800, 9000), **values)
    elements = {0x10: ("US", 24), 0x11: ("US", 40), 0x40: ("CS", "G"), 0x50: ("SS", [1, 1]), 0x100: ("US", 1)}
    for element, (vr, value) in (elements | {0x102: ("US", 0)}).items():
        state.add_new(0x60000000 | element, vr, value)
    state.add_new(0x60003000, "OW", np.packbits(bits.ravel(), bitorder="little").tobytes())
    mine, theirs = both(image, state)
    assert np.abs(mine.astype(int) - theirs.astype(int)).max() <= 1
    assert (mine[bits == 1] == 255).all()


OVERLAID = (
    "pydicom+pydicom-data/data_store/data/MR-SIEMENS-DICOM-WithOverlays.dcm",
    "pydicom+pydicom/src/pydicom/data/test_files/examples_overlay.dcm",
    "fo-dicom+fo-dicom/Tests/FO-DICOM.Tests/Test Data/OutOfBoundsOverlay.dcm",
)


@pytest.mark.parametrize("name", OVERLAID)
def test_overlays_of_real_images_are_where_dcmtk_draws_them(
    name: str, film_folder: Path, dcmj2pnm: str, tmp_path: Path
) -> None:
    """What the overlay changes, of each by itself: DCMTK draws graphics by replacing (`+Omr`) at full intensity."""
    made = tmp_path / "made.pgm"
    subprocess.run([dcmj2pnm, "+Wi", "1", "+Omr", "+op", film_folder / name, made], check=True, timeout=60)
    theirs = np.asarray(cv2.imread(str(made), cv2.IMREAD_UNCHANGED))
    mine = plainfilm.render(film_folder / name, overlays="burn", voi="window:0", pixels="stored")
    assert np.abs(mine.astype(int) - theirs.astype(int)).max() <= 1
    assert (mine != plainfilm.render(film_folder / name, voi="window:0", pixels="stored")).any()
