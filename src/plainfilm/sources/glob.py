# SPDX-License-Identifier: MIT
"""A glob that no shell expanded -> the folder it starts from and a matcher that follows it down a tree, name by name.

`*`, `?` and `[...]` match within a component and `**` any number of folders; as in a shell, none matches a leading dot.
"""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from pathlib import Path

_MAGIC = re.compile(r"[*?\[]")
_ANY_FOLDERS = "**"


@dataclass(frozen=True, slots=True)
class Pattern:
    """The components of a glob from its first wildcard on.

    A position is the number of components that a path has used up so far; `**` makes several possible at once.
    """

    components: tuple[str, ...]

    def start(self) -> frozenset[int]:
        """The positions before the first name."""
        return self._with_empty_folders({0})

    def step(self, positions: frozenset[int], name: str) -> frozenset[int]:
        """The positions after one more name; none when no path through it can match."""
        used = {after for at in positions if at < len(self.components) for after in self._after(at, name)}
        return self._with_empty_folders(used)

    def accepts(self, positions: frozenset[int]) -> bool:
        """Whether a path that came to these positions matches as a whole."""
        return len(self.components) in positions

    def _after(self, at: int, name: str) -> tuple[int, ...]:
        component = self.components[at]
        if name.startswith(".") and not component.startswith("."):
            return ()
        if component == _ANY_FOLDERS:
            return (at,)
        # fnmatch folds the case where the system's file names do
        return (at + 1,) if fnmatch.fnmatch(name, component) else ()

    def _with_empty_folders(self, positions: set[int]) -> frozenset[int]:
        for at, component in enumerate(self.components):
            if at in positions and component == _ANY_FOLDERS:
                positions.add(at + 1)
        return frozenset(positions)


def split_pattern(text: str) -> tuple[Path, Pattern] | None:
    """The folder before the first wildcard and the pattern from there; None without a wildcard."""
    components = Path(text).parts
    first = next((at for at, component in enumerate(components) if _MAGIC.search(component)), None)
    if first is None:
        return None
    return Path(*components[:first]), Pattern(components[first:])
