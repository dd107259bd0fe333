# SPDX-License-Identifier: MIT
"""The functions of runs.c, which exist only where it was compiled."""

def filter(padded: memoryview, width: int, pixel: int, kind: int, /) -> bytes:
    """Filter padded rows of `width` bytes into scanlines, as `scanlines.filter_rows` does.

    pixel: bytes per pixel. kind: the filter byte. Raises ValueError where the bytes are not whole rows of more than a
    pixel, or the filter is not 0 to 3.
    """

def deflate(data: memoryview, short: bool, /) -> bytes:
    """Compress contiguous bytes into deflate blocks (RFC 1951) that end at a whole byte; none of them is the last one.

    The only matches are runs of one byte, of at least 8 bytes. Where `short` is true, runs of 4 bytes and more count,
    which takes longer.
    """

def deflated_size(data: memoryview, short: bool, /) -> int:
    """The number of bytes that `deflate` would return, exact to a few bytes."""
