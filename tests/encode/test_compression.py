# SPDX-License-Identifier: MIT
"""Filter and compressor are chosen so that files are not much larger than those of another encoder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

import plainfilm
from plainfilm.encode.compression import Backend, choose_compression, compress_image
from plainfilm.encode.png import Ancillary, encode_png
from plainfilm.encode.scanlines import Filter

Array = npt.NDArray[Any]

ROWS, COLUMNS = 400, 500
SLACK = 64  # bytes: of the text chunk and the like, which matter only for images of a few hundred pixels
NOISE = np.random.default_rng(1)


def noisy_body(spread: float, bits: int) -> Array:
    """A smooth body with noise, 12 bits spread over the depth's range as rendering does."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    body = 2048 + 1500 * np.sin(x / 90) * np.cos(y / 70) + NOISE.normal(0, spread, (ROWS, COLUMNS))
    return np.floor(body.clip(0, 4095).round() / 4095 * (2**bits - 1) + 0.5).astype(f"u{bits // 8}")


def screen(bits: int) -> Array:
    """Flat areas, text-like marks and grey in three equal samples, as in ultrasound and secondary capture images."""
    marks = (NOISE.random((ROWS // 8, COLUMNS // 10)) < 0.2).astype(np.uint16).repeat(8, 0).repeat(10, 1) * 150
    speckle = np.zeros_like(marks)
    speckle[100:300, 100:400] = NOISE.gamma(2, 20, (200, 300)).astype(np.uint16)
    grey = np.minimum(marks + speckle, 255)
    return np.repeat((grey * (257 if bits == 16 else 1))[..., None], 3, axis=2).astype(f"u{bits // 8}")


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(
    "make", [lambda bits: noisy_body(3, bits), lambda bits: noisy_body(40, bits), screen, lambda _: flat()]
)
def test_a_file_is_at_most_15_percent_larger_than_opencv_writes_it(
    make: Callable[[int], Array], bits: int, backend: Backend
) -> None:
    image = make(bits)
    written, peer = cv2.imencode(".png", image)
    assert written
    assert len(encode_png(image, Ancillary(""), backend)) <= 1.15 * len(peer) + SLACK


def flat() -> Array:
    return np.full((ROWS, COLUMNS), 7, np.uint8)


def test_rows_that_repeat_get_the_filter_up(backend: Backend) -> None:
    image = np.tile(NOISE.integers(0, 256, COLUMNS, np.uint8), (ROWS, 1))
    image += np.arange(ROWS, dtype=np.uint8)[:, None]
    assert choose_compression(image, backend).filter is Filter.UP


def test_pieces_are_not_empty_and_have_a_bounded_size(backend: Backend) -> None:
    """The memory for compressed bands, and the length of a chunk, do not grow with the image."""
    image = NOISE.integers(0, 256, (3_000, 1_000), np.uint8)
    sizes = [len(piece) for piece in compress_image(image, backend)]
    assert min(sizes) > 0
    assert max(sizes) < 1 << 20


@pytest.mark.slow
def test_real_films_are_at_most_15_percent_larger_than_opencv_writes_them(film_folder: Any, backend: Backend) -> None:
    ratios = {}
    for path in sorted(film_folder.rglob("*RG*.dcm")) + sorted(film_folder.rglob("*.dcm"))[::24]:
        for bits in (8, 16):
            try:
                image = plainfilm.render(path, bits=bits)
            except plainfilm.PlainfilmError:
                continue
            size = len(encode_png(image, Ancillary(""), backend)) - SLACK
            ratios[path.name, bits] = size / len(cv2.imencode(".png", image)[1])
    assert len(ratios) > 20
    assert max(ratios.values()) <= 1.15, max(ratios.items(), key=lambda item: item[1])
