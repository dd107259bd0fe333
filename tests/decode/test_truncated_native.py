# SPDX-License-Identifier: MIT
"""In truncated native, deflated and RLE frames every present pixel is correct, and the missing pixels are known."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any

import imagecodecs
import numpy as np
import pytest
from tests.support.codestreams import decode_truncated_codestream, describe_image, synthetic_image

from plainfilm.decode import DecodedFrame, decode_frame
from plainfilm.dicom.frames import locate_frames
from plainfilm.dicom.instance import ImagePixel, PixelData
from plainfilm.errors import ConversionError, Reason, TruncatedError
from plainfilm.findings import FindingCode

NATIVE, BIG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"


def decoded(pixel: ImagePixel, value: bytes, frame: int = 0, **more: Any) -> DecodedFrame:
    data = replace(PixelData(value, NATIVE, False), **more)
    return decode_frame(pixel, data, locate_frames(pixel, data, True), frame)


def test_the_complete_cells_of_a_native_frame_are_decoded() -> None:
    image = synthetic_image((6, 5), 12)
    found = decoded(describe_image(image, 12), image.tobytes()[:-13])
    assert found.missing is not None
    assert int(found.missing.sum()) == 7
    assert found.missing.reshape(-1)[-7:].all()
    assert np.array_equal(found.samples[~found.missing], image[~found.missing])
    assert [finding.code for finding in found.findings] == [FindingCode.TRUNCATED_FILLED]
    assert "7 of 30 pixels are missing" in found.findings[0].detail


@pytest.mark.parametrize(("planar", "kept"), [(0, 18), (1, 6)])
def test_a_pixel_is_present_if_all_its_samples_are(planar: int, kept: int) -> None:
    image = synthetic_image((6, 5, 3), 8)
    cells = image if planar == 0 else np.ascontiguousarray(image.transpose(2, 0, 1))
    pixel = describe_image(image, 8, planar_configuration=planar)
    found = decoded(pixel, cells.tobytes()[: 54 + 2 if planar == 0 else 66])
    assert found.missing is not None
    assert int((~found.missing).sum()) == kept
    assert np.array_equal(found.samples[~found.missing], image[~found.missing])


def test_subsampled_chroma_is_decoded_in_complete_pairs() -> None:
    pixel = describe_image(np.zeros((2, 4, 3), np.uint8), 8, "YBR_FULL_422")
    found = decoded(pixel, bytes(range(11)))
    assert found.missing is not None
    assert found.missing.tolist() == [[False] * 4, [True] * 4]
    assert found.samples[0].tolist() == [[0, 2, 3], [1, 2, 3], [4, 6, 7], [5, 6, 7]]


def test_single_bits_and_big_endian_words_are_decoded() -> None:
    flags = np.array([[0, 1, 1, 0], [1, 1, 0, 1], [1, 0, 0, 1]], np.uint8)
    found = decoded(describe_image(flags, 1, bits_allocated=1), np.packbits(flags, bitorder="little").tobytes()[:1])
    assert found.missing is not None
    assert found.missing.tolist() == [[False] * 4, [False] * 4, [True] * 4]
    assert found.samples[:2].tolist() == flags[:2].tolist()
    image = np.arange(12, dtype=np.uint16).reshape(3, 4) * 300
    found = decoded(describe_image(image, 16), image.astype(">u2").tobytes()[:-3], transfer_syntax=BIG, big_endian=True)
    assert found.missing is not None
    assert np.array_equal(found.samples[~found.missing], image[~found.missing])
    assert int(found.missing.sum()) == 2


def test_present_frames_are_complete_and_absent_frames_fail() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    pixel = describe_image(image, 8, number_of_frames=4)
    value = image.tobytes() * 2 + image.tobytes()[:5]
    assert decoded(pixel, value, 1).missing is None
    cut = decoded(pixel, value, 2)
    assert cut.missing is not None
    assert int(cut.missing.sum()) == 7
    with pytest.raises(TruncatedError, match="holds 3 of the 4 frames"):
        decoded(pixel, value, 3)


def test_pixel_data_without_a_complete_cell_fail() -> None:
    pixel = describe_image(np.zeros((3, 4), np.uint16), 16)
    for value in (b"", b"\1"):
        with pytest.raises(TruncatedError) as caught:
            decoded(pixel, value)
        assert caught.value.reason is Reason.TRUNCATED_PIXEL_DATA


@pytest.mark.parametrize(("bits", "samples"), [(8, 1), (16, 1), (8, 3), (1, 1)])
@pytest.mark.parametrize("cut", [1, 7, 31])
def test_rle_pixels_with_all_their_bytes_are_decoded(bits: int, samples: int, cut: int) -> None:
    image = synthetic_image((16, 24) if samples == 1 else (16, 24, samples), bits)
    planes = [image] if samples == 1 else [image[:, :, sample] for sample in range(samples)]
    content = [plane.byteswap().tobytes()[byte :: bits // 8] for plane in planes for byte in range(bits // 8)]
    if bits == 1:
        content = [np.packbits(image, bitorder="little").tobytes()]
    segments = [bytes(imagecodecs.packbits_encode(one)) for one in content]
    starts = np.cumsum([64, *map(len, segments)])[:-1]
    header = np.zeros(16, "<u4")
    header[0], header[1 : 1 + len(segments)] = len(segments), starts
    frame = header.tobytes() + b"".join(segments)
    found = decode_truncated_codestream(
        describe_image(image, bits, bits_allocated=max(bits, 1)), frame[:-cut], "1.2.840.10008.1.2.5"
    )
    assert 0 < int(found.missing.sum()) < found.missing.size
    assert np.array_equal(found.samples[~found.missing], image[~found.missing])


def test_rle_without_its_last_segment_fails() -> None:
    segment = bytes(imagecodecs.packbits_encode(bytes(range(12))))
    header = np.zeros(16, "<u4")
    header[:3] = 2, 64, 64 + len(segment)
    with pytest.raises(TruncatedError):
        decode_truncated_codestream(
            describe_image(np.zeros((3, 4), np.uint16), 16), header.tobytes() + segment, "1.2.840.10008.1.2.5"
        )


def test_a_truncated_deflated_frame_gives_what_it_inflates_to() -> None:
    image = synthetic_image((40, 30), 12)
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    deflated = packer.compress(image.tobytes()) + packer.flush()
    found = decode_truncated_codestream(
        describe_image(image, 12), deflated[: len(deflated) * 2 // 3], "1.2.840.10008.1.2.8.1"
    )
    assert 0.1 < found.missing.mean() < 0.9
    assert np.array_equal(found.samples[~found.missing], image[~found.missing])


def test_a_damaged_deflated_frame_is_not_taken_for_a_truncated_one() -> None:
    with pytest.raises(ConversionError) as caught:
        decode_truncated_codestream(describe_image(np.zeros((3, 4), np.uint8), 8), b"\xff" * 6, "1.2.840.10008.1.2.8.1")
    assert caught.value.reason is Reason.CORRUPT_CODESTREAM
