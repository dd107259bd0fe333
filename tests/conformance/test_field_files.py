# SPDX-License-Identifier: MIT
"""Files with faults that DCMTK reads as well: the image is its image, within one grey level."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support.dicom_files import (
    encapsulate_fragments,
    encode_dataset,
    encode_element,
    encode_file,
    image_dataset,
    wrap_in_file,
)

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


def gray(value: bytes, **changes: Any) -> Any:
    return image_dataset(**SIZE, **({"PixelData": value} | WINDOW | changes))


def color(value: bytes, **changes: Any) -> Any:
    eight = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "SamplesPerPixel": 3, "PlanarConfiguration": 0}
    return image_dataset(**SIZE, **({"PixelData": value, "PhotometricInterpretation": "RGB"} | eight | changes))


def rle(image: NDArray[np.uint16]) -> bytes:
    """The two segments of an image, the high bytes first, each in runs of literal bytes (PS3.5 G.3)."""
    segments = []
    for plane in (image >> 8, image & 0xFF):
        octets = plane.astype(np.uint8).tobytes()
        runs = [octets[start : start + 100] for start in range(0, len(octets), 100)]
        segment = b"".join(bytes([len(run) - 1]) + run for run in runs)
        segments.append(segment + b"\0" * (len(segment) % 2))
    offsets = [2, 64, 64 + len(segments[0]), *[0] * 13]
    return struct.pack("<16I", *offsets) + b"".join(segments)


RESCALE = {"RescaleIntercept": "-200", "RescaleSlope": "1.5"}
RLE = "1.2.840.10008.1.2.5"
FILES = {
    "window behind": encode_file(radiograph()) + behind(**WINDOW),
    "center behind": encode_file(radiograph(WindowWidth="2500")) + behind(WindowCenter="1800"),
    "width behind": encode_file(radiograph(WindowCenter="1800")) + behind(WindowWidth="2500"),
    "rescale behind": encode_file(radiograph(**WINDOW)) + behind(**RESCALE),
    "slope behind": encode_file(radiograph(**WINDOW, RescaleIntercept="-200")) + behind(RescaleSlope="1.5"),
    "interpretation behind": encode_file(radiograph(PhotometricInterpretation=None, **WINDOW))
    + behind(PhotometricInterpretation="MONOCHROME1"),
    "center with a comma": encode_file(radiograph(WindowWidth="2500"), odd={"WindowCenter": ("DS", b"1800,5")}),
    "packed": encode_file(image_dataset(**SIZE, BitsAllocated=12, PixelData=packed_pixels(), **WINDOW)),
    "private": wrap_in_file(encode_dataset(radiograph(**WINDOW), IMPLICIT_LITTLE), "1.2.276.0.50.1.2.1"),
    "Philips": wrap_in_file(encode_dataset(radiograph(**WINDOW)), "1.3.46.670589.33.1.4.1"),
    "Papyrus 3": wrap_in_file(encode_dataset(radiograph(**WINDOW), IMPLICIT_LITTLE), "1.2.840.10008.1.20"),
    "excess": encode_file(gray(pixels().tobytes() + b"\7" * 60)),
    "high bit": encode_file(gray((pixels() << 4).tobytes(), HighBit=15)),
    "signed without extension": encode_file(gray(pixels().tobytes(), PixelRepresentation=1, WindowCenter="0")),
    "two windows": encode_file(radiograph(WindowCenter=["1800", "5"], WindowWidth=["2500", "9"])),
    "color": encode_file(color(pixels().tobytes() + pixels().tobytes()[: ROWS * COLUMNS])),
    "color by plane": encode_file(
        color(pixels().tobytes() + pixels().tobytes()[: ROWS * COLUMNS], PlanarConfiguration=1)
    ),
    "RLE with trailing zeros": encode_file(gray(encapsulate_fragments(rle(pixels()) + bytes(6))), RLE),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_with_a_fault_looks_as_in_dcmtk(dcmj2pnm: str, tmp_path: Path, name: str) -> None:
    path = tmp_path / "film.dcm"
    path.write_bytes(FILES[name])
    window = [] if "color" in name else ["+Wi", "1"]
    subprocess.run([dcmj2pnm, *window, "+on", path, tmp_path / "film.png"], check=True)
    expected = np.asarray(cv2.imread(str(tmp_path / "film.png"), cv2.IMREAD_UNCHANGED))
    expected = expected[..., ::-1] if expected.ndim == 3 else expected
    image = plainfilm.render(path, pixels="stored")
    assert np.abs(image.astype(int) - expected).max() <= 1
