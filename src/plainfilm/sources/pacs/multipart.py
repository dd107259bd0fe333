# SPDX-License-Identifier: MIT
"""Take the one DICOM file out of an answer to a retrieve request (PS3.18 10.4.3), byte for byte.

Servers differ from the standard: parts without headers, answers without parts, line ends of one byte, a transfer
syntax in the headers that is not that of the file. What counts here is where the bytes of the file are.
"""

from __future__ import annotations

import re

from plainfilm.errors import Reason, SourceError

_BOUNDARY = re.compile(r'boundary\s*=\s*(?:"([^"]*)"|([^\s;]+))', re.IGNORECASE)
_FIRST_LINE = re.compile(rb"\s*--([^\r\n]{1,128}?)[ \t]*\r?\n")
_HEADERS_END = re.compile(rb"\r?\n\r?\n")
_MOST_HEADERS = 8192
_PREFIX_START, _PREFIX = 128, b"DICM"
# Media Storage SOP Instance UID in the file meta information, and SOP Instance UID: explicit, implicit, big endian
_UID_ELEMENT = re.compile(
    rb"(?:\x02\x00\x03\x00UI[\x00-\x40]\x00|\x08\x00\x18\x00(?:UI[\x00-\x40]\x00|[\x00-\x40]\x00{3})"
    rb"|\x00\x08\x00\x18UI\x00[\x00-\x40])([0-9A-Za-z._-]{1,64})"
)
# file meta information and the first elements lie here
_HEAD_BYTES = 8192


def instance_in(body: bytes, content_type: str, uid: str) -> bytes:
    """Return the DICOM file of an instance from the body of an answer.

    Raises SourceError: `unsupported_value` for an answer without this instance, `network` for one that ends early.
    """
    if _is_file(body, 0):
        return _checked(body, uid)
    boundary = _boundary(body, content_type)
    if boundary is None:
        raise SourceError("the server does not send a DICOM file", reason=Reason.UNSUPPORTED_VALUE)
    parts = [span for span in _parts(body, b"--" + boundary) if span[1] > span[0]]
    if len(parts) > 1:
        parts = [(start, end) for start, end in parts if _is_of(body[start : min(end, start + _HEAD_BYTES)], uid)]
    if not parts:
        raise SourceError("the server sends no instance", reason=Reason.UNSUPPORTED_VALUE)
    start, end = parts[0]
    return _checked(body[start:end], uid)


def _boundary(body: bytes, content_type: str) -> bytes | None:
    """The boundary that the header names, or else the first line of the body."""
    named = _BOUNDARY.search(content_type)
    boundary = (named[1] or named[2] or "").encode("latin-1", "replace") if named else b""
    if boundary and b"--" + boundary in body[:_MOST_HEADERS]:
        return boundary
    line = _FIRST_LINE.match(body[:_MOST_HEADERS])
    return line[1] if line else None


def _parts(body: bytes, delimiter: bytes) -> list[tuple[int, int]]:
    """The first and last position of the content of each part."""
    parts = list[tuple[int, int]]()
    start = _after_delimiter(body, delimiter, 0)
    while start is not None:
        start = _after_headers(body, start)
        position = _delimiter_at(body, delimiter, start)
        if position is None:
            # the length of the whole answer has been checked: the last delimiter is missing, and not a part of the file
            return [*parts, (start, len(body))]
        end = position - (2 if body[position - 2 : position] == b"\r\n" else 1)
        parts.append((start, max(start, end)))
        start = _after_delimiter(body, delimiter, position)
    return parts


def _delimiter_at(body: bytes, delimiter: bytes, start: int) -> int | None:
    """The position of the next delimiter at the start of a line."""
    while (position := body.find(delimiter, start)) >= 0:
        if position == 0 or body[position - 1 : position] == b"\n":
            return position
        start = position + 1
    return None


def _after_delimiter(body: bytes, delimiter: bytes, start: int) -> int | None:
    """The position of the line after the next delimiter; None after the last one, which ends with two hyphens."""
    position = _delimiter_at(body, delimiter, start)
    if position is None:
        return None
    end = position + len(delimiter)
    line_end = body.find(b"\n", end, end + 256)
    return None if body[end : end + 2] == b"--" or line_end < 0 else line_end + 1


def _after_headers(body: bytes, start: int) -> int:
    """The position of the content of a part, which may have no headers, or not even the empty line after them."""
    if _is_file(body, start):
        return start
    for line_end in (b"\r\n", b"\n"):
        if body.startswith(line_end, start):
            return start + len(line_end)
    headers = _HEADERS_END.search(body, start, min(len(body), start + _MOST_HEADERS))
    return headers.end() if headers else start


def _is_file(body: bytes, start: int) -> bool:
    prefix = start + _PREFIX_START
    return body[prefix : prefix + len(_PREFIX)] == _PREFIX and not body.startswith(b"--", start)


def _is_of(head: bytes, uid: str) -> bool:
    """Whether the start of a file has the UID of an instance, or none that can be seen."""
    uids = {match[1].decode() for match in _UID_ELEMENT.finditer(head)}
    return not uids or uid in uids


def _checked(content: bytes, uid: str) -> bytes:
    if not _is_of(content[:_HEAD_BYTES], uid):
        raise SourceError("the server sends another instance", reason=Reason.UNSUPPORTED_VALUE)
    return content
