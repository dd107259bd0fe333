# SPDX-License-Identifier: MIT
"""Render integer values with the oracle, through a header that is built by parameter."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from tests.support.cases.build import build_case
from tests.support.oracle.oracle import Result, render

Array = NDArray[Any]
OPTIONS = {"look", "window", "stretch", "voi", "polarity", "bits", "frame", "codestream", "strict"}


def render_values(values: Any, **parameters: Any) -> Result:
    """Render integers of one or several frames; `parameters` are options and header attributes."""
    frames = np.atleast_3d(np.array(values, dtype=np.int64).T).T
    options = {name: parameters.pop(name) for name in list(parameters) if name in OPTIONS}
    count, rows, columns = frames.shape
    dataset, _ = build_case(rows=rows, columns=columns, frames=count, content="constant", **parameters)
    allocated = parameters.get("bits_allocated", 16)
    return render(dataset, (frames % 2**allocated).astype(f"uint{allocated}"), **options)


def stored_values_of_row(values: Any, **parameters: Any) -> list[int]:
    """The stored values of one row, from the look `stored` and its offset."""
    result = render_values([values], look="stored", **parameters)
    assert result.low is not None
    return [int(value + result.low) for value in result.image[0]]


def levels_of_row(values: Any, **parameters: Any) -> list[int]:
    """The output levels of one row."""
    return [int(level) for level in render_values([values], **parameters).image[0]]
