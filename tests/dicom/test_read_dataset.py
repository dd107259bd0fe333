# SPDX-License-Identifier: MIT
"""A Dataset in memory is read without a change to it, also if it was never written, and without warnings."""

from __future__ import annotations

import io
import struct
import warnings
from copy import deepcopy
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from tests.support.dicom_files import (
    CODESTREAMS,
    MAX_PIXELS,
    dataset_in_memory,
    encapsulate_fragments,
    encode_file,
    image_dataset,
    lut_item,
    sequence_item,
    small_file,
    unconverted_dataset,
)

from plainfilm.dicom.read import instance_from_dataset, read_instance
from plainfilm.dicom.transfer_syntax import DEFLATED, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from plainfilm.errors import ConversionError, LimitError, Reason
from plainfilm.findings import codes_of

JPEG, JPEG_LOSSLESS, JPEG_LS, JPEG_2000, RLE = COMPRESSED = tuple(
    f"1.2.840.10008.1.2.{number}" for number in ("4.50", "4.70", "4.81", "4.91", "5")
)
END_OF_SEQUENCE = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
FORMS = (EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE, DEFLATED, JPEG)


@pytest.mark.parametrize("syntax", FORMS)
def test_a_dataset_gives_the_same_instance_as_its_file(syntax: str) -> None:
    content = small_file(syntax)
    from_dataset = instance_from_dataset(dcmread(io.BytesIO(content)), MAX_PIXELS)
    from_file = read_instance(content, MAX_PIXELS)
    assert (from_dataset.pixel, from_dataset.frames) == (from_file.pixel, from_file.frames)
    assert (from_dataset.identity, from_dataset.findings) == (from_file.identity, from_file.findings)
    data, expected = from_dataset.data, from_file.data
    assert (data.transfer_syntax, data.big_endian) == (expected.transfer_syntax, expected.big_endian)
    assert data.value == expected.value
    # pydicom knows the VR of implicit elements
    assert (data.encapsulated, data.vr) == (expected.encapsulated, expected.vr or "OW")


@pytest.mark.parametrize("syntax", FORMS)
def test_a_dataset_is_not_changed(syntax: str) -> None:
    dataset = dcmread(io.BytesIO(small_file(syntax)))
    before = deepcopy(dataset)
    instance_from_dataset(dataset, MAX_PIXELS)
    assert dataset == before
    assert dataset.to_json() == before.to_json()
    assert dataset.file_meta == before.file_meta
    assert dataset.original_encoding == before.original_encoding


@pytest.mark.parametrize("syntax", [None, EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE, DEFLATED])
def test_a_dataset_that_was_never_written_is_read(syntax: str | None) -> None:
    dataset = dataset_in_memory(syntax, WindowCenter=[1, 2], WindowWidth=[3, 4], PixelPaddingValue=7)
    before = deepcopy(dataset)
    instance = instance_from_dataset(dataset, MAX_PIXELS)
    assert (instance.pixel.rows, instance.data.value) == (4, dataset.PixelData)
    assert len(instance.frames[0].voi_levels[0].windows) == 2
    assert (instance.data.transfer_syntax, instance.data.encapsulated) == (syntax or EXPLICIT_LITTLE, False)
    assert instance.data.big_endian is (syntax == EXPLICIT_BIG)
    assert codes_of(instance.findings) == ("assumed_transfer_syntax" if syntax is None else "")
    assert dataset == before


@pytest.mark.parametrize("undefined", [True, False])
@pytest.mark.parametrize("syntax", COMPRESSED)
def test_an_encapsulated_dataset_that_was_never_written_is_read(syntax: str, undefined: bool) -> None:
    dataset = dataset_in_memory(syntax, PixelData=encapsulate_fragments(CODESTREAMS[syntax]))
    dataset["PixelData"].is_undefined_length = undefined
    instance = instance_from_dataset(dataset, MAX_PIXELS)
    assert (instance.data.transfer_syntax, instance.data.encapsulated) == (syntax, True)
    assert (instance.data.value, instance.findings) == (dataset.PixelData + END_OF_SEQUENCE, ())
    dataset.PixelData += END_OF_SEQUENCE
    assert instance_from_dataset(dataset, MAX_PIXELS).data == instance.data


def test_a_dataset_whose_native_pixels_look_like_an_item_is_native() -> None:
    dataset = dataset_in_memory(EXPLICIT_LITTLE, PixelData=b"\xfe\xff\x00\xe0" + bytes(44))
    assert not instance_from_dataset(dataset, MAX_PIXELS).data.encapsulated


def test_luts_of_a_big_endian_dataset_have_the_right_byte_order() -> None:
    item = lut_item(1, 258, syntax=EXPLICIT_BIG)
    dataset = dcmread(io.BytesIO(encode_file(image_dataset(VOILUTSequence=[item]), EXPLICIT_BIG)))
    instance = instance_from_dataset(dataset, MAX_PIXELS)
    assert instance.frames[0].voi_levels[0].luts[0].data == struct.pack("<2H", 1, 258)
    assert instance.data.big_endian


@pytest.mark.parametrize("value", [bytearray(48), memoryview(bytes(48))])
def test_pixels_may_be_bytearray_or_memoryview(value: Any) -> None:
    dataset = dataset_in_memory(EXPLICIT_LITTLE)
    dataset["PixelData"]._value = value
    data = instance_from_dataset(dataset, MAX_PIXELS).data
    assert (data.value, type(data.value)) == (bytes(48), bytes)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, Reason.MISSING_ATTRIBUTE),
        (io.BytesIO(bytes(48)), Reason.UNSUPPORTED_VALUE),
        ("text", Reason.UNSUPPORTED_VALUE),
    ],
)
def test_a_dataset_whose_pixels_are_not_bytes_is_refused(value: Any, reason: Reason) -> None:
    dataset = dataset_in_memory(EXPLICIT_LITTLE)
    dataset["PixelData"]._value = value
    with pytest.raises(ConversionError) as refused:
        instance_from_dataset(dataset, MAX_PIXELS)
    assert refused.value.reason is reason


def test_a_dataset_is_refused_with_the_errors_of_a_file() -> None:
    refused = []
    for dataset in (image_dataset(PixelData=None), image_dataset(Rows=None), sequence_item(PatientName="A"), Dataset()):
        with pytest.raises(ConversionError) as error:
            instance_from_dataset(dataset, MAX_PIXELS)
        refused.append(error.value.reason)
    assert refused[:3] == [Reason.MISSING_ATTRIBUTE, Reason.MISSING_ATTRIBUTE, Reason.NO_PIXEL_DATA]
    with pytest.raises(LimitError):
        instance_from_dataset(image_dataset(), 23)


def test_a_dataset_with_unreadable_values_is_read_without_warnings() -> None:
    content = encode_file(image_dataset(), odd={"NumberOfFrames": ("IS", b"A "), "WindowCenter": ("DS", b"QZ")})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        instance = instance_from_dataset(dcmread(io.BytesIO(content)), MAX_PIXELS)
    assert codes_of(instance.findings) == "attribute_invalid;assumed_number_of_frames;voi_invalid"


def test_a_dataset_with_sequences_nested_too_deep_is_refused() -> None:
    opened = struct.pack("<HH2s2xI", 0x0008, 0x1140, b"SQ", 0xFFFFFFFF)
    opened += struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    inside = opened * 5_000
    value = struct.pack("<HHI", 0xFFFE, 0xE000, len(inside)) + inside
    dataset = image_dataset()
    dataset.update(unconverted_dataset({"VOILUTSequence": ("SQ", value)}))
    with pytest.raises(LimitError) as refused:
        instance_from_dataset(dataset, MAX_PIXELS)
    assert refused.value.reason is Reason.TOO_DEEP
