# SPDX-License-Identifier: MIT
"""Uncompressed and deflated frames give every stored value, and no value that the file does not hold."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import pytest
from tests.support.codestreams import decode_codestream, describe_image, synthetic_image

from plainfilm.decode import decode_frame
from plainfilm.dicom.frames import locate_frames
from plainfilm.dicom.instance import PixelData, PixelKind
from plainfilm.errors import DecodeError, LimitError, Reason, TruncatedError, UnsupportedError
from plainfilm.findings import FindingCode

LITTLE, BIG, ENCAPSULATED = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.98"
DEFLATED_FRAME = "1.2.840.10008.1.2.8.1"


def deflated(content: bytes) -> bytes:
    return zlib.compress(content, 6, -15)


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("bits", [8, 16, 32])
@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_samples_have_native_byte_order(shape: tuple[int, ...], bits: int, big_endian: bool) -> None:
    image = synthetic_image(shape, bits)
    written = image.astype(image.dtype.newbyteorder(">" if big_endian else "<")).tobytes()
    data = PixelData(written, BIG if big_endian else LITTLE, False, big_endian)
    pixel = describe_image(image, bits)
    decoded = decode_frame(pixel, data, locate_frames(pixel, data), 0)
    assert np.array_equal(decoded.samples, image)
    assert decoded.samples.dtype == image.dtype
    assert decoded.samples.dtype.isnative
    assert (decoded.precision, decoded.signed) == (None, None)


def test_signed_samples_keep_the_bits_of_the_file() -> None:
    image = np.array([[-1, -32768, 7]], np.int16)
    pixel, data = describe_image(image, 16), PixelData(image.tobytes(), LITTLE, False)
    decoded = decode_frame(pixel, data, locate_frames(pixel, data), 0)
    assert decoded.samples.tolist() == [[65535, 32768, 7]]


@pytest.mark.parametrize(("kind", "bits"), [(PixelKind.FLOAT, 32), (PixelKind.DOUBLE, 64)])
@pytest.mark.parametrize("big_endian", [False, True])
def test_floating_point_pixels_keep_their_values(kind: PixelKind, bits: int, big_endian: bool) -> None:
    image = np.array([[1.5, -0.0, np.inf], [np.nan, 1e-30, 3.0]], f"f{bits // 8}")
    pixel = describe_image(image, bits, kind=kind, bits_allocated=bits)
    data = PixelData(image.astype(image.dtype.newbyteorder(">" if big_endian else "<")).tobytes(), LITTLE, False)
    data = replace(data, big_endian=big_endian)
    decoded = decode_frame(pixel, data, locate_frames(pixel, data), 0)
    assert np.array_equal(decoded.samples, image, equal_nan=True)
    assert decoded.samples.dtype == image.dtype


def test_color_planes_are_interleaved() -> None:
    image = synthetic_image((4, 6, 3), 8)
    planes = np.ascontiguousarray(image.transpose(2, 0, 1))
    pixel, data = describe_image(image, 8, planar_configuration=1), PixelData(planes.tobytes(), LITTLE, False)
    decoded = decode_frame(pixel, data, locate_frames(pixel, data), 0)
    assert np.array_equal(decoded.samples, image)
    assert decoded.samples.flags.c_contiguous


@pytest.mark.parametrize("columns", [7, 8, 13])
def test_single_bits_are_unpacked_for_every_frame(columns: int) -> None:
    frames = np.random.default_rng(2).integers(0, 2, (3, 5, columns), np.uint8)
    pixel = describe_image(frames[0], 1, bits_allocated=1, number_of_frames=3)
    data = PixelData(np.packbits(frames, bitorder="little").tobytes(), LITTLE, False)
    table = locate_frames(pixel, data)
    for number in range(3):
        assert np.array_equal(decode_frame(pixel, data, table, number).samples, frames[number])


@pytest.mark.parametrize("bits", [3, 12, 20, 40])
def test_cells_that_are_not_whole_bytes_are_packed_without_gaps(bits: int) -> None:
    image = np.random.default_rng(3).integers(0, 1 << bits, (4, 5), np.uint64)
    flags = (image[..., None] >> np.arange(bits, dtype=np.uint64) & np.uint64(1)).astype(np.uint8)
    pixel = describe_image(image, bits, bits_allocated=bits, number_of_frames=2)
    data = PixelData(np.packbits(np.stack([flags[::-1], flags]), bitorder="little").tobytes(), LITTLE, False)
    decoded = decode_frame(pixel, data, locate_frames(pixel, data), 1)
    assert np.array_equal(decoded.samples, image)


@pytest.mark.parametrize("bits", [0, 65])
def test_impossible_bits_allocated_are_rejected(bits: int) -> None:
    pixel = describe_image(np.zeros((2, 2), np.uint8), 8, bits_allocated=bits)
    with pytest.raises(UnsupportedError, match=f"Bits Allocated {bits}"):
        decode_codestream(pixel, bytes(64), ENCAPSULATED)


def test_subsampled_chroma_is_repeated_for_both_pixels_of_a_pair() -> None:
    pixel = describe_image(np.zeros((2, 4, 3), np.uint8), 8, "YBR_FULL_422")
    pairs = bytes((1, 2, 100, 200, 3, 4, 101, 201, 5, 6, 102, 202, 7, 8, 103, 203))
    data = PixelData(pairs, LITTLE, False)
    decoded = decode_frame(pixel, data, locate_frames(pixel, data), 0)
    assert decoded.photometric_interpretation == "YBR_FULL"
    assert decoded.samples[:, :, 0].tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert decoded.samples[:, :, 1].tolist() == [[100, 100, 101, 101], [102, 102, 103, 103]]
    assert decoded.samples[:, :, 2].tolist() == [[200, 200, 201, 201], [202, 202, 203, 203]]


def test_full_chroma_labelled_as_subsampled_is_decoded() -> None:
    image = synthetic_image((2, 4, 3), 8)
    pixel, data = describe_image(image, 8, "YBR_FULL_422"), PixelData(image.tobytes(), LITTLE, False)
    decoded = decode_frame(pixel, data, locate_frames(pixel, data), 0)
    assert np.array_equal(decoded.samples, image)
    assert [finding.code for finding in decoded.findings] == [FindingCode.COLOR_TRANSFORM_DISAGREES]


def test_a_decoded_frame_has_the_findings_of_the_frame_table() -> None:
    image = synthetic_image((2, 4), 8)
    pixel, data = describe_image(image, 8), PixelData(image.tobytes() + bytes(9), LITTLE, False)
    decoded = decode_frame(pixel, data, locate_frames(pixel, data), 0)
    assert [finding.code for finding in decoded.findings] == [FindingCode.EXCESS_PIXEL_DATA]


def test_native_data_with_a_compressed_transfer_syntax_are_decoded_as_native() -> None:
    image = synthetic_image((6, 5), 12)
    pixel, data = describe_image(image, 12), PixelData(image.tobytes(), "1.2.840.10008.1.2.4.70", False)
    assert np.array_equal(decode_frame(pixel, data, locate_frames(pixel, data), 0).samples, image)


def test_encapsulated_uncompressed_frames_are_decoded() -> None:
    image = synthetic_image((6, 5), 12)
    assert np.array_equal(decode_codestream(describe_image(image, 12), image.tobytes(), ENCAPSULATED).samples, image)
    with pytest.raises(TruncatedError, match=r"58 bytes.* need 60"):
        decode_codestream(describe_image(image, 12), image.tobytes()[:-2], ENCAPSULATED)


@pytest.mark.parametrize("pad", [b"", b"\0"])
@pytest.mark.parametrize("bits", [1, 8, 12])
def test_deflated_frames_are_decoded(bits: int, pad: bytes) -> None:
    image = synthetic_image((9, 7), bits)
    content = np.packbits(image, bitorder="little").tobytes() if bits == 1 else image.tobytes()
    pixel = describe_image(image, bits, **({"bits_allocated": 1} if bits == 1 else {}))
    decoded = decode_codestream(pixel, deflated(content) + pad, DEFLATED_FRAME)
    assert np.array_equal(decoded.samples, image)
    assert decoded.findings == ()


def test_a_deflated_frame_truncated_anywhere_is_rejected() -> None:
    image = synthetic_image((40, 30), 12)
    whole = deflated(image.tobytes())
    for length in range(1, len(whole), 7):
        with pytest.raises(TruncatedError) as caught:
            decode_codestream(describe_image(image, 12), whole[:length], DEFLATED_FRAME)
        assert caught.value.reason is Reason.TRUNCATED_PIXEL_DATA


def test_a_deflated_frame_that_inflates_without_end_is_stopped() -> None:
    pixel = describe_image(np.zeros((10, 10), np.uint8), 8)
    with pytest.raises(LimitError) as caught:
        decode_codestream(pixel, deflated(bytes(50_000_000)), DEFLATED_FRAME)
    assert caught.value.reason is Reason.SUSPICIOUS_COMPRESSION


def test_a_deflated_frame_of_another_size_is_a_mismatch_or_a_finding() -> None:
    pixel = describe_image(np.zeros((10, 10), np.uint8), 8)
    with pytest.raises(DecodeError, match=r"holds 99 bytes.* need 100") as caught:
        decode_codestream(pixel, deflated(bytes(99)), DEFLATED_FRAME)
    assert caught.value.reason is Reason.CODESTREAM_MISMATCH
    longer = decode_codestream(pixel, deflated(bytes(140)), DEFLATED_FRAME)
    assert [finding.code for finding in longer.findings] == [FindingCode.EXCESS_PIXEL_DATA]


def test_the_error_of_a_damaged_deflated_frame_quotes_zlib() -> None:
    pixel = describe_image(np.zeros((10, 10), np.uint8), 8)
    with pytest.raises(DecodeError, match="invalid") as caught:
        decode_codestream(pixel, b"\xff" * 20, DEFLATED_FRAME)
    assert caught.value.reason is Reason.CORRUPT_CODESTREAM


@pytest.mark.parametrize(("excess", "fits"), [(0, True), (1, True), (2, False), (400, False)])
def test_uncompressed_fragments_longer_than_the_pixels_are_a_mismatch(excess: int, fits: bool) -> None:
    image = np.arange(15, dtype=np.uint8).reshape(3, 5)
    pixel, content = describe_image(image, 8), image.tobytes() + bytes(excess)
    if fits:
        assert np.array_equal(decode_codestream(pixel, content, "1.2.840.10008.1.2.1.98").samples, image)
        return
    with pytest.raises(DecodeError) as caught:
        decode_codestream(pixel, content, "1.2.840.10008.1.2.1.98")
    assert caught.value.reason is Reason.CODESTREAM_MISMATCH
