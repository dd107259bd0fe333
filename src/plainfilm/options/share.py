# SPDX-License-Identifier: MIT
"""The share of the sources that one of several processes converts (`--shard I/N`).

A share is decided by a hash of the name of each source alone, so that the processes need nothing of one another.
"""

from __future__ import annotations

import hashlib
import re

from plainfilm.errors import OptionsError
from plainfilm.pickling import dataclass

_SHARE = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")
_DIGEST_BYTES = 8


@dataclass(frozen=True, slots=True)
class Share:
    """Share `number`, counted from 1, of `total` shares. Raises OptionsError for a number that does not exist."""

    number: int
    total: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.total:
            raise OptionsError(f"I/N with I from 1 to N, not {self}")

    def __str__(self) -> str:
        return f"{self.number}/{self.total}"

    def has(self, source: str) -> bool:
        """Whether a source, given by its relative path, belongs to this share. Every source belongs to one share."""
        digest = hashlib.sha256(source.encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:_DIGEST_BYTES], "big") % self.total == self.number - 1


def parse_share(value: object) -> Share:
    """`I/N`, or a sequence of two whole numbers. Raises OptionsError."""
    if isinstance(value, Share):
        return value
    text = "/".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value).strip()
    match = _SHARE.fullmatch(text)
    if match is None:
        raise OptionsError(f"I/N, two whole numbers such as 3/16, not {value!r}")
    return Share(int(match[1]), int(match[2]))
