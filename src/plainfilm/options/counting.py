# SPDX-License-Identifier: MIT
"""Put a number and the words that agree with it into a message. All packages above `dicom/` may use this module."""

from __future__ import annotations

from collections.abc import Sequence

_MOST_LINES = 5


def counted(number: int, one: str, several: str = "") -> str:
    """A number with its noun, and its verb if need be: `1 image`, `2,000 images`.

    one: the words for a single thing. several: those for none or several; empty where an `s` is added.
    """
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def lines_text(numbers: Sequence[int]) -> str:
    """The first line numbers of a file: `line 4`, or `lines 2, 4, 5, 7, 8, ...`."""
    shown = ", ".join(map(str, numbers[:_MOST_LINES]))
    more = ", ..." if len(numbers) > _MOST_LINES else ""
    return f"{'line' if len(numbers) == 1 else 'lines'} {shown}{more}"
