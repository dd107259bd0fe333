# SPDX-License-Identifier: MIT
"""List the members of a tar file, and notice where the file ends before its end-of-archive mark (POSIX pax)."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from typing import BinaryIO, cast

from plainfilm.errors import ConversionError, LimitError, Reason, SourceError
from plainfilm.sources.archive_limits import check_member_size, check_members, check_total
from plainfilm.sources.forward_reader import ForwardReader
from plainfilm.sources.reference import MemberSpan
from plainfilm.sources.zip_index import ListedMember

# chains of extended headers make tarfile call itself; a number in a header may be no number
_HEADER_ERRORS = (tarfile.TarError, ValueError, OverflowError, EOFError, RecursionError, IndexError, KeyError)


def tar_members(file: BinaryIO | ForwardReader) -> Iterator[tuple[ListedMember, int]]:
    """Yield the members of a tar file that are no folders, each with the position of its data, in their order.

    Raises, after the members before it, SourceError where the archive is damaged or not complete, and LimitError.
    """
    members = total = 0
    try:
        with tarfile.open(fileobj=cast(BinaryIO, file), mode="r:") as archive:
            while (header := archive.next()) is not None:
                # tarfile keeps the headers of all members
                archive.members.clear()  # type: ignore[attr-defined]
                members, total = members + 1, total + header.size
                check_members(members)
                check_total(total)
                if not header.isdir():
                    yield _listed(header, file), header.offset_data
            _check_end(file, archive.offset)
    except _HEADER_ERRORS as error:
        raise SourceError(f"a header of the tar file is damaged ({type(error).__name__})") from error


def _listed(header: tarfile.TarInfo, file: BinaryIO | ForwardReader) -> ListedMember:
    is_stream = isinstance(file, ForwardReader)
    span = None if is_stream else MemberSpan(header.offset_data, header.size)
    return ListedMember(header.name, header.size, span, _problem_of(header, is_stream=is_stream))


def _problem_of(header: tarfile.TarInfo, *, is_stream: bool) -> ConversionError | None:
    """Return why a member is not read, None if it is."""
    if header.issparse():
        message = "the member is a sparse file, which is not supported: unpack the archive"
        return SourceError(message, reason=Reason.UNSUPPORTED_VALUE)
    if not header.isreg():
        return SourceError("the member is a link or a device", reason=Reason.NOT_A_FILE)
    try:
        if is_stream:
            check_member_size(header.size)
    except LimitError as error:
        return error
    return None


def _check_end(file: BinaryIO | ForwardReader, position: int) -> None:
    """Raise SourceError unless a block of zeros is where the last header would be: tarfile ends there silently."""
    file.seek(position)
    block = file.read(tarfile.BLOCKSIZE)
    if block != bytes(tarfile.BLOCKSIZE):
        raise SourceError("the tar file ends too early, or a header in it is damaged: later members are not read")
    if isinstance(file, ForwardReader):
        # the checksum of the compressed stream is at its end
        file.seek_end()
