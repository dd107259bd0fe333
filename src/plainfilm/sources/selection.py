# SPDX-License-Identifier: MIT
"""Decide which of the listed items belong to the share of a process (`--shard`).

An archive belongs to one share with all its members, so that only one process reads it, unless members are shared out
themselves. What cannot be listed (a folder or a damaged archive) is an item of every share that meets it.
"""

from __future__ import annotations

from typing import Protocol

from plainfilm.options.share import Share
from plainfilm.pickling import dataclass


class _Listed(Protocol):
    """A file, an entry that is no file, or a folder."""

    @property
    def source(self) -> str:
        """The relative path."""


@dataclass(frozen=True, slots=True)
class ItemSelection:
    """The items of a share.

    share: the share; None for all items. has_members: whether the members of archives are shared out one by one.
    """

    share: Share | None = None
    has_members: bool = False

    def has_item(self, item: _Listed, *, is_in_archive: bool) -> bool:
        """Whether a file, or an entry that is none, belongs to the share; what is in an archive goes with it."""
        return (is_in_archive and not self.has_members) or self._has(item.source)

    def has_archive(self, source: str) -> bool:
        """Whether an archive is listed for the share."""
        return self.has_members or self._has(source)

    def _has(self, source: str) -> bool:
        return self.share is None or self.share.has(source)


ALL_ITEMS = ItemSelection()
