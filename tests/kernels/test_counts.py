# SPDX-License-Identifier: MIT
"""The compiled module counts what NumPy counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plainfilm.kernels import HAS_CORE

if HAS_CORE:
    from plainfilm.kernels import core
else:
    pytest.skip("plainfilm.kernels.core was not compiled", allow_module_level=True)


@pytest.mark.parametrize("kind", ["u1", "u2"])
@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 1000, 70_001])
@pytest.mark.parametrize("largest", [0, 1, 100, 255, 65_535])
def test_every_value_is_counted(kind: str, count: int, largest: int) -> None:
    values = np.random.default_rng(count).integers(0, min(largest, np.iinfo(kind).max) + 1, count).astype(kind)
    counts = np.frombuffer(core.histogram(values, values.itemsize), np.int64)
    np.testing.assert_array_equal(counts, np.bincount(values, minlength=len(counts)))


def test_equal_neighbours_are_counted_one_by_one() -> None:
    assert np.frombuffer(core.histogram(np.full(1001, 7, np.uint16), 2), np.int64)[7] == 1001


@pytest.mark.parametrize(("values", "size"), [(b"abc", 3), (b"abc", 0), (b"abc", -1)])
def test_samples_of_other_sizes_are_refused(values: Any, size: int) -> None:
    with pytest.raises(ValueError, match="1 or 2 bytes"):
        core.histogram(values, size)
