# SPDX-License-Identifier: MIT
"""The limits of archives, which are checked before a member is read."""

from __future__ import annotations

from plainfilm.errors import LimitError, Reason

MOST_MEMBERS = 500_000
"""The members of one archive. The list of 200,000 takes 123 MB of memory."""
MOST_DIRECTORY_BYTES = 256 * 1024**2
"""The bytes of the central directory of a zip file."""
LARGEST_MEMBER = 1024**3
"""The bytes of a member that is decompressed into memory. A stored member is read in parts and has no such limit."""
MOST_TOTAL_BYTES = 16 * 1024**4
"""The bytes of all members of one archive."""
MOST_HEADER_BYTES = 1024**2
"""The bytes that a header of a tar file may need at once."""

# Data sets without an image deflate about a hundredfold, and images less.
_ALWAYS_ALLOWED, _MAX_RATIO = 64 * 1024**2, 200


def check_ratio(size: int, stored_size: int) -> None:
    """Raise LimitError (suspicious_compression) where bytes expand as only those of a decompression bomb do."""
    if size > max(_ALWAYS_ALLOWED, _MAX_RATIO * stored_size):
        message = f"{stored_size} bytes of the archive expand to {size}"
        raise LimitError(message, reason=Reason.SUSPICIOUS_COMPRESSION)


def check_member_size(size: int) -> None:
    """Raise LimitError (too_large) for a member that does not fit into memory."""
    if size > LARGEST_MEMBER:
        raise LimitError(f"the member has {size} bytes; of a compressed archive, at most {LARGEST_MEMBER} are read")


def check_members(members: int) -> None:
    """Raise LimitError (too_large) for an archive with too many members."""
    if members > MOST_MEMBERS:
        raise LimitError(f"the archive has more than {MOST_MEMBERS} members: divide it, or unpack it")


def check_total(size: int) -> None:
    """Raise LimitError (too_large) for an archive whose members are too large together."""
    if size > MOST_TOTAL_BYTES:
        raise LimitError(f"the members of the archive have more than {MOST_TOTAL_BYTES} bytes")
