# SPDX-License-Identifier: MIT
"""A file that was listed -> what is to be done about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from plainfilm.sources.reference import Reference


@dataclass(frozen=True, slots=True)
class FileStat:
    """By what a file is known to be the same: its size in bytes and the time of its last change."""

    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> FileStat:
        """The stamp of a file; of one that is not there any more, none that a file could have."""
        try:
            known = path.stat()
        except (OSError, ValueError):
            return cls(-1, 0)
        return cls(known.st_size, known.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Admission:
    """A file that is to be converted, from a frame (counted from 0) on, under a name that nobody else has.

    again: whether the file has changed since it was converted. doomed: names of images that are to be removed first.
    """

    reference: Reference
    first_frame: int = 0
    again: bool = False
    doomed: tuple[str, ...] = ()


def numbered_names(name: str) -> Iterator[str]:
    """A name, and the names that it gets where it is taken."""
    return chain([name], (f"{name}-{number}" for number in count(2)))
