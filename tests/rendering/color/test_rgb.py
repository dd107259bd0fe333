# SPDX-License-Identifier: MIT
"""Samples of every supported colour space become RGB; others raise an error that names the attribute."""

from __future__ import annotations

import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from plainfilm.decode import DecodedFrame, decode_frame
from plainfilm.dicom.frames import locate_frames
from plainfilm.dicom.instance import ImagePixel, LutItem, Palette
from plainfilm.dicom.read import read_instance
from plainfilm.errors import AttributeValueError, Reason
from plainfilm.findings import FindingCode
from plainfilm.rendering.color import to_rgb

GREY_RAMP = LutItem((256, 0, 8), bytes(range(256)))


def header(bits: int = 8, samples: int = 3) -> ImagePixel:
    return ImagePixel(1, 2, samples, "RGB", 0, 8 if bits <= 8 else 16, bits, bits - 1, False, 1)


def frame(samples: np.ndarray, space: str) -> DecodedFrame:
    return DecodedFrame(samples, None, None, "native numpy", space)


@pytest.mark.parametrize("bits", [8, 12, 16, 32])
def test_rgb_is_unchanged(bits: int) -> None:
    samples = np.array([[[1, 2, 3], [4, 5, 6]]], "u1" if bits == 8 else "u2" if bits <= 16 else "u4")
    rgb = to_rgb(frame(samples, "RGB"), header(bits), None)
    assert np.array_equal(rgb.samples, samples)
    assert (rgb.samples.dtype, rgb.bits, rgb.findings) == (samples.dtype, bits, ())


def test_signed_samples_are_read_as_unsigned() -> None:
    rgb = to_rgb(frame(np.array([[[-1, 0, 1]]], np.int8), "RGB"), header(), None)
    assert rgb.samples.tolist() == [[[255, 0, 1]]]


@pytest.mark.parametrize("space", ["YBR_FULL", "YBR_PARTIAL_422", "YBR_PARTIAL_420"])
def test_luminance_and_chrominance_are_converted(space: str) -> None:
    samples = np.array([[[120, 128, 128], [120, 60, 240]]], np.uint8)
    rgb = to_rgb(frame(samples, space), header(), None).samples.astype(int)
    assert rgb[0, 0].tolist() == [121 if "PARTIAL" in space else 120] * 3
    assert rgb[0, 1, 0] > rgb[0, 1, 1] > rgb[0, 1, 2]


@pytest.mark.parametrize("space", ["YBR_ICT", "YBR_RCT"])
def test_spaces_that_a_codec_should_have_converted_are_read_as_rgb_and_reported(space: str) -> None:
    samples = np.array([[[9, 8, 7]]], np.uint8)
    rgb = to_rgb(frame(samples, space), header(), None)
    assert rgb.samples.tolist() == samples.tolist()
    assert [finding.code for finding in rgb.findings] == [FindingCode.COLOR_TRANSFORM_DISAGREES]


def test_a_palette_is_looked_up() -> None:
    palette = Palette(GREY_RAMP, GREY_RAMP, GREY_RAMP)
    rgb = to_rgb(frame(np.array([[5, 200]], np.uint8), "PALETTE COLOR"), header(samples=1), palette)
    assert (rgb.samples.tolist(), rgb.bits) == ([[[5] * 3, [200] * 3]], 8)


def test_a_missing_palette_is_named() -> None:
    with pytest.raises(AttributeValueError, match="RedPaletteColorLookupTableDescriptor is missing") as caught:
        to_rgb(frame(np.zeros((1, 2), np.uint8), "PALETTE COLOR"), header(samples=1), None)
    assert caught.value.reason is Reason.MISSING_ATTRIBUTE


@pytest.mark.parametrize("space", ["CMYK", "HSV", "ARGB", "XYB", "", "YBR_PARTIAL"])
def test_unsupported_colour_spaces_are_named(space: str) -> None:
    with pytest.raises(AttributeValueError, match="PhotometricInterpretation") as caught:
        to_rgb(frame(np.zeros((1, 2, 3), np.uint8), space), header(), None)
    assert caught.value.reason is Reason.UNSUPPORTED_VALUE


@pytest.mark.parametrize("shape", [(1, 2), (1, 2, 4)])
def test_a_wrong_number_of_samples_is_named(shape: tuple[int, ...]) -> None:
    with pytest.raises(AttributeValueError, match="SamplesPerPixel"):
        to_rgb(frame(np.zeros(shape, np.uint8), "RGB"), header(), None)


DATA_STORE = "pydicom+pydicom-data/data_store/data"
TEST_FILES = "pydicom+pydicom/src/pydicom/data/test_files"


@pytest.mark.parametrize(
    ("name", "within"),
    [
        (f"{DATA_STORE}/OT-PAL-8-face.dcm", 0),
        (f"{DATA_STORE}/OBXXXX1A_rle.dcm", 0),
        (f"{DATA_STORE}/OBXXXX1A_expb.dcm", 0),
        (f"{DATA_STORE}/color-pl.dcm", 0),
        (f"{DATA_STORE}/SC_rgb_16bit.dcm", 0),
        (f"{TEST_FILES}/SC_rgb_rle_32bit.dcm", 0),
        (f"{TEST_FILES}/ExplVR_BigEnd.dcm", 0),
        (f"{TEST_FILES}/SC_rgb_small_odd_big_endian.dcm", 0),
        (f"{TEST_FILES}/examples_ybr_color.dcm", 2),
        (f"{TEST_FILES}/SC_rgb_dcmtk_+eb+cy+n1.dcm", 2),
        (f"{TEST_FILES}/SC_rgb_small_odd_jpeg.dcm", 2),
        # DCMTK's tables deviate by up to two levels here, even for greys; plainfilm gives the nearest levels
        (f"{TEST_FILES}/SC_ybr_full_422_uncompressed.dcm", 2),
        (f"{DATA_STORE}/SC_ybr_full_uncompressed.dcm", 2),
    ],
)
def test_colours_of_real_files_equal_those_of_dcmtk(
    film_folder: Path, dcmj2pnm: str, tmp_path: Path, name: str, within: int
) -> None:
    instance = read_instance((film_folder / name).read_bytes(), 10**8)
    decoded = decode_frame(instance.pixel, instance.data, locate_frames(instance.pixel, instance.data), 0)
    rgb = to_rgb(decoded, instance.pixel, instance.palette)
    picture = tmp_path / "dcmtk.png"
    subprocess.run([dcmj2pnm, "+on2" if rgb.bits > 8 else "+on", str(film_folder / name), str(picture)], check=True)
    theirs = cv2.imread(str(picture), cv2.IMREAD_UNCHANGED)[:, :, ::-1].astype(float)
    ours = np.floor(
        rgb.samples * (float(np.iinfo(np.uint16 if rgb.bits > 8 else np.uint8).max) / ((1 << rgb.bits) - 1)) + 0.5
    )
    assert np.abs(ours - theirs).max() <= within
