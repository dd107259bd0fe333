# SPDX-License-Identifier: MIT
"""Match a glob that no shell expanded: split off the folder it starts from, and match paths name by name.

`*`, `?` and `[...]` match within a component and `**` any number of folders; as in a shell, none matches a leading dot.
"""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path
from typing import TypeAlias

from plainfilm.pickling import dataclass

_WILDCARD = re.compile(r"[*?\[]")
_ANY_FOLDERS = "**"
Positions: TypeAlias = frozenset[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Pattern:
    """The components of a glob from its first wildcard on.

    A position is the number of components that a path has matched so far. Since `**` matches any number of folders, a
    path can have several positions.
    """

    components: tuple[str, ...]

    def start(self) -> frozenset[int]:
        """Return the positions before the first name."""
        return self._skip_any_folders({0})

    def step(self, positions: frozenset[int], name: str) -> frozenset[int]:
        """Return the positions after one more name; an empty set if no longer path can match."""
        following = {
            after
            for position in positions
            if position < len(self.components)
            for after in self._next_positions(position, name)
        }
        return self._skip_any_folders(following)

    def accepts(self, positions: frozenset[int]) -> bool:
        """Return whether a path with these positions matches as a whole."""
        return len(self.components) in positions

    def _next_positions(self, position: int, name: str) -> tuple[int, ...]:
        component = self.components[position]
        if name.startswith(".") and not component.startswith("."):
            return ()
        if component == _ANY_FOLDERS:
            return (position,)
        # fnmatch folds the case on systems whose file names do so
        return (position + 1,) if fnmatch.fnmatch(name, component) else ()

    def _skip_any_folders(self, positions: set[int]) -> frozenset[int]:
        """Add the positions after each `**`, which also matches no folder at all."""
        for position, component in enumerate(self.components):
            if position in positions and component == _ANY_FOLDERS:
                positions.add(position + 1)
        return frozenset(positions)


@dataclass(frozen=True, slots=True)
class AnyPattern:
    """Several patterns that start from one folder: a path matches if one of them does.

    A position is the number of a pattern and a position in it.
    """

    patterns: tuple[Pattern, ...]

    def __add__(self, other: AnyPattern) -> AnyPattern:
        return AnyPattern(tuple(dict.fromkeys((*self.patterns, *other.patterns))))

    def start(self) -> Positions:
        """Return the positions before the first name."""
        return frozenset((number, start) for number, pattern in enumerate(self.patterns) for start in pattern.start())

    def step(self, positions: Positions, name: str) -> Positions:
        """Return the positions after one more name; an empty set if no longer path can match."""
        return frozenset(
            (number, following)
            for number, pattern in enumerate(self.patterns)
            for following in pattern.step(frozenset(place for index, place in positions if index == number), name)
        )

    def accepts(self, positions: Positions) -> bool:
        """Return whether a path with these positions matches as a whole."""
        return any(len(self.patterns[number].components) == place for number, place in positions)


def split_pattern(text: str) -> tuple[Path, Pattern] | None:
    """Return the folder before the first wildcard, and the pattern from there; None for a text without a wildcard."""
    components = Path(text).parts
    first = next((number for number, component in enumerate(components) if _WILDCARD.search(component)), None)
    if first is None:
        return None
    return Path(*components[:first]), Pattern(components[first:])
