# SPDX-License-Identifier: MIT
"""Filtered scanlines -> a zlib stream (RFC 1950): the compressors that this installation has."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from isal import isal_zlib

from plainfilm.encode.scanlines import Bytes, Filter

try:
    from plainfilm.encode import runs
except ImportError:  # compiled where plainfilm is installed, and only where there is a C compiler
    HAS_RUNS = False
else:
    HAS_RUNS = True

Array = npt.NDArray[Any]

_HEAD = b"\x78\x01"  # deflate within 32 KiB, by the fastest algorithm
_LAST = b"\x03\x00"  # a last block, of nothing


def filtered_by_runs(pixels: Bytes, kind: Filter) -> Bytes:
    """What `filtered` gives, by the compiled row."""
    rows, columns, pixel = pixels.shape
    lines = runs.filter(pixels.reshape(-1).data, columns * pixel, pixel, kind)
    return np.frombuffer(lines, np.uint8).reshape(rows - 1, -1)


class Stream(Protocol):
    """A zlib stream that is being written."""

    def compress(self, data: memoryview, /) -> bytes:
        """Take bytes in; what comes out may lag behind."""

    def flush(self) -> bytes:
        """The rest."""


@dataclass(frozen=True, slots=True)
class Compressor:
    """What opens a stream, what tells to how many bytes some lines come, and how much that has to win.

    handicap: sizes are multiplied by it when they are compared with other compressors'; the slower, the higher.
    only: the one filter that is tried with it; else that which suits the fastest compressor.
    """

    name: str
    open: Callable[[], Stream]
    size: Callable[[Array], int]
    handicap: float
    only: Filter | None = None


class _Runs:
    """Blocks of run lengths (runs.c) as a stream: what goes in comes out at once."""

    def __init__(self, short: bool) -> None:
        self._short, self._head, self._checksum = short, _HEAD, 1

    def compress(self, data: memoryview, /) -> bytes:
        self._checksum = isal_zlib.adler32(data, self._checksum)
        head, self._head = self._head, b""
        return head + runs.deflate(data, self._short)

    def flush(self) -> bytes:
        return self._head + _LAST + self._checksum.to_bytes(4, "big")


def _size_of_runs(short: bool, lines: Array) -> int:
    return runs.deflated_size(lines.data, short)


def _size_through(opened: Callable[[], Stream], lines: Array) -> int:
    stream = opened()
    return len(stream.compress(lines.data)) + len(stream.flush())


_igzip = partial(isal_zlib.compressobj, 1)
_zlib = partial(zlib.compressobj, 1, strategy=zlib.Z_RLE)

# Films hold runs and little else that repeats, pictures of a screen much: there igzip is up to five times as small.
RUNS = Compressor("runs", partial(_Runs, False), partial(_size_of_runs, False), 1.0)
SHORT_RUNS = Compressor("short runs", partial(_Runs, True), partial(_size_of_runs, True), 1.0)
IGZIP = Compressor("igzip", _igzip, partial(_size_through, _igzip), 1.25)
# igzip finds no match below four bytes, and pays for a near one what it pays for a far one: where a picture is nearly
# all runs (two equal bytes a sample, flat areas) zlib's run lengths are up to a third smaller.
ZLIB = Compressor("zlib", _zlib, partial(_size_through, _zlib), 1.4, Filter.SUB)
