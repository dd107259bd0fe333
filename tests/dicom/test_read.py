# SPDX-License-Identifier: MIT
"""Files are read in every encoding, and objects without an image are distinguished from broken images."""

from __future__ import annotations

import csv
import random
import struct
from pathlib import Path

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
    read_dataset,
    read_error,
    read_outcome,
    sequence_item,
    small_file,
    wrap_in_file,
)
from tests.support.memory import call_within

from plainfilm.dicom.instance import ExtendedOffsetTable, PixelKind
from plainfilm.dicom.read import read_instance
from plainfilm.dicom.transfer_syntax import DEFLATED, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from plainfilm.errors import ConversionError, NotAnImageError, NotDicomError, Reason, SourceError
from plainfilm.findings import codes_of

JPEG, JPEG_LOSSLESS, JPEG_LS, JPEG_2000, RLE = COMPRESSED = tuple(
    f"1.2.840.10008.1.2.{number}" for number in ("4.50", "4.70", "4.81", "4.91", "5")
)
NATIVE = (EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE, DEFLATED)
END_OF_SEQUENCE = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
every_native = pytest.mark.parametrize("syntax", NATIVE)


@every_native
def test_an_image_is_the_same_in_every_encoding(syntax: str) -> None:
    instance = read_instance(small_file(syntax), MAX_PIXELS)
    expected = read_instance(small_file(EXPLICIT_LITTLE), MAX_PIXELS)
    assert (instance.pixel, instance.frames, instance.identity) == (expected.pixel, expected.frames, expected.identity)
    assert (instance.data.value, instance.data.encapsulated) == (image_dataset().PixelData, False)
    assert (instance.data.transfer_syntax, instance.data.big_endian) == (syntax, syntax == EXPLICIT_BIG)
    assert instance.data.vr == "OW"
    assert instance.findings == ()


@pytest.mark.parametrize("syntax", [EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE, JPEG])
@pytest.mark.parametrize("start", [128, 132])
def test_the_preamble_may_be_absent(syntax: str, start: int) -> None:
    content = small_file(syntax)
    assert read_instance(content[start:], MAX_PIXELS) == read_instance(content, MAX_PIXELS)


@pytest.mark.parametrize("syntax", [EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE])
def test_the_file_meta_may_be_absent(syntax: str) -> None:
    bare = read_instance(encode_dataset(image_dataset(), syntax), MAX_PIXELS)
    whole = read_dataset(image_dataset(), syntax)
    assert (bare.pixel, bare.data) == (whole.pixel, whole.data)
    assert codes_of(bare.findings) == "assumed_transfer_syntax"
    assert syntax in bare.findings[0].detail


@pytest.mark.parametrize("syntax", [EXPLICIT_LITTLE, IMPLICIT_LITTLE])
def test_a_file_may_begin_with_a_group_length(syntax: str) -> None:
    odd = {0x00080000: ("UL", b"\x40\0\0\0"), 0x00280000: ("UL", b"\x40\0\0\0"), 0x7FE00000: ("UL", b"\x40\0\0\0")}
    assert read_instance(encode_dataset(image_dataset(), syntax, odd), MAX_PIXELS).pixel.rows == 4


@pytest.mark.parametrize("declared", NATIVE[:3])
@pytest.mark.parametrize("written", NATIVE[:3])
def test_the_bytes_take_precedence_over_the_declared_encoding(declared: str, written: str) -> None:
    instance = read_instance(wrap_in_file(encode_dataset(image_dataset(), written), declared), MAX_PIXELS)
    expected = read_dataset(image_dataset(), written)
    assert (instance.data, instance.pixel) == (expected.data, expected.pixel)
    assert codes_of(instance.findings) == ("" if declared == written else "assumed_transfer_syntax")


@pytest.mark.parametrize("syntax", NATIVE[:3])
def test_the_transfer_syntax_may_be_absent(syntax: str) -> None:
    instance = read_instance(wrap_in_file(encode_dataset(image_dataset(), syntax), None), MAX_PIXELS)
    assert instance.data == read_dataset(image_dataset(), syntax).data
    assert codes_of(instance.findings) == "assumed_transfer_syntax"


@pytest.mark.parametrize("declared", [None, EXPLICIT_LITTLE, IMPLICIT_LITTLE])
@pytest.mark.parametrize("syntax", COMPRESSED)
def test_the_codestream_determines_an_absent_transfer_syntax(syntax: str, declared: str | None) -> None:
    data = encapsulate_fragments(CODESTREAMS[syntax])
    instance = read_instance(wrap_in_file(encode_dataset(image_dataset(PixelData=data)), declared), MAX_PIXELS)
    assert (instance.data.transfer_syntax, instance.data.encapsulated) == (syntax, True)
    assert codes_of(instance.findings) == "assumed_transfer_syntax"


@pytest.mark.parametrize("syntax", COMPRESSED)
def test_encapsulated_pixel_data_are_kept_unchanged(syntax: str) -> None:
    instance = read_instance(small_file(syntax), MAX_PIXELS)
    assert instance.data.value == encapsulate_fragments(CODESTREAMS[syntax]) + END_OF_SEQUENCE
    assert (instance.data.transfer_syntax, instance.data.encapsulated, instance.findings) == (syntax, True, ())


def test_a_codestream_is_recognised_without_an_offset_table() -> None:
    value = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(CODESTREAMS[JPEG])) + CODESTREAMS[JPEG]
    instance = read_instance(wrap_in_file(encode_dataset(image_dataset(PixelData=value)), None), MAX_PIXELS)
    assert instance.data.transfer_syntax == JPEG


def test_a_codestream_is_recognised_after_an_offset_table() -> None:
    items = (
        b"\xfe\xff\x00\xe0\x08\0\0\0" + struct.pack("<2I", 0, 0x51FF4FFF) + encapsulate_fragments(CODESTREAMS[RLE])[8:]
    )
    instance = read_instance(wrap_in_file(encode_dataset(image_dataset(PixelData=items)), None), MAX_PIXELS)
    assert instance.data.transfer_syntax == RLE


def test_encapsulated_pixel_data_of_defined_length_are_recognised() -> None:
    value = encapsulate_fragments(CODESTREAMS[JPEG])
    tail = struct.pack("<HH2s2xI", 0x7FE0, 0x0010, b"OB", len(value)) + value
    instance = read_instance(wrap_in_file(encode_dataset(image_dataset(PixelData=None)) + tail, JPEG), MAX_PIXELS)
    assert (instance.data.value, instance.data.encapsulated) == (value, True)


def test_native_pixels_that_look_like_an_item_are_native() -> None:
    value = b"\xfe\xff\x00\xe0" + bytes(44)
    tail = struct.pack("<HH2s2xI", 0x7FE0, 0x0010, b"OW", len(value)) + value
    instance = read_instance(
        wrap_in_file(encode_dataset(image_dataset(PixelData=None)) + tail, EXPLICIT_LITTLE), MAX_PIXELS
    )
    assert (instance.data.value, instance.data.encapsulated) == (value, False)


def test_an_unknown_transfer_syntax_is_passed_on_to_the_decoders() -> None:
    for length in (44, 46, 50, 96):
        body = encode_dataset(image_dataset(PixelData=bytes(length)))
        instance = read_instance(wrap_in_file(body, "1.2.3.4.5"), MAX_PIXELS)
        assert (instance.data.transfer_syntax, instance.findings) == ("1.2.3.4.5", ())


def test_extended_offset_tables_are_part_of_the_pixel_data() -> None:
    tables = (struct.pack("<2Q", 0, 30), struct.pack("<2Q", 22, 22))
    odd = {"ExtendedOffsetTable": ("OV", tables[0]), "ExtendedOffsetTableLengths": ("OV", tables[1])}
    dataset = image_dataset(PixelData=encapsulate_fragments(CODESTREAMS[JPEG], CODESTREAMS[JPEG]), NumberOfFrames=2)
    assert read_instance(encode_file(dataset, JPEG, odd), MAX_PIXELS).data.extended_offsets == ExtendedOffsetTable(
        *tables
    )
    del odd["ExtendedOffsetTableLengths"]
    assert read_instance(encode_file(dataset, JPEG, odd), MAX_PIXELS).data.extended_offsets is None


@pytest.mark.parametrize("vr", ["OB", "OW", "UN", "OL", "US", "UT"])
@pytest.mark.parametrize("syntax", [EXPLICIT_LITTLE, EXPLICIT_BIG])
def test_pixel_data_are_read_under_any_vr(syntax: str, vr: str) -> None:
    value = image_dataset().PixelData
    instance = read_instance(encode_file(image_dataset(), syntax, {"PixelData": (vr, value)}), MAX_PIXELS)
    assert (instance.data.value, instance.data.vr) == (value, vr)


def test_pixel_data_without_a_vr_among_elements_with_one_are_read() -> None:
    tail = encode_element("PixelData", "OW", image_dataset().PixelData, IMPLICIT_LITTLE)
    instance = read_instance(
        wrap_in_file(encode_dataset(image_dataset(PixelData=None)) + tail, EXPLICIT_LITTLE), MAX_PIXELS
    )
    assert instance.data.value == image_dataset().PixelData


@pytest.mark.parametrize(("kind", "bits"), [(PixelKind.FLOAT, 32), (PixelKind.DOUBLE, 64)])
@pytest.mark.parametrize("syntax", NATIVE[:3])
def test_float_pixels_are_read(syntax: str, kind: PixelKind, bits: int) -> None:
    changes = {"PixelData": None, "BitsAllocated": bits, kind.value: bytes(range(24)) * (bits // 8)}
    instance = read_dataset(image_dataset(**changes), syntax)
    assert (instance.pixel.kind, instance.data.value) == (kind, changes[kind.value])


def test_elements_after_the_pixels_are_not_part_of_them() -> None:
    trailing = encode_element(0xFFFCFFFC, "OB", bytes(1000))
    instance = read_instance(encode_file(image_dataset()) + trailing, MAX_PIXELS)
    assert instance.data.value == image_dataset().PixelData


def test_an_icon_inside_a_sequence_is_not_the_image() -> None:
    icon = sequence_item(Rows=1, Columns=1, BitsAllocated=8)
    icon.add_new("PixelData", "OB", b"\1\2")
    instance = read_dataset(image_dataset(IconImageSequence=[icon]))
    assert (instance.pixel.rows, instance.data.value) == (4, image_dataset().PixelData)


@pytest.mark.parametrize("syntax", [EXPLICIT_LITTLE, JPEG])
def test_a_file_cut_inside_its_pixels_still_has_its_header(syntax: str) -> None:
    content = small_file(syntax)
    instance = read_instance(content[:-11], MAX_PIXELS)
    assert instance.pixel == read_instance(content, MAX_PIXELS).pixel
    assert content[:-11].endswith(bytes(instance.data.value))


NO_IMAGES = {
    "1.2.840.10008.1.3.10": "Media Storage Directory Storage",
    "1.2.840.10008.5.1.4.1.1.88.11": "Basic Text SR Storage",
    "1.2.840.10008.5.1.4.1.1.88.59": "Key Object Selection Document Storage",
    "1.2.840.10008.5.1.4.1.1.11.1": "Grayscale Softcopy Presentation State Storage",
    "1.2.840.10008.5.1.4.1.1.481.5": "RT Plan Storage",
    "1.2.840.10008.5.1.4.1.1.104.1": "Encapsulated PDF Storage",
    "1.2.840.10008.5.1.4.1.1.9.1.1": "12-lead ECG Waveform Storage",
    "1.2.840.10008.5.1.4.1.1.66": "Raw Data Storage",
}


DIRECTORY = "a DICOMDIR, which is the directory of a medium: give the folder that it lies in as SOURCE"


@pytest.mark.parametrize("sop_class", NO_IMAGES)
@pytest.mark.parametrize("syntax", NATIVE[:3])
def test_an_object_without_an_image_is_named_by_its_sop_class(syntax: str, sop_class: str) -> None:
    dataset = sequence_item(SOPClassUID=sop_class, SOPInstanceUID="1.2.3", PatientName="QZQZ", SeriesNumber=3)
    if sop_class.endswith("104.1"):
        dataset.EncapsulatedDocument = b"%PDF-1.4 "
    refused = read_error(wrap_in_file(encode_dataset(dataset, syntax), syntax, sop_class))
    assert isinstance(refused, NotAnImageError)
    assert refused.reason is Reason.NO_PIXEL_DATA
    assert str(refused) == (
        DIRECTORY if sop_class.endswith("1.3.10") else f"an object that is no image: {NO_IMAGES[sop_class]}"
    )


def test_a_dicomdir_is_recognised_by_its_file_meta() -> None:
    dataset = sequence_item(FileSetID="QZQZ", DirectoryRecordSequence=[sequence_item(PatientName="QZQZ")])
    body = encode_dataset(dataset)
    refused = read_error(wrap_in_file(body, EXPLICIT_LITTLE, "1.2.840.10008.1.3.10"))
    assert str(refused) == DIRECTORY


@pytest.mark.parametrize("sop_class", ["1.2.3.4.5", "QZQZ", ""])
def test_an_unknown_sop_class_is_not_quoted(sop_class: str) -> None:
    odd = {"SOPClassUID": ("UI", sop_class.encode()), "PatientID": ("LO", b"QZQZ")}
    refused = read_error(wrap_in_file(encode_dataset(Dataset(), odd=odd), EXPLICIT_LITTLE, ""))
    assert (refused.reason, str(refused)) == (Reason.NO_PIXEL_DATA, "an object that is no image")


@pytest.mark.parametrize("syntax", NATIVE[:3])
def test_an_image_that_lost_its_pixels_is_an_error_and_not_skipped(syntax: str) -> None:
    for dataset in (
        image_dataset(PixelData=None),
        image_dataset(PixelData=None, Rows=None),
        image_dataset(PixelData=None, SOPClassUID=None),
        image_dataset(PixelData=None, SOPClassUID="1.2.3"),
    ):
        refused = read_error(encode_file(dataset, syntax))
        assert (refused.reason, str(refused)) == (Reason.MISSING_ATTRIBUTE, "PixelData is missing")


def test_a_file_that_ends_after_its_file_meta_is_truncated() -> None:
    for end in (b"", b"\x08", b"\x08\0\5\0CS"):
        assert read_error(wrap_in_file(b"", EXPLICIT_LITTLE) + end).reason is Reason.TRUNCATED_FILE
    assert read_error(bytes(128) + b"DICM").reason is Reason.TRUNCATED_FILE


def test_an_empty_file_and_a_file_of_another_format_have_different_reasons() -> None:
    empty = read_error(b"")
    assert isinstance(empty, SourceError)
    assert empty.reason is Reason.EMPTY
    other = read_error(b"%PDF-1.7\n" * 100)
    assert isinstance(other, NotDicomError)
    assert other.reason is Reason.NOT_DICOM


@pytest.mark.slow
@pytest.mark.parametrize(("syntax", "times"), [(EXPLICIT_LITTLE, 1.1), (EXPLICIT_BIG, 1.1), (DEFLATED, 2.1)])
def test_a_large_file_is_in_memory_at_most_twice(syntax: str, times: float) -> None:
    size = 16 * 1024**2
    noise = random.Random(1).randbytes(1024**2)
    content = encode_file(image_dataset(Rows=2048, Columns=4096, PixelData=noise * 16), syntax)
    # the bytes of the file itself are not counted: they were there before
    instance = call_within(int(times * size), read_instance, content, MAX_PIXELS)
    assert len(instance.data.value) == size


def test_real_files_are_read_as_the_catalogue_describes_them(film_folder: Path) -> None:
    with (film_folder / "catalog.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    differing, read = [], 0
    for row in rows:
        found = read_outcome((film_folder / row["file"]).read_bytes())
        if isinstance(found, ConversionError):
            if row["decode"].startswith("ok"):
                differing.append((row["file"], str(found)))
            continue
        read += 1
        pixel = found.pixel
        said = {
            "Rows": pixel.rows,
            "Columns": pixel.columns,
            "PhotometricInterpretation": pixel.photometric_interpretation,
            "BitsAllocated": pixel.bits_allocated,
        }
        differing += [(row["file"], key) for key, value in said.items() if row[key] not in ("", str(value))]
    assert differing == []
    assert read > 200
