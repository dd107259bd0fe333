# SPDX-License-Identifier: MIT
"""A deflated data set -> its bytes, under a bound that a bomb meets early."""

from __future__ import annotations

import zlib

from plainfilm.errors import ConversionError, LimitError, Reason, Stage, TruncatedError

# A step of input gives at most a thousand times as much; films without an image inflate a hundredfold.
_FLOOR, _RATIO, _STEP = 64 * 1024**2, 200, 16 * 1024


def inflated(deflated: memoryview) -> bytes:
    """A deflated data set, inflated under a bound to what has been read of it so far (PS3.5 A.5).

    Raises TruncatedError, LimitError (suspicious_compression) and ConversionError (corrupt_header).
    """
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    blocks, size = list[bytes](), 0
    for start in range(0, len(deflated), _STEP):
        try:
            blocks.append(inflater.decompress(deflated[start : start + _STEP]))
        except zlib.error:
            if len(deflated) < 8:  # less than an element: the file ends inside the file meta information
                break
            message = "the deflated data set is damaged"
            raise ConversionError(message, reason=Reason.CORRUPT_HEADER, stage=Stage.READ) from None
        size, read = size + len(blocks[-1]), start + _STEP
        if size > max(_FLOOR, _RATIO * read):
            message = f"{read} bytes of the deflated data set inflate to {size}"
            raise LimitError(message, reason=Reason.SUSPICIOUS_COMPRESSION)
        if inflater.eof:
            return b"".join(blocks)
    raise TruncatedError("the deflated data set ends too early")
