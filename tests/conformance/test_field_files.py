# SPDX-License-Identifier: MIT
"""Files with faults that DCMTK reads as well: the image is its image, within one grey level."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support.dicom_files import encode_dataset, encode_element, encode_file, image_dataset, wrap_in_file

import plainfilm
from plainfilm.dicom.transfer_syntax import IMPLICIT_LITTLE

pytestmark = pytest.mark.component

ROWS, COLUMNS = 40, 30
SIZE = {"Rows": ROWS, "Columns": COLUMNS}
WINDOW = {"WindowCenter": "1800", "WindowWidth": "2500"}


def pixels() -> NDArray[np.uint16]:
    return np.random.default_rng(2).integers(0, 4096, (ROWS, COLUMNS), np.uint16)


def radiograph(**changes: Any) -> Any:
    return image_dataset(**SIZE, PixelData=pixels().tobytes(), **changes)


def packed_pixels() -> bytes:
    first, second = pixels().ravel()[0::2], pixels().ravel()[1::2]
    octets = np.stack([first & 0xFF, first >> 8 | (second & 0xF) << 4, second >> 4], axis=1)
    return octets.astype(np.uint8).tobytes()


def behind(**texts: str) -> bytes:
    vrs = {"PhotometricInterpretation": "CS"}
    return b"".join(
        encode_element(keyword, vrs.get(keyword, "DS"), text.encode() + b" " * (len(text) % 2))
        for keyword, text in texts.items()
    )


FILES = {
    "window behind": encode_file(radiograph()) + behind(**WINDOW),
    "rescale behind": encode_file(radiograph(**WINDOW)) + behind(RescaleIntercept="-200", RescaleSlope="1.5"),
    "interpretation behind": encode_file(radiograph(PhotometricInterpretation=None, **WINDOW))
    + behind(PhotometricInterpretation="MONOCHROME1"),
    "comma": encode_file(radiograph(WindowWidth="2500"), odd={"WindowCenter": ("DS", b"1800,5")}),
    "packed": encode_file(image_dataset(**SIZE, BitsAllocated=12, PixelData=packed_pixels(), **WINDOW)),
    "private": wrap_in_file(encode_dataset(radiograph(**WINDOW), IMPLICIT_LITTLE), "1.2.276.0.50.1.2.1"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_with_a_fault_looks_as_in_dcmtk(dcmj2pnm: str, tmp_path: Path, name: str) -> None:
    path = tmp_path / "film.dcm"
    path.write_bytes(FILES[name])
    subprocess.run([dcmj2pnm, "+Wi", "1", "+on", path, tmp_path / "film.png"], check=True)
    expected = cv2.imread(str(tmp_path / "film.png"), cv2.IMREAD_UNCHANGED)
    image = plainfilm.render(path, pixels="stored")
    assert np.abs(image.astype(int) - expected).max() <= 1
