# SPDX-License-Identifier: MIT
"""Check the tile-parts of a JPEG 2000 codestream before a decoder sees them (ITU-T T.800 A.4.2).

OpenJPEG 2.5.2 and 2.5.4 write past a heap block where tile-parts contradict one another, so a codestream that breaks a
rule of this module never reaches it.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from plainfilm.decode.codestream import truncated_error
from plainfilm.errors import DecodeError
from plainfilm.pickling import dataclass

_START_OF_TILE_PART, _COMMENT, _END_OF_CODESTREAM = b"\xff\x90", b"\xff\x64", b"\xff\xd9"
_SHORTEST = 14
"""Bytes of the shortest tile-part: an SOT segment and the SOD marker."""


@dataclass(frozen=True, slots=True)
class TilePart:
    """One tile-part, which occupies the bytes from `start` to `stop`.

    tile: Isot. index: TPsot, the number of the tile-part within its tile. count: TNsot, the number of tile-parts of the
    tile, 0 where this tile-part does not declare it.
    """

    tile: int
    index: int
    count: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class TileParts:
    """The tile-parts of a codestream.

    stop: position of the first byte after the last tile-part. end: position of the first byte after EOC. They differ by
    more than the two bytes of EOC where comment segments stand between the last tile-part and EOC.
    """

    parts: tuple[TilePart, ...]
    stop: int
    end: int


def read_tile_parts(data: bytes, position: int, tiles: int) -> TileParts:
    """Read the tile-parts that begin at `position`, and check them against the number of tiles that SIZ declares.

    Raises TruncatedError (truncated_pixel_data) where the data end before EOC, or a tile or a tile-part is missing;
    DecodeError (corrupt_codestream) where tile-parts contradict one another.
    """
    parts = tuple(_tile_parts(data, position))
    stop = parts[-1].stop if parts else position
    end = _end_of_codestream(data, stop)
    _check(parts, tiles)
    return TileParts(parts, stop, end)


def _tile_parts(data: bytes, position: int) -> Iterator[TilePart]:
    """Yield the tile-parts in their order, by the lengths that they declare."""
    while data[position : position + 2] == _START_OF_TILE_PART:
        if position + _SHORTEST > len(data):
            raise truncated_error("the JPEG 2000 codestream ends inside a tile-part header")
        segment_length, tile, length, index, count = struct.unpack_from(">HHIBB", data, position + 2)
        if segment_length != 10:
            raise DecodeError(f"the SOT segment at byte {position} has a length of {segment_length}, which must be 10")
        if length == 0:
            length = _length_to_end(data, position)
        if length < _SHORTEST:
            raise DecodeError(f"the tile-part at byte {position} declares a length of {length} bytes")
        if position + length > len(data):
            missing = position + length - len(data)
            raise truncated_error(f"the JPEG 2000 codestream is cut short: its last tile-part lacks {missing} bytes")
        yield TilePart(tile, index, count, position, position + length)
        position += length


def _length_to_end(data: bytes, position: int) -> int:
    """Return the length of a last tile-part that declares 0: it extends to the EOC marker (T.800 A.4.2, Psot)."""
    end = data.rfind(_END_OF_CODESTREAM, position)
    if end < 0 or (len(data) - end > 2 and data[end + 2 :].strip(b"\0\xff")):
        raise truncated_error("the JPEG 2000 codestream has no EOC marker: it is cut short")
    return end - position


def _end_of_codestream(data: bytes, position: int) -> int:
    """Return the position after EOC; skip comment segments in front of it."""
    while data[position : position + 2] == _COMMENT:
        position += 2 + max(2, int.from_bytes(data[position + 2 : position + 4], "big"))
    if data[position : position + 2] == _END_OF_CODESTREAM:
        return position + 2
    if len(data) - position < 2 or not data[position:].strip(b"\0\xff"):
        raise truncated_error("the JPEG 2000 codestream has no EOC marker: it is cut short")
    raise DecodeError(f"neither a tile-part nor EOC follows the tile-part that ends at byte {position}")


def _check(parts: Sequence[TilePart], tiles: int) -> None:
    """Check tile numbers, the order of the tile-parts of each tile, and their declared counts."""
    by_tile: dict[int, list[TilePart]] = defaultdict(list)
    for part in parts:
        if part.tile >= tiles:
            raise DecodeError(f"a tile-part is of tile {part.tile}, and the codestream has {tiles} tiles")
        if part.index != len(by_tile[part.tile]):
            expected = len(by_tile[part.tile])
            raise DecodeError(f"tile {part.tile} has tile-part {part.index} where {expected} is expected")
        by_tile[part.tile].append(part)
    surplus = int(_counts_are_one_short(by_tile))
    for tile, tile_parts in by_tile.items():
        _check_count(tile, tile_parts, surplus)
    if len(by_tile) < tiles:
        raise truncated_error(f"{tiles - len(by_tile)} of {tiles} tiles are missing from the JPEG 2000 codestream")


def _counts_are_one_short(by_tile: Mapping[int, Sequence[TilePart]]) -> bool:
    """Whether every tile-part declares one tile-part fewer than its tile has: a known encoder writes this."""
    return all(part.count == len(parts) - 1 > 0 for parts in by_tile.values() for part in parts)


def _check_count(tile: int, parts: Sequence[TilePart], surplus: int) -> None:
    counts = {part.count for part in parts if part.count}
    if len(counts) > 1:
        raise DecodeError(f"the tile-parts of tile {tile} declare {min(counts)} and {max(counts)} tile-parts")
    if counts:
        (count,) = counts
        if count + surplus < len(parts):
            raise DecodeError(f"tile {tile} declares {count} tile-parts and has {len(parts)}")
        if count + surplus > len(parts):
            raise truncated_error(f"tile {tile} declares {count} tile-parts, and only {len(parts)} are present")
