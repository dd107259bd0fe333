# SPDX-License-Identifier: MIT
"""Damage the structure of codestreams: false marker segments, tile-parts, packets and scans, and parts of two files.

Random bit flips hardly reach this structure, so each function here changes what one kind of marker says, or which bytes
follow it. Lengths that contain the change are corrected, so that only the decoder can notice it. A function that finds
nothing to damage returns the content unchanged.
"""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

PIXEL_DATA = re.compile(rb"\xe0\x7f\x10\x00(?:O[BW]\0\0)?(....)", re.DOTALL)
PairDamage = Callable[[bytes, bytes, random.Random], bytes]
CodestreamDamage = Callable[[bytes, random.Random], bytes]

_ITEM = b"\xfe\xff\x00\xe0"
_SOC, _SOI = b"\xff\x4f\xff\x51", b"\xff\xd8\xff"
_SOT = re.compile(rb"\xff\x90\x00\x0a")
# marker segments of JPEG 2000 that state sizes, coding, quantization, order, regions, packet headers and lengths
_JPEG_2000_SEGMENTS = re.compile(rb"\xff[\x50-\x53\x55\x57\x58\x5c-\x61\x90]")
# SOF, DHT, DQT, DRI, SOS, and SOF and LSE of JPEG-LS
_JPEG_SEGMENTS = re.compile(rb"\xff[\xc0-\xc4\xda\xdb\xdd\xf7\xf8]")
_SCAN = re.compile(rb"\xff\xda")
_START_OF_DATA, _PACKET_LENGTHS, _START_OF_PACKET = b"\xff\x93", b"\xff\x58", b"\xff\x91\x00\x04"


@dataclass(frozen=True, slots=True)
class Fragment:
    """The last fragment of Pixel Data in a file: its bytes occupy the range from `start` to `stop` (PS3.5 A.4)."""

    start: int
    stop: int


def last_fragment(content: bytes) -> Fragment | None:
    """Return the last fragment of encapsulated Pixel Data; None where Pixel Data is not encapsulated."""
    element = PIXEL_DATA.search(content)
    if element is None or element[1] != b"\xff\xff\xff\xff":
        return None
    position, fragment = element.end(), None
    while content[position : position + 4] == _ITEM and position + 8 <= len(content):
        length = int.from_bytes(content[position + 4 : position + 8], "little")
        fragment = Fragment(position + 8, position + 8 + length)
        position += 8 + length
    return fragment if fragment is not None and fragment.stop <= len(content) else None


def codestream_of(content: bytes) -> bytes:
    """Return the last fragment, or an empty value where Pixel Data is not encapsulated."""
    fragment = last_fragment(content)
    return b"" if fragment is None else content[fragment.start : fragment.stop]


def with_codestream(content: bytes, codestream: bytes) -> bytes:
    """Replace the last fragment, padded to an even length, and correct its length."""
    fragment = last_fragment(content)
    if fragment is None:
        return content
    even = codestream + b"\0" * (len(codestream) % 2)
    head = content[: fragment.start - 4] + struct.pack("<I", len(even))
    return head + even + content[fragment.stop :]


def segment_changed(codestream: bytes, generator: random.Random) -> bytes:
    """Change a byte or a word of a marker segment, or its length."""
    pattern = _JPEG_2000_SEGMENTS if codestream.startswith(_SOC) else _JPEG_SEGMENTS
    segments = [match.start() for match in pattern.finditer(codestream)]
    if not segments:
        return codestream
    changed = bytearray(codestream)
    start = generator.choice(segments)
    length = min(64, int.from_bytes(codestream[start + 2 : start + 4]))
    for _ in range(generator.choice((1, 1, 1, 2, 4))):
        place = min(start + 2 + generator.randrange(max(1, length)), len(changed) - 1)
        changed[place] = generator.choice((0, 1, 2, 3, 4, 7, 8, 16, 17, 127, 128, 254, 255, changed[place] ^ 1))
    return bytes(changed)


def segment_moved(codestream: bytes, generator: random.Random) -> bytes:
    """Remove a marker segment, repeat it, or move it behind another one."""
    pattern = _JPEG_2000_SEGMENTS if codestream.startswith(_SOC) else _JPEG_SEGMENTS
    segments = [match.start() for match in pattern.finditer(codestream)]
    if len(segments) < 2:
        return codestream
    start, target = generator.choice(segments), generator.choice(segments)
    stop = start + 2 + int.from_bytes(codestream[start + 2 : start + 4])
    segment = codestream[start:stop]
    match generator.randrange(3):
        case 0:
            return codestream[:start] + codestream[stop:]
        case 1:
            return codestream[:target] + segment + codestream[target:]
    without = codestream[:start] + codestream[stop:]
    return without[:target] + segment + without[target:]


def tile_part_changed(codestream: bytes, generator: random.Random) -> bytes:
    """Change the tile, the number, the count or the length of a tile-part, or drop, repeat, split or exchange some."""
    starts = [match.start() for match in _SOT.finditer(codestream)]
    if not starts:
        return codestream
    bounds = [*starts, len(codestream) - 2]
    parts = [codestream[start:stop] for start, stop in pairwise(bounds)]
    number = generator.randrange(len(parts))
    match generator.randrange(8):
        case 0:
            del parts[number]
        case 1:
            parts.insert(generator.randrange(len(parts) + 1), parts[number])
        case 2:
            generator.shuffle(parts)
        case 6 | 7:
            parts[number : number + 1] = _split_tile_part(parts[number], generator)
        case field:
            offset, size = {3: (4, 2), 4: (6, 4), 5: (10, 2)}[field]
            value = generator.choice((0, 1, 2, 12, 13, 14, 255, 65535, generator.randrange(1 << 16)))
            part = bytearray(parts[number])
            part[offset : offset + size] = (value & (1 << 8 * size) - 1).to_bytes(size)
            parts[number] = bytes(part)
    return codestream[: starts[0]] + b"".join(parts) + codestream[-2:]


def _split_tile_part(part: bytes, generator: random.Random) -> list[bytes]:
    """Divide the data of a tile-part among several tile-parts, whose numbers and counts may contradict one another."""
    start = part.find(_START_OF_DATA) + 2
    header, data = part[:start], part[start:]
    share = max(1, len(data) // generator.choice((2, 3, 5)))
    counts = generator.choice(((0,), (1,), (2,), (3,), (5,), (1, 0, 3), (3, 2), (0, 1), (255, 1)))
    split = []
    for index, first in enumerate(range(0, len(data), share)):
        piece = data[first : first + share]
        number = index if generator.random() < 0.8 else generator.choice((0, 1, 2, 9, 255))
        count = counts[index % len(counts)]
        fields = (len(header) + len(piece)).to_bytes(4) + bytes((number, count))
        split.append(header[:6] + fields + header[12:] + piece)
    return split


def packets_changed(codestream: bytes, generator: random.Random) -> bytes:
    """Remove the end of a tile-part and correct its length, or change packet lengths or packet numbers."""
    starts = [match.start() for match in _SOT.finditer(codestream)]
    if not starts:
        return codestream
    start = generator.choice(starts)
    length = int.from_bytes(codestream[start + 6 : start + 10])
    if generator.randrange(2):
        marker = generator.choice((_PACKET_LENGTHS, _START_OF_PACKET, _START_OF_DATA))
        place = codestream.find(marker, start)
        if place >= 0 and place + 8 < len(codestream):
            changed = bytearray(codestream)
            changed[place + generator.randrange(2, 8)] ^= 1 << generator.randrange(8)
            return bytes(changed)
    missing = generator.choice((1, 2, 8, 32, 128))
    if length < 14 + missing or start + length > len(codestream):
        return codestream
    shorter = codestream[: start + 6] + (length - missing).to_bytes(4) + codestream[start + 10 :]
    return shorter[: start + length - missing] + shorter[start + length :]


def scan_changed(codestream: bytes, generator: random.Random) -> bytes:
    """Remove or repeat entropy-coded data, or put a marker between them."""
    scans = [match.start() for match in _SCAN.finditer(codestream)]
    if not scans:
        return codestream
    start = generator.choice(scans)
    first = start + 2 + int.from_bytes(codestream[start + 2 : start + 4])
    if first + 4 >= len(codestream):
        return codestream
    place, size = generator.randrange(first, len(codestream) - 2), generator.choice((1, 2, 16, 256))
    piece = codestream[place : min(place + size, len(codestream) - 2)]
    match generator.randrange(4):
        case 0:
            return codestream[:place] + codestream[place + len(piece) :]
        case 1:
            return codestream[:place] + piece + codestream[place:]
        case 2:
            return codestream[: max(first, len(codestream) - 2 - size)] + codestream[-2:]
    marker = bytes((0xFF, generator.choice((0xD0, 0xD3, 0xD7, 0xC4, 0xDA, 0xDD, 0xFE, 0x00))))
    return codestream[:place] + marker + codestream[place:]


CODESTREAM_DAMAGES: tuple[CodestreamDamage, ...] = (
    segment_changed,
    segment_moved,
    tile_part_changed,
    packets_changed,
    scan_changed,
)


def is_damaged_by(damage: CodestreamDamage, codestream: bytes) -> bool:
    """Whether a codestream has what the function damages."""
    return any(damage(codestream, random.Random(seed)) != codestream for seed in range(4))


def codestreams_spliced(content: bytes, other: bytes, generator: random.Random) -> bytes:
    """Join the first part of one codestream and the last part of another."""
    first, second = codestream_of(content), codestream_of(other)
    if len(first) < 16 or len(second) < 16:
        return headers_exchanged(content, other, generator)
    share = generator.random()
    return with_codestream(content, first[: int(share * len(first))] + second[int(share * len(second)) :])


def codestreams_exchanged(content: bytes, other: bytes, _generator: random.Random) -> bytes:
    """Give a file the codestream of another one."""
    codestream = codestream_of(other)
    return with_codestream(content, codestream) if codestream else content


def headers_exchanged(content: bytes, other: bytes, _generator: random.Random) -> bytes:
    """Join all that precedes Pixel Data in one file and Pixel Data of another."""
    first, second = PIXEL_DATA.search(content), PIXEL_DATA.search(other)
    return content if first is None or second is None else content[: first.start()] + other[second.start() :]


PAIR_DAMAGES: tuple[PairDamage, ...] = (codestreams_spliced, codestreams_exchanged, headers_exchanged)
