# SPDX-License-Identifier: MIT
"""Test square pixels, size, crop and the affine (PS3.3 10.7)."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from plainfilm.dicom.instance import FrameAttributes, Instance, SoftcopyPresentation
from plainfilm.dicom.orientation import TURNS, Turn
from plainfilm.dicom.read import read_instance
from plainfilm.errors import ConversionError, OptionsError
from plainfilm.findings import FindingCode
from plainfilm.kernels.levels import levels_array
from plainfilm.options.geometry import Box, CropMode, GeometryOptions, Pixels
from plainfilm.options.options import Options
from plainfilm.options.presentation import Orient
from plainfilm.rendering.geometry.border_result import BorderOutcome, BorderResult
from plainfilm.rendering.geometry.geometry import Geometry
from plainfilm.rendering.geometry.layout import geometry_of, layout_of

LIMIT = 500_000_000
KEYWORDS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio")


def read(rows: int = 4, columns: int = 6, **attributes: Any) -> Instance:
    """An instance with these attributes, read from the bytes of a file."""
    dataset = Dataset()
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = rows, columns, 1
    dataset.PhotometricInterpretation, dataset.PixelRepresentation = "MONOCHROME2", 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3"
    dataset.PixelData = bytes(rows * columns)
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    content = io.BytesIO()
    dataset.save_as(content, enforce_file_format=True)
    return read_instance(content.getvalue(), LIMIT)


def geometry(instance: Instance, pixels: Pixels = Pixels.SQUARE, limit: int = LIMIT, frame: int = 0) -> Geometry:
    options = GeometryOptions(pixels=pixels)
    return geometry_of(layout_of(instance, frame, pixels, limit), options, limit)


def first_frame(instance: Instance, options: GeometryOptions, orient: Orient = Orient.STORED) -> Geometry:
    return geometry_of(layout_of(instance, 0, options.pixels, LIMIT, orient), options, LIMIT)


def measures(rows_mm: float, columns_mm: float) -> Dataset:
    """A functional group with a Pixel Spacing of its own."""
    group, macro = Dataset(), Dataset()
    macro.PixelSpacing = [rows_mm, columns_mm]
    group.PixelMeasuresSequence = [macro]
    return group


@pytest.mark.parametrize(
    ("spacing", "size"),
    [
        ([0.2, 0.1], (200, 100)),
        ([0.1, 0.2], (100, 200)),
        ([0.1, 0.1], (100, 100)),
        ([0.101, 0.1], (101, 100)),
        ([0.1, 0.101], (100, 101)),
        ([0.1009, 0.1], (100, 100)),
        ([0.1, 0.1009], (100, 100)),
        ([0.15, 0.1], (150, 100)),
        ([0.1245, 0.1], (125, 100)),
        ([0.1244, 0.1], (124, 100)),
        ([0.1255, 0.1], (126, 100)),
    ],
)
def test_the_coarser_axis_is_scaled_up_if_spacings_differ_by_1_percent(
    spacing: list[float], size: tuple[int, int]
) -> None:
    """Height and width of 100 x 100 pixels, to the nearest integer."""
    found = geometry(read(100, 100, PixelSpacing=spacing))
    assert (found.height, found.width) == size


@pytest.mark.parametrize("spacing", [["0.0707", "0.07"], ["0.035", "0.03535"], ["0.13029", "0.129"]])
def test_exactly_1_percent_is_recognised_despite_binary_fractions(spacing: list[str]) -> None:
    found = geometry(read(100, 100, PixelSpacing=spacing))
    assert max(found.height, found.width) == 101


def test_the_first_spacing_of_the_order_decides() -> None:
    values: list[Any] = [[0.2, 0.1], [0.3, 0.1], [0.4, 0.1], [5, 1]]
    for number in range(4):
        attributes = dict(zip(KEYWORDS[number:], values[number:], strict=True))
        assert geometry(read(10, 10, **attributes)).height == (number + 2) * 10


def test_equal_spacing_wins_over_an_aspect_ratio() -> None:
    found = geometry(read(10, 10, ImagerPixelSpacing=[0.1, 0.1], PixelAspectRatio=[2, 1]))
    assert (found.height, found.width) == (10, 10)


def test_an_aspect_ratio_is_vertical_to_horizontal_and_gives_no_spacing() -> None:
    """PS3.3 C.7.6.3.1.7: 4\\3 are pixels taller than broad."""
    found = geometry(read(30, 30, PixelAspectRatio=[4, 3]))
    assert (found.height, found.width) == (40, 30)
    assert found.spacing is None
    assert found.output_spacing == (None, None)


@pytest.mark.parametrize("spacing", [[0, 0.1], [-0.1, 0.1], [0.1]])
def test_an_invalid_spacing_is_replaced_by_the_next(spacing: list[float]) -> None:
    found = geometry(read(10, 10, PixelSpacing=spacing, ImagerPixelSpacing=[0.2, 0.1]))
    assert (found.height, found.spacing) == (20, (0.2, 0.1))


def test_without_any_spacing_pixels_are_square() -> None:
    assert geometry(read(4, 6)) == Geometry(4, 6, 4, 6)


def test_pixels_are_not_scaled_on_request() -> None:
    found = geometry(read(10, 20, PixelSpacing=[0.2, 0.1]), Pixels.STORED)
    assert (found.height, found.width, found.spacing) == (10, 20, (0.2, 0.1))
    assert found.affine == (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def test_the_spacing_of_a_functional_group_wins_over_the_top_level() -> None:
    shared = read(10, 10, PixelSpacing=[0.1, 0.1], SharedFunctionalGroupsSequence=[measures(0.2, 0.1)])
    assert geometry(shared).height == 20
    groups = [measures(0.3, 0.1), measures(0.1, 0.4)]
    own = {"NumberOfFrames": 2, "PixelData": bytes(200), "PerFrameFunctionalGroupsSequence": groups}
    frames = read(10, 10, SharedFunctionalGroupsSequence=[measures(0.2, 0.1)], **own)
    sizes = [(found.height, found.width) for found in (geometry(frames, frame=0), geometry(frames, frame=1))]
    assert sizes == [(30, 10), (10, 40)]


@pytest.mark.parametrize("spacing", [["1000", "0.0001"], ["0.0001", "1000"], ["1e300", "1e-300"]])
def test_an_implausible_ratio_is_ignored_with_a_finding(spacing: list[str]) -> None:
    found = geometry(read(10, 20, PixelSpacing=spacing))
    assert (found.height, found.width) == (10, 20)
    assert [finding.code.value for finding in found.findings] == ["pixel_spacing_implausible"]


@pytest.mark.parametrize(("limit", "height"), [(400, 20), (399, 10)])
def test_the_limit_of_pixels_holds_for_the_output_too(limit: int, height: int) -> None:
    assert geometry(read(10, 20, PixelSpacing=[0.2, 0.1]), limit=limit).height == height


@pytest.mark.parametrize(
    ("found", "spacing"),
    [
        (Geometry(10, 20, 20, 20, (0.2, 0.1)), (0.1, 0.1)),
        (Geometry(10, 20, 10, 60, (0.1, 0.3)), (0.1, 0.1)),
        (Geometry(3, 3, 4, 3, (0.15, 0.1)), (0.1, 0.15 * 3 / 4)),
    ],
)
def test_the_spacing_of_the_output_is_the_sources_over_the_scale(found: Geometry, spacing: tuple[float, float]) -> None:
    """Along x first; where the size went to the nearest integer the spacing says what came of it."""
    np.testing.assert_allclose(found.output_spacing, spacing, rtol=1e-12)


@pytest.mark.parametrize("size", [(12, 6), (4, 15), (7, 6), (9, 10)])
def test_the_affine_maps_the_outer_edges_onto_each_other(size: tuple[int, int]) -> None:
    """Pixel centres count from 0, so the image's edges lie at -0.5 and at the size less 0.5."""
    rows, columns = 4, 6
    a, b, c, d, e, f = Geometry(rows, columns, *size).affine
    assert (b, d) == (0.0, 0.0)
    corners = [(-0.5, -0.5), (columns - 0.5, rows - 0.5)]
    expected = [(-0.5, -0.5), (size[1] - 0.5, size[0] - 0.5)]
    np.testing.assert_allclose([(a * x + c, e * y + f) for x, y in corners], expected, atol=1e-12)


@pytest.mark.parametrize("size", [(8, 6), (12, 6), (4, 18), (5, 9)])
def test_the_affine_maps_source_pixels_to_output_pixels(size: tuple[int, int]) -> None:
    """Images of their own column and row come out as the affine's inverse, but for what the borders repeat."""
    rows, columns = 4, 6
    found = Geometry(rows, columns, *size)
    a, _, c, _, e, f = found.affine
    x, y = np.meshgrid(np.arange(columns), np.arange(rows))
    out_x, out_y = np.meshgrid(np.arange(size[1]), np.arange(size[0]))
    from_x, from_y = np.clip((out_x - c) / a, 0, columns - 1), np.clip((out_y - f) / e, 0, rows - 1)
    for image, expected in ((x, from_x), (y, from_y)):
        shown = found.apply((image * 10_000).astype(np.uint16))
        assert shown.shape == size
        np.testing.assert_allclose(shown, expected * 10_000, atol=10)


@pytest.mark.parametrize(("kind", "shape"), [(np.uint8, (4, 6)), (np.uint16, (4, 6)), (np.uint8, (4, 6, 3))])
def test_depth_and_channels_are_kept(kind: Any, shape: tuple[int, ...]) -> None:
    image = np.full(shape, 200, kind)
    shown = Geometry(4, 6, 8, 6).apply(image)
    assert (shown.dtype, shown.shape) == (image.dtype, (8, *shape[1:]))
    assert set(shown.flat) == {200}


def test_an_image_that_keeps_its_size_is_the_same_image() -> None:
    image = np.zeros((4, 6), np.uint8)
    assert Geometry(4, 6, 4, 6).apply(image) is image


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ({"size": "50"}, (50, 25)),
        ({"size": "200"}, (100, 50)),
        ({"size": "200", "enlarge": True}, (200, 100)),
        ({"size": "40x40"}, (40, 20)),
        ({"size": "40x40", "fit": "pad"}, (40, 40)),
        ({"size": "40x40", "fit": "crop"}, (40, 40)),
        ({"size": "60x80", "fit": "crop"}, (60, 50)),
        ({"size": "60x80", "fit": "crop", "enlarge": True}, (60, 80)),
        ({"size": "33"}, (33, 17)),
        ({"size": "1"}, (1, 1)),
        ({"crop": "10,5,30,40"}, (30, 40)),
        ({"crop": "90,40,30,40"}, (10, 10)),
        ({"crop": "10,5,30,40", "size": "20"}, (15, 20)),
    ],
)
@pytest.mark.parametrize("spacing", [[0.1, 0.1], [0.2, 0.1]])
def test_the_affine_is_right_for_size_fit_and_crop(
    given: dict[str, Any], size: tuple[int, int], spacing: list[float]
) -> None:
    """Ramps of 100 x 50 square pixels are the affine's inverse, within the eighth of a pixel that areas leave."""
    rows, columns = (25, 100) if spacing[0] > 0.1 else (50, 100)
    found = first_frame(read(rows, columns, PixelSpacing=spacing), Options.of(given).geometry)
    assert (found.width, found.height) == size
    a, _, c, _, e, f = found.affine
    np.testing.assert_allclose(found.output_spacing, (0.1 / a, spacing[0] / e), rtol=1e-12)
    x, y = np.meshgrid(np.arange(columns), np.arange(rows))
    out_x, out_y = np.meshgrid((np.arange(size[0]) - c) / a, (np.arange(size[1]) - f) / e)
    inner = (out_x > 1 / a) & (out_x < columns - 1 - 1 / a) & (out_y > 1 / e) & (out_y < rows - 1 - 1 / e)
    for image, expected in ((x, out_x), (y, out_y)):
        shown = found.apply((image * 500 + 100).astype(np.uint16))
        assert shown.shape == (size[1], size[0])
        np.testing.assert_allclose(shown[inner], expected[inner] * 500 + 100, atol=62)


def test_padding_of_the_output_is_black() -> None:
    found = first_frame(read(10, 20), Options.of({"size": "30x30", "fit": "pad"}).geometry)
    shown = found.apply(np.full((10, 20), 9, np.uint8))
    assert (int((shown == 9).sum()), set(shown.flat)) == (200, {0, 9})


def test_downscaling_averages_pixels() -> None:
    """A pattern finer than the output's pixels becomes its mean, and no pattern of its own."""
    found = first_frame(read(64, 64), Options.of({"size": "16"}).geometry)
    assert set(found.apply((np.indices((64, 64)).sum(0) % 2 * 200).astype(np.uint8)).flat) == {100}


def test_a_crop_outside_the_image_fails_the_frame() -> None:
    with pytest.raises(ConversionError, match="outside the image of 6 x 4"):
        first_frame(read(4, 6), Options.of({"crop": "6,0,1,1"}).geometry)


# an image of 60 x 90 pixels of 2:1, of which the part from column 10 is displayed, turned by each of the eight turns
AREA = (11, 1, 90, 50)
COMBINED: list[dict[str, Any]] = [
    {},
    {"size": "40"},
    {"crop": "20,30,50,40"},
    {"crop": "20,30,50,40", "size": "64x30", "fit": "pad"},
    {"size": "64x64", "fit": "crop"},
    {"crop": "20,30,50,40", "size": "200x100", "fit": "pad", "enlarge": True},
]


def presented(turn: Turn) -> Instance:
    instance = read(60, 90, PixelSpacing=[0.2, 0.1])
    known = SoftcopyPresentation(turn=turn, area=AREA, pixel_aspect_ratio=(2.0, 1.0))
    return replace(instance, frames=(FrameAttributes(presentation=known),))


@pytest.mark.parametrize("turn", TURNS, ids=str)
@pytest.mark.parametrize("given", COMBINED, ids=str)
def test_the_affine_is_right_for_crop_rotation_size_and_padding_together(turn: Turn, given: dict[str, Any]) -> None:
    """A ramp along rows, and one along columns: where a pixel of the picture comes from its value says."""
    found = first_frame(presented(turn), Options.of(given).geometry)
    rows, columns = (np.mgrid[0:60, 0:90].astype(np.uint16) + 1) * np.uint16(700)
    shown = tuple(levels_array(found.apply(ramp)) / 700 for ramp in (rows, columns))
    assert shown[0].shape == (found.height, found.width)
    a, b, c, d, e, f = found.affine
    drawn = np.argwhere((shown[0] > 0) & (shown[1] > 0))
    assert len(drawn)
    y, x = drawn.T
    row, column = shown[0][y, x] - 1, shown[1][y, x] - 1
    # at the border of the image, or of what was cut, values are repeated and no ramp
    inside = np.minimum(x - x.min(), x.max() - x) > 3
    inside &= np.minimum(y - y.min(), y.max() - y) > 3
    assert inside.sum() > 50
    off = np.hypot(a * column + b * row + c - x, d * column + e * row + f - y)[inside]
    assert off.max() < 0.2


@pytest.mark.parametrize("given", COMBINED, ids=str)
def test_rotation_does_not_change_pixel_values(given: dict[str, Any]) -> None:
    image = np.random.default_rng(5).integers(0, 256, (60, 90), np.uint8)
    if "fit" in given:
        pytest.skip("what is filled up or cut is the picture's own left and right")
    options = Options.of(given).geometry
    plain = first_frame(presented(Turn()), options).apply(image)
    for turn in TURNS:
        turned = first_frame(presented(turn), options)
        np.testing.assert_array_equal(turned.apply(image), turn.apply(plain))


def test_the_spacing_of_a_rotated_image_follows_its_axes() -> None:
    """80 x 100 squared pixels of 0.1 mm are displayed; turned they are 100 x 80, and 50 x 40 in the picture."""
    found = first_frame(presented(Turn(1)), Options.of({"size": "50x60", "fit": "pad"}).geometry)
    assert (found.width, found.height) == (50, 60)
    assert found.output_spacing == pytest.approx((0.2, 0.2))


def test_a_crop_outside_the_displayed_area_is_refused() -> None:
    with pytest.raises(ConversionError, match="lies outside"):
        first_frame(presented(Turn()), Options.of({"crop": "0,0,10,10"}).geometry)


@pytest.mark.parametrize(
    ("border", "crop", "code"),
    [
        (Box(0, 0, 90, 60), None, FindingCode.BORDER_CROPPED),
        (Box(30, 10, 25, 20), Box(30, 20, 25, 40), FindingCode.BORDER_CROPPED),
        (Box(0, 0, 2, 2), None, FindingCode.BORDER_NOT_FOUND),
        (None, None, FindingCode.BORDER_NOT_FOUND),
    ],
)
def test_the_displayed_area_is_cropped_by_its_border(border: Box | None, crop: Box | None, code: FindingCode) -> None:
    """Counted in stored pixels, of which a row is two of the squared image."""
    options = GeometryOptions(crop=CropMode.BORDER)
    result = BorderResult(border or Box(0, 0, 100, 100), BorderOutcome.FOUND if border else BorderOutcome.NO_MARGIN)
    layout = layout_of(presented(Turn()), 0, options.pixels, LIMIT)
    cropped, plain = geometry_of(layout, options, LIMIT, result), geometry_of(layout, GeometryOptions(), LIMIT)
    assert cropped.crop == (crop or plain.crop)
    assert [finding.code for finding in cropped.findings] == [code]


def test_an_oriented_image_has_its_size_and_margins() -> None:
    """Right to left becomes left to right; the margins stay where they are asked for."""
    instance = read(20, 40, PatientOrientation=["R", "F"])
    image = np.arange(1, 41, dtype=np.uint8)[None].repeat(20, axis=0)
    options = Options.of({"size": "40x40", "fit": "pad"}).geometry
    found = first_frame(instance, options, Orient.VIEWER)
    shown = found.apply(image)
    assert shown[10:30].tolist() == image[:, ::-1].tolist()
    assert not shown[:10].any()
    assert not shown[30:].any()
    assert found.affine == (-1, 0, 39, 0, 1, 10)


@pytest.mark.parametrize("pixels", list(Pixels))
@pytest.mark.parametrize(("wanted", "size"), [(0.1, (30, 24)), (0.2, (15, 12)), (0.6, (5, 4))])
def test_a_spacing_decides_the_size_of_both_axes(pixels: Pixels, wanted: float, size: tuple[int, int]) -> None:
    instance = read(rows=6, columns=10, PixelSpacing=["0.4", "0.3"])
    found = first_frame(instance, GeometryOptions(pixels=pixels, spacing=wanted))
    assert (found.width, found.height) == size
    assert found.output_spacing == pytest.approx((wanted, wanted))


def test_a_spacing_needs_that_of_the_image() -> None:
    with pytest.raises(ConversionError, match="neither Pixel Spacing nor another") as raised:
        first_frame(read(PixelAspectRatio=["4", "3"]), GeometryOptions(spacing=0.2))
    assert raised.value.reason == "missing_attribute"


def test_a_spacing_that_gives_too_many_pixels_is_refused() -> None:
    with pytest.raises(ConversionError) as raised:
        first_frame(read(PixelSpacing=["1", "1"]), GeometryOptions(spacing=0.0001))
    assert raised.value.reason == "too_large"


def test_a_spacing_and_a_size_contradict_each_other() -> None:
    with pytest.raises(OptionsError, match="--spacing and --size"):
        Options.of({"spacing": 0.2, "size": 512})
