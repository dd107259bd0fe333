# SPDX-License-Identifier: MIT
"""Completeness is judged by what was coded: scans, bits, sides and bytes behind the end of a codestream."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from tests.support.cases.build import build_case
from tests.support.codestreams import decode_codestream, describe_image, synthetic_image

import plainfilm
from plainfilm.decode.codestream import read_jpeg
from plainfilm.errors import ConversionError, DecodeError, Reason, TruncatedError
from plainfilm.findings import FindingCode

BASELINE, EXTENDED, LOSSLESS = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.70"
JPEG_LS, JPEG_2000, RLE = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5"
EOI = b"\xff\xd9"


def progressive(image: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", progressive=True, quality=95)
    return file.getvalue()


def codes_of(decoded: Any) -> set[FindingCode]:
    return {finding.code for finding in decoded.findings}


@pytest.mark.parametrize("color", [False, True])
def test_a_progressive_image_needs_all_of_its_scans(color: bool) -> None:
    image = synthetic_image((40, 56, 3) if color else (40, 56), 8)
    codestream = progressive(image)
    pixel = describe_image(image, 8, "YBR_FULL_422" if color else "MONOCHROME2")
    decode_codestream(pixel, codestream, EXTENDED)
    header = read_jpeg(codestream)
    starts = [segment.start for segment in header.segments if segment.marker == 0xDA]
    assert len(starts) > 3
    for start in starts[1:]:
        with pytest.raises(TruncatedError, match="scan"):
            decode_codestream(pixel, codestream[:start].rstrip(b"\xff") + EOI, EXTENDED)


def test_damage_inside_a_12_bit_scan_is_noticed() -> None:
    image = synthetic_image((64, 72), 12)
    codestream = bytes(imagecodecs.jpeg8_encode(image, level=95, bitspersample=12))
    decode_codestream(describe_image(image, 12), codestream, EXTENDED)
    start = next(segment.stop for segment in read_jpeg(codestream).segments if segment.marker == 0xDA)
    noticed = 0
    positions = range(start + 20, len(codestream) - 20, 97)
    for position in positions:
        damaged = bytearray(codestream)
        damaged[position] = 0x00 if damaged[position - 1] != 0xFF else 0x01
        try:
            decode_codestream(describe_image(image, 12), bytes(damaged), EXTENDED)
        except ConversionError:
            noticed += 1
    assert noticed >= len(positions) // 4


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("count", [2, 16, 100])
def test_bytes_put_into_a_lossless_scan_are_noticed(predictor: int, count: int) -> None:
    image = synthetic_image((40, 50), 12)
    codestream = bytes(imagecodecs.jpeg8_encode(image, lossless=True, bitspersample=12, predictor=predictor))
    start = next(segment.stop for segment in read_jpeg(codestream).segments if segment.marker == 0xDA)
    middle = start + (len(codestream) - start) // 2
    middle += codestream[middle - 1] == 0xFF
    damaged = codestream[:middle] + b"\x55" * count + codestream[middle:]
    with pytest.raises(ConversionError) as caught:
        decode_codestream(describe_image(image, 12), damaged, LOSSLESS)
    assert caught.value.reason in (Reason.CORRUPT_CODESTREAM, Reason.TRUNCATED_PIXEL_DATA)


@pytest.mark.parametrize("padding", [b"\0" * 3, b"\xff\0" * 2])
def test_padding_at_the_end_of_a_lossless_scan_is_harmless(padding: bytes) -> None:
    image = synthetic_image((40, 50), 12)
    codestream = bytes(imagecodecs.jpeg8_encode(image, lossless=True, bitspersample=12, predictor=1))
    decoded = decode_codestream(describe_image(image, 12), codestream[:-2].rstrip(b"\xff") + padding + EOI, LOSSLESS)
    assert np.array_equal(decoded.samples, image)


def encode(image: Any, syntax: str) -> bytes:
    if syntax == JPEG_LS:
        return bytes(imagecodecs.jpegls_encode(image))
    if syntax == JPEG_2000:
        return bytes(imagecodecs.jpeg2k_encode(image, codecformat="j2k", reversible=True))
    return bytes(imagecodecs.jpeg8_encode(image, lossless=True, bitspersample=12, predictor=1))


@pytest.mark.parametrize("syntax", [LOSSLESS, JPEG_LS, JPEG_2000])
def test_a_second_codestream_behind_the_first_is_a_finding(syntax: str) -> None:
    image = synthetic_image((40, 50), 12)
    codestream = encode(image, syntax)
    decoded = decode_codestream(describe_image(image, 12), codestream + codestream, syntax)
    assert np.array_equal(decoded.samples, image)
    assert FindingCode.EXCESS_PIXEL_DATA in codes_of(decoded)
    padded = decode_codestream(describe_image(image, 12), codestream + b"\0\0", syntax)
    assert FindingCode.EXCESS_PIXEL_DATA not in codes_of(padded)


def smooth(rows: int, columns: int) -> Any:
    """Rows that change slowly, with columns that change at once: another width tears it apart."""
    down, across = np.arange(rows)[:, None], np.arange(columns)[None, :]
    return (200 + 3 * down + 1500 * np.abs(np.sin(across / 3.0))).astype(np.uint16)


@pytest.mark.parametrize("syntax", [LOSSLESS, JPEG_LS, JPEG_2000])
@pytest.mark.parametrize("shape", [(48, 40), (40, 48), (30, 90)])
def test_exchanged_sides_are_laid_out_by_the_header_where_that_is_smoother(syntax: str, shape: tuple[int, int]) -> None:
    image = smooth(*shape)
    codestream = encode(np.ascontiguousarray(image.reshape(shape[1], shape[0])), syntax)
    decoded = decode_codestream(describe_image(image, 12), codestream, syntax)
    assert np.array_equal(decoded.samples, image)
    assert FindingCode.SIDES_EXCHANGED in codes_of(decoded)


@pytest.mark.parametrize("syntax", [LOSSLESS, JPEG_LS, JPEG_2000])
def test_exchanged_sides_are_a_mismatch_where_the_layout_of_the_header_is_not_smoother(syntax: str) -> None:
    image = smooth(48, 40)
    header = describe_image(np.zeros((40, 48), np.uint16), 12)
    with pytest.raises(DecodeError) as caught:
        decode_codestream(header, encode(image, syntax), syntax)
    assert caught.value.reason is Reason.CODESTREAM_MISMATCH


def packbits_rows(image: Any, columns: int) -> list[bytes]:
    """RLE segments of 16-bit samples whose runs end with rows of a given length."""
    flat = image.astype("<u2").reshape(-1)
    planes = [(flat >> 8).astype(np.uint8), (flat & 255).astype(np.uint8)]
    return [
        b"".join(imagecodecs.packbits_encode(row.tobytes()) for row in plane.reshape(-1, columns)) for plane in planes
    ]


def rle_frame(segments: list[bytes]) -> bytes:
    offsets, position = [], 64
    for segment in segments:
        offsets.append(position)
        position += len(segment)
    header = [len(segments), *offsets, *[0] * (15 - len(segments))]
    return np.array(header, "<u4").tobytes() + b"".join(segments)


@pytest.mark.parametrize("excess", [b"\x00\x07", b"\x00\x00", b"\xf1\x00" * 20, b"\x04abcde"])
def test_rle_segments_that_are_a_little_too_long_are_trimmed(excess: bytes) -> None:
    image = synthetic_image((24, 30), 12)
    segments = [segment + excess for segment in packbits_rows(image, 30)]
    decoded = decode_codestream(describe_image(image, 12), rle_frame(segments), RLE)
    assert np.array_equal(decoded.samples, image)
    assert FindingCode.EXCESS_PIXEL_DATA in codes_of(decoded)


def test_rle_runs_that_end_with_rows_of_the_other_length_are_a_mismatch() -> None:
    image = synthetic_image((24, 30), 12)
    header = describe_image(np.zeros((30, 24), np.uint16), 12)
    with pytest.raises(DecodeError, match="rows of 30 columns"):
        decode_codestream(header, rle_frame(packbits_rows(image, 30)), RLE)


def test_rle_runs_across_the_ends_of_rows_alone_prove_nothing() -> None:
    image = synthetic_image((24, 30), 12)
    decoded = decode_codestream(describe_image(image, 12), rle_frame(packbits_rows(image, 24 * 30)), RLE)
    assert np.array_equal(decoded.samples, image)


def test_an_image_with_exchanged_sides_is_repaired_and_strict_refuses_it(tmp_path: Path) -> None:
    image = smooth(48, 40)
    dataset = build_case(rows=48, columns=40, centers=(2000,), widths=(4000,))[0]
    codestream = encode(np.ascontiguousarray(image.reshape(40, 48)), LOSSLESS)
    dataset.PixelData = encapsulate([codestream])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = LOSSLESS
    path = tmp_path / "exchanged.dcm"
    dataset.save_as(path, enforce_file_format=True)
    assert plainfilm.explain(path).to_dict()["status"] == "repaired"
    with pytest.raises(ConversionError) as caught:
        plainfilm.render(path, strict=True)
    assert caught.value.reason is Reason.REPAIR_REFUSED
