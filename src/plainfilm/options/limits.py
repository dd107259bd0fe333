# SPDX-License-Identifier: MIT
"""The limits of an instance."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from plainfilm.errors import OptionsError
from plainfilm.options.field import option, parse_count, parse_number

GIB = 1024**3


def parse_size(value: object) -> int:
    """Bytes: a number, with K, M, G or T and an optional B or iB; powers of 1024."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", str(value).strip(), re.IGNORECASE)
    if match is None:
        raise OptionsError(f"--memory: a size such as 4GiB, not {value!r}")
    size = float(match[1]) * 1024 ** " kmgt".index(match[2].lower() or " ")
    if not 1 <= size < math.inf:
        raise OptionsError(f"--memory: a size of 1 byte or more, not {value!r}")
    return int(size)


def parse_seconds(value: object) -> float:
    """Seconds above 0, with an optional s."""
    seconds = parse_number("timeout", str(value).strip().removesuffix("s"))
    if seconds <= 0 or not math.isfinite(seconds):
        raise OptionsError(f"--timeout: seconds above 0, not {value!r}")
    return seconds


@dataclass(frozen=True, slots=True)
class LimitOptions:
    """Beyond these an instance fails, and the run goes on."""

    timeout: float = option(120.0, parse_seconds, "SECONDS", "longest time a frame may take")
    memory: int = option(4 * GIB, parse_size, "SIZE", "most memory an instance may take, such as 512MiB (default 4GiB)")
    max_pixels: int = option(500_000_000, parse_count("max-pixels"), "N", "most rows x columns x samples of a frame")
