# SPDX-License-Identifier: MIT
"""The size of parameter sweeps: few cases by default, all of them under CI."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def sweep(cases: Sequence[T], count: int) -> list[T]:
    """All cases under CI, else `count` of them that are spread evenly and include the first."""
    if os.environ.get("CI") or len(cases) <= count:
        return list(cases)
    return [cases[number * len(cases) // count] for number in range(count)]
