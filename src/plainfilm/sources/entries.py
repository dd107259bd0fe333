# SPDX-License-Identifier: MIT
"""A folder's path -> its entries, and what each is: only here the file system is asked for kinds of entries."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from plainfilm.errors import Reason, Stage
from plainfilm.records import Failure, Status


class Kind(StrEnum):
    """What an entry of a folder is, after its symbolic link."""

    FILE = "file"
    FOLDER = "folder"
    LINK_TO_FOLDER = "link to a folder"
    SPECIAL = "special"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a folder holds, or a SOURCE; `part` counts the SOURCEs where those of several are named together."""

    name: str
    kind: Kind
    part: int = 0


def entries_of(path: Path, part: int = 0) -> Iterator[Entry]:
    """The entries of a folder, in no order. Raises OSError when it cannot be read."""
    with os.scandir(path) as entries:
        for entry in entries:
            yield Entry(entry.name, _kind_of(entry), part)


def kind_of_source(path: str) -> Kind:
    """What a path given as a SOURCE is; a symbolic link to a folder counts as the folder, as somebody asked for it.

    Raises FileNotFoundError or NotADirectoryError where there is nothing.
    """
    os.lstat(path)
    try:
        mode = Path(path).stat().st_mode
    except OSError:
        return Kind.BROKEN
    return _kind_of_mode(mode)


def failure_of(kind: Kind, source: str) -> Failure:
    """The row for an entry that is no file."""
    if kind is Kind.BROKEN:
        message = "it cannot be reached: a symbolic link that leads nowhere, or a folder without permission"
        return Failure(source, None, Status.FAILED, Reason.UNREADABLE, Stage.LIST, message)
    message = "not a regular file (a pipe, socket or device)"
    if kind is Kind.LINK_TO_FOLDER:
        message = "a symbolic link to a folder is not followed: give the folder as a SOURCE of its own"
    return Failure(source, None, Status.SKIPPED, Reason.NOT_A_FILE, Stage.LIST, message)


def unreadable_folder(source: str, error: OSError) -> Failure:
    """The row for a folder whose entries cannot be listed."""
    message = f"the folder cannot be listed: {error.strerror}"
    return Failure(source, None, Status.FAILED, Reason.UNREADABLE, Stage.LIST, message)


def _kind_of(entry: os.DirEntry[str]) -> Kind:
    try:
        if entry.is_dir(follow_symlinks=False):
            return Kind.LINK_TO_FOLDER if _is_junction(entry) else Kind.FOLDER
        if entry.is_file(follow_symlinks=False):
            return Kind.FILE
        kind = _kind_of_mode(entry.stat().st_mode)
    except OSError:
        return Kind.BROKEN
    return Kind.LINK_TO_FOLDER if kind is Kind.FOLDER else kind


def _kind_of_mode(mode: int) -> Kind:
    if stat.S_ISDIR(mode):
        return Kind.FOLDER
    return Kind.FILE if stat.S_ISREG(mode) else Kind.SPECIAL


def _is_junction(entry: os.DirEntry[str]) -> bool:
    """Whether a folder is a Windows junction, which can lead round in a circle as a symbolic link can."""
    if sys.platform == "win32":
        return entry.stat(follow_symlinks=False).st_reparse_tag == stat.IO_REPARSE_TAG_MOUNT_POINT
    return False
