# SPDX-License-Identifier: MIT
"""The compressors that turn filtered scanlines into a zlib stream (RFC 1950), as far as they are installed."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import numpy.typing as npt
from isal import isal_zlib

from plainfilm.encode.scanlines import Filter
from plainfilm.kernels import HAS_CORE
from plainfilm.pickling import dataclass

if HAS_CORE:
    from plainfilm.kernels import core

Array = npt.NDArray[Any]

_ZLIB_HEADER = b"\x78\x01"  # deflate with a window of 32 KiB, compressed by the fastest algorithm
_FINAL_BLOCK = b"\x03\x00"  # the last deflate block of a stream, without any byte


class Stream(Protocol):
    """A zlib stream that is being written."""

    def compress(self, data: memoryview, /) -> bytes:
        """Compress bytes, and return the part of the stream that is ready, which may be empty."""

    def flush(self) -> bytes:
        """Return the rest of the stream."""


@dataclass(frozen=True, slots=True)
class Compressor:
    """A compressor, and how its result is compared with that of other compressors.

    open: opens a stream. size: the number of bytes to which scanlines are compressed.
    size_factor: sizes are multiplied by it before they are compared; the slower a compressor is, the higher it is.
    only_filter: the single filter that is tried with it; None for the filter that suits the fastest compressor best.
    """

    name: str
    open: Callable[[], Stream]
    size: Callable[[Array], int]
    size_factor: float
    only_filter: Filter | None = None


class _RunsStream:
    """A zlib stream of the blocks that deflate.c writes; each piece of data is compressed at once."""

    def __init__(self, short: bool) -> None:
        self._short, self._header, self._checksum = short, _ZLIB_HEADER, 1

    def compress(self, data: memoryview, /) -> bytes:
        self._checksum = isal_zlib.adler32(data, self._checksum)
        header, self._header = self._header, b""
        return header + core.deflate(data, self._short)

    def flush(self) -> bytes:
        return self._header + _FINAL_BLOCK + self._checksum.to_bytes(4, "big")


def _runs_size(short: bool, scanlines: Array) -> int:
    return core.deflated_size(scanlines.data, short)


def _stream_size(open_stream: Callable[[], Stream], scanlines: Array) -> int:
    stream = open_stream()
    return len(stream.compress(scanlines.data)) + len(stream.flush())


_open_igzip = partial(isal_zlib.compressobj, 1)
_open_zlib = partial(zlib.compressobj, 1, strategy=zlib.Z_RLE)

# In filtered radiographs hardly anything but runs repeats. Screenshots have much else that repeats, and igzip writes
# them up to five times as small.
RUNS = Compressor("runs", partial(_RunsStream, False), partial(_runs_size, False), 1.0)
SHORT_RUNS = Compressor("short runs", partial(_RunsStream, True), partial(_runs_size, True), 1.0)
IGZIP = Compressor("igzip", _open_igzip, partial(_stream_size, _open_igzip), 1.25)
# igzip finds no match of fewer than four bytes, and a near match costs it as much as a distant one. Where an image is
# nearly all runs (two equal bytes per sample, flat areas), zlib's run-length strategy is up to a third smaller.
ZLIB = Compressor("zlib", _open_zlib, partial(_stream_size, _open_zlib), 1.4, Filter.SUB)
