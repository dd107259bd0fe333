# SPDX-License-Identifier: MIT
"""A deflated data set -> its bytes, under a bound that a bomb meets early."""

from __future__ import annotations

import zlib

from plainfilm.dicom.content import Content
from plainfilm.errors import ConversionError, LimitError, Reason, Stage, TruncatedError

# A step of input gives at most a thousand times as much; films without an image inflate a hundredfold.
_FLOOR, _RATIO, _STEP = 64 * 1024**2, 200, 16 * 1024
# Deflated data cannot be read piecewise, so all that they inflate to is held in memory.
_MOST_INFLATED = 1024**3


def inflated(content: Content, first: int) -> bytes:
    """The deflated data set that begins at `first`, inflated under a bound to what was read of it so far (PS3.5 A.5).

    Raises TruncatedError, LimitError (suspicious_compression; too_large) and ConversionError (corrupt_header).
    """
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    blocks, size = list[bytes](), 0
    for start in range(first, len(content), _STEP):
        try:
            blocks.append(inflater.decompress(content[start : start + _STEP]))
        except zlib.error:
            if len(content) - first < 8:  # less than an element: the file ends inside the file meta information
                break
            message = "the deflated data set is damaged"
            raise ConversionError(message, reason=Reason.CORRUPT_HEADER, stage=Stage.READ) from None
        size += len(blocks[-1])
        _check(size, start - first + _STEP)
        if inflater.eof:
            return b"".join(blocks)
    raise TruncatedError("the deflated data set ends too early")


def _check(size: int, read: int) -> None:
    if size > max(_FLOOR, _RATIO * read):
        message = f"{read} bytes of the deflated data set inflate to {size}"
        raise LimitError(message, reason=Reason.SUSPICIOUS_COMPRESSION)
    if size > _MOST_INFLATED:
        raise LimitError(f"the deflated data set inflates to more than {_MOST_INFLATED} bytes")
