# SPDX-License-Identifier: MIT
"""Measure the memory that Python allocates during a call.

One measurement says little: the interpreter allocates for itself now and then, whatever the call does. It doubles its
table of interned strings, for example, which adds several megabytes to the peak of the one call in which that happens.
The smallest of several measurements contains what the call itself needs.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
MEASUREMENTS = 3


def call_within(
    limit: int, function: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
) -> Result:
    """Call a function, and return its result. Fail if each of several calls allocates `limit` bytes or more."""
    sizes: list[int] = []
    while len(sizes) < MEASUREMENTS:
        size, result = _measured_call(partial(function, *args, **kwargs))
        if size < limit:
            return result
        sizes.append(size)
    raise AssertionError(f"each of {MEASUREMENTS} calls allocates {limit:,} bytes or more: {sizes}")


def least_peak(action: Callable[[], object]) -> int:
    """The smallest peak, in bytes, of the memory that Python allocates in several calls of the action."""
    return min(_measured_call(action)[0] for _ in range(MEASUREMENTS))


def _measured_call(action: Callable[[], Result]) -> tuple[int, Result]:
    """The peak in bytes of one call, and its result. What is made once, like imports and caches, counts too."""
    gc.collect()
    # the objects of earlier tests would make collections of the oldest generation rare
    gc.freeze()
    tracemalloc.start()
    try:
        result = action()
        return tracemalloc.get_traced_memory()[1], result
    finally:
        tracemalloc.stop()
        gc.unfreeze()
