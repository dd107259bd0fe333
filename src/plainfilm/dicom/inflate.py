# SPDX-License-Identifier: MIT
"""Inflate a deflated data set under limits that a decompression bomb exceeds early (PS3.5 A.5)."""

from __future__ import annotations

import zlib

from plainfilm.dicom.byte_source import ByteSource
from plainfilm.dicom.encoding import begins_with_elements
from plainfilm.errors import ConversionError, LimitError, Reason, Stage, TruncatedError
from plainfilm.findings import Finding, FindingCode
from plainfilm.pickling import dataclass

GZIP_START = b"\x1f\x8b\x08"
_HEAD_SIZE = 4096

# A block of input inflates to at most 1032 times its size. Data sets without an image inflate about a hundredfold.
_ALWAYS_ALLOWED, _MAX_RATIO, _BLOCK = 64 * 1024**2, 200, 16 * 1024
# Deflated data do not allow random access, so the whole inflated data set is in memory.
_MAX_INFLATED = 1024**3


@dataclass(frozen=True, slots=True)
class InflatedDataSet:
    """The content that holds a data set which is declared deflated, and the position where the data set begins."""

    content: ByteSource
    start: int = 0
    findings: tuple[Finding, ...] = ()


def inflate_data_set(content: ByteSource, start: int) -> InflatedDataSet:
    """Inflate the data set that begins at `start`. Some writers add a zlib or gzip header, or do not deflate at all.

    Raises TruncatedError, LimitError (suspicious_compression; too_large) and ConversionError (corrupt_header).
    """
    head = content[start : start + _HEAD_SIZE]
    if begins_with_elements(head):
        note = "the file says that its data set is deflated; it is not"
        return InflatedDataSet(content, start, (Finding(FindingCode.ASSUMED_TRANSFER_SYNTAX, note),))
    if head.startswith(GZIP_START):
        return _inflate_with_header(content, start, "gzip", 16 + zlib.MAX_WBITS)
    if _has_zlib_header(head):
        return _inflate_with_header(content, start, "zlib", zlib.MAX_WBITS)
    return InflatedDataSet(inflate(content, start, -zlib.MAX_WBITS, "the deflated data set"))


def _inflate_with_header(content: ByteSource, start: int, name: str, window_bits: int) -> InflatedDataSet:
    note = f"the deflated data set has a {name} header"
    inflated = inflate(content, start, window_bits, "the deflated data set")
    return InflatedDataSet(inflated, 0, (Finding(FindingCode.ASSUMED_TRANSFER_SYNTAX, note),))


def _has_zlib_header(head: bytes) -> bool:
    """Whether the bytes begin with a zlib header (RFC 1950) and not with a stored block of raw data (RFC 1951)."""
    if len(head) < 5 or head[0] & 0x0F != 8 or head[0] >> 4 > 7 or int.from_bytes(head[:2], "big") % 31:
        return False
    length, complement = int.from_bytes(head[1:3], "little"), int.from_bytes(head[3:5], "little")
    return head[0] & 7 != 0 or length ^ complement != 0xFFFF


def inflate(content: ByteSource, start: int, window_bits: int, what: str) -> bytes:
    """Inflate the bytes from `start` on. The limit grows with the number of bytes read so far.

    window_bits: as in `zlib.decompressobj`. what: the name of the data in messages.
    Raises TruncatedError, LimitError (suspicious_compression; too_large) and ConversionError (corrupt_header).
    """
    inflater = zlib.decompressobj(window_bits)
    blocks, size = list[bytes](), 0
    for position in range(start, len(content), _BLOCK):
        try:
            blocks.append(inflater.decompress(content[position : position + _BLOCK]))
        except zlib.error:
            if len(content) - start < 8:  # less than an element: the file ends inside the File Meta Information
                break
            message = f"{what} is damaged"
            raise ConversionError(message, reason=Reason.CORRUPT_HEADER, stage=Stage.READ) from None
        size += len(blocks[-1])
        _check_size(size, position - start + _BLOCK, what)
        while inflater.eof:
            rest = inflater.unused_data
            if window_bits < zlib.MAX_WBITS + 1 or not rest.startswith(GZIP_START):
                return b"".join(blocks)
            inflater = zlib.decompressobj(window_bits)
            blocks.append(inflater.decompress(rest))
            size += len(blocks[-1])
            _check_size(size, position - start + _BLOCK, what)
    raise TruncatedError(f"{what} ends too early")


def inflate_gzip(content: ByteSource) -> bytes:
    """Inflate a gzip file, which may have several members (RFC 1952 2.2). Raises the errors of `inflate`."""
    return inflate(content, 0, 16 + zlib.MAX_WBITS, "the gzip file")


def inflate_gzip_head(head: bytes, size: int) -> bytes:
    """Return up to `size` bytes of what a gzip file holds, of which `head` is the first part; b"" if it is damaged."""
    try:
        return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(head, size)
    except zlib.error:
        return b""


def _check_size(size: int, bytes_read: int, what: str) -> None:
    if size > max(_ALWAYS_ALLOWED, _MAX_RATIO * bytes_read):
        message = f"{bytes_read} bytes of {what} inflate to {size}"
        raise LimitError(message, reason=Reason.SUSPICIOUS_COMPRESSION)
    if size > _MAX_INFLATED:
        raise LimitError(f"{what} inflates to more than {_MAX_INFLATED} bytes")
