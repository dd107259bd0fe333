# SPDX-License-Identifier: MIT
"""Filtered scanlines can be undone by a plain reader, and both backends give the same bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.support.png_pixels import unfiltered

from plainfilm.encode.compression import Backend
from plainfilm.encode.scanlines import Filter, filter_rows, row_bytes
from plainfilm.kernels.levels import LookupImage

Array = npt.NDArray[Any]


@pytest.mark.parametrize("kind", Filter)
@pytest.mark.parametrize(("sample", "pixel"), [("u1", 1), ("<u2", 2), (">u2", 2), ("3u1", 3), ("3<u2", 6)])
@pytest.mark.parametrize(("first", "last"), [(0, 6), (0, 1), (2, 6), (5, 6)])
def test_a_plain_reader_restores_the_rows(
    backend: Backend, kind: Filter, sample: str, pixel: int, first: int, last: int
) -> None:
    """A block may begin at the first row, or in the middle, where the row above belongs to the block before."""
    image = np.random.default_rng(pixel).integers(0, 256, (6, 9 * pixel), np.uint8).view(sample.lstrip("3"))
    image = image.reshape(6, 9, 3) if sample[0] == "3" else image
    expected = image.astype(image.dtype.newbyteorder(">")).view(np.uint8).reshape(6, -1).tolist()
    above = expected[first - 1] if first else [0] * (9 * pixel)
    lines = backend.filter_rows(image, range(first, last), kind)
    assert lines.shape == (last - first, row_bytes(image))
    assert unfiltered(lines, above, pixel) == expected[first:last]


@pytest.mark.parametrize("kind", Filter)
@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (7, 15), (3, 16), (2, 33)])
@pytest.mark.parametrize("sample", ["u1", "<u2"])
def test_every_backend_filters_to_the_same_bytes(
    backend: Backend, kind: Filter, shape: tuple[int, int], sample: str
) -> None:
    pixels = np.random.default_rng(0).integers(0, 65_536, shape, np.uint16).astype(sample)
    rows = range(len(pixels))
    np.testing.assert_array_equal(backend.filter_rows(pixels, rows, kind), filter_rows(pixels, rows, kind))


@pytest.mark.parametrize("kind", Filter)
@pytest.mark.parametrize(("sample", "level"), [("u1", "u1"), ("u1", "u2"), ("u2", "u1"), ("u2", "u2")])
@pytest.mark.parametrize(("first", "last"), [(0, 6), (0, 1), (2, 6), (5, 6)])
def test_levels_that_are_looked_up_give_the_scanlines_of_the_whole_image(
    backend: Backend, kind: Filter, sample: str, level: str, first: int, last: int
) -> None:
    noise = np.random.default_rng(3)
    samples = noise.integers(0, 1 << 8 * np.dtype(sample).itemsize, (6, 11)).astype(sample)
    entries = noise.integers(0, 1 << 8 * np.dtype(level).itemsize, 1 << 8 * samples.itemsize).astype(level)
    image, rows = LookupImage(samples, entries), range(first, last)
    np.testing.assert_array_equal(image.array(), entries[samples])
    np.testing.assert_array_equal(backend.filter_rows(image, rows, kind), filter_rows(image.array(), rows, kind))
