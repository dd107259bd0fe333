# SPDX-License-Identifier: MIT
"""Measure the memory that Python allocates."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class PeakMemory:
    """The peak of the memory that Python allocated in a block, in bytes; 0 until the block ends."""

    size: int = 0


@contextmanager
def traced_memory() -> Iterator[PeakMemory]:
    """Measure the block. What is made once in a process, like imports and caches, has to be made before."""
    peak = PeakMemory()
    gc.collect()
    # the objects of earlier tests would make collections of the oldest generation rare
    gc.freeze()
    tracemalloc.start()
    try:
        yield peak
        peak.size = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        gc.unfreeze()
