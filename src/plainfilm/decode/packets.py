# SPDX-License-Identifier: MIT
"""Count the packets of a JPEG 2000 codestream where its marker segments allow it (ITU-T T.800 A and B).

A codestream that was cut at the end of a packet, and whose lengths and end marker were repaired, decodes without an
error. Packet lengths (PLT), end-of-packet-header markers (EPH) and start-of-packet markers (SOP) reveal that packets
are missing. A codestream without these segments and markers is not checked.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator, Sequence

from plainfilm.decode.tile_parts import TilePart
from plainfilm.errors import DecodeError
from plainfilm.pickling import dataclass

_SIZ, _COD, _COC, _POC, _PPM = 0xFF51, 0xFF52, 0xFF53, 0xFF5F, 0xFF60
_PLT, _PPT, _START_OF_DATA = 0xFF58, 0xFF61, 0xFF93
_PRECINCTS_DEFINED, _SOP_USED, _EPH_USED = 1, 2, 4
_LARGEST_PRECINCT = 15
_MOST_COUNTED = 1 << 20
"""A tile with more packets is not counted, because counting would take a large part of the time of decoding."""


@dataclass(frozen=True, slots=True)
class _Segment:
    """A marker segment; `content` begins after the length field."""

    marker: int
    content: bytes


@dataclass(frozen=True, slots=True)
class _Grid:
    """The reference grid of SIZ (T.800 A.5.1); all components have a sampling of 1."""

    width: int
    height: int
    left: int
    top: int
    tile_width: int
    tile_height: int
    tile_left: int
    tile_top: int
    components: int

    @property
    def tiles_across(self) -> int:
        """Number of tiles in a row of tiles."""
        return _ceil_div(self.width - self.tile_left, self.tile_width)

    def tile_bounds(self, tile: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of a tile on the reference grid (T.800 B.3)."""
        row, column = divmod(tile, self.tiles_across)
        left, top = self.tile_left + column * self.tile_width, self.tile_top + row * self.tile_height
        return (
            max(left, self.left),
            max(top, self.top),
            min(left + self.tile_width, self.width),
            min(top + self.tile_height, self.height),
        )


@dataclass(frozen=True, slots=True)
class _Coding:
    """The fields of COD that decide how many packets a tile has (T.800 A.6.1)."""

    style: int
    layers: int
    levels: int
    precincts: tuple[tuple[int, int], ...]
    """Exponents of precinct width and height, from the lowest resolution to the highest."""


@dataclass(frozen=True, slots=True)
class PacketCheck:
    """Whether the packets of every tile could be counted, and how many of them are missing."""

    is_complete_count: bool
    missing: int = 0


def check_packets(data: bytes, start: int, parts: Sequence[TilePart]) -> PacketCheck:
    """Count the packets of the codestream that begins at `start` and has these tile-parts.

    Raises DecodeError where a marker segment cannot be read.
    """
    try:
        return _check(data, start, parts)
    except (struct.error, IndexError, ZeroDivisionError, ValueError) as error:
        raise DecodeError("a marker segment of the JPEG 2000 codestream cannot be read") from error


def _check(data: bytes, start: int, parts: Sequence[TilePart]) -> PacketCheck:
    main = list(_segments(data, start + 2, parts[0].start))
    header = {segment.marker: segment.content for segment in main}
    if not {_SIZ, _COD} <= header.keys() or {_COC, _POC, _PPM} & header.keys():
        return PacketCheck(is_complete_count=False)
    grid, coding = _read_grid(header[_SIZ]), _read_coding(header[_COD])
    by_tile: dict[int, list[TilePart]] = defaultdict(list)
    for part in parts:
        by_tile[part.tile].append(part)
    complete, missing = True, 0
    for tile, tile_parts in by_tile.items():
        expected = _expected_packets(grid, coding, tile)
        present = None if expected > _MOST_COUNTED else _present_packets(data, tile_parts, coding)
        complete = complete and present is not None
        missing += 0 if present is None else max(0, expected - present)
    return PacketCheck(complete, missing)


def _segments(data: bytes, position: int, stop: int) -> Iterator[_Segment]:
    while position < stop:
        marker, length = struct.unpack_from(">HH", data, position)
        if marker == _START_OF_DATA:
            return
        if length < 2 or position + 2 + length > stop:
            raise ValueError("a marker segment extends beyond its header")
        yield _Segment(marker, data[position + 4 : position + 2 + length])
        position += 2 + length


def _read_grid(content: bytes) -> _Grid:
    return _Grid(*struct.unpack_from(">8IH", content, 2))


def _read_coding(content: bytes) -> _Coding:
    style, _progression, layers, _transform, levels = struct.unpack_from(">BBHBB", content)
    if levels > 32:
        raise ValueError("more than 32 decomposition levels")
    precincts = ((_LARGEST_PRECINCT, _LARGEST_PRECINCT),) * (levels + 1)
    if style & _PRECINCTS_DEFINED:
        precincts = tuple((size & 0x0F, size >> 4) for size in content[10 : 11 + levels])
    if len(precincts) <= levels:
        raise ValueError("fewer precinct sizes than resolutions")
    return _Coding(style, layers, levels, precincts)


def _expected_packets(grid: _Grid, coding: _Coding, tile: int) -> int:
    """Return layers x components x precincts of all resolutions (T.800 B.5, B.6, B.9)."""
    bounds = grid.tile_bounds(tile)
    precincts = 0
    for resolution, (width, height) in enumerate(coding.precincts[: coding.levels + 1]):
        scale = 1 << coding.levels - resolution
        left, top, right, bottom = (_ceil_div(bound, scale) for bound in bounds)
        across = _ceil_div(right, 1 << width) - (left >> width) if right > left else 0
        down = _ceil_div(bottom, 1 << height) - (top >> height) if bottom > top else 0
        precincts += across * down
    return coding.layers * grid.components * precincts


def _present_packets(data: bytes, parts: Sequence[TilePart], coding: _Coding) -> int | None:
    """Return the number of packets of a tile; None where no marker shows it."""
    present, has_lengths = 0, True
    bodies: list[range] = []
    for part in parts:
        segments = list(_segments(data, part.start + 12, part.stop))
        markers = {segment.marker for segment in segments}
        if markers & {_COD, _COC, _POC, _PPT}:
            return None
        body = range(part.start + 14 + sum(4 + len(segment.content) for segment in segments), part.stop)
        bodies.append(body)
        lengths = _packet_lengths(b"".join(segment.content[1:] for segment in segments if segment.marker == _PLT))
        has_lengths = has_lengths and _PLT in markers
        present += _whole_packets(lengths, len(body))
    if has_lengths:
        return present
    if coding.style & _EPH_USED:
        return sum(data.count(b"\xff\x92", body.start, body.stop) for body in bodies)
    if coding.style & _SOP_USED:
        return _packets_by_sop(b"".join(data[body.start : body.stop] for body in bodies))
    return None


def _packet_lengths(content: bytes) -> list[int]:
    """Decode the packet lengths of PLT segments: seven bits a byte, the highest bit continues (T.800 A.7.3)."""
    lengths, length = [], 0
    for octet in content:
        length = length << 7 | octet & 0x7F
        if not octet & 0x80:
            lengths.append(length)
            length = 0
    return lengths


def _whole_packets(lengths: Sequence[int], available: int) -> int:
    """Return how many packets of these lengths fit into the bytes that are available."""
    for number, length in enumerate(lengths):
        available -= length
        if available < 0:
            return number
    return len(lengths)


def _packets_by_sop(body: bytes) -> int | None:
    """Return the number after the last SOP segment; None where they do not count every packet (T.800 A.8.1).

    No FF byte inside a packet is followed by a byte above 8F, so each match is a marker.
    """
    position, count = body.find(b"\xff\x91\x00\x04"), 0
    while position >= 0:
        if int.from_bytes(body[position + 4 : position + 6], "big") != count & 0xFFFF:
            return None
        count += 1
        position = body.find(b"\xff\x91\x00\x04", position + 6)
    return count or None


def _ceil_div(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)
