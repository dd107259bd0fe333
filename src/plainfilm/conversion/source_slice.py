# SPDX-License-Identifier: MIT
"""The slice of the sources that one of several processes converts."""

from __future__ import annotations

from plainfilm.pickling import dataclass


@dataclass(frozen=True, slots=True)
class SourceSlice:
    """Every `count`-th source, from the one with the number `index`, counted from 0."""

    index: int = 0
    count: int = 1

    def has(self, number: int) -> bool:
        """Whether the source with this number, counted from 0, belongs to the slice."""
        return number % self.count == self.index


ALL_SOURCES = SourceSlice()
