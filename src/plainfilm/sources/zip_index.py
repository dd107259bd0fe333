# SPDX-License-Identifier: MIT
"""List the members of a zip file from its central directory, after its end record has been checked (APPNOTE 4.3.16)."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from typing import BinaryIO

from plainfilm.errors import ConversionError, LimitError, Reason, SourceError
from plainfilm.pickling import dataclass
from plainfilm.sources.archive_limits import (
    MOST_DIRECTORY_BYTES,
    check_member_size,
    check_members,
    check_ratio,
    check_total,
)
from plainfilm.sources.reference import MemberSpan

_END, _END_SIZE, _MOST_COMMENT_BYTES = b"PK\x05\x06", 22, 65_535
_END_64, _LOCATOR_64, _LOCATOR_64_SIZE = b"PK\x06\x06", b"PK\x06\x07", 20
_ENTRY = b"PK\x01\x02"
LOCAL_HEADER, LOCAL_HEADER_SIZE = b"PK\x03\x04", 30
_ENCRYPTED_FLAGS = 0x1 | 0x40 | 0x2000
_AES_METHOD = 99
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA})
_METHOD_NAMES = {1: "Shrink", 6: "Implode", 9: "Deflate64", 93: "Zstandard", 95: "XZ", 98: "PPMd"}
_FILE_TYPES, _REGULAR, _UNIX = 0o170000, (0, 0o100000), 3


@dataclass(frozen=True, slots=True)
class ListedMember:
    """A member as its archive lists it.

    name: the name in the archive. size: its number of bytes. span: where it lies; None in an archive that is read in
    order. problem: why it is not read; None if it is.
    """

    name: str
    size: int
    span: MemberSpan | None
    problem: ConversionError | None = None


def zip_members(file: BinaryIO) -> Iterator[ListedMember]:
    """Yield the members of a zip file that are no folders.

    Raises SourceError for a file that is damaged, and LimitError for one that exceeds a limit of archives.
    """
    _check_directory(file)
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, struct.error, EOFError) as error:
        raise SourceError(f"the central directory of the zip file is damaged ({type(error).__name__})") from error
    check_members(len(members))
    check_total(sum(member.file_size for member in members))
    overlapping = _overlapping(members, file.seek(0, 2))
    for number, member in enumerate(members):
        if not member.is_dir():
            span = MemberSpan(member.header_offset, member.compress_size, member.compress_type, member.CRC)
            problem = _overlap_error() if number in overlapping else _problem_of(member)
            yield ListedMember(member.filename, member.file_size, span, problem)


def _problem_of(member: zipfile.ZipInfo) -> ConversionError | None:
    """Return why a member is not read, None if it is."""
    if member.flag_bits & _ENCRYPTED_FLAGS or member.compress_type == _AES_METHOD:
        return SourceError("the member is encrypted: unpack the archive with its password", reason=Reason.ENCRYPTED)
    if member.create_system == _UNIX and (member.external_attr >> 16) & _FILE_TYPES not in _REGULAR:
        return SourceError("the member is a link or a device", reason=Reason.NOT_A_FILE)
    if member.compress_type not in _METHODS:
        method = _METHOD_NAMES.get(member.compress_type, f"method {member.compress_type}")
        message = f"the member is compressed by {method}, which is not supported: unpack the archive"
        return SourceError(message, reason=Reason.UNSUPPORTED_VALUE)
    try:
        if member.compress_type != zipfile.ZIP_STORED:
            check_member_size(member.file_size)
        elif member.compress_size != member.file_size:
            message = "the member is stored, but its two sizes differ"
            return SourceError(message, reason=Reason.UNSUPPORTED_VALUE)
        check_ratio(member.file_size, member.compress_size)
    except LimitError as error:
        return error
    return None


def _overlap_error() -> SourceError:
    return SourceError("the member shares bytes with another one", reason=Reason.UNSUPPORTED_VALUE)


def _overlapping(members: list[zipfile.ZipInfo], size: int) -> set[int]:
    """The positions of the members whose data reach into the next member or beyond the end of the file."""
    order = sorted(range(len(members)), key=lambda number: members[number].header_offset)
    starts = [members[number].header_offset for number in order] + [size]
    ends = [members[number].header_offset + LOCAL_HEADER_SIZE + members[number].compress_size for number in order]
    overlapping = set[int]()
    furthest = 0
    for place, number in enumerate(order):
        if ends[place] > starts[place + 1] or starts[place] < furthest:
            overlapping.add(number)
        furthest = max(furthest, ends[place])
    return overlapping


def _check_directory(file: BinaryIO) -> None:
    """Check the end record and the number of entries, before the central directory is read into objects."""
    size = file.seek(0, 2)
    tail_size = min(size, _END_SIZE + _MOST_COMMENT_BYTES)
    file.seek(size - tail_size)
    tail = file.read(tail_size)
    position = tail.rfind(_END)
    if position < 0 or len(tail) - position < _END_SIZE:
        raise SourceError("the zip file has no end record: it is not complete, or damaged")
    entries, directory_size = struct.unpack_from("<HI", tail, position + 10)
    end = size - tail_size + position
    record_64 = _end_record_64(file, end)
    if record_64 is not None:
        entries, directory_size, end = record_64
    check_members(entries)
    if directory_size > min(MOST_DIRECTORY_BYTES, end):
        raise LimitError(f"the central directory of the zip file has {directory_size} bytes")
    file.seek(end - directory_size)
    check_members(file.read(directory_size).count(_ENTRY))


def _end_record_64(file: BinaryIO, end: int) -> tuple[int, int, int] | None:
    """Return entries, bytes of the directory and position of the end record of Zip64 (APPNOTE 4.3.14), or None."""
    if end < _LOCATOR_64_SIZE:
        return None
    file.seek(end - _LOCATOR_64_SIZE)
    locator = file.read(_LOCATOR_64_SIZE)
    if not locator.startswith(_LOCATOR_64):
        return None
    # zipfile too expects the record right before its locator
    start = end - _LOCATOR_64_SIZE - 56
    file.seek(max(start, 0))
    record = file.read(56)
    if start < 0 or not record.startswith(_END_64):
        raise SourceError("the end record of the zip file is damaged")
    entries, directory_size = struct.unpack_from("<QQ", record, 32)
    return entries, directory_size, start
