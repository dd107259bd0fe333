# SPDX-License-Identifier: MIT
"""The compiled lossless decoder gives the samples of libjpeg-turbo, and declines scans that are not simply whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.codestreams import decode_codestream, describe_image, synthetic_image
from tests.support.lossless_jpeg import Coding, encode_lossless

from plainfilm.decode.codestream import read_jpeg
from plainfilm.decode.jpeg import decode_jpeg_deep, decode_leniently
from plainfilm.decode.lossless import decode_whole_scan
from plainfilm.dicom.frames import FrameBytes
from plainfilm.errors import ConversionError
from plainfilm.kernels import HAS_CORE

pytestmark = pytest.mark.skipif(not HAS_CORE, reason="plainfilm.kernels.core was not compiled")
LOSSLESS = "1.2.840.10008.1.2.4.57"


def own(codestream: bytes) -> Any:
    return decode_whole_scan(codestream, read_jpeg(codestream))


def peer(codestream: bytes) -> Any:
    return decode_leniently(codestream, read_jpeg(codestream))


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("precision", range(2, 17))
@pytest.mark.parametrize("shape", [(9, 7), (6, 5, 3), (1, 4), (5, 1)])
def test_every_process_gives_the_samples_of_the_other_decoder(
    shape: tuple[int, ...], precision: int, predictor: int
) -> None:
    image = np.random.default_rng(precision).integers(0, 1 << precision, shape)
    codestream = encode_lossless(image, Coding(precision, predictor))
    samples = own(codestream)
    np.testing.assert_array_equal(samples, image)
    np.testing.assert_array_equal(samples, peer(codestream))
    assert samples.dtype == peer(codestream).dtype


@pytest.mark.parametrize("predictor", [1, 4, 7])
@pytest.mark.parametrize("point_transform", [1, 3])
@pytest.mark.parametrize("precision", [8, 12, 16])
def test_a_point_transform_drops_the_lowest_bits(precision: int, point_transform: int, predictor: int) -> None:
    image = synthetic_image((20, 30), precision)
    codestream = encode_lossless(image, Coding(precision, predictor, point_transform))
    np.testing.assert_array_equal(own(codestream), image >> point_transform << point_transform)
    np.testing.assert_array_equal(own(codestream), peer(codestream))


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("restart_rows", [1, 2, 3, 20, 30])
def test_restart_intervals_of_whole_rows_are_decoded(restart_rows: int, predictor: int) -> None:
    image = synthetic_image((20, 30), 12)
    codestream = encode_lossless(image, Coding(12, predictor, restart_rows=restart_rows))
    np.testing.assert_array_equal(own(codestream), image)
    np.testing.assert_array_equal(own(codestream), peer(codestream))


def test_a_missing_or_exchanged_restart_marker_is_left_to_the_other_decoder() -> None:
    codestream = encode_lossless(synthetic_image((8, 30), 12), Coding(12, restart_rows=2))
    assert own(codestream) is not None
    assert own(codestream.replace(b"\xff\xd1", b"")) is None
    assert own(codestream.replace(b"\xff\xd1", b"\xff\xd2")) is None


@pytest.mark.parametrize("fill_bit", ["0", "1"])
def test_fill_bits_may_have_any_value(fill_bit: str) -> None:
    image = synthetic_image((8, 31), 12)
    np.testing.assert_array_equal(own(encode_lossless(image, Coding(12, fill_bit=fill_bit))), image)


@pytest.mark.parametrize("restart_rows", [0, 4])
def test_a_scan_that_was_cut_is_never_accepted(restart_rows: int) -> None:
    codestream = encode_lossless(synthetic_image((16, 20), 12), Coding(12, restart_rows=restart_rows))
    scan = next(segment for segment in read_jpeg(codestream).segments if segment.marker == 0xDA)
    for stop in range(scan.stop, len(codestream) - 2):
        cut = codestream[:stop].rstrip(b"\xff") + b"\xff\xd9"
        assert own(cut) is None


@settings(max_examples=300)
@given(st.data())
def test_damaged_codestreams_end_as_without_the_compiled_decoder(data: st.DataObject) -> None:
    """With bytes changed anywhere, the samples or the failure are those of libjpeg-turbo and the count of bits."""
    image = synthetic_image((6, 9), 12)
    coding = Coding(12, data.draw(st.integers(1, 7)), restart_rows=data.draw(st.sampled_from([0, 2])))
    codestream = bytearray(encode_lossless(image, coding))
    for _ in range(data.draw(st.integers(1, 3))):
        codestream[data.draw(st.integers(2, len(codestream) - 3))] = data.draw(st.integers(0, 255))
    pixel = describe_image(image, 12)
    assert outcome(lambda: decode_codestream(pixel, bytes(codestream), LOSSLESS).samples.tolist()) == outcome(
        lambda: decode_jpeg_deep(pixel, FrameBytes(bytes(codestream))).samples.tolist()
    )


def outcome(decode: Any) -> Any:
    try:
        return decode()
    except ConversionError as error:
        return error.reason
