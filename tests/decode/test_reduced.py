# SPDX-License-Identifier: MIT
"""A reduced frame shows the frame at the right position; unusual codestreams are decoded at full resolution."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
import pytest
import simplejpeg
from numpy.typing import NDArray
from openjpeg.utils import encode_array
from PIL import Image, ImageFile
from tests.support.codestreams import decode_codestream, describe_image, synthetic_image

from plainfilm.decode import DecodedFrame, decode_reduced
from plainfilm.decode.jpeg2000 import checked_codestream
from plainfilm.decode.reduced import wavelet_level
from plainfilm.dicom.frames import FrameBytes, locate_frames
from plainfilm.dicom.instance import ImagePixel, PixelData
from plainfilm.errors import ConversionError
from plainfilm.findings import FindingCode

Array = NDArray[Any]
JPEG, JPEG_2000, HIGH_THROUGHPUT = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.4.201"


# colour or not, precision, sign: what Pillow's pictures can hold
HELD = [
    *((False, bits, False) for bits in range(1, 17)),
    *((False, bits, True) for bits in range(9, 17)),
    *((True, bits, False) for bits in range(1, 9)),
]


def jpeg2000(image: Array, bits: int, **options: Any) -> bytes:
    space = 2 if image.ndim == 2 else 1
    return encode_array(image, bits_stored=bits, photometric_interpretation=space, codec_format=0, **options)


def high_throughput(image: Array, bits: int) -> bytes:
    del bits
    return bytes(imagecodecs.htj2k_encode(image, reversible=True))


def jpeg(image: Array, bits: int) -> bytes:
    del bits
    if image.ndim == 3:
        return simplejpeg.encode_jpeg(image, 95, "RGB", colorsubsampling="444")
    return simplejpeg.encode_jpeg(image[:, :, None], 95, "GRAY", colorsubsampling="Gray")


def pillow(image: Array, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG2000", no_jp2=True, **options)
    return file.getvalue()


def reduced(
    pixel: ImagePixel, codestream: bytes, least: tuple[int, int], syntax: str = JPEG_2000
) -> DecodedFrame | None:
    content = codestream + b"\0" * (len(codestream) % 2)
    items = b"".join(b"\xfe\xff\x00\xe0" + struct.pack("<I", len(one)) + one for one in (b"", content))
    data = PixelData(items + b"\xfe\xff\xdd\xe0\x00\x00\x00\x00", syntax, True)
    return decode_reduced(pixel, data, locate_frames(pixel, data), 0, least)


def slope(rows: int, columns: int, bits: int) -> Array:
    """Values that rise evenly to the right and, half as fast, downwards: each value tells its position."""
    y, x = np.mgrid[:rows, :columns]
    return np.rint((x / columns + y / rows / 2) * ((1 << bits) - 1) / 1.5)


@pytest.mark.parametrize(("color", "bits", "signed"), HELD)
def test_pillow_gives_the_samples_of_the_full_resolution_decoder(color: bool, bits: int, signed: bool) -> None:
    image = synthetic_image((51, 43, 3) if color else (51, 43), bits, signed)
    pixel = describe_image(image, bits)
    header, codestream = checked_codestream(pixel, FrameBytes(jpeg2000(image, bits)))
    samples = wavelet_level(codestream, header, 0)
    assert samples is not None
    assert samples.dtype == image.dtype
    assert np.array_equal(samples, image)


@pytest.mark.parametrize("encode", [jpeg2000, high_throughput, jpeg])
@pytest.mark.parametrize("size", [(256, 192), (257, 193), (250, 201), (255, 199), (300, 161)])
@pytest.mark.parametrize("level", [1, 2, 3])
def test_every_sample_lies_at_its_grid_position(
    encode: Callable[[Array, int], bytes], size: tuple[int, int], level: int
) -> None:
    bits = 16 if encode is high_throughput else 8 if encode is jpeg else 12
    whole = slope(*size, bits).astype("u1" if bits == 8 else "u2")
    least = -(-size[0] >> level), -(-size[1] >> level)
    syntax = {jpeg: JPEG, high_throughput: HIGH_THROUGHPUT}.get(encode, JPEG_2000)
    decoded = reduced(describe_image(whole, bits), encode(whole, bits), least, syntax)
    assert decoded is not None
    assert decoded.samples.shape == least
    rows, columns = (
        (np.arange(number) + 0.5) / number * length - 0.5 for number, length in zip(least, size, strict=True)
    )
    there = (columns[None, :] / size[1] + rows[:, None] / size[0] / 2) * ((1 << bits) - 1) / 1.5
    away = (decoded.samples - there)[3:-3, 3:-3] / (((1 << bits) - 1) / 1.5 / size[1])
    # in columns of the whole frame; a step of 8-bit levels is more than a column wide
    assert abs(away.mean()) < 0.06 * (1 << level)
    assert np.abs(away).max() < 0.1 * (1 << level) + (2 if bits == 8 else 0)


@pytest.mark.parametrize("bits", [8, 12])
@pytest.mark.parametrize("tiles", [None, (64, 48)])
def test_colors_tiles_and_progressions_give_the_same_samples(bits: int, tiles: tuple[int, int] | None) -> None:
    grey = slope(200, 180, 8).astype("u1")
    image = np.stack([grey, 255 - grey, grey // 2], -1) if bits == 8 else grey
    for progression in ("LRCP", "RLCP", "RPCL", "PCRL", "CPRL"):
        options = {} if tiles is None else {"tile_size": tiles}
        codestream = pillow(image, progression=progression, num_resolutions=4, **options)
        decoded = reduced(describe_image(image, 8), codestream, (50, 45))
        whole = decode_codestream(describe_image(image, 8), codestream, JPEG_2000)
        assert decoded is not None
        assert decoded.photometric_interpretation == whole.photometric_interpretation
        mean = whole.samples.astype(float).reshape(50, 4, 45, 4, -1).mean((1, 3)).squeeze()
        assert np.abs(decoded.samples - mean)[2:-2, 2:-2].max() < 4


@pytest.mark.parametrize("signed", [False, True])
def test_no_sample_exceeds_bits_stored(signed: bool) -> None:
    """Edges over the whole range, at which a wavelet and a cubic interpolation overshoot."""
    image = np.full((512, 512), -2048 if signed else 0, "i2" if signed else "u2")
    image[250:258, 250:257] += 4095
    decoded = reduced(describe_image(image, 12), jpeg2000(image, 16), (256, 256))
    assert decoded is not None
    assert decoded.samples.min() == image.min()
    assert decoded.samples.max() == image.max()


@pytest.mark.parametrize("signed", [False, True])
def test_a_frame_with_many_samples_beyond_bits_stored_is_not_reduced(signed: bool) -> None:
    image = np.full((512, 512), -2048 if signed else 0, "i2" if signed else "u2")
    image[200:300, 200:300] += 5000
    pixel = describe_image(image, 12)
    assert reduced(pixel, jpeg2000(image, 16), (256, 256)) is None


def test_the_resolution_is_the_lowest_with_enough_rows_and_columns() -> None:
    image = slope(256, 192, 12).astype("u2")
    codestream = jpeg2000(image, 12)
    shapes = {}
    for least in ((256, 192), (129, 1), (1, 97), (128, 96), (65, 48), (64, 48), (1, 1)):
        decoded = reduced(describe_image(image, 12), codestream, least)
        shapes[least] = None if decoded is None else decoded.samples.shape
    assert shapes == {
        (256, 192): None,
        (129, 1): None,
        (1, 97): None,
        (128, 96): (128, 96),
        (65, 48): (128, 96),
        (64, 48): (64, 48),
        (1, 1): (8, 6),
    }


def test_a_finding_names_the_resolution_and_the_decoder() -> None:
    grey = slope(256, 192, 8).astype("u1")
    for codestream, syntax, decoder in (
        (jpeg2000(grey, 8), JPEG_2000, "Pillow-"),
        (jpeg(grey, 8), JPEG, "simplejpeg-"),
    ):
        decoded = reduced(describe_image(grey, 8), codestream, (64, 48), syntax)
        assert decoded is not None
        assert decoder in decoded.decoder
        assert decoded.is_reduced
        (finding,) = decoded.findings
        assert finding.code is FindingCode.REDUCED_DECODE
        assert "1/4" in finding.detail
        assert "48 x 64 of 192 x 256" in finding.detail


def with_segment(codestream: bytes, segment: bytes) -> bytes:
    """A marker segment before the first tile-part."""
    at = codestream.index(b"\xff\x90")
    return codestream[:at] + segment + codestream[at:]


def with_origin(codestream: bytes) -> bytes:
    """Image and tiles that begin at (2, 2) of the reference grid, in an image of the same size."""
    size = struct.pack(">8I", 194, 258, 2, 2, 192, 256, 2, 2)
    return codestream[:8] + size + codestream[40:]


def without_the_last_tile(codestream: bytes) -> bytes:
    return codestream[: codestream.rindex(b"\xff\x90\x00\x0a")] + b"\xff\xd9"


def of_length_0(codestream: bytes) -> bytes:
    """The last tile-part has the length 0, which means that it continues to the end."""
    at = codestream.rindex(b"\xff\x90\x00\x0a")
    return codestream[: at + 6] + bytes(4) + codestream[at + 10 :]


UNUSUAL: dict[str, Callable[[bytes], bytes]] = {
    "a component of its own coding": lambda whole: with_segment(
        whole, bytes.fromhex("ff530009000005040400 01".replace(" ", ""))
    ),
    "another progression on the way": lambda whole: with_segment(whole, bytes.fromhex("ff5f000900000001060100")),
    "an origin that is not 0": with_origin,
    "a tile that is missing": without_the_last_tile,
    "a tile-part without a length": of_length_0,
    "bytes after the last tile-part": lambda whole: whole[:-2] + b"\0\0" + whole[-2:],
}


@pytest.mark.parametrize("what", UNUSUAL)
def test_a_codestream_with_an_unusual_layout_is_not_reduced(what: str) -> None:
    image = slope(256, 192, 8).astype("u1")
    codestream = pillow(image, tile_size=(192, 128), num_resolutions=4)
    assert reduced(describe_image(image, 8), codestream, (32, 24)) is not None
    assert reduced(describe_image(image, 8), UNUSUAL[what](codestream), (32, 24)) is None


@pytest.mark.parametrize(
    "header",
    [{"high_bit": 15}, {"bits_stored": 12, "high_bit": 12}, {"signed": True}, {"bits_stored": 10, "high_bit": 9}],
)
def test_samples_that_are_not_plainly_stored_values_are_not_reduced(header: dict[str, Any]) -> None:
    image = slope(256, 192, 12).astype("u2")
    codestream = jpeg2000(image, 12)
    assert reduced(describe_image(image, 12), codestream, (64, 48)) is not None
    assert reduced(describe_image(image, 12, **header), codestream, (64, 48)) is None


@pytest.mark.parametrize("encode", [jpeg2000, high_throughput, jpeg])
def test_a_truncated_codestream_is_not_reduced(encode: Any) -> None:
    """An end marker follows the truncation; for JPEG 2000 the length of the tile-part is also shortened."""
    bits = 16 if encode is high_throughput else 8
    image = synthetic_image((200, 180), bits)
    codestream, pixel = encode(image, bits), describe_image(image, bits)
    syntax = {jpeg: JPEG, high_throughput: HIGH_THROUGHPUT}.get(encode, JPEG_2000)
    assert reduced(pixel, codestream, (50, 45), syntax) is not None
    end = b"\xff\xd9"
    part = None if encode is jpeg else codestream.index(b"\xff\x90")
    for cut in np.linspace(len(codestream) // 4, len(codestream) - 3, 40).astype(int):
        short = codestream[:cut]
        assert reduced(pixel, short, (50, 45), syntax) is None
        if part is not None:
            assert reduced(pixel, short + end, (50, 45), syntax) is None
            short = short[: part + 6] + struct.pack(">I", cut - part) + short[part + 10 :]
        assert reduced(pixel, short + end, (50, 45), syntax) is None


def test_faults_are_left_to_the_full_resolution_decoder() -> None:
    """A header of another size gives no reduced frame and no error."""
    image = slope(256, 192, 12).astype("u2")
    pixel = describe_image(image, 12, rows=250)
    assert reduced(pixel, jpeg2000(image, 12), (64, 48)) is None
    assert reduced(describe_image(image, 12), b"\xff\x4f\xff\x51" + bytes(90), (64, 48)) is None
    assert reduced(describe_image(image, 12), jpeg2000(image, 12), (64, 48), "1.2.3") is None


def test_pillow_is_not_used_if_it_accepts_truncated_files(monkeypatch: Any) -> None:
    image = slope(256, 192, 12).astype("u2")
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    assert reduced(describe_image(image, 12), jpeg2000(image, 12), (64, 48)) is None


def test_native_frames_are_not_reduced() -> None:
    image = slope(256, 192, 12).astype("<u2")
    pixel = describe_image(image, 12)
    data = PixelData(image.tobytes(), "1.2.840.10008.1.2.1", False)
    assert decode_reduced(pixel, data, locate_frames(pixel, data), 0, (64, 48)) is None


@pytest.mark.slow
@pytest.mark.parametrize("encode", [jpeg2000, high_throughput])
def test_a_frame_that_the_full_decoder_rejects_is_rejected_or_shows_no_damage(
    encode: Callable[[Array, int], bytes],
) -> None:
    bits = 16 if encode is high_throughput else 12
    image = synthetic_image((200, 180), bits)
    pixel, codestream = describe_image(image, bits), encode(image, bits)
    syntax = HIGH_THROUGHPUT if encode is high_throughput else JPEG_2000
    sound = reduced(pixel, codestream, (50, 45), syntax)
    assert sound is not None
    random = np.random.default_rng(1)
    given = 0
    for place in random.integers(0, len(codestream), 100):
        damaged = bytearray(codestream)
        damaged[place] ^= int(random.integers(1, 256))
        decoded = reduced(pixel, bytes(damaged), (50, 45), syntax)
        if decoded is None:
            continue
        given += 1
        assert decoded.samples.shape == sound.samples.shape
        assert decoded.samples.max() < 1 << bits
        try:
            decode_codestream(pixel, bytes(damaged), syntax)
        except ConversionError:
            assert np.array_equal(decoded.samples, sound.samples)
    assert given > 50
