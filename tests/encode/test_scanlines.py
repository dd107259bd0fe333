# SPDX-License-Identifier: MIT
"""Filtered scanlines. Fear: a byte that a reader undoes with another neighbour than it was filtered with."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.support.png_pixels import unfiltered

from plainfilm.encode.compression import Row
from plainfilm.encode.scanlines import Filter, filtered, padded, row_bytes

Array = npt.NDArray[Any]


@pytest.mark.parametrize("kind", Filter)
@pytest.mark.parametrize(("sample", "pixel"), [("u1", 1), ("<u2", 2), (">u2", 2), ("3u1", 3), ("3<u2", 6)])
@pytest.mark.parametrize(("first", "last"), [(0, 6), (0, 1), (2, 6), (5, 6)])
def test_a_plain_reader_undoes_them(row: Row, kind: Filter, sample: str, pixel: int, first: int, last: int) -> None:
    """In blocks from the first row and from the middle, where the row above is that of the block before."""
    image = np.random.default_rng(pixel).integers(0, 256, (6, 9 * pixel), np.uint8).view(sample.lstrip("3"))
    image = image.reshape(6, 9, 3) if sample[0] == "3" else image
    expected = image.astype(image.dtype.newbyteorder(">")).view(np.uint8).reshape(6, -1).tolist()
    above = expected[first - 1] if first else [0] * (9 * pixel)
    lines = row.filtered(padded(image, range(first, last)), kind)
    assert lines.shape == (last - first, row_bytes(image))
    assert unfiltered(lines, above, pixel) == expected[first:last]


@pytest.mark.parametrize("kind", Filter)
@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (7, 15), (3, 16), (2, 33)])
@pytest.mark.parametrize("sample", ["u1", "<u2"])
def test_every_row_filters_to_the_same_bytes(row: Row, kind: Filter, shape: tuple[int, int], sample: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 65_536, shape, np.uint16).astype(sample)
    lines = padded(pixels, range(len(pixels)))
    np.testing.assert_array_equal(row.filtered(lines, kind), filtered(lines, kind))


@pytest.mark.parametrize(
    ("size", "width", "pixel", "kind"), [(12, 5, 1, 0), (0, 4, 1, 0), (12, 1, 1, 0), (12, 4, 0, 0), (12, 4, 1, 4)]
)
def test_the_compiled_filter_refuses_what_are_no_rows(row: Row, size: int, width: int, pixel: int, kind: int) -> None:
    if row is not Row.COMPILED:
        pytest.skip("of the compiled row alone")
    from plainfilm.encode import runs

    with pytest.raises(ValueError, match="rows of a width"):
        runs.filter(bytes(size), width, pixel, kind)
