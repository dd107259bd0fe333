# SPDX-License-Identifier: MIT
"""Decode a PNG with zlib and the rules of ISO/IEC 15948, byte by byte, without an image library."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt


def pixels_of(content: bytes) -> npt.NDArray[Any]:
    """Native 8 or 16 bits, (rows, columns) or (rows, columns, 3)."""
    found = dict(chunks_of(content))
    columns, rows, bits, color = struct.unpack(">IIBB", found[b"IHDR"][:10])
    samples, sample = (3 if color == 2 else 1), bits // 8
    data = zlib.decompress(b"".join(data for kind, data in chunks_of(content) if kind == b"IDAT"))
    lines = np.frombuffer(data, np.uint8).reshape(rows, 1 + columns * samples * sample)
    bytes_of_rows = np.array(unfiltered(lines, [0] * (columns * samples * sample), samples * sample), np.uint8)
    image = bytes_of_rows.view(f">u{sample}").astype(f"u{sample}")
    return image.reshape(rows, columns, 3) if samples == 3 else image


def chunks_of(content: bytes) -> list[tuple[bytes, bytes]]:
    """Type and data of each chunk after the signature."""
    found, place = [], 8
    while place < len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        found.append((content[place + 4 : place + 8], content[place + 8 : place + 8 + length]))
        place += 12 + length
    return found


def unfiltered(lines: npt.NDArray[Any], above: list[int], pixel: int) -> list[list[int]]:
    """The bytes of rows from their scanlines, byte by byte as section 9.2 has it; `above` is the row before them."""
    rows = []
    for line in lines.tolist():
        row: list[int] = []
        for at, byte in enumerate(line[1:]):
            left = row[at - pixel] if at >= pixel else 0
            row.append((byte + _guess(line[0], left, above[at])) % 256)
        rows.append(row)
        above = row
    return rows


def _guess(kind: int, left: int, above: int) -> int:
    """The guess of a byte (table 9.1), but Paeth's."""
    return {0: 0, 1: left, 2: above, 3: (left + above) // 2}[kind]
