# SPDX-License-Identifier: MIT
"""Read the bytes of a Reference: of a file, or of a member of an archive, which is never unpacked to the disk."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import BinaryIO

from plainfilm.errors import ConversionError, Reason, SourceError, TruncatedError
from plainfilm.sources.archive_limits import check_member_size
from plainfilm.sources.file_reader import (
    MOST_AT_ONCE,
    FileContent,
    inflated_content,
    inflated_head,
    open_file,
    open_source,
    read_head,
)
from plainfilm.sources.reference import Location, Member, MemberSpan, Reference
from plainfilm.sources.zip_index import LOCAL_HEADER, LOCAL_HEADER_SIZE

_HEAD_BYTES = 4096
_ZIP_ERRORS = (zipfile.BadZipFile, NotImplementedError, EOFError, zlib.error, OSError, ValueError, struct.error)


def open_reference(
    reference: Reference, most_at_once: int = MOST_AT_ONCE
) -> AbstractContextManager[bytes | FileContent]:
    """Open a file or a member as a context manager for its content, as `open_source` does, and raises as it does.

    Of a member that is a DICOM file compressed with gzip, the content is what it holds.
    """
    if reference.member is None:
        return open_source(reference.path, most_at_once)
    return _open_member(reference.path, reference.member, most_at_once)


@contextmanager
def _open_member(path: Location, member: Member, most_at_once: int) -> Iterator[bytes | FileContent]:
    if member.content is not None:
        yield inflated_content(member.content)
    else:
        with open_file(path) as file:
            yield inflated_content(_content_of(file, member, most_at_once))


def head_of(reference: Reference) -> bytes:
    """Return the first bytes of a file or a member, enough to recognise its format; b"" of one that is read in order.

    Raises SourceError as `open_reference` does.
    """
    if reference.member is None:
        return read_head(reference.path)
    if reference.member.span is None:
        head = (reference.member.content or b"")[:_HEAD_BYTES]
    else:
        with open_file(reference.path) as file:
            head = _read_span(file, reference.member, reference.member.span, _HEAD_BYTES)
    return inflated_head(head) or head


def read_member(file: BinaryIO, member: Member) -> bytes:
    """Return the bytes of a member of an open archive. Raises SourceError, TruncatedError and LimitError."""
    assert member.span is not None
    check_member_size(member.size)
    return _read_span(file, member, member.span, member.size)


def _content_of(file: BinaryIO, member: Member, most_at_once: int) -> bytes | FileContent:
    span = member.span
    assert span is not None
    is_stored = span.method in (None, zipfile.ZIP_STORED)
    if is_stored and member.size > most_at_once:
        return FileContent(file, member.size, _data_start(file, span))
    return _read_span(file, member, span, member.size)


def _read_span(file: BinaryIO, member: Member, span: MemberSpan, size: int) -> bytes:
    """Return the first bytes of a member; the CRC of a zip member is checked where all of it is read."""
    start = _data_start(file, span)
    try:
        file.seek(start)
        content = file.read(min(size, member.size)) if span.method is None else _unzip(file, member, span, size)
    except _ZIP_ERRORS as error:
        message = f"the member of the archive is damaged ({type(error).__name__})"
        raise ConversionError(message, reason=Reason.UNREADABLE, stage=SourceError.default_stage) from error
    if len(content) < min(size, member.size):
        raise TruncatedError("the archive ends within the member, or the member is shorter than its header says")
    return content


def _unzip(file: BinaryIO, member: Member, span: MemberSpan, size: int) -> bytes:
    information = zipfile.ZipInfo(member.name)
    information.compress_type, information.CRC = span.method or zipfile.ZIP_STORED, span.crc
    information.compress_size, information.file_size = span.stored_size, member.size
    with zipfile.ZipExtFile(file, "r", information) as reader:
        return reader.read(size)


def _data_start(file: BinaryIO, span: MemberSpan) -> int:
    """The position of the first byte of a member's data. Raises SourceError where a local header is missing."""
    if span.method is None:
        return span.start
    try:
        file.seek(span.start)
        header = file.read(LOCAL_HEADER_SIZE)
    except (OSError, ValueError) as error:
        raise SourceError(f"the archive cannot be read ({type(error).__name__})") from error
    if not header.startswith(LOCAL_HEADER) or len(header) < LOCAL_HEADER_SIZE:
        raise SourceError("the zip file has no member where its central directory says so")
    name_size, extra_size = struct.unpack_from("<HH", header, 26)
    return int(span.start + LOCAL_HEADER_SIZE + name_size + extra_size)
