# SPDX-License-Identifier: MIT
"""List the files of a DICOM medium, such as a CD, in the order of its DICOMDIR (PS3.10 8).

The walk finds the files, and the DICOMDIR only orders them: it cannot hide a file, and no name in it is used as a path.
A file that it names and that is not there becomes a failure.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from plainfilm.errors import ConversionError, Reason, Stage
from plainfilm.records import Failure, Status
from plainfilm.sources.file_reader import open_source
from plainfilm.sources.naming_rules import DICOM_SUFFIXES, sanitize
from plainfilm.sources.reference import Reference

_MOST_BYTES = 128 * 1024**2
_MOST_COMPONENTS = 8
_VERSION_AT_END = re.compile(r"\.?(?:;[0-9]+)?\Z")
_NAME = "dicomdir"

Key = tuple[str, ...]


def is_directory_file(reference: Reference) -> bool:
    """Whether a file has the name of a DICOMDIR, in any case, also as old file systems write it (`DICOMDIR.;1`)."""
    return reference.member is None and _key_of_name(reference.file_name) == _NAME


def in_order_of_media(
    entries: Iterable[Reference | Failure], is_medium: Callable[[Path], bool]
) -> Iterator[Reference | Failure]:
    """Yield the entries of a listing; the files that a DICOMDIR names come in its order, after the others beside it.

    is_medium: whether all files of the folder that holds a DICOMDIR are listed.
    """
    media: list[Medium] = []
    for entry in entries:
        if isinstance(entry, Failure) or not isinstance(entry.path, Path):
            yield entry
            continue
        while media and not media[-1].contains(entry.path):
            yield from media.pop().entries()
        if is_directory_file(entry) and is_medium(entry.path.parent):
            media.append(Medium(entry.path, entry.source))
        if not media or entry.member is not None:
            yield entry
        else:
            yield from media[-1].add(entry, entry.path)
    while media:
        yield from media.pop().entries()


class Medium:
    """The files below the folder of one DICOMDIR, which has this path and this source."""

    def __init__(self, path: Path, source: str) -> None:
        self._root = path.parent
        self._source = source.rpartition("/")[0]
        self._file_ids = _file_ids(path)
        self._positions = {_key_of(file_id): number for number, file_id in enumerate(self._file_ids)}
        self._positions_without_suffix = {_without_suffix(key): number for key, number in self._positions.items()}
        self._files: dict[int, Reference] = {}
        self._exact = set[int]()

    def contains(self, path: Path) -> bool:
        """Whether a file lies below the folder of the DICOMDIR."""
        return self._root in path.parents

    def add(self, reference: Reference, path: Path) -> Iterator[Reference]:
        """Keep a file that the DICOMDIR names, and yield one that it does not name."""
        key = _key_of(path.relative_to(self._root).parts)
        number = self._positions.get(key)
        if number is not None and number not in self._exact:
            self._exact.add(number)
        else:
            number = self._positions_without_suffix.get(_without_suffix(key))
            if number is None or number in self._files:
                yield reference
                return
        # a file with an added suffix gives way to the file with the name itself
        if number in self._files:
            yield self._files[number]
        self._files[number] = reference

    def entries(self) -> Iterator[Reference | Failure]:
        """Yield the files that were kept, in the order of the DICOMDIR, and a failure for each that is missing."""
        names = _FolderNames(self._root)
        missing = set[Key]()
        for number, file_id in enumerate(self._file_ids):
            if number in self._files:
                yield self._files[number]
                continue
            key = _key_of(file_id)
            if key not in missing and (failure := self._failure(file_id, names)) is not None:
                missing.add(key)
                yield failure

    def _failure(self, file_id: Key, names: _FolderNames) -> Failure | None:
        """Return the row of a file that the walk did not list; None if it is there, because it has a row already."""
        components = [sanitize(part) for part in file_id[:_MOST_COMPONENTS]]
        if not _is_inside(file_id):
            source, reason = "/".join(("DICOMDIR", *components)), Reason.UNSUPPORTED_VALUE
            message = "the DICOMDIR names this file, but the name is no path within the medium: it is not looked for"
        elif names.has(_key_of(file_id)):
            return None
        else:
            # a name that had to be changed may be that of another file of the medium
            folders = () if tuple(components) == file_id else ("DICOMDIR",)
            source, reason = "/".join((*folders, *components)), Reason.UNREADABLE
            message = "the DICOMDIR names this file, but it is not on the medium: copy it from the original medium"
        source = f"{self._source}/{source}" if self._source else source
        return Failure(source, None, Status.FAILED, reason, Stage.LIST, message)


class _FolderNames:
    """Looks up, by their keys, whether files are below a folder; symbolic links to folders are not followed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._entries = lru_cache(maxsize=16)(self._read_entries)

    def has(self, key: Key) -> bool:
        """Whether a file is there, or whether a folder on its path cannot be read, which has a row of its own."""
        folders = [self._root]
        for name in key[:-1]:
            folders = [folder / entry for folder in folders for entry in self._folders(folder).get(name, ())]
        *_, last = _without_suffix(key)
        return any(self._is_unreadable(folder) or last in self._files(folder) for folder in folders)

    def _folders(self, folder: Path) -> dict[str, list[str]]:
        entries = self._entries(folder)
        return {} if entries is None else entries[0]

    def _files(self, folder: Path) -> set[str]:
        entries = self._entries(folder)
        return set() if entries is None else entries[1]

    def _is_unreadable(self, folder: Path) -> bool:
        return self._entries(folder) is None

    def _read_entries(self, folder: Path) -> tuple[dict[str, list[str]], set[str]] | None:
        folders: dict[str, list[str]] = {}
        files = set[str]()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    key = _key_of_name(entry.name)
                    if entry.is_dir(follow_symlinks=False):
                        folders.setdefault(key, []).append(entry.name)
                    else:
                        files.add(_without_suffix((key,))[0])
        except OSError:
            return None
        return folders, files


def _file_ids(path: Path) -> tuple[Key, ...]:
    """The names of the files of a DICOMDIR, () for one that cannot be read: then the run reports the file itself."""
    try:
        status = path.stat()
        return _read_file_ids(path, status.st_size, status.st_mtime_ns)
    except (OSError, ValueError):
        return ()


@lru_cache(maxsize=4)
def _read_file_ids(path: Path, size: int, _mtime_ns: int) -> tuple[Key, ...]:
    # imported late: pydicom takes time to load
    from plainfilm.dicom.read import read_directory

    if size > _MOST_BYTES:
        return ()
    try:
        with open_source(path, most_at_once=_MOST_BYTES) as content:
            return tuple(read_directory(content[:_MOST_BYTES]))
    except ConversionError:
        return ()


def _is_inside(file_id: Key) -> bool:
    """Whether the components of a file ID are names of files and folders (PS3.10 8.2: at most eight of them)."""
    is_short = len(file_id) <= _MOST_COMPONENTS
    return is_short and all(part not in ("", ".", "..") and not set(part) & set("/\\:\0") for part in file_id)


def _key_of(parts: Iterable[str]) -> Key:
    return tuple(map(_key_of_name, parts))


def _key_of_name(name: str) -> str:
    return _VERSION_AT_END.sub("", name.casefold(), count=1)


def _without_suffix(key: Key) -> Key:
    stem, dot, suffix = key[-1].rpartition(".")
    return (*key[:-1], stem) if dot and suffix in DICOM_SUFFIXES else key
