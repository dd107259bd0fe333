# SPDX-License-Identifier: MIT
"""Recognise a codestream by its first bytes: which transfer syntaxes it can have, and how many components.

Only what a codestream says of itself is used here. Whether it is complete and fits the header is checked when it is
decoded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from plainfilm.pickling import dataclass

_JPEG, _JPEG_2000, _JPEG_XL = b"\xff\xd8\xff", b"\xff\x4f\xff\x51", (b"\xff\x0a", b"\x00\x00\x00\x0cJXL ")
_JP2 = b"\x00\x00\x00\x0cjP  "
# 1 to 15 segments, the first of which begins after the header of 64 bytes (PS3.5 G.5).
_RLE_HEADER = re.compile(rb"[\x01-\x0f]\x00\x00\x00\x40\x00\x00\x00")
_RLE = "1.2.840.10008.1.2.5"
_ROOT = "1.2.840.10008.1.2.4"
# By the code of the start-of-frame marker (ITU-T T.81 B.1.1.3; F7 is JPEG-LS): the transfer syntaxes of the process.
_JPEG_SYNTAXES = {
    0xC0: (f"{_ROOT}.50", f"{_ROOT}.51"),
    0xC1: (f"{_ROOT}.51",),
    0xC2: (f"{_ROOT}.55", f"{_ROOT}.53"),
    0xC3: (f"{_ROOT}.70", f"{_ROOT}.57"),
    0xF7: (f"{_ROOT}.81", f"{_ROOT}.80"),
}
_DCT = (0xC0, 0xC1, 0xC2)
_JPEG_2000_SYNTAXES = tuple(f"{_ROOT}.{number}" for number in (91, 90, 92, 93))
_HIGH_THROUGHPUT_SYNTAXES = tuple(f"{_ROOT}.{number}" for number in (203, 201, 202))
_JPEG_XL_SYNTAXES = tuple(f"{_ROOT}.{number}" for number in (112, 110, 111))
_RSIZ_HIGH_THROUGHPUT = 0x4000
_COMPONENTS_OF_SIZ = 40


@dataclass(frozen=True, slots=True)
class CodestreamHeader:
    """What the first bytes of a codestream say.

    syntaxes: the transfer syntaxes that it can have, the most general one first. components: None if unknown.
    segments: the segments of an RLE frame. is_dct: whether it is JPEG with a discrete cosine transform, whose colour
    components are YCbCr by custom.
    """

    syntaxes: tuple[str, ...]
    components: int | None = None
    segments: int | None = None
    is_dct: bool = False


def read_codestream_header(codestream: bytes) -> CodestreamHeader | None:
    """Return what a bare codestream says of itself, or None if the bytes are not a known codestream."""
    if codestream.startswith(_JPEG):
        return _read_jpeg(codestream)
    if codestream.startswith(_JPEG_2000):
        return _read_jpeg_2000(codestream)
    if codestream.startswith(_JP2):
        start = codestream.find(_JPEG_2000)
        return CodestreamHeader(_JPEG_2000_SYNTAXES) if start < 0 else _read_jpeg_2000(codestream[start:])
    if codestream.startswith(_JPEG_XL):
        return CodestreamHeader(_JPEG_XL_SYNTAXES)
    if _RLE_HEADER.match(codestream):
        return CodestreamHeader((_RLE,), segments=codestream[0])
    return None


def _read_jpeg(codestream: bytes) -> CodestreamHeader | None:
    """Return the process and the components of the frame header (ITU-T T.81 B.2.2)."""
    for marker, position in _jpeg_segments(codestream):
        if marker in _JPEG_SYNTAXES:
            components = codestream[position + 9] if position + 9 < len(codestream) else None
            return CodestreamHeader(_JPEG_SYNTAXES[marker], components, is_dct=marker in _DCT)
    return None


def _jpeg_segments(codestream: bytes) -> Iterator[tuple[int, int]]:
    """Yield marker and position of the segments after SOI. Fill bytes before a marker are skipped (T.81 B.1.1.2)."""
    position = 2
    while position + 4 <= len(codestream) and codestream[position] == 0xFF:
        marker = codestream[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        yield marker, position
        position += 2 + int.from_bytes(codestream[position + 2 : position + 4], "big")


def _read_jpeg_2000(codestream: bytes) -> CodestreamHeader:
    """Return the components and the capabilities of the SIZ segment (ITU-T T.800 A.5.1, T.814)."""
    capabilities = int.from_bytes(codestream[6:8], "big")
    components = int.from_bytes(codestream[_COMPONENTS_OF_SIZ : _COMPONENTS_OF_SIZ + 2], "big")
    is_high_throughput = capabilities & _RSIZ_HIGH_THROUGHPUT
    syntaxes = _HIGH_THROUGHPUT_SYNTAXES if is_high_throughput else _JPEG_2000_SYNTAXES
    return CodestreamHeader(syntaxes, components or None)
