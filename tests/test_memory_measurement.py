# SPDX-License-Identifier: MIT
"""A measurement of memory contains what each call allocates, and not what one call happens to allocate."""

from __future__ import annotations

import pytest
from tests.support.memory import MEASUREMENTS, call_within, least_peak

MIB = 1024**2


class Allocation:
    """A call that allocates a given number of bytes each time, the last one again and again."""

    def __init__(self, *sizes: int) -> None:
        self.sizes = list(sizes)

    def __call__(self) -> str:
        bytearray(self.sizes.pop(0) if len(self.sizes) > 1 else self.sizes[0])
        return "result"


def test_one_large_allocation_of_the_interpreter_is_not_measured() -> None:
    assert least_peak(Allocation(8 * MIB, 1000)) < MIB
    assert call_within(MIB, Allocation(8 * MIB, 1000)) == "result"


def test_an_allocation_of_each_call_is_measured() -> None:
    assert 8 * MIB < least_peak(Allocation(8 * MIB)) < 9 * MIB
    with pytest.raises(AssertionError, match=r"each of 3 calls allocates 1,048,576 bytes or more: \[8"):
        call_within(MIB, Allocation(8 * MIB))


def test_a_call_within_its_limit_is_made_once() -> None:
    calls: list[int] = []
    call_within(MIB, lambda: calls.append(1))
    assert len(calls) == 1
    least_peak(lambda: calls.append(1))
    assert len(calls) == 1 + MEASUREMENTS
