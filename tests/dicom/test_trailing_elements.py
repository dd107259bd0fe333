# SPDX-License-Identifier: MIT
"""Elements behind Pixel Data, elements that stand twice, command sets, and bytes that are not an element."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from pydicom.dataset import Dataset
from tests.support.dicom_files import (
    CODESTREAMS,
    MAX_PIXELS,
    encapsulate_fragments,
    encode_dataset,
    encode_element,
    encode_file,
    image_dataset,
    lut_item,
    read_dataset,
    read_error,
    sequence_item,
    wrap_in_file,
)

from plainfilm.dicom.read import read_instance
from plainfilm.dicom.transfer_syntax import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from plainfilm.findings import codes_of

SYNTAXES = (IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG, "1.2.840.10008.1.2.4.50")
MOVED = {
    "PhotometricInterpretation": "MONOCHROME1",
    "Rows": 4,
    "BitsStored": 12,
    "HighBit": 11,
    "PixelRepresentation": 1,
    "SamplesPerPixel": 1,
    "WindowCenter": "5",
    "WindowWidth": "9",
    "VOILUTFunction": "SIGMOID",
    "RescaleSlope": "2",
    "RescaleIntercept": "-7",
    "PixelSpacing": ["0.1", "0.3"],
    "ImagerPixelSpacing": ["0.2", "0.3"],
    "PixelAspectRatio": ["2", "1"],
    "PixelPaddingValue": 3,
    "PresentationLUTShape": "INVERSE",
    "ShutterShape": "CIRCULAR",
    "Columns": 6,
    "BitsAllocated": 16,
    "NumberOfFrames": "1",
    "PixelPaddingRangeLimit": 9,
    "NominalScannedPixelSpacing": ["0.4", "0.3"],
    "WindowCenterWidthExplanation": "BONE",
    "LargestImagePixelValue": 700,
    "PixelIntensityRelationshipSign": -1,
    "PatientOrientation": ["L", "F"],
    "ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"],
    "ViewPosition": "PA",
    "Modality": "DX",
}
# Attributes that are alone in their film, because others would hide them.
APART = {
    "shutter edges": {
        "ShutterShape": "RECTANGULAR",
        "ShutterLeftVerticalEdge": "2",
        "ShutterRightVerticalEdge": "5",
        "ShutterUpperHorizontalEdge": "1",
        "ShutterLowerHorizontalEdge": "3",
        "ShutterPresentationValue": 500,
    },
    "polygon": {"ShutterShape": "POLYGONAL", "VerticesOfThePolygonalShutter": ["1", "1", "1", "6", "4", "3"]},
    "NominalScannedPixelSpacing": {"NominalScannedPixelSpacing": ["0.4", "0.3"]},
    "ImagerPixelSpacing": {"ImagerPixelSpacing": ["0.4", "0.3"]},
    "groups": {
        "SharedFunctionalGroupsSequence": [
            sequence_item(FrameVOILUTSequence=[sequence_item(WindowCenter="5", WindowWidth="6")])
        ],
        "PerFrameFunctionalGroupsSequence": [
            sequence_item(PixelMeasuresSequence=[sequence_item(PixelSpacing=["1", "2"])])
        ],
    },
}


def full(syntax: str) -> Dataset:
    changes = dict(MOVED)
    if syntax in CODESTREAMS:
        changes["PixelData"] = encapsulate_fragments(CODESTREAMS[syntax])
    dataset: Dataset = image_dataset(**changes)
    dataset.CenterOfCircularShutter = ["2", "3"]
    dataset.RadiusOfCircularShutter = "2"
    dataset.VOILUTSequence = [lut_item(0, 255, syntax=syntax)]
    return dataset


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("keyword", [*MOVED, "VOILUTSequence"])
def test_an_element_behind_pixel_data_is_read_like_any_other(keyword: str, syntax: str) -> None:
    dataset = full(syntax)
    expected = read_dataset(dataset, syntax)
    moved = Dataset({dataset[keyword].tag: dataset[keyword]})
    moved.PixelRepresentation = 1
    element = encode_dataset(moved, syntax) if keyword == "PixelRepresentation" else None
    if element is None:
        element = encode_dataset(Dataset({dataset[keyword].tag: dataset[keyword]}), syntax)
    del dataset[keyword]
    instance = read_instance(encode_file(dataset, syntax) + element, MAX_PIXELS)
    assert replace(instance, data=expected.data) == expected


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("kind", [*APART, "ModalityLUTSequence"])
def test_each_attribute_of_a_kind_may_be_behind_pixel_data(kind: str, syntax: str) -> None:
    table = {"ModalityLUTSequence": [lut_item(3, 2, 1, syntax=syntax)]}
    for keyword in APART.get(kind, table):
        changes = dict(APART.get(kind, table))
        if syntax in CODESTREAMS:
            changes["PixelData"] = encapsulate_fragments(CODESTREAMS[syntax])
        dataset = image_dataset(**changes)
        expected = read_dataset(dataset, syntax)
        element = encode_dataset(Dataset({dataset[keyword].tag: dataset[keyword]}), syntax)
        del dataset[keyword]
        instance = read_instance(encode_file(dataset, syntax) + element, MAX_PIXELS)
        assert replace(instance, data=expected.data) == expected, keyword


def test_of_a_repeated_element_the_first_counts() -> None:
    content = encode_file(image_dataset(WindowCenter="5", WindowWidth="9"))
    second = encode_element("WindowCenter", "DS", b"77")
    instance = read_instance(content + second, MAX_PIXELS)
    assert [window.center for window in instance.frames[0].voi_levels[0].windows] == [5.0]
    assert codes_of(instance.findings) == "element_repeated"
    assert "WindowCenter" in instance.findings[0].detail


def test_an_empty_element_does_not_count_as_the_first() -> None:
    content = encode_file(image_dataset(WindowWidth="9"), odd={"WindowCenter": ("DS", b"")})
    instance = read_instance(content + encode_element("WindowCenter", "DS", b"77"), MAX_PIXELS)
    assert [window.center for window in instance.frames[0].voi_levels[0].windows] == [77.0]


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("order", [(0, 1), (1, 0), (2, 1), (0, 2, 1, 0), (2, 1, 0)])
def test_of_pixel_data_the_last_that_has_data_counts(syntax: str, order: tuple[int, ...]) -> None:
    pixels = image_dataset().PixelData
    values = [b"", pixels, bytes(48)]
    if syntax in CODESTREAMS:
        values = [encapsulate_fragments(), encapsulate_fragments(CODESTREAMS[syntax]), encapsulate_fragments(b"\0\0")]
    start = encode_dataset(image_dataset(PixelData=None), syntax)
    end = b"" if syntax not in CODESTREAMS else struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    elements = [encode_element("PixelData", "OW", values[number], syntax) + end for number in order]
    instance = read_instance(wrap_in_file(start + b"".join(elements), syntax), MAX_PIXELS)
    assert values[1] in bytes(instance.data.value[:])
    assert codes_of(instance.findings) == "element_repeated"
    assert "PixelData" in instance.findings[0].detail


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    "tail",
    [b"<html>not found</html>", b"\x1a\n\x1a\n\x1a\n\x1a\n\x1a\n", b"x", b"\xff" * 100, b"\0" * 9 + b"PK\3\4" * 9],
)
def test_a_tail_that_is_no_element_is_ignored(syntax: str, tail: bytes) -> None:
    dataset = full(syntax)
    expected = read_dataset(dataset, syntax)
    instance = read_instance(encode_file(dataset, syntax) + tail, MAX_PIXELS)
    assert replace(instance, findings=expected.findings, data=expected.data) == expected
    assert codes_of(instance.findings[len(expected.findings) :] or instance.findings) == "trailing_data_ignored"


def test_the_elements_before_a_tail_are_read() -> None:
    content = encode_file(image_dataset(WindowWidth="9")) + encode_element("WindowCenter", "DS", b"77") + b"\x28\0\x51"
    instance = read_instance(content, MAX_PIXELS)
    assert [window.center for window in instance.frames[0].voi_levels[0].windows] == [77.0]
    assert codes_of(instance.findings) == "trailing_data_ignored"


@pytest.mark.parametrize("syntax", SYNTAXES[:3])
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_command_set_before_the_data_set_is_passed_over(syntax: str, wrapped: bool) -> None:
    command = b"".join(
        struct.pack("<HHI", 0, element, len(value)) + value
        for element, value in (
            (2, b"1.2.840.10008.5.1.4.1.1.1.1\0"),
            (0x100, b"\1\0"),
            (0x110, b"\5\0"),
            (0x800, b"\1\0"),
        )
    )
    command = struct.pack("<HHII", 0, 0, 4, len(command)) + command
    body = command + encode_dataset(full(syntax), syntax)
    content = wrap_in_file(body, syntax) if wrapped else body
    instance, expected = read_instance(content, MAX_PIXELS), read_dataset(full(syntax), syntax)
    assert replace(instance, findings=(), data=expected.data) == replace(expected, findings=())


@pytest.mark.parametrize("content", [bytes(4096), b"\0\0\0\0\4\0\0\0", b"\0\5\x16\7" + bytes(500)])
def test_zeros_and_apple_double_files_are_not_dicom(content: bytes) -> None:
    assert read_error(content).reason in ("not_dicom", "truncated_file")


def test_an_implicit_big_endian_file_is_read() -> None:
    dataset = full(EXPLICIT_BIG)
    body = b""
    for element in dataset:
        if element.VR == "SQ":
            continue
        explicit = encode_dataset(Dataset({element.tag: element, 0x00280103: dataset[0x00280103]}), EXPLICIT_BIG)
        tag = struct.pack(">HH", element.tag.group, element.tag.element)
        at = explicit.index(tag)
        long = explicit[at + 4 : at + 6] in (b"OW", b"OB")
        size = struct.unpack_from(">I" if long else ">H", explicit, at + (8 if long else 6))[0]
        start = at + (12 if long else 8)
        body += tag + struct.pack(">I", size) + explicit[start : start + size]
    del dataset["VOILUTSequence"]
    instance, expected = read_instance(body, MAX_PIXELS), read_dataset(dataset, EXPLICIT_BIG)
    assert replace(instance, findings=(), data=replace(instance.data, value=b"")) == replace(
        expected, findings=(), data=replace(instance.data, value=b"")
    )
    assert (bytes(instance.data.value[:]), instance.data.big_endian) == (bytes(expected.data.value[:]), True)
    assert codes_of(instance.findings) == "assumed_transfer_syntax"
