# SPDX-License-Identifier: MIT
"""An Instance has the padding, palettes, overlays, spacing, identity and description of its data set."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from tests.support.dicom_files import image_dataset, read_dataset

from plainfilm.dicom.instance import Description, InstanceIdentity, Padding, Shutter
from plainfilm.dicom.transfer_syntax import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from plainfilm.findings import FindingCode, codes_of

every_syntax = pytest.mark.parametrize("syntax", [EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE])
COLOR = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0, "PixelData": bytes(144)}


@every_syntax
def test_padding_is_the_value_and_its_limit(syntax: str) -> None:
    changes = {"PixelPaddingValue": 4095, "PixelPaddingRangeLimit": 4000}
    assert read_dataset(image_dataset(**changes), syntax).padding == Padding(4095.0, 4000.0)
    assert read_dataset(image_dataset(PixelPaddingValue=0), syntax).padding == Padding(0.0)
    assert read_dataset(image_dataset(PixelPaddingRangeLimit=5), syntax).padding is None
    assert read_dataset(image_dataset(), syntax).padding is None


@pytest.mark.parametrize("vr", ["US", "SS", "OB", "UN", "OW"])
def test_padding_is_read_under_any_vr(vr: str) -> None:
    padding = read_dataset(image_dataset(), odd={"PixelPaddingValue": (vr, b"\x30\xf8")}).padding
    assert padding is not None
    assert padding.value % 65536 == 0xF830


def test_float_pixels_have_float_padding() -> None:
    changes = {"PixelData": None, "BitsAllocated": 32, "FloatPixelData": bytes(96), "PixelPaddingValue": 7}
    assert read_dataset(image_dataset(**changes)).padding is None
    changes |= {"FloatPixelPaddingValue": -1.5, "FloatPixelPaddingRangeLimit": 0.25}
    assert read_dataset(image_dataset(**changes)).padding == Padding(-1.5, 0.25)
    double = {
        "PixelData": None,
        "BitsAllocated": 64,
        "DoubleFloatPixelData": bytes(192),
        "DoubleFloatPixelPaddingValue": 0.1,
    }
    assert read_dataset(image_dataset(**double)).padding == Padding(0.1)


def test_colour_has_a_shutter_and_no_padding() -> None:
    changes = {"PixelPaddingValue": 0, "ShutterShape": "CIRCULAR", "CenterOfCircularShutter": [1, 1]}
    instance = read_dataset(image_dataset(RadiusOfCircularShutter=1, **COLOR, **changes))
    assert instance.padding is None
    assert instance.shutter == Shutter(circle=(1, 1, 1))


def palette(prefix: str = "", **changes: Any) -> Any:
    values: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR", "BitsAllocated": 8, "PixelData": bytes(24)}
    for start, color in enumerate(("Red", "Green", "Blue")):
        values[f"{color}PaletteColorLookupTableDescriptor"] = [4, start, 16]
        values[f"{prefix}{color}PaletteColorLookupTableData"] = struct.pack("<4H", *range(start, start + 4))
    return image_dataset(**(values | {"BitsStored": 8, "HighBit": 7} | changes))


@pytest.mark.parametrize("prefix", ["", "Segmented"])
@pytest.mark.parametrize("syntax", [EXPLICIT_LITTLE, IMPLICIT_LITTLE])
def test_a_palette_is_read_plain_or_segmented(syntax: str, prefix: str) -> None:
    found = read_dataset(palette(prefix), syntax).palette
    assert found is not None
    assert found.segmented is bool(prefix)
    for start, lut in enumerate((found.red, found.green, found.blue)):
        assert lut.descriptor == (4, start, 16)
        assert lut.data == struct.pack("<4H", *range(start, start + 4))


def test_a_plain_palette_is_taken_before_a_segmented_one() -> None:
    both = {f"Segmented{color}PaletteColorLookupTableData": bytes(2) for color in ("Red", "Green", "Blue")}
    found = read_dataset(palette(**both)).palette
    assert found is not None
    assert not found.segmented


@pytest.mark.parametrize("missing", ["RedPaletteColorLookupTableData", "GreenPaletteColorLookupTableDescriptor"])
def test_a_palette_without_all_three_colours_is_left_out(missing: str) -> None:
    assert read_dataset(palette(**{missing: None})).palette is None


def test_grey_images_have_a_palette_only_if_the_file_has_one() -> None:
    assert read_dataset(image_dataset()).palette is None
    assert read_dataset(palette(PhotometricInterpretation="MONOCHROME2")).palette is not None


@every_syntax
def test_overlays_in_the_pixel_cells_have_their_bit_positions(syntax: str) -> None:
    order = ">" if syntax == EXPLICIT_BIG else "<"
    odd = {0x60000102: ("US", struct.pack(f"{order}H", 12)), 0x60FE0102: ("US", struct.pack(f"{order}H", 15))}
    assert read_dataset(image_dataset(), syntax, odd).pixel.overlay_bit_positions == (12, 15)


def test_a_damaged_overlay_does_not_fail_the_image() -> None:
    instance = read_dataset(image_dataset(), odd={0x60000102: ("US", b"\1"), 0x60020102: ("US", b"\x0d\0")})
    assert instance.pixel.overlay_bit_positions == (13,)
    assert codes_of(instance.findings) == "attribute_invalid"


SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")


@pytest.mark.parametrize("number", range(3))
def test_the_first_usable_spacing_is_used(number: int) -> None:
    usable = {keyword: [0.1 * index + 0.1, 0.5] for index, keyword in enumerate(SPACINGS) if index >= number}
    spoilt: dict[str, Any] = {keyword: [0, 0.5] for index, keyword in enumerate(SPACINGS) if index < number}
    instance = read_dataset(image_dataset(**usable, **spoilt))
    assert instance.pixel_spacing == (pytest.approx(0.1 * number + 0.1), 0.5)


@pytest.mark.parametrize(("value", "ratio"), [(b"3\\4 ", (3.0, 4.0)), (b"0\\1 ", None), (b"", None), (b"3 ", None)])
def test_the_pixel_aspect_ratio_is_a_pair(value: bytes, ratio: tuple[float, float] | None) -> None:
    instance = read_dataset(image_dataset(), odd={"PixelAspectRatio": ("IS", value)})
    assert (instance.pixel_aspect_ratio, instance.pixel_spacing) == (ratio, None)


def test_the_identity_has_the_identifying_attributes() -> None:
    given = {
        "StudyInstanceUID": "1.2.5",
        "SeriesInstanceUID": "1.2.6",
        "PatientID": "ID",
        "IssuerOfPatientID": "ISSUER",
        "PatientName": "NAME^GIVEN",
        "PatientBirthDate": "19010203",
        "AccessionNumber": "ACC",
    }
    assert read_dataset(image_dataset(**given)).identity == InstanceIdentity(
        sop_class_uid="1.2.840.10008.5.1.4.1.1.1.1",
        sop_instance_uid="1.2.3.4",
        study_instance_uid="1.2.5",
        series_instance_uid="1.2.6",
        patient_id="ID",
        issuer_of_patient_id="ISSUER",
        patient_name="NAME^GIVEN",
        patient_birth_date="19010203",
        accession_number="ACC",
    )


def test_the_description_has_the_attributes_of_the_tables() -> None:
    given = {
        "BodyPartExamined": "HAND",
        "ViewPosition": "PA",
        "Laterality": "L",
        "PatientSex": "F",
        "PatientAge": "034Y",
        "Manufacturer": "Maker and Sons",
        "ManufacturerModelName": "Model",
        "PresentationIntentType": "FOR PRESENTATION",
        "BurnedInAnnotation": "NO",
    }
    instance = read_dataset(image_dataset(**given))
    expected = Description("DX", "HAND", "PA", "L", "F", "034Y", "Maker and Sons", "Model", "FOR PRESENTATION", "NO")
    assert (instance.description, instance.findings) == (expected, ())
    assert read_dataset(image_dataset(**given, ImageLaterality="R")).description.laterality == "R"


def test_an_image_for_processing_has_a_finding() -> None:
    instance = read_dataset(image_dataset(PresentationIntentType="FOR PROCESSING", PresentationLUTShape="INVERSE"))
    assert [finding.code for finding in instance.findings] == [FindingCode.FOR_PROCESSING]
    assert instance.presentation_lut_shape == "INVERSE"


def test_the_sop_class_of_the_file_meta_replaces_an_absent_one() -> None:
    assert read_dataset(image_dataset(SOPClassUID=None)).identity.sop_class_uid == "1.2.840.10008.5.1.4.1.1.1.1"
    assert read_dataset(image_dataset(SOPClassUID="1.2.9")).identity.sop_class_uid == "1.2.9"


NAMES = [
    (b"ISO_IR 100", "Müller".encode("latin-1"), "Müller"),
    (b"ISO_IR 192", "Müller山田".encode(), "Müller山田"),
    (b"iso_ir 192", "Müller".encode(), None),
    (b"ISO_IR 13 ", b"\xd4\xcf\xc0\xde", "\uff94\uff8f\uff80\uff9e"),
    (b"ISO_IR 144 ", "Иванов".encode("iso8859_5"), "Иванов"),
    (b"\\ISO 2022 IR 87 ", b"Yamada=\x1b$B;3ED\x1b(B", "Yamada=山田"),
    (b"ISO 2022 IR 6\\ISO 2022 IR 149 ", b"Hong=\x1b$)C\xfb\xf3", "Hong=洪"),
    (b"GB18030 ", "王".encode("gb18030"), "王"),
    (b"", b"M\xfcller", None),
    (b"NONSENSE", b"M\xfcller", None),
    (b"hex ", b"M\xfcller", None),
    (b"undefined ", b"M\xfcller", None),
    (b"idna", b"M\xfcller", None),
    (b"\xff\xfe\x80\\\\\\", b"M\xfcller", None),
    (b"ISO_IR 192\\ISO_IR 100", b"M\xfcller", None),
]


@pytest.mark.parametrize(("character_set", "written", "name"), NAMES)
@every_syntax
def test_no_character_set_fails_an_image(syntax: str, character_set: bytes, written: bytes, name: str | None) -> None:
    odd = {
        "SpecificCharacterSet": ("CS", character_set),
        "PatientName": ("PN", written),
        "Manufacturer": ("LO", written),
    }
    odd["SeriesDescription"] = ("LO", written)
    instance = read_dataset(image_dataset(), syntax, odd)
    assert instance.pixel.rows == 4
    if name is not None:
        assert (instance.identity.patient_name, instance.description.manufacturer) == (name, name)


def test_a_code_string_in_another_alphabet_does_not_fail_the_image() -> None:
    instance = read_dataset(
        image_dataset(), odd={"BodyPartExamined": ("CS", "Küche".encode()), "Modality": ("CS", b"\xff\xfe")}
    )
    assert instance.pixel.rows == 4
