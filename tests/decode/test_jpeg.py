# SPDX-License-Identifier: MIT
"""JPEG and JPEG-LS frames are exact where lossless, have the right colours, and are never truncated silently."""

from __future__ import annotations

import io
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image
from tests.support.codestreams import decode_codestream, describe_image, synthetic_image

from plainfilm.errors import ConversionError, DecodeError, Reason, TruncatedError, UnsupportedError
from plainfilm.findings import FindingCode
from plainfilm.kernels import HAS_CORE
from plainfilm.rendering.color import to_rgb

BASELINE, EXTENDED, PROGRESSIVE = (f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 55))
LOSSLESS, JPEG_LS, NEAR_LOSSLESS = (f"1.2.840.10008.1.2.4.{number}" for number in (70, 80, 81))


def baseline(image: Any, **options: Any) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(image, 95, **options))


def lossless(image: Any, bits: int, predictor: int = 1) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(image, lossless=True, bitspersample=bits, predictor=predictor))


def without_segments(codestream: bytes, *markers: int) -> bytes:
    """The codestream without these marker segments, and with component identifiers that declare no colour space."""
    kept, position = [codestream[:2]], 2
    while codestream[position + 1] != 0xDA:
        stop = position + 2 + int.from_bytes(codestream[position + 2 : position + 4], "big")
        if codestream[position + 1] not in markers:
            kept.append(codestream[position:stop])
        position = stop
    silent = b"".join((*kept, codestream[position:]))
    return silent.replace(b"R\x11\x00G\x11\x00B\x11\x00", b"\x01\x11\x00\x02\x11\x00\x03\x11\x00").replace(
        b"\xff\xda\x00\x0c\x03R\x00G\x00B\x00", b"\xff\xda\x00\x0c\x03\x01\x00\x02\x00\x03\x00"
    )


def cuts(codestream: bytes, step: int) -> range:
    return range(3, len(codestream) - 2, max(1, len(codestream) // step))


@pytest.mark.parametrize("shape", [(40, 30), (33, 17, 3), (1, 1), (8, 8, 3)])
def test_baseline_samples_equal_those_of_another_decoder(shape: tuple[int, ...]) -> None:
    image = synthetic_image(shape, 8)
    codestream = baseline(image)
    decoded = decode_codestream(
        describe_image(image, 8, "" if len(shape) == 2 else "YBR_FULL_422"), codestream, BASELINE
    )
    assert np.array_equal(decoded.samples, imagecodecs.jpeg8_decode(codestream))
    assert (decoded.precision, decoded.signed) == (8, None)
    assert decoded.samples.flags.c_contiguous
    assert decoded.findings == ()
    assert decoded.decoder.startswith("jpeg-8bit simplejpeg-")


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_jpegls_without_its_last_byte_is_never_decoded_as_complete(bits: int) -> None:
    for seed in range(60):
        image = synthetic_image((12, 9), bits, seed=seed)
        codestream = bytes(imagecodecs.jpegls_encode(image))
        assert np.array_equal(decode_codestream(describe_image(image, bits), codestream, JPEG_LS).samples, image)
        with pytest.raises(ConversionError):
            decode_codestream(describe_image(image, bits), codestream[:-3] + b"\xff\xd9", JPEG_LS)


@pytest.mark.parametrize("color", [False, True])
def test_progressive_jpeg_is_decoded(color: bool) -> None:
    image = synthetic_image((40, 30, 3) if color else (40, 30), 8)
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=95, progressive=True, subsampling=0)
    decoded = decode_codestream(describe_image(image, 8, "YBR_FULL" if color else ""), file.getvalue(), PROGRESSIVE)
    assert np.abs(decoded.samples.astype(int) - np.asarray(Image.open(file)).astype(int)).max() <= 1


@pytest.mark.parametrize(
    ("coded_as", "tag", "found"),
    [
        ("RGB", "RGB", False),
        ("YCBCR", "YBR_FULL", False),
        ("YCBCR", "YBR_FULL_422", False),
        ("RGB", "YBR_FULL_422", True),
        ("YCBCR", "RGB", True),
    ],
)
@pytest.mark.parametrize("bits", [8, 12])
def test_the_codestream_decides_the_color_space(coded_as: str, tag: str, found: bool, bits: int) -> None:
    image = synthetic_image((32, 24, 3), bits)
    codestream = baseline(image, outcolorspace=coded_as, subsampling="444", bitspersample=bits)
    pixel = describe_image(image, bits, tag)
    decoded = decode_codestream(pixel, codestream, EXTENDED)
    codes = [finding.code for finding in decoded.findings]
    if bits == 12 and coded_as == "YCBCR":
        # the JFIF segment counts in 8-bit processes only (T.871)
        assert (decoded.photometric_interpretation, codes) == ("RGB" if tag == "RGB" else "YBR_FULL", [])
        return
    assert codes == [FindingCode.COLOR_TRANSFORM_DISAGREES] * found
    away = np.abs(to_rgb(decoded, pixel, None).samples.astype(int) - image)
    assert away.mean() < 0.02 * (1 << bits)


@pytest.mark.parametrize("coded_as", ["RGB", "YCBCR"])
def test_the_header_decides_the_color_space_if_the_codestream_declares_none(coded_as: str) -> None:
    image = synthetic_image((32, 24, 3), 8)
    silent = without_segments(baseline(image, outcolorspace=coded_as, subsampling="444"), 0xE0, 0xEE)
    tag = "RGB" if coded_as == "RGB" else "YBR_FULL"
    decoded = decode_codestream(describe_image(image, 8, tag), silent, BASELINE)
    assert decoded.photometric_interpretation == "RGB"
    assert np.abs(decoded.samples.astype(int) - image).mean() < 5
    assert decoded.findings == ()


@pytest.mark.parametrize("subsampling", ["422", "420"])
@pytest.mark.parametrize("tag", ["RGB", "YBR_FULL", "YBR_FULL_422"])
def test_subsampled_chroma_without_an_adobe_segment_is_ycbcr(subsampling: str, tag: str) -> None:
    image = synthetic_image((32, 24, 3), 8)
    silent = without_segments(baseline(image, outcolorspace="YCBCR", subsampling=subsampling), 0xE0, 0xEE)
    decoded = decode_codestream(describe_image(image, 8, tag), silent, BASELINE)
    assert decoded.photometric_interpretation == "RGB"
    codes = [finding.code for finding in decoded.findings]
    assert codes == [FindingCode.COLOR_TRANSFORM_DISAGREES] * (tag == "RGB")
    own = decode_codestream(describe_image(image, 8, "YBR_FULL"), silent, BASELINE)
    assert np.array_equal(decoded.samples, own.samples)


def test_the_adobe_segment_counts_more_than_jfif() -> None:
    image = synthetic_image((32, 24, 3), 8)
    silent = without_segments(baseline(image, outcolorspace="RGB", subsampling="444"), 0xE0, 0xEE)
    jfif = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    adobe = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
    decoded = decode_codestream(describe_image(image, 8, "YBR_FULL"), silent[:2] + jfif + adobe + silent[2:], BASELINE)
    assert decoded.photometric_interpretation == "RGB"
    assert np.abs(decoded.samples.astype(int) - image).mean() < 2.5


def test_partial_range_is_not_converted_by_the_decoder() -> None:
    image = synthetic_image((32, 24, 3), 8)
    silent = without_segments(baseline(image, outcolorspace="RGB", subsampling="444"), 0xE0, 0xEE)
    decoded = decode_codestream(describe_image(image, 8, "YBR_PARTIAL_422"), silent, BASELINE)
    assert decoded.photometric_interpretation == "YBR_PARTIAL_422"
    assert np.abs(decoded.samples.astype(int) - image).mean() < 2.5


def test_a_scan_header_without_coefficients_is_decoded_with_all_coefficients() -> None:
    image = synthetic_image((32, 24), 8)
    codestream = baseline(image)
    scan = codestream.index(b"\xff\xda")
    odd = codestream[: scan + 7] + b"\x00\x00\x00" + codestream[scan + 10 :]
    assert odd != codestream
    pixel = describe_image(image, 8)
    assert np.array_equal(
        decode_codestream(pixel, odd, BASELINE).samples, decode_codestream(pixel, codestream, BASELINE).samples
    )


@pytest.mark.parametrize("shape", [(40, 30), (24, 20, 3)])
@pytest.mark.parametrize("bits", [8, 12])
def test_extended_of_twelve_bits_is_never_scaled(shape: tuple[int, ...], bits: int) -> None:
    image = synthetic_image(shape, bits)
    codestream = baseline(image, bitspersample=bits, outcolorspace="RGB")
    decoded = decode_codestream(describe_image(image, bits), codestream, EXTENDED)
    assert decoded.precision == bits
    assert np.abs(decoded.samples.astype(int) - image).mean() < 0.01 * (1 << bits)
    assert decoded.samples.dtype == image.dtype


@pytest.mark.parametrize("predictor", [1, 2, 4, 7])
@pytest.mark.parametrize("bits", [2, 8, 10, 12, 16])
@pytest.mark.parametrize("shape", [(40, 30), (24, 20, 3), (1, 2), (5, 1)])
def test_lossless_jpeg_is_exact(shape: tuple[int, ...], bits: int, predictor: int) -> None:
    image = synthetic_image(shape, bits)
    decoded = decode_codestream(describe_image(image, bits), lossless(image, bits, predictor), LOSSLESS)
    assert np.array_equal(decoded.samples, image)
    assert (decoded.precision, decoded.signed) == (bits, None)
    assert decoded.decoder.startswith("jpeg-lossless plainfilm-" if HAS_CORE else "jpeg-deep imagecodecs-")


def test_lossless_ybr_samples_are_not_converted() -> None:
    image = synthetic_image((24, 20, 3), 8)
    silent = without_segments(lossless(image, 8), 0xEE)
    decoded = decode_codestream(describe_image(image, 8, "YBR_FULL"), silent, LOSSLESS)
    assert decoded.photometric_interpretation == "YBR_FULL"
    assert np.array_equal(decoded.samples, image)


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("shape", [(40, 30), (24, 20, 3)])
@pytest.mark.parametrize("near", [0, 2])
def test_jpegls_is_decoded(shape: tuple[int, ...], bits: int, near: int) -> None:
    image = synthetic_image(shape, bits)
    codestream = bytes(imagecodecs.jpegls_encode(image, near))
    decoded = decode_codestream(describe_image(image, bits), codestream, NEAR_LOSSLESS if near else JPEG_LS)
    assert np.abs(decoded.samples.astype(int) - image).max() <= near
    assert decoded.samples.dtype == image.dtype
    assert decoded.signed is None


ENCODERS: dict[str, Any] = {
    "baseline grey": (BASELINE, 8, (60, 50), baseline),
    "baseline color": (BASELINE, 8, (60, 50, 3), baseline),
    "extended 12": (EXTENDED, 12, (60, 50), lambda image: baseline(image, bitspersample=12)),
    "lossless 8": (LOSSLESS, 8, (60, 50), lambda image: lossless(image, 8)),
    "lossless 16": (LOSSLESS, 16, (60, 50), lambda image: lossless(image, 16)),
    "lossless color": (LOSSLESS, 8, (60, 50, 3), lambda image: lossless(image, 8)),
    "lossless planar": (LOSSLESS, 12, (60, 50), lambda image: lossless(image, 12, 4)),
    "jpeg-ls": (JPEG_LS, 12, (60, 50), lambda image: bytes(imagecodecs.jpegls_encode(image))),
}


@pytest.mark.parametrize("name", ENCODERS)
def test_a_codestream_truncated_anywhere_is_rejected(name: str) -> None:
    syntax, bits, shape, encode = ENCODERS[name]
    image = synthetic_image(shape, bits)
    codestream = encode(image)
    pixel = describe_image(image, bits, "YBR_FULL_422" if name == "baseline color" else "")
    for length in cuts(codestream, 60):
        with pytest.raises(ConversionError) as caught:
            decode_codestream(pixel, codestream[:length], syntax)
        assert caught.value.reason in (Reason.TRUNCATED_PIXEL_DATA, Reason.CORRUPT_CODESTREAM)


@pytest.mark.parametrize("name", ENCODERS)
def test_a_truncated_codestream_with_an_added_end_marker_is_rejected(name: str) -> None:
    syntax, bits, shape, encode = ENCODERS[name]
    image = synthetic_image(shape, bits)
    codestream = encode(image)
    pixel = describe_image(image, bits, "YBR_FULL_422" if name == "baseline color" else "")
    for length in (*cuts(codestream, 60), len(codestream) - 12):
        with pytest.raises(ConversionError):
            decode_codestream(pixel, codestream[:length] + b"\xff\xd9", syntax)


@pytest.mark.parametrize("fill", [1, 2, 9])
@pytest.mark.parametrize("name", ["lossless", "extended"])
def test_fill_bytes_before_the_end_marker_are_accepted(name: str, fill: int) -> None:
    """T.81 B.1.1.2: any number of FF may stand before a marker; DCMTK makes frames even by one."""
    image = synthetic_image((40, 32), 12)
    image[-16:] = 7
    codestream, syntax = (
        (lossless(image, 12), LOSSLESS) if name == "lossless" else (baseline(image, bitspersample=12), EXTENDED)
    )
    filled = codestream[:-2] + b"\xff" * fill + codestream[-2:]
    whole, found = (
        decode_codestream(describe_image(image, 12), content, syntax).samples for content in (codestream, filled)
    )
    assert np.array_equal(found, whole)


def test_a_flat_border_at_the_end_of_an_image_is_not_taken_for_a_truncation() -> None:
    image = synthetic_image((40, 30), 12)
    image[-10:] = 7
    assert np.array_equal(decode_codestream(describe_image(image, 12), lossless(image, 12), LOSSLESS).samples, image)


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("change", [{"rows": 61}, {"columns": 49}, {"rows": 50, "columns": 60}, {"samples": True}])
def test_a_header_with_another_size_is_a_mismatch(name: str, change: dict[str, int]) -> None:
    syntax, bits, shape, encode = ENCODERS[name]
    image = synthetic_image(shape, bits)
    if "samples" in change:
        change = {"samples_per_pixel": 3 if len(shape) == 2 else 1}
    with pytest.raises(DecodeError) as caught:
        decode_codestream(describe_image(image, bits, **change), encode(image), syntax)
    assert caught.value.reason is Reason.CODESTREAM_MISMATCH


@pytest.mark.parametrize("name", ENCODERS)
def test_an_enormous_declared_size_is_a_mismatch(name: str) -> None:
    syntax, bits, shape, encode = ENCODERS[name]
    image = synthetic_image(shape, bits)
    codestream = bytearray(encode(image))
    frame = next(
        codestream.find(bytes((0xFF, marker)))
        for marker in (0xC0, 0xC1, 0xC3, 0xF7)
        if bytes((0xFF, marker)) in codestream
    )
    codestream[frame + 5 : frame + 9] = b"\xff\xff\xff\xff"
    with pytest.raises(DecodeError, match="65535 rows, 65535 columns") as caught:
        decode_codestream(describe_image(image, bits), bytes(codestream), syntax)
    assert caught.value.reason is Reason.CODESTREAM_MISMATCH


@pytest.mark.parametrize("marker", [0xC5, 0xC9, 0xCB])
def test_the_error_names_a_process_that_is_not_decoded(marker: int) -> None:
    image = synthetic_image((16, 16), 8)
    codestream = baseline(image).replace(b"\xff\xc0", bytes((0xFF, marker)))
    with pytest.raises(UnsupportedError, match=f"SOF{marker - 0xC0} .*hierarchical or arithmetic"):
        decode_codestream(describe_image(image, 8), codestream, EXTENDED)


def test_a_codestream_of_another_jpeg_family_is_reported() -> None:
    image = synthetic_image((16, 16), 8)
    pixel = describe_image(image, 8)
    with pytest.raises(DecodeError, match="syntax is JPEG-LS, the codestream is JPEG of process SOF0"):
        decode_codestream(pixel, baseline(image), JPEG_LS)
    with pytest.raises(UnsupportedError, match="SOF55"):
        decode_codestream(pixel, bytes(imagecodecs.jpegls_encode(image)), LOSSLESS)
    with pytest.raises(DecodeError, match="does not begin with a JPEG SOI"):
        decode_codestream(pixel, b"\xff\x4f\xff\x51" + bytes(99), BASELINE)


def test_the_message_of_the_decoder_is_kept() -> None:
    image = synthetic_image((60, 50), 8)
    codestream = baseline(image)
    half = codestream[: len(codestream) // 2] + b"\xff\xd9"
    with pytest.raises(TruncatedError, match="premature end") as caught:
        decode_codestream(describe_image(image, 8), half, BASELINE)
    assert caught.value.reason is Reason.TRUNCATED_PIXEL_DATA
    assert caught.value.__cause__ is not None


def test_a_missing_end_marker_is_named_in_the_error() -> None:
    image = synthetic_image((60, 50), 12)
    with pytest.raises(TruncatedError, match="no EOI marker"):
        decode_codestream(describe_image(image, 12), lossless(image, 12)[:-2], LOSSLESS)
