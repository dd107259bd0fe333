# SPDX-License-Identifier: MIT
"""What runs.c offers, where it was compiled."""

def filter(padded: memoryview, width: int, pixel: int, kind: int, /) -> bytes:
    """The scanlines of padded rows of so many bytes, as `scanlines.filtered` gives them.

    Raises ValueError where the bytes are not whole rows of more than a pixel, or the filter is none of 0 to 3.
    """

def deflate(data: memoryview, short: bool, /) -> bytes:
    """Contiguous bytes -> deflate blocks (RFC 1951), none of them the last, that end at a whole byte.

    Their only matches are runs of one byte: of at least 8, or, if they shall be short, of 4, which takes longer.
    """

def deflated_size(data: memoryview, short: bool, /) -> int:
    """About how many bytes `deflate` would give."""
