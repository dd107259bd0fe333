# SPDX-License-Identifier: MIT
"""If one attribute of an image is damaged, the image is the same, or a finding or the error names the attribute."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from pydicom.datadict import dictionary_description
from pydicom.dataset import Dataset
from tests.support.dicom_files import encode_file, image_dataset, lut_item

import plainfilm
from plainfilm.dicom.number_values import number_of_text

PALETTE = ("Red", "Green", "Blue")
DAMAGES = {
    "text": b"abc ",
    "two numbers": b"5 of 10 ",
    "not a number": b"NaN ",
    "infinite": b"inf ",
    "no first value": b"\\5",
    "no value": b"\\\\",
    "comma": b"2,5 ",
    "unit": b"7 mm",
    "odd length": b"\1\2\3",
    "bytes": b"\xff\xfe\xfd\xfc",
}
VRS = ("", "LO", "OB", "UN", "FD", "SQ", "XX")


def grayscale(**changes: Any) -> Dataset:
    generator = np.random.default_rng(5)
    pixels = generator.integers(0, 4096, (24, 18), np.uint16)
    base: dict[str, Any] = {"Rows": 24, "Columns": 18, "PixelData": pixels.tobytes(), "SOPClassUID": SECONDARY}
    dataset: Dataset = image_dataset(**(base | changes))
    return dataset


SECONDARY = "1.2.840.10008.5.1.4.1.1.7"


def with_numbers() -> Dataset:
    dataset = grayscale(PhotometricInterpretation="MONOCHROME1", NumberOfFrames="1")
    values = {
        "RescaleSlope": "2",
        "RescaleIntercept": "-1000",
        "WindowCenter": ["2000", "3000"],
        "WindowWidth": ["4000", "1000"],
        "VOILUTFunction": "SIGMOID",
        "PixelSpacing": ["0.2", "0.3"],
        "PixelPaddingValue": 5,
        "PixelPaddingRangeLimit": 900,
        "ShutterShape": ["RECTANGULAR", "CIRCULAR"],
        "ShutterLeftVerticalEdge": "2",
        "ShutterRightVerticalEdge": "17",
        "ShutterUpperHorizontalEdge": "3",
        "ShutterLowerHorizontalEdge": "22",
        "CenterOfCircularShutter": ["12", "9"],
        "RadiusOfCircularShutter": "11",
        "ShutterPresentationValue": 30000,
        "PresentationLUTShape": "INVERSE",
    }
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def with_tables() -> Dataset:
    dataset = grayscale(PixelAspectRatio=["2", "1"])
    dataset.ModalityLUTSequence = [lut_item(*range(4095, -1, -1))]
    dataset.VOILUTSequence = [lut_item(*range(0, 65536, 16))]
    dataset.ShutterShape = "POLYGONAL"
    dataset.VerticesOfThePolygonalShutter = ["1", "1", "1", "18", "20", "9"]
    return dataset


def with_palette() -> Dataset:
    pixels = np.random.default_rng(6).integers(0, 256, (24, 18), np.uint8)
    changes = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PhotometricInterpretation": "PALETTE COLOR"}
    dataset = grayscale(PixelData=pixels.tobytes(), **changes)
    for number, color in enumerate(PALETTE):
        entries = np.roll(np.arange(256, dtype=np.uint16) * 257, 50 * number)
        dataset.add_new(f"{color}PaletteColorLookupTableDescriptor", "US", [256, 0, 16])
        dataset.add_new(f"{color}PaletteColorLookupTableData", "OW", entries.tobytes())
    return dataset


FILMS = {"numbers": with_numbers, "tables": with_tables, "palette": with_palette}
# Not read for the picture, or not an attribute of the image.
UNREAD = {"SOPClassUID", "SOPInstanceUID", "Modality", "PixelData"}


def damaged_files(dataset: Dataset) -> Iterator[tuple[str, str, bytes]]:
    """Yield keyword, damage and file for every attribute and every damage."""
    for element in dataset:
        if element.keyword in UNREAD:
            continue
        for vr in VRS:
            for name, value in DAMAGES.items():
                if is_damage(element.VR, vr, value):
                    odd = {element.keyword: (vr or element.VR, value)}
                    yield element.keyword, f"{vr} {name}", encode_file(dataset, odd=odd)


def is_damage(vr: str, written_vr: str, value: bytes) -> bool:
    """Whether a value cannot be another valid value: two bytes are a binary number, and eight are one of VR FD."""
    if written_vr == "FD" and len(value) == 8:
        return False
    return vr in ("DS", "IS", "CS", "SQ") or len(value) % 2 == 1 or written_vr in ("LO", "SQ", "XX")


@pytest.mark.slow
@pytest.mark.parametrize("film", FILMS)
def test_no_damaged_attribute_is_dropped_in_silence(film: str) -> None:
    """An image that fails is not silent: it has a row in the table of failures."""
    dataset = FILMS[film]()
    expected = plainfilm.render(encode_file(dataset))
    silent = []
    for keyword, damage, content in damaged_files(dataset):
        try:
            image = plainfilm.render(content)
        except plainfilm.PlainfilmError:
            continue
        if image.shape == expected.shape and np.array_equal(image, expected):
            continue
        details = " ".join(finding["detail"] for finding in plainfilm.explain(content).to_dict()["findings"])
        names = (keyword, dictionary_description(keyword), "LUT Data" if keyword.endswith("Data") else keyword)
        if not any(name in details for name in names):
            silent.append((keyword, damage, details))
    assert silent == []


def test_the_damages_are_what_they_say() -> None:
    unreadable = {name for name, value in DAMAGES.items() if number_of_text(value.decode("latin-1")) is None}
    assert unreadable == set(DAMAGES) - {"comma", "unit", "no first value"}
