# SPDX-License-Identifier: MIT
"""Look up paths folder by folder, where the folders exist only in the paths: those of a list or of an archive."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from plainfilm.pickling import dataclass


@dataclass(frozen=True, slots=True)
class Child:
    """What lies in a folder of a tree: a path that ends here, with its position in the tree, or a further folder.

    position: None for a folder.
    """

    name: str
    position: int | None


@dataclass(frozen=True, slots=True)
class PathTree:
    """Paths with `/` between components, sorted and distinct.

    The paths below a folder follow one another, because no character lies between `/` and `0`.
    """

    paths: Sequence[str]

    def children(self, folder: str) -> Iterator[Child]:
        """Yield what lies in a folder ('' for the top). A path and a folder may have the same name."""
        prefix = f"{folder}/" if folder else ""
        position, end = bisect_left(self.paths, prefix), self._end_of(folder) if folder else len(self.paths)
        while position < end:
            name, slash, _ = self.paths[position][len(prefix) :].partition("/")
            if slash:
                yield Child(name, None)
                position = self._end_of(f"{prefix}{name}")
            else:
                yield Child(name, position)
                position += 1

    def position_of(self, path: str) -> int | None:
        """Return the position of a path, None if it is not in the tree."""
        position = bisect_left(self.paths, path)
        return position if position < len(self.paths) and self.paths[position] == path else None

    def _end_of(self, folder: str) -> int:
        """The position after the last path below a folder."""
        return bisect_left(self.paths, f"{folder}0")
