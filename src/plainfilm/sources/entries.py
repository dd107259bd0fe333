# SPDX-License-Identifier: MIT
"""Read a folder's entries and the kind of each. Only this module asks the file system for kinds of entries."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from plainfilm.errors import ConversionError, Reason, Stage
from plainfilm.pickling import dataclass
from plainfilm.records import Failure, Status


class EntryKind(StrEnum):
    """What an entry of a folder, of a list or of an archive is, after its symbolic link is resolved.

    MISSING: a list names it, but it does not exist. REFUSED: a member of an archive that is not read; the archive has
    its row.
    """

    FILE = "file"
    FOLDER = "folder"
    ARCHIVE = "archive"
    LINK_TO_FOLDER = "link to a folder"
    SPECIAL = "special"
    BROKEN = "broken"
    MISSING = "missing"
    REFUSED = "refused"

    @property
    def is_folder(self) -> bool:
        """Whether the images of this entry lie in a folder of OUT."""
        return self in (EntryKind.FOLDER, EntryKind.ARCHIVE)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a folder, or a SOURCE itself.

    argument: position (from 0) of the SOURCE argument that it comes from, where the entries of several are named
        together.
    """

    name: str
    kind: EntryKind
    argument: int = 0


def read_entries(path: Path, argument: int = 0) -> Iterator[Entry]:
    """Yield the entries of a folder, in no order. Raises OSError when the folder cannot be read."""
    with os.scandir(path) as entries:
        for entry in entries:
            yield Entry(entry.name, _kind_of(entry), argument)


def kind_of_source(path: str) -> EntryKind:
    """Return the kind of a SOURCE. A symbolic link to a folder counts as a folder, since the user names it explicitly.

    Raises FileNotFoundError or NotADirectoryError when nothing has this path.
    """
    os.lstat(path)
    try:
        mode = Path(path).stat().st_mode
    except OSError:
        return EntryKind.BROKEN
    return _kind_of_mode(mode)


def failure_of(kind: EntryKind, source: str) -> Failure:
    """Return the row of an entry that is not a file."""
    if kind is EntryKind.BROKEN:
        message = "it cannot be reached: a symbolic link that leads nowhere, or a folder without permission"
        return Failure(source, None, Status.FAILED, Reason.UNREADABLE, Stage.LIST, message)
    if kind is EntryKind.MISSING:
        message = "the list names this file, but it does not exist (a relative path is relative to the current folder)"
        return Failure(source, None, Status.FAILED, Reason.UNREADABLE, Stage.LIST, message)
    message = "not a regular file (a pipe, socket or device)"
    if kind is EntryKind.LINK_TO_FOLDER:
        message = "a symbolic link to a folder is not followed: give the folder as a SOURCE of its own"
    return Failure(source, None, Status.SKIPPED, Reason.NOT_A_FILE, Stage.LIST, message)


def failure_of_folder(source: str, error: OSError | ConversionError) -> Failure:
    """Return the row of a folder or of an archive whose entries cannot be listed."""
    if isinstance(error, ConversionError):
        return Failure(source, None, Status.FAILED, error.reason, Stage.LIST, error.message)
    message = f"the folder cannot be listed: {error.strerror}"
    return Failure(source, None, Status.FAILED, Reason.UNREADABLE, Stage.LIST, message)


def _kind_of(entry: os.DirEntry[str]) -> EntryKind:
    try:
        if entry.is_dir(follow_symlinks=False):
            return EntryKind.LINK_TO_FOLDER if _is_junction(entry) else EntryKind.FOLDER
        if entry.is_file(follow_symlinks=False):
            return EntryKind.FILE
        kind = _kind_of_mode(entry.stat().st_mode)
    except OSError:
        return EntryKind.BROKEN
    return EntryKind.LINK_TO_FOLDER if kind is EntryKind.FOLDER else kind


def _kind_of_mode(mode: int) -> EntryKind:
    if stat.S_ISDIR(mode):
        return EntryKind.FOLDER
    return EntryKind.FILE if stat.S_ISREG(mode) else EntryKind.SPECIAL


def _is_junction(entry: os.DirEntry[str]) -> bool:
    """Return whether a folder is a Windows junction, which can form a cycle as a symbolic link can."""
    if sys.platform == "win32":
        return entry.stat(follow_symlinks=False).st_reparse_tag == stat.IO_REPARSE_TAG_MOUNT_POINT
    return False
