# SPDX-License-Identifier: MIT
"""Give each folder among the SOURCEs its prefix: the folder of OUT that its images lie in.

A single folder has no prefix. Of several folders each has its base name, and a base name that repeats gets `-2`, `-3`,
in the order given. A folder that an earlier run into the same OUT has converted keeps the prefix that it had there, so
that its files keep their names whatever other SOURCEs are given later.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from itertools import chain, count
from pathlib import Path

from plainfilm.pickling import dataclass
from plainfilm.sources.naming_rules import fold, reserved_names, sanitize
from plainfilm.sources.scheme import is_gone


@dataclass(frozen=True, slots=True)
class EarlierNames:
    """What the ledger of OUT knows of the names of earlier runs.

    prefixes: the prefix of each folder that was a SOURCE, by its path, in the order in which they came.
    folders: the folded names of folders at the top of OUT that a new prefix may collide with.
    files: the paths of the files that have a source, and then of those that have it with `-2`, `-3`, by this source.
    """

    prefixes: Mapping[str, str] = field(default_factory=dict)
    folders: frozenset[str] = frozenset()
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def reserved(self, paths: Iterable[str]) -> tuple[str, ...]:
        """The prefixes of all folders but these, which no other folder at the top of OUT must have."""
        excluded = set(paths)
        return tuple(prefix for path, prefix in self.prefixes.items() if prefix and path not in excluded)


def assign_prefixes(folders: Iterable[Path], earlier: EarlierNames) -> dict[str, str]:
    """Return the prefix of each folder by its path; '' for none. The folders are resolved and distinct."""
    paths = [os.fspath(folder) for folder in folders]
    prefixes = {path: prefix for path in paths if (prefix := _earlier_prefix(path, earlier)) is not None}
    used = {fold(prefix) for prefix in chain(prefixes.values(), earlier.prefixes.values())}
    used |= earlier.folders | {fold(name) for name in reserved_names(at_top=True)}
    bare = [old for old, prefix in chain(prefixes.items(), earlier.prefixes.items()) if not prefix]
    for path in paths:
        if path in prefixes:
            continue
        prefix = "" if len(paths) == 1 else _free_prefix(path, used, bare)
        used.add(fold(prefix))
        prefixes[path] = prefix
    return {path: prefixes[path] for path in paths}


def base_name_of(path: str) -> str:
    """The safe name of a folder; that of the root of a file system is `_`."""
    return sanitize(Path(path).name)


def _earlier_prefix(path: str, earlier: EarlierNames) -> str | None:
    """The prefix of a folder in an earlier run, also if it was moved: a folder of its name is no longer there."""
    if path in earlier.prefixes:
        return earlier.prefixes[path]
    moved = (old for old in earlier.prefixes if base_name_of(old) == base_name_of(path) and is_gone(old))
    return next((earlier.prefixes[old] for old in moved), None)


def _free_prefix(path: str, used: set[str], bare: Sequence[str]) -> str:
    """The first prefix that is neither used nor the name of an entry of a folder without prefix."""
    base = base_name_of(path)
    candidates = chain([base], (f"{base}-{number}" for number in count(2)))
    return next(
        candidate
        for candidate in candidates
        if fold(candidate) not in used and not any(os.path.lexists(Path(folder, candidate)) for folder in bare)
    )
