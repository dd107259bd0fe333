# SPDX-License-Identifier: MIT
"""List an archive as folders in memory, and read those members in order that cannot be read at random.

A member that is itself an archive is listed as a folder of its name. Its members, and those of a compressed tar file,
are read by the process that lists them: once to list them, and once more in order to convert them.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from plainfilm.errors import ConversionError, LimitError, Reason, SourceError, Stage
from plainfilm.pickling import dataclass
from plainfilm.records import Failure, Status
from plainfilm.sources.archive_limits import check_member_size, check_members
from plainfilm.sources.archive_names import (
    HEAD_BYTES,
    Packing,
    has_archive_suffix,
    member_path,
    packing_of,
    packing_of_bytes,
    packing_of_suffix,
)
from plainfilm.sources.entries import Entry, EntryKind
from plainfilm.sources.file_reader import open_file
from plainfilm.sources.forward_reader import ForwardReader
from plainfilm.sources.member_reader import read_member
from plainfilm.sources.path_tree import PathTree
from plainfilm.sources.reference import Location, Member
from plainfilm.sources.remote_file import RemoteFile
from plainfilm.sources.tar_index import tar_members
from plainfilm.sources.zip_index import ListedMember, zip_members

_MOST_ARCHIVES_IN_MEMORY = 4
_LOCK = threading.Lock()


@dataclass(frozen=True, slots=True)
class Scanned:
    """A member that a scan of an archive comes to.

    listed: the member, whose name has that of a nested archive before it. content: its bytes, if it must be read in
    order and the scan reads contents; or why they cannot be read.
    """

    listed: ListedMember
    content: bytes | ConversionError | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Archive:
    """The list of an archive.

    tree: the paths of its members. members, problems: of each path, the member, and why it is not read.
    damage: why later members are not listed; None if all are.
    """

    path: Location
    packing: Packing
    tree: PathTree
    members: Sequence[Member]
    problems: Sequence[ConversionError | None]
    damage: ConversionError | None

    def entries(self, place: str, argument: int) -> Iterator[Entry]:
        """Yield the entries of a folder of the archive ('' for its top)."""
        for child in self.tree.children(place):
            kind = EntryKind.FOLDER
            if child.position is not None:
                kind = EntryKind.FILE if self.problems[child.position] is None else EntryKind.REFUSED
            yield Entry(child.name, kind, argument)

    def member_at(self, place: str) -> Member:
        """Return the first member of a path."""
        position = self.tree.position_of(place)
        assert position is not None
        return self.members[position]

    def failure_at(self, place: str, source: str) -> Failure:
        """Return the row of a path whose last member is not read."""
        position = self.tree.position_of(place)
        assert position is not None
        while position + 1 < len(self.members) and self.tree.paths[position + 1] == place:
            position += 1
        problem = self.problems[position]
        assert problem is not None
        status = Status.SKIPPED if problem.reason is Reason.NOT_A_FILE else Status.FAILED
        return Failure(source, None, status, problem.reason, Stage.LIST, problem.message)

    def contents(self) -> Iterator[tuple[int, bytes | ConversionError]]:
        """Yield, in the order of the archive, the position and the bytes of each member that must be read in order.

        Raises SourceError and LimitError as `open_archive`.
        """
        with open_file(self.path) as file:
            for position, scanned in enumerate(_scan(file, self.packing, with_content=True)):
                if scanned.content is not None:
                    yield position, scanned.content


def archive_packing(path: Location, *, is_explicit: bool = False) -> Packing | None:
    """Return the kind of archive that a file is by its suffix and its first bytes, None for any other file.

    is_explicit: whether it is a SOURCE itself, where the first bytes of a zip or tar file are enough.
    """
    if not is_explicit and not has_archive_suffix(path.name):
        return None
    try:
        with open_file(path) as file:
            head = file.read(HEAD_BYTES)
    except (OSError, ConversionError):
        # the archive gets the row of a network that fails
        return packing_of_suffix(path.name) if isinstance(path, RemoteFile) else None
    return packing_of(path.name, head) or (packing_of_bytes(head) if is_explicit else None)


def open_archive(path: Location) -> Archive:
    """List an archive. Raises SourceError where it is damaged, and LimitError where it exceeds a limit."""
    try:
        version = path if isinstance(path, RemoteFile) else _version_of(path)
    except OSError as error:
        raise SourceError(f"the archive cannot be read: {error.strerror}") from error
    # two threads list the SOURCEs of a run at the same time
    with _LOCK:
        return _listed(path, version)


def _version_of(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


@lru_cache(_MOST_ARCHIVES_IN_MEMORY)
def _listed(path: Location, _version: object) -> Archive:
    packing = archive_packing(path, is_explicit=True)
    if packing is None:
        raise SourceError("the file is no longer an archive", reason=Reason.SOURCE_CHANGED)
    rows = list[tuple[str, bool, int, ListedMember, ConversionError | None]]()
    paths, damage = set[str](), None
    try:
        with open_file(path) as file:
            for position, scanned in enumerate(_scan(file, packing)):
                check_members(position)
                listed = scanned.listed
                place, problem = _place_of(listed, paths)
                rows.append((place, problem is not None, position, listed, problem))
    except LimitError:
        raise
    except (ConversionError, OSError) as error:
        damage = error if isinstance(error, ConversionError) else SourceError(f"it cannot be read: {error.strerror}")
        if not rows:
            raise damage from error
    rows.sort(key=lambda row: row[:3])
    members = [
        Member(place.rpartition("/")[2], listed.size, position, listed.span) for place, _, position, listed, _ in rows
    ]
    tree = PathTree([place for place, *_ in rows])
    return Archive(path, packing, tree, members, [problem for *_, problem in rows], damage)


def _place_of(listed: ListedMember, paths: set[str]) -> tuple[str, ConversionError | None]:
    """Return the path of a member in the tree, and why it is not read; a path that is accepted is added to `paths`."""
    place = member_path(listed.name)
    if not place:
        message = "the name of the member is absolute, empty, or leads out of the archive"
        return listed.name.replace("/", "_").replace("\\", "_"), _refusal(message)
    if listed.problem is not None:
        return place, listed.problem
    if place in paths:
        return place, _refusal("the archive has an earlier member of this name")
    paths.add(place)
    return place, None


def _refusal(message: str) -> SourceError:
    return SourceError(message, reason=Reason.UNSUPPORTED_VALUE)


def _scan(
    file: BinaryIO, packing: Packing, *, with_content: bool = False, is_nested: bool = False
) -> Iterator[Scanned]:
    """Yield the members of an archive and of the archives in it, in order. Raises SourceError and LimitError."""
    if packing is Packing.ZIP:
        for listed in zip_members(file):
            yield from _member(listed, _ZipContent(file, listed), with_content=with_content, is_nested=is_nested)
        return
    reader = file if packing is Packing.TAR else ForwardReader(file, packing)
    for listed, start in tar_members(reader):
        content = _TarContent(reader, start, listed.size)
        yield from _member(listed, content, with_content=with_content, is_nested=is_nested)


@dataclass(frozen=True, slots=True)
class _ZipContent:
    file: BinaryIO
    listed: ListedMember

    def read(self) -> bytes:
        return read_member(self.file, Member(self.listed.name, self.listed.size, 0, self.listed.span))


@dataclass(frozen=True, slots=True)
class _TarContent:
    reader: BinaryIO | ForwardReader
    start: int
    size: int

    def read(self) -> bytes:
        check_member_size(self.size)
        self.reader.seek(self.start)
        reader = self.reader
        content = reader.read_data(self.size) if isinstance(reader, ForwardReader) else reader.read(self.size)
        if len(content) < self.size:
            raise SourceError("the archive ends within the member")
        return content


def _member(
    listed: ListedMember, content: _ZipContent | _TarContent, *, with_content: bool, is_nested: bool
) -> Iterator[Scanned]:
    """Yield a member, or the members of the archive that it is."""
    is_readable = listed.problem is None
    if is_readable and has_archive_suffix(listed.name):
        yield from _nested(listed, content, with_content=with_content, is_nested=is_nested)
        return
    must_be_read = listed.span is None or is_nested
    if must_be_read:
        listed = ListedMember(listed.name, listed.size, None, listed.problem)
    yield Scanned(listed, _content(content) if is_readable and must_be_read and with_content else None)


def _content(content: _ZipContent | _TarContent) -> bytes | ConversionError:
    try:
        return content.read()
    except ConversionError as error:
        return error


def _nested(
    listed: ListedMember, content: _ZipContent | _TarContent, *, with_content: bool, is_nested: bool
) -> Iterator[Scanned]:
    """Yield the members of an archive in an archive; where it cannot be listed, a row for the archive itself."""
    packed = _content(content)
    problem = packed if isinstance(packed, ConversionError) else None
    packing = packing_of(listed.name, packed[:HEAD_BYTES]) if isinstance(packed, bytes) else None
    if isinstance(packed, bytes) and packing is None:
        yield Scanned(ListedMember(listed.name, listed.size, None), packed if with_content else None)
        return
    if packing is not None and is_nested:
        problem = LimitError("an archive in an archive in an archive is not read", reason=Reason.TOO_DEEP)
    elif packing is not None and isinstance(packed, bytes):
        try:
            for scanned in _scan(io.BytesIO(packed), packing, with_content=with_content, is_nested=True):
                yield Scanned(_renamed(scanned.listed, listed.name), scanned.content)
        except ConversionError as error:
            problem = error
    if problem is not None:
        yield Scanned(ListedMember(listed.name, listed.size, None, problem))


def _renamed(listed: ListedMember, archive: str) -> ListedMember:
    """A member of a nested archive with the name of this archive before its own, unless that leads out of it."""
    name = listed.name if member_path(listed.name) is None else f"{archive}/{listed.name}"
    return ListedMember(name, listed.size, listed.span, listed.problem)
