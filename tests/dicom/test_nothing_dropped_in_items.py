# SPDX-License-Identifier: MIT
"""If one attribute in an item or of an overlay is damaged, the image is the same, or a finding names the attribute."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from pydicom.datadict import dictionary_description, keyword_for_tag
from pydicom.dataset import Dataset
from tests.dicom.test_nothing_dropped import DAMAGES, VRS, grayscale, is_damage
from tests.support.dicom_files import (
    END_OF_SEQUENCE,
    EXPLICIT_LITTLE,
    encode_dataset,
    lut_item,
    sequence_item,
    wrap_in_file,
)

import plainfilm

Path = tuple[tuple[str | int, int], ...]
"""The sequences that lead to an attribute, each with the index of its item, and last the attribute."""

OVERLAY = 0x60000000
SHUTTER = {
    "ShutterShape": ["RECTANGULAR", "CIRCULAR"],
    "ShutterLeftVerticalEdge": "2",
    "ShutterRightVerticalEdge": "17",
    "ShutterUpperHorizontalEdge": "3",
    "ShutterLowerHorizontalEdge": "22",
    "CenterOfCircularShutter": ["12", "9"],
    "RadiusOfCircularShutter": "11",
    "ShutterPresentationValue": 30000,
}
WINDOW = {"WindowCenter": ["2000", "3000"], "WindowWidth": ["4000", "1000"], "VOILUTFunction": "SIGMOID"}
POLYGON = {"ShutterShape": "POLYGONAL", "VerticesOfThePolygonalShutter": ["1", "1", "1", "18", "20", "9"]}


def two_frames(**changes: Any) -> Dataset:
    pixels = np.random.default_rng(8).integers(0, 4096, (2, 24, 18), np.uint16)
    return grayscale(NumberOfFrames="2", PixelData=pixels.tobytes(), **changes)


def with_groups() -> Dataset:
    dataset = two_frames()
    shared = sequence_item(PixelMeasuresSequence=[sequence_item(PixelSpacing=["0.2", "0.3"])])
    shared.PixelValueTransformationSequence = [sequence_item(RescaleSlope="2", RescaleIntercept="-1000")]
    frames = [
        sequence_item(
            FrameVOILUTSequence=[sequence_item(**WINDOW)], FrameDisplayShutterSequence=[sequence_item(**shape)]
        )
        for shape in (SHUTTER, POLYGON)
    ]
    dataset.SharedFunctionalGroupsSequence, dataset.PerFrameFunctionalGroupsSequence = [shared], frames
    return dataset


def with_tables_in_groups() -> Dataset:
    """The tables are not identities, so that the image changes if one is left out."""
    dataset = two_frames(WindowCenter="100", WindowWidth="4000", RescaleSlope="3", RescaleIntercept="7")
    modality, voi = lut_item(*range(4095, -1, -1)), lut_item(*range(0, 65536, 16))
    properties = sequence_item(ImagerPixelSpacing=["0.3", "0.2"])
    shared = sequence_item(FrameVOILUTSequence=[sequence_item(VOILUTSequence=[voi])])
    shared.FramePixelDataPropertiesSequence = [properties]
    frames = [sequence_item(PixelValueTransformationSequence=[sequence_item(ModalityLUTSequence=[modality])])] * 2
    dataset.SharedFunctionalGroupsSequence, dataset.PerFrameFunctionalGroupsSequence = [shared], frames
    return dataset


def with_tables() -> Dataset:
    dataset = grayscale(WindowCenter="100", WindowWidth="4000")
    dataset.ModalityLUTSequence = [lut_item(*range(4095, -1, -1))]
    dataset.VOILUTSequence = [lut_item(*range(0, 65536, 16)), lut_item(*range(65535, -1, -16))]
    return dataset


def with_misplaced_voi() -> Dataset:
    dataset = two_frames()
    dataset.FrameVOILUTSequence = [sequence_item(**WINDOW)]
    return dataset


def with_orientation() -> Dataset:
    dataset = two_frames()
    plane = sequence_item(ImageOrientationPatient=["-1", "0", "0", "0", "0", "1"])
    direction = sequence_item(PatientOrientation=["R", "H"])
    dataset.PerFrameFunctionalGroupsSequence = [
        sequence_item(PlaneOrientationSequence=[plane]),
        sequence_item(PatientOrientationInFrameSequence=[direction]),
    ]
    return dataset


def with_overlay(kind: str = "R") -> Dataset:
    dataset = grayscale(WindowCenter="1000", WindowWidth="4000")
    plane = np.zeros((20, 16), np.uint8)
    plane[4:12, 3:11] = 1
    values: dict[int, tuple[str, Any]] = {
        0x0010: ("US", 20),
        0x0011: ("US", 16),
        0x0015: ("IS", "1"),
        0x0040: ("CS", kind),
        0x0050: ("SS", [3, 2]),
        0x0051: ("US", 1),
        0x0100: ("US", 1),
        0x0102: ("US", 0),
        0x3000: ("OW", np.packbits(plane, bitorder="little").tobytes()),
    }
    for element, (vr, value) in values.items():
        dataset.add_new(OVERLAY | element, vr, value)
    return dataset


def with_overlay_in_the_cells() -> Dataset:
    dataset = grayscale(WindowCenter="1000", WindowWidth="4000")
    cells = np.frombuffer(dataset.PixelData, np.uint16).copy()
    cells[100:140] |= 0x8000
    dataset.PixelData = cells.tobytes()
    for element, (vr, value) in {0x0040: ("CS", "G"), 0x0102: ("US", 15)}.items():
        dataset.add_new(OVERLAY | element, vr, value)
    return dataset


def with_bitmap_shutter() -> Dataset:
    dataset = with_overlay("G")
    dataset.ShutterShape, dataset.ShutterOverlayGroup, dataset.ShutterPresentationValue = "BITMAP", 0x6000, 20000
    return dataset


BURNED: dict[str, Any] = {"overlays": "burn"}
FILMS: dict[str, tuple[Any, dict[str, Any]]] = {
    "groups": (with_groups, {}),
    "tables in groups": (with_tables_in_groups, {}),
    "tables": (with_tables, {}),
    "misplaced VOI": (with_misplaced_voi, {}),
    "orientation": (with_orientation, {"orient": "viewer"}),
    "overlay": (with_overlay, BURNED),
    "overlay in the cells": (with_overlay_in_the_cells, BURNED),
    "bitmap shutter": (with_bitmap_shutter, {}),
}


def paths_of(dataset: Dataset, start: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield the path and the VR of every attribute in an item, of every sequence, and of every overlay and shutter."""
    for element in dataset:
        attribute = element.keyword or int(element.tag)
        path = (*start, (attribute, 0))
        is_nested = bool(start) or element.VR == "SQ"
        if is_nested or element.tag.group == OVERLAY >> 16 or element.keyword.startswith("Shutter"):
            yield path, element.VR
        for index, item in enumerate(element.value if element.VR == "SQ" else ()):
            yield from paths_of(item, (*start, (attribute, index)))


def encode_damaged(dataset: Dataset, path: Path, vr: str, value: bytes) -> bytes:
    """The bytes of a data set in which the attribute at the path has this VR and value."""
    (attribute, index), *rest = path
    if not rest:
        return encode_dataset(dataset, EXPLICIT_LITTLE, {attribute: (vr, value)})
    items = b"".join(
        struct.pack("<HHI", 0xFFFE, 0xE000, len(content)) + content
        for content in (
            encode_damaged(item, tuple(rest), vr, value) if number == index else encode_dataset(item)
            for number, item in enumerate(dataset[attribute].value)
        )
    )
    return encode_dataset(dataset, EXPLICIT_LITTLE, {attribute: ("SQ", items + END_OF_SEQUENCE)})


def damages_of(own_vr: str) -> Iterator[tuple[str, str, bytes]]:
    """Yield VR, name and value of each damage: all with the VR of the attribute, and two with every other VR."""
    for vr in VRS:
        for name, value in DAMAGES.items():
            if is_damage(own_vr, vr, value) and (not vr or name in ("text", "odd length")):
                yield vr, name, value


def names_of(path: Path) -> tuple[str, ...]:
    """The names by which a finding may call what is lost: an attribute, or the sequence that it makes unreadable."""
    return tuple(name for attribute, _ in path for name in _names_of_attribute(attribute))


def _names_of_attribute(attribute: str | int) -> tuple[str, ...]:
    """Keyword, name and tag of an attribute; LUT Data for the data of any table."""
    keyword = attribute if isinstance(attribute, str) else keyword_for_tag(attribute)
    tag = () if isinstance(attribute, str) else (f"({attribute >> 16:04X},{attribute & 0xFFFF:04X})",)
    name = dictionary_description(attribute if isinstance(attribute, int) else keyword)
    return (*tag, name, *((keyword,) if keyword else ()), *(("LUT Data",) if keyword == "LUTData" else ()))


@pytest.mark.slow
@pytest.mark.parametrize("film", FILMS)
def test_no_damaged_attribute_in_an_item_or_overlay_is_dropped_in_silence(film: str) -> None:
    build, options = FILMS[film]
    dataset = build()
    frames = int(dataset.get("NumberOfFrames") or 1)
    whole = wrap_in_file(encode_dataset(dataset), EXPLICIT_LITTLE)
    expected = [plainfilm.render(whole, frame=frame, **options) for frame in range(1, frames + 1)]
    silent, count = [], 0
    for path, own_vr in paths_of(dataset):
        for vr, name, value in damages_of(own_vr):
            content = wrap_in_file(encode_damaged(dataset, path, vr or own_vr, value), EXPLICIT_LITTLE)
            count += 1
            for frame in range(1, frames + 1):
                if is_silent(content, frame, expected[frame - 1], names_of(path), options):
                    silent.append((path, f"{vr} {name}", frame))
    assert silent == []
    assert count > 25


def is_silent(content: bytes, frame: int, expected: Any, names: tuple[str, ...], options: dict[str, Any]) -> bool:
    """Whether a damaged frame is rendered differently, and no finding says why."""
    try:
        image = plainfilm.render(content, frame=frame, **options)
    except plainfilm.PlainfilmError:
        return False
    if image.shape == expected.shape and np.array_equal(image, expected):
        return False
    findings: Any = plainfilm.explain(content, frame=frame, **options).to_dict()["findings"]
    details = " ".join(finding["detail"] for finding in findings)
    return not any(name in details for name in names)
