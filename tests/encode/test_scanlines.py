# SPDX-License-Identifier: MIT
"""Filtered scanlines can be undone by a plain reader, and both backends give the same bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.support.png_pixels import unfiltered

from plainfilm.encode.compression import Backend
from plainfilm.encode.scanlines import Filter, filter_rows, padded_rows, row_bytes

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
    lines = backend.filter_rows(padded_rows(image, range(first, last)), kind)
    assert lines.shape == (last - first, row_bytes(image))
    assert unfiltered(lines, above, pixel) == expected[first:last]


@pytest.mark.parametrize("kind", Filter)
@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (7, 15), (3, 16), (2, 33)])
@pytest.mark.parametrize("sample", ["u1", "<u2"])
def test_every_backend_filters_to_the_same_bytes(
    backend: Backend, kind: Filter, shape: tuple[int, int], sample: str
) -> None:
    pixels = np.random.default_rng(0).integers(0, 65_536, shape, np.uint16).astype(sample)
    lines = padded_rows(pixels, range(len(pixels)))
    np.testing.assert_array_equal(backend.filter_rows(lines, kind), filter_rows(lines, kind))


@pytest.mark.parametrize(
    ("size", "width", "pixel", "kind"), [(12, 5, 1, 0), (0, 4, 1, 0), (12, 1, 1, 0), (12, 4, 0, 0), (12, 4, 1, 4)]
)
def test_the_compiled_filter_refuses_invalid_rows(
    backend: Backend, size: int, width: int, pixel: int, kind: int
) -> None:
    if backend is not Backend.COMPILED:
        pytest.skip("only the compiled backend has this function")
    from plainfilm.encode import runs

    with pytest.raises(ValueError, match="rows of a width"):
        runs.filter(bytes(size), width, pixel, kind)
