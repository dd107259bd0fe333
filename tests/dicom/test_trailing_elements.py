# SPDX-License-Identifier: MIT
"""Elements behind Pixel Data, elements that stand twice, command sets, and bytes that are not an element."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any

import pytest
from pydicom.dataset import Dataset

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
}


def full(films: Any, syntax: str) -> Dataset:
    changes = dict(MOVED)
    if syntax in films.codestreams:
        changes["PixelData"] = films.encapsulated(films.codestreams[syntax])
    dataset: Dataset = films.image(**changes)
    dataset.CenterOfCircularShutter = ["2", "3"]
    dataset.RadiusOfCircularShutter = "2"
    dataset.VOILUTSequence = [films.lut(0, 255, syntax=syntax)]
    return dataset


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("keyword", [*MOVED, "VOILUTSequence"])
def test_an_element_behind_pixel_data_is_read_like_any_other(films: Any, keyword: str, syntax: str) -> None:
    dataset = full(films, syntax)
    expected = films.read(dataset, syntax)
    moved = Dataset({dataset[keyword].tag: dataset[keyword]})
    moved.PixelRepresentation = 1
    element = films.body(moved, syntax) if keyword == "PixelRepresentation" else None
    if element is None:
        element = films.body(Dataset({dataset[keyword].tag: dataset[keyword]}), syntax)
    del dataset[keyword]
    instance = read_instance(films.file(dataset, syntax) + element, films.max_pixels)
    assert replace(instance, data=expected.data) == expected


def test_of_a_repeated_element_the_first_counts(films: Any) -> None:
    content = films.file(films.image(WindowCenter="5", WindowWidth="9"))
    second = films.element("WindowCenter", "DS", b"77")
    instance = read_instance(content + second, films.max_pixels)
    assert [window.center for window in instance.frames[0].voi_levels[0].windows] == [5.0]
    assert codes_of(instance.findings) == "element_repeated"
    assert "WindowCenter" in instance.findings[0].detail


def test_an_empty_element_does_not_count_as_the_first(films: Any) -> None:
    content = films.file(films.image(WindowWidth="9"), odd={"WindowCenter": ("DS", b"")})
    instance = read_instance(content + films.element("WindowCenter", "DS", b"77"), films.max_pixels)
    assert [window.center for window in instance.frames[0].voi_levels[0].windows] == [77.0]


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("order", [(0, 1), (1, 0), (2, 1), (0, 2, 1, 0), (2, 1, 0)])
def test_of_pixel_data_the_last_that_has_data_counts(films: Any, syntax: str, order: tuple[int, ...]) -> None:
    pixels = films.image().PixelData
    values = [b"", pixels, bytes(48)]
    if syntax in films.codestreams:
        values = [films.encapsulated(), films.encapsulated(films.codestreams[syntax]), films.encapsulated(b"\0\0")]
    start = films.body(films.image(PixelData=None), syntax)
    end = b"" if syntax not in films.codestreams else struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    elements = [films.element("PixelData", "OW", values[number], syntax) + end for number in order]
    instance = read_instance(films.wrapped(start + b"".join(elements), syntax), films.max_pixels)
    assert values[1] in bytes(instance.data.value[:])
    assert codes_of(instance.findings) == "element_repeated"
    assert "PixelData" in instance.findings[0].detail


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    "tail",
    [b"<html>not found</html>", b"\x1a\n\x1a\n\x1a\n\x1a\n\x1a\n", b"x", b"\xff" * 100, b"\0" * 9 + b"PK\3\4" * 9],
)
def test_a_tail_that_is_no_element_is_ignored(films: Any, syntax: str, tail: bytes) -> None:
    dataset = full(films, syntax)
    expected = films.read(dataset, syntax)
    instance = read_instance(films.file(dataset, syntax) + tail, films.max_pixels)
    assert replace(instance, findings=expected.findings, data=expected.data) == expected
    assert codes_of(instance.findings[len(expected.findings) :] or instance.findings) == "trailing_data_ignored"


def test_the_elements_before_a_tail_are_read(films: Any) -> None:
    content = films.file(films.image(WindowWidth="9")) + films.element("WindowCenter", "DS", b"77") + b"\x28\0\x51"
    instance = read_instance(content, films.max_pixels)
    assert [window.center for window in instance.frames[0].voi_levels[0].windows] == [77.0]
    assert codes_of(instance.findings) == "trailing_data_ignored"


@pytest.mark.parametrize("syntax", SYNTAXES[:3])
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_command_set_before_the_data_set_is_passed_over(films: Any, syntax: str, wrapped: bool) -> None:
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
    body = command + films.body(full(films, syntax), syntax)
    content = films.wrapped(body, syntax) if wrapped else body
    instance, expected = read_instance(content, films.max_pixels), films.read(full(films, syntax), syntax)
    assert replace(instance, findings=(), data=expected.data) == replace(expected, findings=())


@pytest.mark.parametrize("content", [bytes(4096), b"\0\0\0\0\4\0\0\0", b"\0\5\x16\7" + bytes(500)])
def test_zeros_and_apple_double_files_are_not_dicom(films: Any, content: bytes) -> None:
    assert films.refusal(content).reason in ("not_dicom", "truncated_file")


def test_an_implicit_big_endian_file_is_read(films: Any) -> None:
    dataset = full(films, EXPLICIT_BIG)
    body = b""
    for element in dataset:
        if element.VR == "SQ":
            continue
        explicit = films.body(Dataset({element.tag: element, 0x00280103: dataset[0x00280103]}), EXPLICIT_BIG)
        tag = struct.pack(">HH", element.tag.group, element.tag.element)
        at = explicit.index(tag)
        long = explicit[at + 4 : at + 6] in (b"OW", b"OB")
        size = struct.unpack_from(">I" if long else ">H", explicit, at + (8 if long else 6))[0]
        start = at + (12 if long else 8)
        body += tag + struct.pack(">I", size) + explicit[start : start + size]
    del dataset["VOILUTSequence"]
    instance, expected = read_instance(body, films.max_pixels), films.read(dataset, EXPLICIT_BIG)
    assert replace(instance, findings=(), data=replace(instance.data, value=b"")) == replace(
        expected, findings=(), data=replace(instance.data, value=b"")
    )
    assert (bytes(instance.data.value[:]), instance.data.big_endian) == (bytes(expected.data.value[:]), True)
    assert codes_of(instance.findings) == "assumed_transfer_syntax"
