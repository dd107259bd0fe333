# SPDX-License-Identifier: MIT
"""The work that remains for a source, and the file properties by which a changed source is recognised."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from itertools import chain, count
from pathlib import Path

from plainfilm.pickling import dataclass
from plainfilm.sources.reference import Location, Reference
from plainfilm.sources.remote_file import RemoteFile


@dataclass(frozen=True, slots=True)
class FileStat:
    """The size of a file in bytes and the time of its last change: a file is unchanged if both are equal.

    Of a file in a store, the number of its version takes the place of the time.
    """

    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Location) -> FileStat:
        """Return the properties of a file, or (-1, 0), which no local file has, where they cannot be read."""
        if isinstance(path, RemoteFile):
            return cls(path.size, path.version)
        try:
            status = path.stat()
        except (OSError, ValueError):
            return cls(-1, 0)
        return cls(status.st_size, status.st_mtime_ns)

    @classmethod
    def of_output(cls, path: Path) -> FileStat:
        """Return the properties of a file in OUT, or (-1, 0) where no regular file has its name."""
        try:
            status = path.lstat()
        except (OSError, ValueError):
            return cls(-1, 0)
        return cls(status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else cls(-1, 0)


@dataclass(frozen=True, slots=True)
class RemainingWork:
    """A source that is to be converted, from `first_frame` (counted from 0) on.

    reference: the source, with a name for its images that no other source has.
    has_changed: whether the file has changed since it was converted.
    obsolete_files: names of older images of the source, which are to be removed first.
    """

    reference: Reference
    first_frame: int = 0
    has_changed: bool = False
    obsolete_files: tuple[str, ...] = ()


def numbered_names(name: str) -> Iterator[str]:
    """Yield the name itself, then the names that it gets where it is taken: `name-2`, `name-3`, ..."""
    return chain([name], (f"{name}-{number}" for number in count(2)))
