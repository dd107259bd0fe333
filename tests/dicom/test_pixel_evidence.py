# SPDX-License-Identifier: MIT
"""Pixel Data decide where Samples per Pixel, Photometric Interpretation and Bits Allocated contradict them."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support.dicom_files import (
    MAX_PIXELS,
    encapsulate_fragments,
    encode_dataset,
    encode_file,
    image_dataset,
    read_dataset,
    wrap_in_file,
)

import plainfilm
from plainfilm.decode.native import unpack_cells
from plainfilm.dicom.read import read_instance
from plainfilm.dicom.transfer_syntax import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from plainfilm.errors import AttributeValueError, ConversionError, Reason
from plainfilm.findings import codes_of

ROWS, COLUMNS = 16, 12
GRAY, COLORS = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"), ("RGB", "YBR_FULL", "YBR_ICT")
NATIVE = (EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE)
ROOT = "1.2.840.10008.1.2.4"


def random_samples(count: int, depth: int = 8) -> NDArray[Any]:
    shape = (ROWS, COLUMNS) if count == 1 else (ROWS, COLUMNS, count)
    return np.random.default_rng(3).integers(0, 2**depth, shape, np.uint16 if depth > 8 else np.uint8)


def encoded(samples: NDArray[Any]) -> dict[str, bytes]:
    """A codestream of each kind, by transfer syntax."""
    return {
        f"{ROOT}.50": imagecodecs.jpeg8_encode(samples, level=95),
        f"{ROOT}.70": imagecodecs.ljpeg_encode(samples) if samples.ndim == 2 else b"",
        f"{ROOT}.80": imagecodecs.jpegls_encode(samples),
        f"{ROOT}.90": imagecodecs.jpeg2k_encode(samples, codecformat="j2k", reversible=True, level=0),
        f"{ROOT}.110": imagecodecs.jpegxl_encode(samples, lossless=True, usecontainer=False),
    }


def header(**changes: Any) -> dict[str, Any]:
    base = {"Rows": ROWS, "Columns": COLUMNS, "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}
    return base | {"PlanarConfiguration": 0} | changes


@pytest.mark.parametrize("stored", [1, 3])
@pytest.mark.parametrize("photometric", [*GRAY, *COLORS])
@pytest.mark.parametrize("declared", [0, 1, 2, 3, 4])
def test_the_length_of_native_data_decides(declared: int, photometric: str, stored: int) -> None:
    expected = 1 if photometric in GRAY else 3
    content = random_samples(stored).tobytes()
    dataset = image_dataset(
        **header(SamplesPerPixel=declared, PhotometricInterpretation=photometric, PixelData=content)
    )
    instance = read_dataset(dataset)
    if declared == expected == 1:  # the rest of the data is left out
        stored = 1
    assert instance.pixel.samples_per_pixel == stored
    codes = codes_of(instance.findings).split(";")
    assert ("assumed_samples_per_pixel" in codes) == (declared != stored)
    assert ("attribute_unusable" in codes) == (expected != stored)
    default = "MONOCHROME2" if stored == 1 else "RGB"
    assert instance.pixel.photometric_interpretation == (photometric if expected == stored else default)


@pytest.mark.parametrize("length", [100, 2 * ROWS * COLUMNS, 7 * ROWS * COLUMNS])
@pytest.mark.parametrize(("declared", "photometric"), [(3, "MONOCHROME2"), (1, "RGB"), (4, "RGB"), (2, "MONOCHROME1")])
def test_data_that_fit_no_reading_are_refused(declared: int, photometric: str, length: int) -> None:
    changes = header(SamplesPerPixel=declared, PhotometricInterpretation=photometric, PixelData=bytes(length))
    with pytest.raises(AttributeValueError) as refused:
        read_dataset(image_dataset(**changes))
    assert (refused.value.reason, refused.value.keyword) == (Reason.UNSUPPORTED_VALUE, "SamplesPerPixel")


@pytest.mark.parametrize("syntax", [f"{ROOT}.50", f"{ROOT}.80", f"{ROOT}.90"])
@pytest.mark.parametrize("stored", [1, 3])
@pytest.mark.parametrize(("declared", "photometric"), [(1, "MONOCHROME2"), (3, "MONOCHROME2"), (1, "RGB"), (3, "RGB")])
def test_the_components_of_a_codestream_decide(declared: int, photometric: str, stored: int, syntax: str) -> None:
    codestream = encoded(random_samples(stored))[syntax]
    changes = header(SamplesPerPixel=declared, PhotometricInterpretation=photometric)
    content = encode_file(image_dataset(**changes, PixelData=encapsulate_fragments(codestream)), syntax)
    right = header(SamplesPerPixel=stored, PhotometricInterpretation="MONOCHROME2" if stored == 1 else "RGB")
    expected = encode_file(image_dataset(**right, PixelData=encapsulate_fragments(codestream)), syntax)
    assert read_instance(content, MAX_PIXELS).pixel.samples_per_pixel == stored
    assert np.array_equal(plainfilm.render(content), plainfilm.render(expected))


SPELLINGS = {
    "monochrome2": "MONOCHROME2",
    "MONOCHROME 2": "MONOCHROME2",
    " MONOCHROME1": "MONOCHROME1",
    "MonoChrome1": "MONOCHROME1",
    "Palette Color": "PALETTE COLOR",
    "PALETTE_COLOR": "PALETTE COLOR",
    "PALETTECOLOR": "PALETTE COLOR",
}


@pytest.mark.parametrize("written", SPELLINGS)
def test_the_spelling_of_an_interpretation_is_corrected(written: str) -> None:
    odd = {"PhotometricInterpretation": ("CS", written.encode() + b" " * (len(written) % 2))}
    instance = read_dataset(image_dataset(), odd=odd)
    assert instance.pixel.photometric_interpretation == SPELLINGS[written]
    expected = "" if written.strip() == SPELLINGS[written] else "attribute_corrected"
    assert codes_of(instance.findings) == expected


def test_monochrome_without_a_number_is_assumed() -> None:
    instance = read_dataset(image_dataset(PhotometricInterpretation="MONOCHROME"))
    assert instance.pixel.photometric_interpretation == "MONOCHROME2"
    assert codes_of(instance.findings) == "assumed_photometric_interpretation"


def packed(values: NDArray[Any]) -> bytes:
    """Samples of 12 bits, two in three bytes, the lowest bits first."""
    flags = np.unpackbits(values.astype("<u2").view(np.uint8).reshape(-1, 2), axis=1, bitorder="little")[:, :12]
    return np.packbits(flags.ravel(), bitorder="little").tobytes()


@pytest.mark.parametrize("first_bit", [0, 4])
@pytest.mark.parametrize("count", [1, 2, 3, 8, 9])
def test_packed_samples_are_unpacked(count: int, first_bit: int) -> None:
    values = np.random.default_rng(count).integers(0, 4096, count + 1, np.uint16)
    data = packed(values)[first_bit // 4 :]
    skipped = first_bit // 4
    assert np.array_equal(unpack_cells(data, first_bit, count, 12), values[skipped : skipped + count])


@pytest.mark.parametrize("frames", [1, 2, 3])
@pytest.mark.parametrize("columns", [12, 11])
@pytest.mark.parametrize("rows", [16, 15])
@pytest.mark.parametrize("syntax", NATIVE)
def test_bits_allocated_12_may_be_packed(syntax: str, rows: int, columns: int, frames: int) -> None:
    values = np.random.default_rng(1).integers(0, 4096, (frames, rows, columns), np.uint16)
    size = {"Rows": rows, "Columns": columns, "NumberOfFrames": frames}
    pixels = packed(values.ravel())
    if syntax == EXPLICIT_BIG:
        words = np.frombuffer(pixels + b"\0" * (len(pixels) % 2), "<u2")
        pixels = words.astype(">u2").tobytes()
    content = encode_file(image_dataset(**size, BitsAllocated=12, PixelData=pixels), syntax)
    order = ">u2" if syntax == EXPLICIT_BIG else "<u2"
    expected = encode_file(image_dataset(**size, PixelData=values.astype(order).tobytes()), syntax)
    for frame in range(1, frames + 1):
        assert np.array_equal(
            plainfilm.render(content, frame=frame, look="stored"),
            plainfilm.render(expected, frame=frame, look="stored"),
        )


@pytest.mark.parametrize(
    ("allocated", "stored", "bytes_per_pixel", "read_as"),
    [
        (8, 12, 2, 16),
        (8, 10, 2, 16),
        (10, 10, 2, 16),
        (12, 12, 2, 16),
        (14, 14, 2, 16),
        (16, 8, 1, 8),
        (16, 6, 1, 8),
        (8, 8, 2, 8),
        (8, 12, 1, 8),
        (16, 8, 2, 16),
    ],
)
@pytest.mark.parametrize("frames", [1, 2])
def test_the_length_of_the_data_decides_on_bits_allocated(
    allocated: int, stored: int, bytes_per_pixel: int, read_as: int, frames: int
) -> None:
    length = ROWS * COLUMNS * bytes_per_pixel * frames
    changes = {"BitsAllocated": allocated, "BitsStored": stored, "HighBit": stored - 1, "PixelData": bytes(length)}
    instance = read_dataset(image_dataset(**header(**changes), NumberOfFrames=frames))
    assert instance.pixel.bits_allocated == read_as
    assert ("assumed_bits_allocated" in codes_of(instance.findings)) == (read_as != allocated)


@pytest.mark.parametrize(("allocated", "stored"), [(16, 12), (16, 16), (16, 9), (12, 12), (10, 10), (14, 14), (8, 12)])
def test_a_film_that_is_cut_is_never_read_at_half_its_depth(allocated: int, stored: int) -> None:
    for length in (ROWS * COLUMNS - 2, ROWS * COLUMNS // 2, ROWS * COLUMNS if allocated > 8 else 2, 96):
        changes = {"BitsAllocated": allocated, "BitsStored": stored, "HighBit": stored - 1, "PixelData": bytes(length)}
        with pytest.raises(ConversionError) as failed:
            plainfilm.render(encode_file(image_dataset(**header(**changes))))
        assert failed.value.reason in (Reason.TRUNCATED_PIXEL_DATA, Reason.UNSUPPORTED_VALUE)


PRIVATE = (
    *("1.2.840.113619.5.2", "1.3.46.670589.33.1.4.1", "1.2.840.10008.1.20", "1.2.276.0.50.1.2.1", "1.2.3.4"),
    *("1.2.840.10008.1.2.1.", "1.2.840.10008.1.2.1x", "1.2.840.10008.1.2.9", "unknown"),
)


@pytest.mark.parametrize("declared", PRIVATE)
@pytest.mark.parametrize("encoding", NATIVE)
@pytest.mark.parametrize("depth", [8, 16])
def test_native_data_are_read_whatever_the_file_says(declared: str, encoding: str, depth: int) -> None:
    values = random_samples(1, depth)
    is_big = encoding == EXPLICIT_BIG or declared == "1.2.840.113619.5.2"
    pixels = values.astype(">u2" if is_big else "<u2").tobytes() if depth == 16 else values.tobytes()
    if depth == 8 and is_big:  # OW in big endian
        pixels = np.frombuffer(pixels, "<u2").astype(">u2").tobytes()
    bits = {"BitsAllocated": depth, "BitsStored": depth, "HighBit": depth - 1}
    body = encode_dataset(image_dataset(**header(**bits), PixelData=pixels), encoding)
    content = wrap_in_file(body, declared)
    assert np.array_equal(plainfilm.render(content, look="stored"), values)
    findings = read_instance(content, MAX_PIXELS).findings
    assert codes_of(findings) == "assumed_transfer_syntax"
    assert "TransferSyntaxUID" in findings[0].detail


@pytest.mark.parametrize(
    "declared",
    [
        *PRIVATE,
        *(f"{ROOT}.{number}" for number in (50, 51, 57, 70, 80, 81, 90, 91, 100, 102, 110, 201)),
        "1.2.840.10008.1.2.5",
        None,
    ],
)
@pytest.mark.parametrize("right", [f"{ROOT}.50", f"{ROOT}.70", f"{ROOT}.80", f"{ROOT}.90", f"{ROOT}.110"])
def test_a_codestream_is_decoded_as_what_it_is(declared: str | None, right: str) -> None:
    samples = random_samples(1)
    codestream = encoded(samples)[right]
    dataset = image_dataset(**header(PixelData=encapsulate_fragments(codestream)))
    expected = plainfilm.render(encode_file(dataset, right))
    content = wrap_in_file(encode_dataset(dataset), declared)
    assert np.array_equal(plainfilm.render(content), expected)
    family = {"50": ("50", "51"), "70": ("57", "70"), "80": ("80", "81"), "90": ("90", "91"), "110": ("110",)}
    is_right = declared in [f"{ROOT}.{number}" for number in family[right.rpartition(".")[2]]]
    codes = codes_of(read_instance(content, MAX_PIXELS).findings)
    assert codes == ("" if is_right else "assumed_transfer_syntax")


@pytest.mark.parametrize("declared", ["1.2.3.4", "1.2.840.113619.5.2"])
def test_fragments_that_do_not_say_what_they_are_stay_unsupported(declared: str) -> None:
    dataset = image_dataset(**header(PixelData=encapsulate_fragments(b"\1\2\3\4" * 30)))
    with pytest.raises(ConversionError):
        plainfilm.render(wrap_in_file(encode_dataset(dataset), declared))


@pytest.mark.parametrize("frames", [2, 3, 5])
def test_frames_that_are_padded_one_by_one_do_not_drift(frames: int) -> None:
    values = np.random.default_rng(7).integers(0, 256, (frames, 5, 7), np.uint8)
    pixels = b"".join(frame.tobytes() + b"\0" for frame in values)
    changes = header(Rows=5, Columns=7, NumberOfFrames=frames, PixelData=pixels)
    content = encode_file(image_dataset(**changes))
    for number, frame in enumerate(values, 1):
        assert np.array_equal(plainfilm.render(content, frame=number, look="stored"), frame)
