# SPDX-License-Identifier: MIT
"""PNG files (ISO/IEC 15948) are read alike by OpenCV, Pillow and pngcheck, and have no unexpected chunks."""

from __future__ import annotations

import io
import struct
import subprocess
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageCms
from tests.support.png_pixels import pixels_of

from plainfilm.encode.compression import BACKEND, Backend
from plainfilm.encode.png import Ancillary, encode_png
from plainfilm.errors import EncodeError, Reason, Stage

Array = npt.NDArray[Any]

SHAPES = [(1, 1), (1, 9), (9, 1), (37, 53), (40, 64)]


def noise(shape: tuple[int, ...], kind: Any) -> Array:
    source = np.random.default_rng(sum(shape))
    return source.integers(0, np.iinfo(kind).max, shape, endpoint=True).astype(kind)


def written(image: Array, software: str = "x", backend: Backend = BACKEND) -> bytes:
    return encode_png(image, Ancillary(software), backend)


def decoded(content: bytes) -> Array:
    """The pixels as OpenCV reads them, with native byte order, as RGB."""
    read = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert read is not None
    return cv2.cvtColor(read, cv2.COLOR_BGR2RGB) if read.ndim == 3 else read


def chunks(content: bytes) -> list[tuple[bytes, bytes, int]]:
    """Type, data and checksum of each chunk after the signature."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    parts, offset = [], 8
    while offset < len(content):
        (length,) = struct.unpack(">I", content[offset : offset + 4])
        data = content[offset + 8 : offset + 8 + length]
        (checksum,) = struct.unpack(">I", content[offset + 8 + length : offset + 12 + length])
        parts.append((content[offset + 4 : offset + 8], data, checksum))
        offset += 12 + length
    assert offset == len(content)
    return parts


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [(), (3,)])
@pytest.mark.parametrize("shape", SHAPES)
def test_opencv_reads_the_same_pixels(
    shape: tuple[int, int], channels: tuple[int, ...], kind: Any, backend: Backend
) -> None:
    image = noise((*shape, *channels), kind)
    read = decoded(written(image, backend=backend))
    assert read.dtype == kind
    np.testing.assert_array_equal(read, image)


@pytest.mark.parametrize(("kind", "mode"), [(np.uint8, "L"), (np.uint16, "I;16")])
@pytest.mark.parametrize("shape", SHAPES)
def test_pillow_reads_the_same_grey_pixels(shape: tuple[int, int], kind: Any, mode: str, backend: Backend) -> None:
    image = noise(shape, kind)
    with Image.open(io.BytesIO(written(image, backend=backend))) as read:
        assert read.mode == mode
        np.testing.assert_array_equal(np.asarray(read), image)


@pytest.mark.parametrize("shape", SHAPES)
def test_pillow_reads_the_same_colours_in_the_same_order(shape: tuple[int, int], backend: Backend) -> None:
    image = noise((*shape, 3), np.uint8)
    with Image.open(io.BytesIO(written(image, backend=backend))) as read:
        assert read.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(read), image)


def test_pillow_reads_the_high_bytes_of_16_bit_colours() -> None:
    """Pillow has no 16-bit RGB mode, so it keeps the high 8 bits."""
    image = noise((5, 7, 3), np.uint16)
    with Image.open(io.BytesIO(written(image))) as read:
        np.testing.assert_array_equal(np.asarray(read), image >> 8)


@pytest.mark.parametrize(
    ("kind", "channels", "depth", "color_type"),
    [(np.uint8, (), 8, 0), (np.uint16, (), 16, 0), (np.uint8, (3,), 8, 2), (np.uint16, (3,), 16, 2)],
)
def test_a_file_has_only_the_expected_chunks(kind: Any, channels: tuple[int, ...], depth: int, color_type: int) -> None:
    """No time, gamma or colour profile chunk and a single text; the header has bit depth and colour type."""
    parts = chunks(written(noise((300, 400, *channels), kind)))
    kinds = [kind for kind, _, _ in parts]
    assert kinds[:2] == [b"IHDR", b"tEXt"]
    assert set(kinds[2:-1]) == {b"IDAT"}
    assert kinds[-1] == b"IEND"
    assert struct.unpack(">IIBBBBB", parts[0][1]) == (400, 300, depth, color_type, 0, 0, 0)


def test_the_text_chunk_has_the_software() -> None:
    content = written(np.zeros((2, 2), np.uint8), "plainfilm 1 \u00b1")
    assert chunks(content)[1][1] == b"Software\0plainfilm 1 \xb1"
    with Image.open(io.BytesIO(content)) as read:
        assert read.text == {"Software": "plainfilm 1 \u00b1"}


def test_every_chunk_has_its_checksum(backend: Backend) -> None:
    for kind, data, checksum in chunks(written(noise((99, 101), np.uint16), backend=backend)):
        assert zlib.crc32(kind + data) == checksum


def test_the_same_image_gives_the_same_bytes(backend: Backend) -> None:
    image = noise((64, 64), np.uint8)
    assert written(image, backend=backend) == written(image.copy(), backend=backend)


def test_a_view_that_is_not_contiguous_is_encoded_correctly() -> None:
    image = noise((40, 60), np.uint16)[::3, ::-2]
    np.testing.assert_array_equal(decoded(written(image)), image)


def test_both_byte_orders_give_the_same_bytes() -> None:
    image = noise((40, 60), np.uint16)
    assert written(image.astype(">u2")) == written(image.astype("<u2"))


@pytest.mark.slow
@pytest.mark.parametrize("channels", [(), (3,)])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_an_image_of_many_bands_round_trips(kind: Any, channels: tuple[int, ...], backend: Backend) -> None:
    """The image has many bands, of which the last is partial; it is smooth, so that filters depend on neighbours."""
    ramp = np.arange(1_601)[:, None] * 7 + np.arange(1_203) * 3
    image = (noise((1_601, 1_203, *channels), np.uint8) % 5 + (ramp if not channels else ramp[..., None])).astype(kind)
    content = written(image, backend=backend)
    assert sum(kind == b"IDAT" for kind, _, _ in chunks(content)) > 1
    np.testing.assert_array_equal(decoded(content), image)


@given(shape=st.tuples(st.integers(1, 40), st.integers(1, 40)), data=st.data())
def test_any_image_round_trips(backend: Backend, shape: tuple[int, int], data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["u1", "<u2", ">u2"]))
    channels = data.draw(st.sampled_from([(), (3,)]))
    image = data.draw(arrays(kind, (*shape, *channels)))
    view = image[:: data.draw(st.sampled_from([1, -1, 2])), :: data.draw(st.sampled_from([1, -1, 3]))]
    content = written(view, backend=backend)
    np.testing.assert_array_equal(decoded(content), view)
    np.testing.assert_array_equal(pixels_of(content), view)


EXTREMES = {
    "one row": (1, 70_000),
    "one column": (70_000, 1),
    "two rows": (2, 40_000),
    "many bands": (700, 1_000),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [(), (3,)])
@pytest.mark.parametrize("shape", EXTREMES.values(), ids=EXTREMES)
@pytest.mark.parametrize("content", ["noise", "constant", "stripes"])
def test_extreme_shapes_and_contents_round_trip(
    content: str, shape: tuple[int, int], channels: tuple[int, ...], kind: Any, backend: Backend
) -> None:
    """Noise cannot be compressed; constants become very small."""
    whole = (*shape, *channels)
    image = noise(whole, kind)
    if content != "noise":
        period = np.arange(image.size).reshape(whole) // 11 % 2 if content == "stripes" else np.ones(whole)
        image = (period * 199).astype(kind)
    np.testing.assert_array_equal(decoded(written(image, backend=backend)), image)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [(), (3,)])
@pytest.mark.parametrize("spread", [1, 8, 255])
def test_pngcheck_accepts_the_file(
    channels: tuple[int, ...], kind: Any, spread: int, backend: Backend, pngcheck: str, tmp_path: Path
) -> None:
    """Images of one band and of several; flat, smooth and noisy."""
    paths = [tmp_path / f"{rows}.png" for rows in (1, 40, 900)]
    for path in paths:
        image = noise((int(path.stem), 611, *channels), np.uint8) % spread
        path.write_bytes(written(image.astype(kind), backend=backend))
    process = subprocess.run([pngcheck, "-q", *paths], capture_output=True, text=True, check=False)
    assert (process.returncode, process.stdout + process.stderr) == (0, "")


def test_a_profile_is_written_before_the_pixels_and_unchanged() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    content = encode_png(noise((5, 7, 3), np.uint8), Ancillary("x", profile))
    assert [kind for kind, _, _ in chunks(content)] == [b"IHDR", b"iCCP", b"tEXt", b"IDAT", b"IEND"]
    with Image.open(io.BytesIO(content)) as read:
        assert read.info["icc_profile"] == profile


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((3, 3), np.int16),
        np.zeros((3, 3), np.float32),
        np.zeros((3, 3), np.uint32),
        np.zeros((3, 3), np.bool_),
        np.zeros(9, np.uint8),
        np.zeros((3, 3, 1), np.uint8),
        np.zeros((3, 3, 4), np.uint8),
        np.zeros((2, 3, 3, 3), np.uint8),
        np.zeros((0, 3), np.uint8),
        np.zeros((3, 0, 3), np.uint16),
        np.broadcast_to(np.uint8(0), (1, 2**31)),
    ],
    ids=lambda image: f"{image.dtype.str}{image.shape}",
)
def test_images_that_png_cannot_hold_are_refused(image: Array) -> None:
    with pytest.raises(EncodeError) as caught:
        written(image)
    assert (caught.value.reason, caught.value.stage) == (Reason.ENCODE_UNSUPPORTED, Stage.ENCODE)
