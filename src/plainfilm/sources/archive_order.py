# SPDX-License-Identifier: MIT
"""Give the members of archives that can only be read in order their content, in the order of the archive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from plainfilm.errors import ConversionError, Reason, SourceError, Stage
from plainfilm.records import Failure, Status
from plainfilm.sources.archive import open_archive
from plainfilm.sources.reference import Location, Reference


class ArchiveOrder:
    """The references of members that wait for their content, by their archive and their position in it."""

    def __init__(self) -> None:
        self._waiting: dict[Location, dict[int, Reference]] = {}

    def takes(self, item: object) -> bool:
        """Take a reference to a member that can only be read in order; return whether it is one."""
        if not isinstance(item, Reference) or item.member is None or item.member.span is not None:
            return False
        self._waiting.setdefault(item.path, {})[item.member.position] = item
        return True

    def read(self, archive: Location | None) -> Iterator[Reference | Failure]:
        """Yield the references of one archive, or of all (None), with their content; a failure for each other one."""
        for path in list(self._waiting) if archive is None else [archive]:
            if references := self._waiting.pop(path, None):
                yield from _with_content(path, references)


def _with_content(path: Location, references: dict[int, Reference]) -> Iterator[Reference | Failure]:
    error: ConversionError = SourceError("the archive changed after it was listed", reason=Reason.SOURCE_CHANGED)
    try:
        for position, content in open_archive(path).contents():
            reference = references.pop(position, None)
            if reference is None or reference.member is None:
                continue
            if isinstance(content, bytes):
                yield replace(reference, member=replace(reference.member, content=content))
            else:
                yield _failure_of(reference, content)
    except ConversionError as caught:
        error = caught
    for reference in references.values():
        yield _failure_of(reference, error)


def _failure_of(reference: Reference, error: ConversionError) -> Failure:
    return Failure(reference.source, None, Status.FAILED, error.reason, Stage.READ, error.message)
