# SPDX-License-Identifier: MIT
"""--verify decodes every lossless transfer syntax with a second library, and fails frames whose samples differ."""

from __future__ import annotations

import io
import zlib
from dataclasses import replace
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image
from tests.support.codestreams import decode_codestream, describe_image, synthetic_image

from plainfilm.decode import decode_frame, process_state, verify
from plainfilm.decode.codecs import Codec, codecs_of
from plainfilm.decode.decoded import DecodedFrame
from plainfilm.decode.frame import decode_with_codecs, verify_samples
from plainfilm.dicom.frames import FrameBytes, locate_frames
from plainfilm.dicom.instance import ImagePixel, PixelData
from plainfilm.errors import DecodeError, Reason
from plainfilm.findings import FindingCode
from plainfilm.kernels import HAS_CORE

ROOT = "1.2.840.10008.1.2"


def codes(pixel: ImagePixel, codestream: bytes, syntax: str) -> list[FindingCode]:
    """The findings of a frame that is to be verified."""
    value = b"\xfe\xff\x00\xe0\0\0\0\0\xfe\xff\x00\xe0" + len(codestream).to_bytes(4, "little") + codestream
    data = PixelData(value + b"\xfe\xff\xdd\xe0\0\0\0\0", f"{ROOT}{syntax}", True)
    return [finding.code for finding in decode_frame(pixel, data, locate_frames(pixel, data), 0, True).findings]


def rle(image: Any) -> bytes:
    """An 8-bit image as an RLE frame of one segment."""
    return (1).to_bytes(4, "little") + (64).to_bytes(60, "little") + bytes(imagecodecs.packbits_encode(image.tobytes()))


def jpeg2000(image: Any, reversible: bool) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(image, 0 if reversible else 40, codecformat="j2k", reversible=reversible))


def deflated(image: Any) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(image.tobytes()) + packer.flush()


LOSSLESS: dict[str, Any] = {
    "rle": (".5", 8, rle),
    "lossless 8": (".4.70", 8, lambda image: imagecodecs.jpeg8_encode(image, lossless=True, bitspersample=8)),
    "lossless 16": (".4.57", 16, lambda image: imagecodecs.jpeg8_encode(image, lossless=True, predictor=7)),
    "jpeg 2000": (".4.90", 8, lambda image: jpeg2000_with_packet_lengths(image)),
    "deflated": (".8.1", 16, deflated),
}


def jpeg2000_with_packet_lengths(image: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG2000", no_jp2=True, irreversible=False, plt=True)
    return file.getvalue()


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_frames_are_verified(name: str) -> None:
    syntax, bits, encode = LOSSLESS[name]
    image = synthetic_image((40, 30), bits)
    assert codes(describe_image(image, bits), bytes(encode(image)), syntax) == [FindingCode.VERIFIED]


@pytest.mark.parametrize(
    ("syntax", "encode"),
    [
        (".4.90", lambda image: jpeg2000(image, True)),
        (".4.201", lambda image: imagecodecs.htj2k_encode(image, reversible=True)),
    ],
)
def test_a_codestream_that_does_not_tell_its_packets_is_compared_and_not_verified(syntax: str, encode: Any) -> None:
    image = synthetic_image((40, 30), 16)
    assert codes(describe_image(image, 16), bytes(encode(image)), syntax) == [FindingCode.NOT_VERIFIED]


@pytest.mark.parametrize(
    ("syntax", "encode"),
    [(".4.80", imagecodecs.jpegls_encode), (".4.110", lambda image: imagecodecs.jpegxl_encode(image, lossless=True))],
)
def test_a_finding_reports_that_there_is_no_second_library(syntax: str, encode: Any) -> None:
    image = synthetic_image((40, 30), 8)
    assert codes(describe_image(image, 8), bytes(encode(image)), syntax) == [FindingCode.NOT_VERIFIED]


@pytest.mark.parametrize(
    ("syntax", "encode"),
    [
        (".4.50", lambda image: imagecodecs.jpeg8_encode(image, 90)),
        (".4.81", lambda image: imagecodecs.jpegls_encode(image, 2)),
        (".4.91", lambda image: jpeg2000(image, False)),
    ],
)
def test_lossy_frames_are_not_verified(syntax: str, encode: Any) -> None:
    image = synthetic_image((40, 30), 8)
    assert codes(describe_image(image, 8), bytes(encode(image)), syntax) == []


def test_different_samples_fail_the_frame() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    row = Codec("native", "numpy", "numpy", "native:decode_native", verify_function="verify:decode_deflated_isal")
    first = replace(decode_with_codecs((row,), describe_image(image, 8), FrameBytes(image.tobytes())), findings=())
    with pytest.raises(DecodeError, match="different samples") as caught:
        verify_samples((row,), describe_image(image, 8), FrameBytes(deflated(image[::-1])), first)
    assert caught.value.reason is Reason.CODESTREAM_MISMATCH


def test_a_second_library_that_writes_into_the_samples_fails_the_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    row = Codec("native", "numpy", "numpy", "native:decode_native", verify_function="verify:decode_deflated_isal")
    first = decode_with_codecs((row,), describe_image(image, 8), FrameBytes(image.tobytes()))
    first = replace(first, samples=first.samples.copy())

    def overwrite(_pixel: ImagePixel, _frame: FrameBytes) -> DecodedFrame:
        first.samples[1, 1] ^= 1
        return first

    monkeypatch.setattr(verify, "decode_deflated_isal", overwrite)
    monkeypatch.setattr(process_state, "_refusals", [])
    with pytest.raises(DecodeError, match="damaged the samples"):
        verify_samples((row,), describe_image(image, 8), FrameBytes(b""), first)
    assert process_state.is_memory_suspect()


def with_restart_interval(codestream: bytes, rows: int) -> bytes:
    """Declare a restart interval of all samples, which changes nothing in the scan."""
    scan = codestream.index(b"\xff\xda")
    return codestream[:scan] + b"\xff\xdd\x00\x04" + rows.to_bytes(2, "big") + codestream[scan:]


def test_a_lossless_scan_whose_bits_are_not_counted_is_compared_and_not_verified() -> None:
    image = synthetic_image((40, 30), 8)
    whole = bytes(imagecodecs.jpeg8_encode(image, lossless=True, bitspersample=8))
    assert codes(describe_image(image, 8), whole, ".4.70") == [FindingCode.VERIFIED]
    restarted = with_restart_interval(whole, 40 * 30)
    # only the compiled decoder counts the bits of such a scan
    expected = FindingCode.VERIFIED if HAS_CORE else FindingCode.NOT_VERIFIED
    assert codes(describe_image(image, 8), restarted, ".4.70") == [expected]


def test_a_frame_of_the_codec_that_follows_a_refusal_is_not_verified() -> None:
    image = synthetic_image((40, 30), 8)
    for reversible, expected in ((True, [FindingCode.NOT_VERIFIED]), (False, [])):
        encoded = FrameBytes(jpeg2000(image, reversible))
        codec = codecs_of(f"{ROOT}.4.90")[1]
        first = decode_with_codecs((codec,), describe_image(image, 8), encoded)
        assert [one.code for one in verify_samples((codec,), describe_image(image, 8), encoded, first)] == expected


def test_exchanged_rows_and_columns_are_verified() -> None:
    image = np.tile(np.arange(30, dtype=np.uint8), (40, 1))
    codestream = jpeg2000_with_packet_lengths(image.reshape(30, 40))
    assert set(codes(describe_image(image, 8), codestream, ".4.90")) == {
        FindingCode.SIDES_EXCHANGED,
        FindingCode.VERIFIED,
    }


def test_an_error_of_the_second_library_is_a_finding_and_no_failure() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    row = Codec("native", "numpy", "numpy", "native:decode_native", verify_function="verify:decode_deflated_isal")
    first = decode_with_codecs((row,), describe_image(image, 8), FrameBytes(image.tobytes()))
    (finding,) = verify_samples((row,), describe_image(image, 8), FrameBytes(b"\xff" * 9), first)
    assert finding.code is FindingCode.NOT_VERIFIED
    assert "igzip refuses" in finding.detail


def test_verification_is_off_by_default() -> None:
    image = synthetic_image((40, 30), 8)
    assert decode_codestream(describe_image(image, 8), rle(image), f"{ROOT}.5").findings == ()
