# SPDX-License-Identifier: MIT
"""Files are read in every encoding, and objects without an image are distinguished from broken images."""

from __future__ import annotations

import csv
import random
import struct
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

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
def test_an_image_is_the_same_in_every_encoding(films: Any, syntax: str) -> None:
    instance = read_instance(films.small(syntax), films.max_pixels)
    expected = read_instance(films.small(EXPLICIT_LITTLE), films.max_pixels)
    assert (instance.pixel, instance.frames, instance.identity) == (expected.pixel, expected.frames, expected.identity)
    assert (instance.data.value, instance.data.encapsulated) == (films.image().PixelData, False)
    assert (instance.data.transfer_syntax, instance.data.big_endian) == (syntax, syntax == EXPLICIT_BIG)
    assert instance.data.vr == ("" if syntax == IMPLICIT_LITTLE else "OW")
    assert instance.findings == ()


@pytest.mark.parametrize("syntax", [EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE, JPEG])
@pytest.mark.parametrize("start", [128, 132])
def test_the_preamble_may_be_absent(films: Any, syntax: str, start: int) -> None:
    content = films.small(syntax)
    assert read_instance(content[start:], films.max_pixels) == read_instance(content, films.max_pixels)


@pytest.mark.parametrize("syntax", [EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE])
def test_the_file_meta_may_be_absent(films: Any, syntax: str) -> None:
    bare = read_instance(films.body(films.image(), syntax), films.max_pixels)
    whole = films.read(films.image(), syntax)
    assert (bare.pixel, bare.data) == (whole.pixel, whole.data)
    assert codes_of(bare.findings) == "assumed_transfer_syntax"
    assert syntax in bare.findings[0].detail


@pytest.mark.parametrize("syntax", [EXPLICIT_LITTLE, IMPLICIT_LITTLE])
def test_a_file_may_begin_with_a_group_length(films: Any, syntax: str) -> None:
    odd = {0x00080000: ("UL", b"\x40\0\0\0"), 0x00280000: ("UL", b"\x40\0\0\0"), 0x7FE00000: ("UL", b"\x40\0\0\0")}
    assert read_instance(films.body(films.image(), syntax, odd), films.max_pixels).pixel.rows == 4


@pytest.mark.parametrize("declared", NATIVE[:3])
@pytest.mark.parametrize("written", NATIVE[:3])
def test_the_bytes_take_precedence_over_the_declared_encoding(films: Any, declared: str, written: str) -> None:
    instance = read_instance(films.wrapped(films.body(films.image(), written), declared), films.max_pixels)
    expected = films.read(films.image(), written)
    assert (instance.data, instance.pixel) == (expected.data, expected.pixel)
    assert codes_of(instance.findings) == ("" if declared == written else "assumed_transfer_syntax")


@pytest.mark.parametrize("syntax", NATIVE[:3])
def test_the_transfer_syntax_may_be_absent(films: Any, syntax: str) -> None:
    instance = read_instance(films.wrapped(films.body(films.image(), syntax), None), films.max_pixels)
    assert instance.data == films.read(films.image(), syntax).data
    assert codes_of(instance.findings) == "assumed_transfer_syntax"


@pytest.mark.parametrize("declared", [None, EXPLICIT_LITTLE, IMPLICIT_LITTLE])
@pytest.mark.parametrize("syntax", COMPRESSED)
def test_the_codestream_determines_an_absent_transfer_syntax(films: Any, syntax: str, declared: str | None) -> None:
    data = films.encapsulated(films.codestreams[syntax])
    instance = read_instance(films.wrapped(films.body(films.image(PixelData=data)), declared), films.max_pixels)
    assert (instance.data.transfer_syntax, instance.data.encapsulated) == (syntax, True)
    assert codes_of(instance.findings) == "assumed_transfer_syntax"


@pytest.mark.parametrize("syntax", COMPRESSED)
def test_encapsulated_pixel_data_are_kept_unchanged(films: Any, syntax: str) -> None:
    instance = read_instance(films.small(syntax), films.max_pixels)
    assert instance.data.value == films.encapsulated(films.codestreams[syntax]) + END_OF_SEQUENCE
    assert (instance.data.transfer_syntax, instance.data.encapsulated, instance.findings) == (syntax, True, ())


def test_a_codestream_is_recognised_without_an_offset_table(films: Any) -> None:
    value = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(films.codestreams[JPEG])) + films.codestreams[JPEG]
    instance = read_instance(films.wrapped(films.body(films.image(PixelData=value)), None), films.max_pixels)
    assert instance.data.transfer_syntax == JPEG


def test_a_codestream_is_recognised_after_an_offset_table(films: Any) -> None:
    items = (
        b"\xfe\xff\x00\xe0\x08\0\0\0"
        + struct.pack("<2I", 0, 0x51FF4FFF)
        + films.encapsulated(films.codestreams[RLE])[8:]
    )
    instance = read_instance(films.wrapped(films.body(films.image(PixelData=items)), None), films.max_pixels)
    assert instance.data.transfer_syntax == RLE


def test_encapsulated_pixel_data_of_defined_length_are_recognised(films: Any) -> None:
    value = films.encapsulated(films.codestreams[JPEG])
    tail = struct.pack("<HH2s2xI", 0x7FE0, 0x0010, b"OB", len(value)) + value
    instance = read_instance(films.wrapped(films.body(films.image(PixelData=None)) + tail, JPEG), films.max_pixels)
    assert (instance.data.value, instance.data.encapsulated) == (value, True)


def test_native_pixels_that_look_like_an_item_are_native(films: Any) -> None:
    value = b"\xfe\xff\x00\xe0" + bytes(44)
    tail = struct.pack("<HH2s2xI", 0x7FE0, 0x0010, b"OW", len(value)) + value
    instance = read_instance(
        films.wrapped(films.body(films.image(PixelData=None)) + tail, EXPLICIT_LITTLE), films.max_pixels
    )
    assert (instance.data.value, instance.data.encapsulated) == (value, False)


def test_an_unknown_transfer_syntax_is_passed_on_to_the_decoders(films: Any) -> None:
    instance = read_instance(films.wrapped(films.body(films.image()), "1.2.3.4.5"), films.max_pixels)
    assert (instance.data.transfer_syntax, instance.findings) == ("1.2.3.4.5", ())


def test_extended_offset_tables_are_part_of_the_pixel_data(films: Any) -> None:
    tables = (struct.pack("<2Q", 0, 30), struct.pack("<2Q", 22, 22))
    odd = {"ExtendedOffsetTable": ("OV", tables[0]), "ExtendedOffsetTableLengths": ("OV", tables[1])}
    dataset = films.image(
        PixelData=films.encapsulated(films.codestreams[JPEG], films.codestreams[JPEG]), NumberOfFrames=2
    )
    assert read_instance(films.file(dataset, JPEG, odd), films.max_pixels).data.extended_offsets == ExtendedOffsetTable(
        *tables
    )
    del odd["ExtendedOffsetTableLengths"]
    assert read_instance(films.file(dataset, JPEG, odd), films.max_pixels).data.extended_offsets is None


@pytest.mark.parametrize("vr", ["OB", "OW", "UN", "OL", "US", "UT"])
@pytest.mark.parametrize("syntax", [EXPLICIT_LITTLE, EXPLICIT_BIG])
def test_pixel_data_are_read_under_any_vr(films: Any, syntax: str, vr: str) -> None:
    value = films.image().PixelData
    instance = read_instance(films.file(films.image(), syntax, {"PixelData": (vr, value)}), films.max_pixels)
    assert (instance.data.value, instance.data.vr) == (value, vr)


def test_pixel_data_without_a_vr_among_elements_with_one_are_read(films: Any) -> None:
    tail = films.element("PixelData", "OW", films.image().PixelData, IMPLICIT_LITTLE)
    instance = read_instance(
        films.wrapped(films.body(films.image(PixelData=None)) + tail, EXPLICIT_LITTLE), films.max_pixels
    )
    assert instance.data.value == films.image().PixelData


@pytest.mark.parametrize(("kind", "bits"), [(PixelKind.FLOAT, 32), (PixelKind.DOUBLE, 64)])
@pytest.mark.parametrize("syntax", NATIVE[:3])
def test_float_pixels_are_read(films: Any, syntax: str, kind: PixelKind, bits: int) -> None:
    changes = {"PixelData": None, "BitsAllocated": bits, kind.value: bytes(range(24)) * (bits // 8)}
    instance = films.read(films.image(**changes), syntax)
    assert (instance.pixel.kind, instance.data.value) == (kind, changes[kind.value])


def test_elements_after_the_pixels_are_not_part_of_them(films: Any) -> None:
    trailing = films.element(0xFFFCFFFC, "OB", bytes(1000))
    instance = read_instance(films.file(films.image()) + trailing, films.max_pixels)
    assert instance.data.value == films.image().PixelData


def test_an_icon_inside_a_sequence_is_not_the_image(films: Any) -> None:
    icon = films.item(Rows=1, Columns=1, BitsAllocated=8)
    icon.add_new("PixelData", "OB", b"\1\2")
    instance = films.read(films.image(IconImageSequence=[icon]))
    assert (instance.pixel.rows, instance.data.value) == (4, films.image().PixelData)


@pytest.mark.parametrize("syntax", [EXPLICIT_LITTLE, JPEG])
def test_a_file_cut_inside_its_pixels_still_has_its_header(films: Any, syntax: str) -> None:
    content = films.small(syntax)
    instance = read_instance(content[:-11], films.max_pixels)
    assert instance.pixel == read_instance(content, films.max_pixels).pixel
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


@pytest.mark.parametrize("sop_class", NO_IMAGES)
@pytest.mark.parametrize("syntax", NATIVE[:3])
def test_an_object_without_an_image_is_named_by_its_sop_class(films: Any, syntax: str, sop_class: str) -> None:
    dataset = films.item(SOPClassUID=sop_class, SOPInstanceUID="1.2.3", PatientName="QZQZ", SeriesNumber=3)
    if sop_class.endswith("104.1"):
        dataset.EncapsulatedDocument = b"%PDF-1.4 "
    refused = films.refusal(films.wrapped(films.body(dataset, syntax), syntax, sop_class))
    assert isinstance(refused, NotAnImageError)
    assert refused.reason is Reason.NO_PIXEL_DATA
    assert str(refused) == f"an object that is no image: {NO_IMAGES[sop_class]}"


def test_a_dicomdir_is_recognised_by_its_file_meta(films: Any) -> None:
    dataset = films.item(FileSetID="QZQZ", DirectoryRecordSequence=[films.item(PatientName="QZQZ")])
    body = films.body(dataset)
    refused = films.refusal(films.wrapped(body, EXPLICIT_LITTLE, "1.2.840.10008.1.3.10"))
    assert str(refused) == "an object that is no image: Media Storage Directory Storage"


@pytest.mark.parametrize("sop_class", ["1.2.3.4.5", "QZQZ", ""])
def test_an_unknown_sop_class_is_not_quoted(films: Any, sop_class: str) -> None:
    odd = {"SOPClassUID": ("UI", sop_class.encode()), "PatientID": ("LO", b"QZQZ")}
    refused = films.refusal(films.wrapped(films.body(Dataset(), odd=odd), EXPLICIT_LITTLE, ""))
    assert (refused.reason, str(refused)) == (Reason.NO_PIXEL_DATA, "an object that is no image")


@pytest.mark.parametrize("syntax", NATIVE[:3])
def test_an_image_that_lost_its_pixels_is_an_error_and_not_skipped(films: Any, syntax: str) -> None:
    for dataset in (
        films.image(PixelData=None),
        films.image(PixelData=None, Rows=None),
        films.image(PixelData=None, SOPClassUID=None),
        films.image(PixelData=None, SOPClassUID="1.2.3"),
    ):
        refused = films.refusal(films.file(dataset, syntax))
        assert (refused.reason, str(refused)) == (Reason.MISSING_ATTRIBUTE, "PixelData is missing")


def test_a_file_that_ends_after_its_file_meta_is_truncated(films: Any) -> None:
    for end in (b"", b"\x08", b"\x08\0\5\0CS"):
        assert films.refusal(films.wrapped(b"", EXPLICIT_LITTLE) + end).reason is Reason.TRUNCATED_FILE
    assert films.refusal(bytes(128) + b"DICM").reason is Reason.TRUNCATED_FILE


def test_an_empty_file_and_a_file_of_another_format_have_different_reasons(films: Any) -> None:
    empty = films.refusal(b"")
    assert isinstance(empty, SourceError)
    assert empty.reason is Reason.EMPTY
    other = films.refusal(b"%PDF-1.7\n" * 100)
    assert isinstance(other, NotDicomError)
    assert other.reason is Reason.NOT_DICOM


@pytest.mark.parametrize(("syntax", "times"), [(EXPLICIT_LITTLE, 1.1), (EXPLICIT_BIG, 1.1), (DEFLATED, 2.1)])
def test_a_large_file_is_in_memory_at_most_twice(films: Any, syntax: str, times: float) -> None:
    size = 16 * 1024**2
    noise = random.Random(1).randbytes(1024**2)
    content = films.file(films.image(Rows=2048, Columns=4096, PixelData=noise * 16), syntax)
    with films.traced() as peak:
        instance = read_instance(content, films.max_pixels)
    assert len(instance.data.value) == size
    # the bytes of the file itself are not counted: they were there before
    assert peak[0] < times * size


@pytest.mark.real_film
def test_real_files_are_read_as_the_catalogue_describes_them(films: Any, film_folder: Path) -> None:
    with (film_folder / "catalog.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    differing, read = [], 0
    for row in rows:
        found = films.outcome((film_folder / row["file"]).read_bytes())
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
