# SPDX-License-Identifier: MIT
"""Hold many short texts in two arrays, which processes that are forked share without copying them.

A Python list of texts is copied page by page in a forked process, because the reference count of a text changes when
the text is read.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from plainfilm.pickling import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class ByteStrings:
    """A sequence of byte strings.

    data: the bytes of all strings, one after the other. ends: where each string ends in `data`.
    """

    data: npt.NDArray[np.uint8]
    ends: npt.NDArray[np.int64]

    @classmethod
    def of(cls, strings: Iterable[bytes]) -> ByteStrings:
        """Return the sequence of these strings."""
        builder = StringsBuilder()
        for string in strings:
            builder.append(string)
        return builder.build()

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> bytes:
        """Return the string at an index, counted from 0. Raises IndexError."""
        if not 0 <= index < len(self.ends):
            raise IndexError(index)
        start = self.ends[index - 1] if index else 0
        return self.data[start : self.ends[index]].tobytes()

    def __iter__(self) -> Iterator[bytes]:
        return (self[index] for index in range(len(self)))

    def select(self, indexes: npt.NDArray[np.int64]) -> ByteStrings:
        """Return the sequence of the strings at these indexes."""
        return ByteStrings.of(self[index] for index in indexes.tolist())


class StringsBuilder:
    """Collects byte strings one by one."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._ends = array("q")

    def append(self, string: bytes) -> None:
        """Add a string."""
        self._data += string
        self._ends.append(len(self._data))

    def build(self) -> ByteStrings:
        """Return the sequence of the strings; no further one may be added."""
        return ByteStrings(np.frombuffer(self._data, np.uint8), np.frombuffer(self._ends, np.int64))
