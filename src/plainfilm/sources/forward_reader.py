# SPDX-License-Identifier: MIT
"""Read a compressed stream once, from its start to its end, under limits that a decompression bomb exceeds early."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable
from typing import BinaryIO, cast

from plainfilm.errors import LimitError, Reason, SourceError
from plainfilm.sources.archive_limits import MOST_HEADER_BYTES, check_ratio, check_total
from plainfilm.sources.archive_names import Packing

_STREAM_ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError)
_BLOCK = 1024**2
_RECENT_BYTES = 1024


class ForwardReader:
    """A decompressed stream as a file whose position only grows, except by the few bytes that `tarfile` goes back.

    The methods are those that `tarfile` uses.
    """

    def __init__(self, file: BinaryIO, packing: Packing) -> None:
        self._file = file
        self._stream, self._errors = _decompressed(file, packing)
        self._position = 0
        # the last bytes, and those of them that are read again
        self._recent = self._replay = b""

    def tell(self) -> int:
        """Return the position in the decompressed stream."""
        return self._position - len(self._replay)

    def seek(self, position: int) -> int:
        """Go to a position. Raises SourceError for one that was passed long ago, and the errors of `read`."""
        back = self._position - position
        if back > len(self._recent):
            raise SourceError("the headers of the archive point backwards")
        self._replay = self._recent[len(self._recent) - back :] if back > 0 else b""
        while self._position < position and self._read(min(position - self._position, _BLOCK)):
            pass
        return self.tell()

    def seek_end(self) -> None:
        """Go to the end, where the checksum of the stream is compared. Raises as `read`."""
        self._replay = b""
        while self._read(_BLOCK):
            pass

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes of headers.

        Raises SourceError where the stream is damaged or ends early, and LimitError for a bomb or a header that is too
        large.
        """
        if not 0 <= size <= MOST_HEADER_BYTES:
            raise LimitError(f"a header of the archive has more than {MOST_HEADER_BYTES} bytes")
        return self.read_data(size)

    def read_data(self, size: int) -> bytes:
        """Return `size` bytes, fewer at the end of the stream. Raises as `read`, without the limit of headers."""
        blocks, self._replay = [self._replay[:size]], self._replay[size:]
        missing = size - len(blocks[0])
        while missing and (block := self._read(min(missing, _BLOCK))):
            blocks.append(block)
            missing -= len(block)
        return b"".join(blocks)

    def _read(self, size: int) -> bytes:
        try:
            block = self._stream.read(size)
        except self._errors as error:
            raise SourceError(f"the compressed archive is damaged or not complete ({type(error).__name__})") from error
        self._position += len(block)
        self._recent = (self._recent + block)[-_RECENT_BYTES:]
        check_total(self._position)
        check_ratio(self._position, self._file.tell())
        return block


def _decompressed(file: BinaryIO, packing: Packing) -> tuple[BinaryIO, tuple[type[Exception], ...]]:
    """Return the decompressed stream, and the errors that reading it raises. Raises SourceError without a library."""
    if packing is Packing.ZSTD:
        return _zstandard_stream(file)
    openers: dict[Packing, Callable[[BinaryIO], object]] = {
        Packing.GZIP: lambda compressed: gzip.GzipFile(fileobj=compressed),
        Packing.BZIP2: bz2.BZ2File,
        Packing.XZ: lzma.LZMAFile,
    }
    return cast(BinaryIO, openers[packing](file)), _STREAM_ERRORS


def _zstandard_stream(file: BinaryIO) -> tuple[BinaryIO, tuple[type[Exception], ...]]:
    try:
        import zstandard
    except ImportError:
        message = "an archive that is compressed by Zstandard needs zstandard: pip install 'plainfilm[zstd]'"
        raise SourceError(message, reason=Reason.UNSUPPORTED_VALUE) from None
    stream = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
    return cast(BinaryIO, stream), (*_STREAM_ERRORS, zstandard.ZstdError)
