# SPDX-License-Identifier: MIT
"""Filtered scanlines. Fear: a byte that a reader undoes with another neighbour than it was filtered with."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from png_pixels import unfiltered

from plainfilm.encode.scanlines import Filter, filtered, padded, row_bytes

Array = npt.NDArray[Any]


@pytest.mark.parametrize("kind", Filter)
@pytest.mark.parametrize(("sample", "pixel"), [("u1", 1), ("<u2", 2), (">u2", 2), ("3u1", 3), ("3<u2", 6)])
@pytest.mark.parametrize(("first", "last"), [(0, 6), (0, 1), (2, 6), (5, 6)])
def test_a_plain_reader_undoes_them(kind: Filter, sample: str, pixel: int, first: int, last: int) -> None:
    """In blocks from the first row and from the middle, where the row above is that of the block before."""
    image = np.random.default_rng(pixel).integers(0, 256, (6, 9 * pixel), np.uint8).view(sample.lstrip("3"))
    image = image.reshape(6, 9, 3) if sample[0] == "3" else image
    expected = image.astype(image.dtype.newbyteorder(">")).view(np.uint8).reshape(6, -1).tolist()
    above = expected[first - 1] if first else [0] * (9 * pixel)
    lines = filtered(padded(image, range(first, last)), kind)
    assert lines.shape == (last - first, row_bytes(image))
    assert unfiltered(lines, above, pixel) == expected[first:last]
