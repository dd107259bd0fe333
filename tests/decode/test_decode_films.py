# SPDX-License-Identifier: MIT
"""Real files with unusual encodings give the samples of their uncompressed twins, or fail with the right reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from plainfilm.decode import DecodedFrame, decode_frame
from plainfilm.dicom.frames import locate_frames
from plainfilm.dicom.instance import Instance
from plainfilm.dicom.read import read_instance
from plainfilm.errors import ConversionError, Reason
from plainfilm.rendering.color import to_rgb

DATA_STORE = "pydicom+pydicom-data/data_store/data"
TEST_FILES = "pydicom+pydicom/src/pydicom/data/test_files"


def opened(film_folder: Path, name: str) -> Instance:
    return read_instance((film_folder / name).read_bytes(), 500_000_000)


def decoded(film_folder: Path, name: str, frame: int = 0) -> DecodedFrame:
    instance = opened(film_folder, name)
    return decode_frame(instance.pixel, instance.data, locate_frames(instance.pixel, instance.data), frame)


@pytest.mark.parametrize("how", ["rle", "deflate", "j2k", "expb"])
@pytest.mark.parametrize("aligned", [True, False])
def test_single_bits_are_the_same_in_every_transfer_syntax(film_folder: Path, how: str, aligned: bool) -> None:
    if how == "expb" and not aligned:
        how = "rle"
    stem = f"{DATA_STORE}/liver" + ("" if aligned else "_nonbyte_aligned")
    for frame in range(3):
        plain = decoded(film_folder, f"{stem}.dcm", frame).samples
        assert np.array_equal(decoded(film_folder, f"{stem}_{how}.dcm", frame).samples, plain)
        assert plain.any()


@pytest.mark.parametrize(
    ("coded", "plain"),
    [
        (f"{DATA_STORE}/MR2_J2KR.dcm", f"{DATA_STORE}/MR2_UNCR.dcm"),
        (f"{DATA_STORE}/693_J2KR.dcm", f"{DATA_STORE}/693_UNCR.dcm"),
        (f"{TEST_FILES}/MR_small_RLE.dcm", f"{TEST_FILES}/MR_small.dcm"),
        (f"{TEST_FILES}/MR_small_jp2klossless.dcm", f"{TEST_FILES}/MR_small.dcm"),
        (f"{TEST_FILES}/MR_small_jpeg_ls_lossless.dcm", f"{TEST_FILES}/MR_small.dcm"),
        (f"{TEST_FILES}/MR_small_bigendian.dcm", f"{TEST_FILES}/MR_small.dcm"),
        (f"{TEST_FILES}/rtdose_rle.dcm", f"{TEST_FILES}/rtdose.dcm"),
        (f"{TEST_FILES}/SC_rgb_rle_16bit.dcm", f"{DATA_STORE}/SC_rgb_16bit.dcm"),
        (f"{TEST_FILES}/SC_rgb_rle_32bit.dcm", f"{DATA_STORE}/SC_rgb_32bit.dcm"),
        (f"{DATA_STORE}/color-pl.dcm", f"{DATA_STORE}/color-px.dcm"),
    ],
)
def test_a_lossless_file_equals_its_uncompressed_twin(film_folder: Path, coded: str, plain: str) -> None:
    ours, twin = decoded(film_folder, coded).samples, decoded(film_folder, plain).samples
    assert np.array_equal(ours.astype(twin.dtype), twin)


@pytest.mark.slow
def test_tile_parts_that_do_not_declare_their_number_are_decoded(film_folder: Path) -> None:
    hand = decoded(film_folder, "pydicom+pylibjpeg-data/ljdata/ds/JPEG2000Lossless/NM_Kakadu44_SOTmarkerincons.dcm")
    assert hand.samples.shape == (2500, 2048)
    assert (int(hand.samples.min()), int(hand.samples.max())) == (1, 4095)
    assert (hand.precision, hand.signed) == (16, False)


def test_a_scan_header_without_coefficients_is_decoded(film_folder: Path) -> None:
    odd, plain = (decoded(film_folder, f"{TEST_FILES}/{name}.dcm") for name in ("JPEG-lossy", "JPGExtended"))
    assert np.array_equal(odd.samples, plain.samples)
    assert odd.precision == 12


def test_a_codestream_in_jp2_boxes_has_its_declared_colors(film_folder: Path) -> None:
    samples = decoded(film_folder, f"{TEST_FILES}/GDCMJ2K_TextGBR.dcm").samples
    words = [samples[top:bottom].reshape(-1, 3).astype(int) for top, bottom in ((0, 120), (120, 240), (240, 360))]
    strongest = [int(word.max(0).argmax()) for word in words]
    assert strongest == [0, 1, 2]


def test_a_delimiter_inside_a_codestream_does_not_end_the_sequence(film_folder: Path) -> None:
    with pytest.raises(ConversionError, match="3722445056 columns") as caught:
        decoded(film_folder, f"{TEST_FILES}/JPEG2000-embedded-sequence-delimiter.dcm")
    assert caught.value.reason is Reason.CODESTREAM_MISMATCH


def test_the_sign_of_the_header_does_not_change_that_of_the_codestream(film_folder: Path) -> None:
    name = f"{TEST_FILES}/J2K_pixelrep_mismatch.dcm"
    assert opened(film_folder, name).pixel.signed
    found = decoded(film_folder, name)
    assert (found.precision, found.signed, found.samples.dtype) == (13, False, np.uint16)


@pytest.mark.parametrize("name", ["JPEGLSNearLossless_08.dcm", "JPEGLSNearLossless_16.dcm"])
def test_near_lossless_files_fill_their_range(film_folder: Path, name: str) -> None:
    samples = decoded(film_folder, f"{TEST_FILES}/{name}").samples
    assert int(samples.max()) == np.iinfo(samples.dtype).max
    assert int(samples.min()) == 0


@pytest.mark.parametrize(
    ("name", "red"),
    [
        ("SC_rgb_dcmtk_+eb+cr.dcm", (255, 0, 0)),
        ("SC_rgb_dcmtk_+eb+cy+np.dcm", (254, 0, 0)),
        ("SC_rgb_jpeg_dcmtk.dcm", (254, 0, 0)),
        ("SC_rgb_jpeg_gdcm.dcm", (255, 0, 0)),
        ("SC_rgb_jls_lossy_line.dcm", (255, 0, 0)),
        ("SC_rgb_jls_lossy_sample.dcm", (255, 0, 0)),
        ("SC_rgb_gdcm_KY.dcm", (255, 0, 0)),
        ("SC_ybr_full_422_uncompressed.dcm", (254, 0, 0)),
    ],
)
def test_red_is_red_in_every_transfer_syntax(film_folder: Path, name: str, red: tuple[int, int, int]) -> None:
    instance = opened(film_folder, f"{TEST_FILES}/{name}")
    rgb = to_rgb(decoded(film_folder, f"{TEST_FILES}/{name}"), instance.pixel, instance.palette)
    assert np.abs(rgb.samples[5, 50].astype(int) - red).max() <= 3


def test_an_ultrasound_of_segmented_palettes_is_the_same_in_both_byte_orders(film_folder: Path) -> None:
    images = []
    for name in ("gdcm-US-ALOKA-16.dcm", "gdcm-US-ALOKA-16_big.dcm"):
        instance = opened(film_folder, f"{DATA_STORE}/{name}")
        rgb = to_rgb(decoded(film_folder, f"{DATA_STORE}/{name}"), instance.pixel, instance.palette)
        images.append(rgb.samples)
        assert rgb.bits == 16
    assert np.array_equal(*images)
    assert len(np.unique(images[0])) > 50
