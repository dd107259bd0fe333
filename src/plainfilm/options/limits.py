# SPDX-License-Identifier: MIT
"""The limits of a frame and of an instance."""

from __future__ import annotations

import math
import re

from plainfilm.errors import OptionsError, Reason
from plainfilm.options.field import Scope, ValueType, limit, option
from plainfilm.options.value_types import COUNT, parse_number
from plainfilm.pickling import dataclass

GIB = 1024**3
MIN_MEMORY = 16 * 1024**2
"""No image can be converted with less."""
MIN_SECONDS = 0.01
MAX_SECONDS = 30 * 24 * 3600
"""Timers of the operating system overflow far beyond this."""


def parse_size(value: object) -> int:
    """Bytes: a number, optionally with K, M, G or T (powers of 1024) and B or iB. Raises OptionsError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", str(value).strip(), re.IGNORECASE)
    if match is None:
        raise OptionsError(f"a size such as 4GiB, not {value!r}")
    size = float(match[1]) * 1024 ** " kmgt".index(match[2].lower() or " ")
    if not 1 <= size < math.inf:
        raise OptionsError(f"a size of 1 byte or more, not {value!r}")
    return int(size)


def parse_memory(value: object) -> int:
    """Bytes as `parse_size` reads them, at least 16 MiB. Raises OptionsError."""
    size = parse_size(value)
    if size < MIN_MEMORY:
        raise OptionsError(f"a size of {MIN_MEMORY // 1024**2}MiB or more, with its unit such as 4GiB, not {value!r}")
    return size


def parse_seconds(value: object) -> float:
    """Seconds from 0.01 to 30 days, optionally with an s. Raises OptionsError."""
    seconds = parse_number(str(value).strip().removesuffix("s"))
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        raise OptionsError(f"seconds from {MIN_SECONDS} to {MAX_SECONDS} (30 days), not {value!r}")
    return seconds


_SECONDS = ValueType(parse_seconds, "SECONDS", "float")
_BYTES = ValueType(parse_memory, "SIZE", "str | int")


@dataclass(frozen=True, slots=True)
class LimitOptions:
    """The limits beyond which an instance fails while the run continues."""

    timeout: float = option(
        120.0, _SECONDS, "the longest time that a frame may take", scope=Scope.RUN, resume=limit(Reason.TIMEOUT)
    )
    memory: int = option(
        4 * GIB,
        _BYTES,
        "the most memory that an instance may take, such as 512MiB (default: 4GiB)",
        scope=Scope.RUN,
        resume=limit(Reason.MEMORY_LIMIT),
    )
    max_pixels: int = option(
        500_000_000,
        COUNT,
        "the most values (rows x columns x samples) that a frame may have",
        resume=limit(Reason.TOO_LARGE),
    )
