# SPDX-License-Identifier: MIT
"""Absent attributes of the Image Pixel module get defaults; nonsense and too many pixels are refused."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.dicom_files import encode_file, image_dataset, read_dataset, read_error

from plainfilm.dicom.instance import ImagePixel, Padding, PixelKind
from plainfilm.dicom.read import read_instance
from plainfilm.dicom.transfer_syntax import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from plainfilm.errors import AttributeValueError, ConversionError, LimitError, Reason, Stage
from plainfilm.findings import codes_of

every_syntax = pytest.mark.parametrize("syntax", [EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE])
COLOR = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0, "PixelData": bytes(144)}


def pixel_of(**changes: Any) -> tuple[ImagePixel, str]:
    """The Image Pixel module of an image with changes, and the codes of its findings."""
    instance = read_dataset(image_dataset(**changes))
    return instance.pixel, codes_of(instance.findings)


def odd_pixel(keyword: str, vr: str, value: bytes, **changes: Any) -> tuple[ImagePixel, str]:
    instance = read_dataset(image_dataset(**changes), odd={keyword: (vr, value)})
    return instance.pixel, codes_of(instance.findings)


def refusal(odd: dict[str, tuple[str, bytes]] | None = None, **changes: Any) -> ConversionError:
    with pytest.raises(ConversionError) as refused:
        read_dataset(image_dataset(**changes), odd=odd)
    assert refused.value.stage is Stage.READ
    return refused.value


@every_syntax
def test_a_complete_image_pixel_module_is_read(syntax: str) -> None:
    instance = read_dataset(image_dataset(NumberOfFrames=1, LargestImagePixelValue=4000), syntax)
    assert instance.pixel == ImagePixel(
        rows=4,
        columns=6,
        samples_per_pixel=1,
        photometric_interpretation="MONOCHROME2",
        planar_configuration=0,
        bits_allocated=16,
        bits_stored=12,
        high_bit=11,
        signed=False,
        number_of_frames=1,
        kind=PixelKind.INTEGER,
        largest_pixel_value=4000,
        overlay_bit_positions=(),
    )
    assert instance.findings == ()
    assert len(instance.data.value) == 48


@every_syntax
def test_signed_values_are_read_as_such(syntax: str) -> None:
    changes = {"PixelRepresentation": 1, "LargestImagePixelValue": -5, "PixelPaddingValue": -2000}
    instance = read_dataset(image_dataset(**changes), syntax)
    assert instance.pixel.signed
    assert (instance.pixel.largest_pixel_value, instance.padding) == (-5, Padding(-2000.0))


ASSUMED = {
    "PhotometricInterpretation": ("photometric_interpretation", "MONOCHROME2"),
    "SamplesPerPixel": ("samples_per_pixel", 1),
    "BitsStored": ("bits_stored", 16),
    "HighBit": ("high_bit", 11),
    "PixelRepresentation": ("signed", False),
}


@pytest.mark.parametrize("keyword", ASSUMED)
def test_an_absent_attribute_gets_a_default_with_its_own_finding(keyword: str) -> None:
    name, taken = ASSUMED[keyword]
    pixel, findings = pixel_of(**{keyword: None})
    assert getattr(pixel, name) == taken
    code = "pixel_representation" if name == "signed" else name
    # Bits Stored of 16 leaves no room for a High Bit of 11
    assert findings == f"assumed_{code}" + (";high_bit_invalid" if keyword == "BitsStored" else "")


@pytest.mark.parametrize("keyword", ASSUMED)
def test_an_empty_attribute_gets_a_default(keyword: str) -> None:
    name, taken = ASSUMED[keyword]
    pixel, findings = odd_pixel(keyword, "CS" if keyword.startswith("Photo") else "US", b"")
    assert getattr(pixel, name) == taken
    assert findings.startswith("assumed_")
    assert "attribute_invalid" not in findings


@pytest.mark.parametrize("keyword", [keyword for keyword in ASSUMED if keyword != "PhotometricInterpretation"])
def test_an_unreadable_attribute_gets_a_default(keyword: str) -> None:
    name, taken = ASSUMED[keyword]
    pixel, findings = odd_pixel(keyword, "LO", b"some ")
    assert getattr(pixel, name) == taken
    assert findings.startswith("attribute_invalid;assumed_")


def test_all_optional_attributes_may_be_absent_together() -> None:
    pixel, findings = pixel_of(**dict.fromkeys(ASSUMED))
    assert (pixel.photometric_interpretation, pixel.samples_per_pixel, pixel.signed) == ("MONOCHROME2", 1, False)
    assert (pixel.bits_allocated, pixel.bits_stored, pixel.high_bit) == (16, 16, 15)
    assert set(findings.split(";")) == {
        "assumed_photometric_interpretation",
        "assumed_samples_per_pixel",
        "assumed_bits_stored",
        "assumed_high_bit",
        "assumed_pixel_representation",
    }


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({"SamplesPerPixel": 3}, (3, "RGB")),
        ({"PhotometricInterpretation": "RGB"}, (3, "RGB")),
        ({"PhotometricInterpretation": "YBR_FULL"}, (3, "YBR_FULL")),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, (1, "PALETTE COLOR")),
        ({"PhotometricInterpretation": "MONOCHROME1"}, (1, "MONOCHROME1")),
        ({}, (1, "MONOCHROME2")),
    ],
)
def test_samples_per_pixel_and_interpretation_determine_each_other(given: dict[str, Any], taken: Any) -> None:
    missing = {"SamplesPerPixel": None, "PhotometricInterpretation": None, "PixelData": bytes(48 * taken[0])}
    pixel, _ = pixel_of(**(COLOR | missing | given))
    assert (pixel.samples_per_pixel, pixel.photometric_interpretation) == taken


INTERPRETATIONS = {
    **dict.fromkeys(("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"), 1),
    **dict.fromkeys(("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420", "YBR_PARTIAL_422", "YBR_ICT", "YBR_RCT"), 3),
}


@pytest.mark.parametrize("photometric", INTERPRETATIONS)
def test_each_interpretation_has_its_number_of_samples(photometric: str) -> None:
    right = INTERPRETATIONS[photometric]
    changes = COLOR | {"PhotometricInterpretation": photometric}
    pixel, findings = pixel_of(**(changes | {"SamplesPerPixel": right, "PixelData": bytes(48 * right)}))
    assert (pixel.samples_per_pixel, pixel.is_color, findings) == (right, not photometric.startswith("MONO"), "")
    for wrong in {0, 1, 2, 3, 4} - {right}:
        refused = refusal(**(changes | {"SamplesPerPixel": wrong, "PixelData": bytes(100)}))
        assert refused.reason is Reason.UNSUPPORTED_VALUE
        assert str(refused) == f"SamplesPerPixel has the value {wrong}: {photometric} has {right}"


@pytest.mark.parametrize("written", [b"monochrome1 ", b" MONOCHROME1", b"MONOCHROME1\0", b"MONOCHROME1\\RGB"])
def test_the_case_and_padding_of_an_interpretation_do_not_matter(written: bytes) -> None:
    pixel, _ = odd_pixel("PhotometricInterpretation", "CS", written)
    assert pixel.photometric_interpretation == "MONOCHROME1"


@pytest.mark.parametrize("value", ["HSV", "CMYK", "ARGB", "XYB"])
def test_an_interpretation_that_is_not_supported_is_refused_by_name(value: str) -> None:
    refused = refusal(PhotometricInterpretation=value)
    assert isinstance(refused, AttributeValueError)
    assert (refused.reason, refused.keyword, refused.value) == (
        Reason.UNSUPPORTED_VALUE,
        "PhotometricInterpretation",
        value,
    )
    assert f"PhotometricInterpretation has the value {value!r}" in str(refused)


@pytest.mark.parametrize(
    "value", [b"MONOCHROME2 QZQZ^QZ", b"YBR_FULL,QZQZ^QZ", "YBR_Ä".encode(), b"QZQZ", b"MONOCHROME3", b"0 "]
)
def test_a_value_that_is_no_term_of_the_standard_is_not_quoted(value: bytes) -> None:
    refused = refusal({"PhotometricInterpretation": ("CS", value)})
    assert refused.reason is Reason.UNSUPPORTED_VALUE
    assert str(refused) == "PhotometricInterpretation cannot be used: this interpretation is not supported"


@pytest.mark.parametrize("keyword", ["Rows", "Columns", "BitsAllocated"])
def test_an_absent_required_attribute_is_named(keyword: str) -> None:
    for refused in (refusal(**{keyword: None}), refusal({keyword: ("US", b"")})):
        assert isinstance(refused, AttributeValueError)
        assert (refused.reason, refused.keyword) == (Reason.MISSING_ATTRIBUTE, keyword)
        assert str(refused) == f"{keyword} is missing"


@pytest.mark.parametrize("keyword", ["Rows", "Columns", "BitsAllocated"])
@pytest.mark.parametrize(
    ("vr", "value"), [("LO", b"QZQZ"), ("US", b"\1"), ("XX", b"\1\2"), ("FD", b"\0\0\0\0\0\0\xf8\x7f")]
)
def test_an_unreadable_required_attribute_is_named(keyword: str, vr: str, value: bytes) -> None:
    refused = refusal({keyword: (vr, value)})
    assert refused.reason is Reason.UNSUPPORTED_VALUE
    assert str(refused) == f"{keyword} cannot be used: a whole number is needed"


def test_a_fraction_is_named_with_its_value() -> None:
    refused = refusal({"Rows": ("DS", b"4.5 ")})
    assert str(refused) == "Rows has the value 4.5: a whole number is needed"
    assert refused.reason is Reason.UNSUPPORTED_VALUE


@pytest.mark.parametrize("keyword", ["Rows", "Columns"])
@pytest.mark.parametrize(("vr", "value"), [("US", b"\0\0"), ("SS", b"\xff\xff"), ("IS", b"-4")])
def test_zero_rows_or_columns_are_refused(keyword: str, vr: str, value: bytes) -> None:
    refused = refusal({keyword: (vr, value)})
    assert refused.reason is Reason.UNSUPPORTED_VALUE
    assert str(refused).startswith(f"{keyword} has the value ")


KNOWN_BITS = {"PixelData": {1, 8, 16, 32, 64}, "FloatPixelData": {32}, "DoubleFloatPixelData": {64}}


@pytest.mark.parametrize("kind", KNOWN_BITS)
def test_bits_allocated_must_suit_the_kind_of_pixel_data(kind: str) -> None:
    for bits in range(70):
        changes = {"BitsAllocated": bits, "BitsStored": 1, "HighBit": 0, "PixelData": None, kind: bytes(192)}
        if bits in KNOWN_BITS[kind]:
            pixel, findings = pixel_of(**changes)
            assert (pixel.bits_allocated, pixel.kind.value, findings) == (bits, kind, "")
        else:
            refused = refusal(**changes)
            assert refused.reason is Reason.UNSUPPORTED_VALUE
            assert str(refused).startswith(f"BitsAllocated has the value {bits}: known for {kind}")


@pytest.mark.parametrize("stored", [0, 17, 99, 65535])
def test_bits_stored_out_of_range_become_bits_allocated(stored: int) -> None:
    pixel, findings = pixel_of(BitsStored=stored, HighBit=15)
    assert (pixel.bits_stored, findings) == (16, "bits_stored_invalid")


@pytest.mark.parametrize("high_bit", [0, 10, 16, 99, 65535])
def test_a_high_bit_out_of_range_becomes_bits_stored_less_one(high_bit: int) -> None:
    pixel, findings = pixel_of(HighBit=high_bit)
    assert (pixel.high_bit, findings) == (11, "high_bit_invalid")


@pytest.mark.parametrize("high_bit", [11, 12, 15])
def test_a_high_bit_within_the_cell_is_used(high_bit: int) -> None:
    pixel, findings = pixel_of(HighBit=high_bit)
    assert (pixel.high_bit, findings) == (high_bit, "")


@pytest.mark.parametrize("representation", [2, 65535])
def test_an_invalid_pixel_representation_means_unsigned(representation: int) -> None:
    pixel, findings = pixel_of(PixelRepresentation=representation)
    assert (pixel.signed, findings) == (False, "assumed_pixel_representation;attribute_unusable")


def test_float_pixels_do_not_need_bits_stored_and_high_bit() -> None:
    changes = dict.fromkeys(("BitsStored", "HighBit", "PixelRepresentation", "PixelData"))
    pixel, findings = pixel_of(**changes, BitsAllocated=32, FloatPixelData=bytes(96))
    assert (pixel.bits_stored, pixel.high_bit, pixel.signed, findings) == (32, 31, True, "")


@pytest.mark.parametrize("planar", [None, 2])
def test_an_absent_planar_configuration_of_a_colour_image_is_0(planar: int | None) -> None:
    pixel, findings = pixel_of(**(COLOR | {"PlanarConfiguration": planar}))
    assert (pixel.planar_configuration, findings) == (0, "assumed_planar_configuration")


def test_planar_configuration_is_used_only_for_colour_images() -> None:
    assert pixel_of(**(COLOR | {"PlanarConfiguration": 1}))[0].planar_configuration == 1
    assert pixel_of(PlanarConfiguration=1) == pixel_of()


@pytest.mark.parametrize(
    ("vr", "value"), [("IS", b"0 "), ("IS", b"-3"), ("IS", b"1A2 "), ("DS", b"2.5 "), ("LO", b"many")]
)
def test_an_invalid_number_of_frames_is_1_with_a_finding(vr: str, value: bytes) -> None:
    pixel, findings = odd_pixel("NumberOfFrames", vr, value)
    assert pixel.number_of_frames == 1
    assert {"attribute_invalid", "assumed_number_of_frames"} & set(findings.split(";"))


def test_an_absent_or_empty_number_of_frames_is_1_without_a_finding() -> None:
    assert pixel_of()[0].number_of_frames == 1
    pixel, findings = odd_pixel("NumberOfFrames", "IS", b"")
    assert (pixel.number_of_frames, findings) == (1, "")


def test_a_billion_declared_frames_take_no_memory() -> None:
    instance = read_dataset(image_dataset(NumberOfFrames=2**31 - 1))
    assert (instance.pixel.number_of_frames, len(instance.frames)) == (2**31 - 1, 1)


SENSELESS: tuple[dict[str, Any], ...] = (
    {},
    {"BitsAllocated": None},
    {"BitsAllocated": 13},
    {"PhotometricInterpretation": "HSV"},
    {"PhotometricInterpretation": None, "SamplesPerPixel": None, "BitsStored": None, "BitsAllocated": None},
    {"SamplesPerPixel": 0},
    {"PixelData": b""},
)


@pytest.mark.parametrize("changes", SENSELESS, ids=str)
def test_too_many_pixels_are_refused_before_other_checks(changes: dict[str, Any]) -> None:
    refused = refusal(**({"Rows": 60_000, "Columns": 60_000} | changes))
    assert isinstance(refused, LimitError)
    assert refused.reason is Reason.TOO_LARGE
    assert "60000 x 60000" in str(refused)


def test_the_limit_applies_to_the_samples_of_one_frame() -> None:
    color = encode_file(image_dataset(NumberOfFrames=1000, **COLOR))
    assert read_instance(color, max_pixels=72).pixel.samples_per_pixel == 3
    for dataset in (image_dataset(**COLOR), image_dataset(**(COLOR | {"SamplesPerPixel": None}))):
        assert read_error(encode_file(dataset), max_pixels=71).reason is Reason.TOO_LARGE
    assert read_instance(encode_file(image_dataset()), max_pixels=71).pixel.rows == 4
