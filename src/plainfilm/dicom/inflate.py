# SPDX-License-Identifier: MIT
"""Inflate a deflated data set under limits that a decompression bomb exceeds early (PS3.5 A.5)."""

from __future__ import annotations

import zlib

from plainfilm.dicom.byte_source import ByteSource
from plainfilm.errors import ConversionError, LimitError, Reason, Stage, TruncatedError

# A block of input inflates to at most 1032 times its size. Data sets without an image inflate about a hundredfold.
_ALWAYS_ALLOWED, _MAX_RATIO, _BLOCK = 64 * 1024**2, 200, 16 * 1024
# Deflated data do not allow random access, so the whole inflated data set is in memory.
_MAX_INFLATED = 1024**3


def inflate_data_set(content: ByteSource, start: int) -> bytes:
    """Inflate the data set that begins at `start`. The limit grows with the number of bytes read so far.

    Raises TruncatedError, LimitError (suspicious_compression; too_large) and ConversionError (corrupt_header).
    """
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    blocks, size = list[bytes](), 0
    for position in range(start, len(content), _BLOCK):
        try:
            blocks.append(inflater.decompress(content[position : position + _BLOCK]))
        except zlib.error:
            if len(content) - start < 8:  # less than an element: the file ends inside the File Meta Information
                break
            message = "the deflated data set is damaged"
            raise ConversionError(message, reason=Reason.CORRUPT_HEADER, stage=Stage.READ) from None
        size += len(blocks[-1])
        _check_size(size, position - start + _BLOCK)
        if inflater.eof:
            return b"".join(blocks)
    raise TruncatedError("the deflated data set ends too early")


def _check_size(size: int, bytes_read: int) -> None:
    if size > max(_ALWAYS_ALLOWED, _MAX_RATIO * bytes_read):
        message = f"{bytes_read} bytes of the deflated data set inflate to {size}"
        raise LimitError(message, reason=Reason.SUSPICIOUS_COMPRESSION)
    if size > _MAX_INFLATED:
        raise LimitError(f"the deflated data set inflates to more than {_MAX_INFLATED} bytes")
