# SPDX-License-Identifier: MIT
"""Whole numbers and header parameters in, what the oracle makes of such a film out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from tests.support.cases.build import build_case
from tests.support.oracle.oracle import Result, render

Array = NDArray[Any]
OPTIONS = {"look", "window", "stretch", "voi", "polarity", "bits", "frame", "codestream", "strict"}


def film(values: Any, **parameters: Any) -> Result:
    """Render whole numbers, one frame (rows, columns) or several, through a built header."""
    frames = np.atleast_3d(np.array(values, dtype=np.int64).T).T
    options = {name: parameters.pop(name) for name in list(parameters) if name in OPTIONS}
    count, rows, columns = frames.shape
    dataset, _ = build_case(rows=rows, columns=columns, frames=count, content="constant", **parameters)
    allocated = parameters.get("bits_allocated", 16)
    return render(dataset, (frames % 2**allocated).astype(f"uint{allocated}"), **options)


def stored(values: Any, **parameters: Any) -> list[int]:
    """The stored values that the look `stored` shows, its offset taken back."""
    result = film([values], look="stored", **parameters)
    assert result.low is not None
    return [int(value + result.low) for value in result.image[0]]


def levels(values: Any, **parameters: Any) -> list[int]:
    """The levels of one row."""
    return [int(level) for level in film([values], **parameters).image[0]]
