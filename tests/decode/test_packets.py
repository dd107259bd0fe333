# SPDX-License-Identifier: MIT
"""The packets of a JPEG 2000 codestream are counted where its marker segments tell their number."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image

from plainfilm.decode.jpeg2000_header import Jpeg2000Header, read_jpeg2000
from plainfilm.decode.packets import PacketCheck, check_packets
from plainfilm.errors import Reason, TruncatedError

# Options of Pillow's encoder; `plt=True` writes the length of every packet into the tile-part headers.
LAYOUTS: dict[str, dict[str, Any]] = {
    "one tile": {},
    "tiles": {"tile_size": (64, 64)},
    "tiles with precincts and layers": {
        "tile_size": (64, 48),
        "num_resolutions": 3,
        "precinct_size": (32, 32),
        "codeblock_size": (16, 16),
        "quality_mode": "rates",
        "quality_layers": [20, 5, 1],
    },
    "an offset of image and tiles": {"offset": (7, 9), "tile_offset": (3, 2), "tile_size": (50, 60)},
    "another progression": {"progression": "RPCL", "precinct_size": (64, 64)},
}


def encoded(**options: Any) -> bytes:
    samples = (np.random.default_rng(1).random((150, 201)) * 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(samples).save(file, "JPEG2000", no_jp2=True, **options)
    return file.getvalue()


def check(codestream: bytes) -> PacketCheck:
    header = read_jpeg2000(codestream)
    return check_packets(codestream, header.start, header.tile_parts.parts)


def lengths_of_last_tile_part(codestream: bytes, header: Jpeg2000Header) -> tuple[int, list[int]]:
    """Position of the first packet, and the packet lengths of the last tile-part."""
    part = header.tile_parts.parts[-1]
    plt = codestream.index(b"\xff\x58", part.start)
    (size,) = struct.unpack_from(">H", codestream, plt + 2)
    lengths, length = [], 0
    for octet in codestream[plt + 5 : plt + 2 + size]:
        length = length << 7 | octet & 0x7F
        if not octet & 0x80:
            lengths.append(length)
            length = 0
    return plt + 2 + size + 2, lengths


def without_last_packets(codestream: bytes, count: int) -> bytes:
    """Cut packets off the last tile-part, and repair its length and the end marker."""
    header = read_jpeg2000(codestream)
    part = header.tile_parts.parts[-1]
    _, lengths = lengths_of_last_tile_part(codestream, header)
    shorter = sum(lengths[-count:])
    length = struct.pack(">I", part.stop - part.start - shorter)
    start = codestream[: part.start + 6] + length + codestream[part.start + 10 : part.stop - shorter]
    return start + b"\xff\xd9"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_expected_number_of_packets_is_that_of_the_encoder(layout: str) -> None:
    codestream = encoded(plt=True, **LAYOUTS[layout])
    assert check(codestream) == PacketCheck(is_complete_count=True)
    # one packet fewer is noticed, so that the numbers are equal and not only large enough
    with pytest.raises(TruncatedError, match="1 packet is missing"):
        read_jpeg2000(without_last_packets(codestream, 1))


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_codestream_cut_at_the_end_of_a_packet_is_rejected(layout: str, count: int) -> None:
    with pytest.raises(TruncatedError) as caught:
        read_jpeg2000(without_last_packets(encoded(plt=True, **LAYOUTS[layout]), count))
    assert caught.value.reason is Reason.TRUNCATED_PIXEL_DATA


@pytest.mark.parametrize("layout", LAYOUTS)
def test_without_packet_markers_nothing_is_counted(layout: str) -> None:
    assert check(encoded(plt=False, **LAYOUTS[layout])) == PacketCheck(is_complete_count=False)


def with_packet_markers(codestream: bytes, sop: bool, eph: bool, packets: int | None = None) -> bytes:
    """Put a start-of-packet segment, or an empty packet header's end marker, around packets of a single tile-part."""
    header = read_jpeg2000(codestream)
    part = header.tile_parts.parts[-1]
    first, lengths = lengths_of_last_tile_part(codestream, header)
    body, position = b"", first
    for number, length in enumerate(lengths[:packets]):
        body += (b"\xff\x91\x00\x04" + struct.pack(">H", number) if sop else b"") + codestream[position:][:length]
        body += b"\xff\x92" if eph else b""
        position += length
    coding = codestream.index(b"\xff\x52")
    style = codestream[coding + 4] | (2 if sop else 0) | (4 if eph else 0)
    main = codestream[: coding + 4] + bytes((style,)) + codestream[coding + 5 : part.start]
    segment = b"\xff\x90" + struct.pack(">HHIBB", 10, 0, 14 + len(body), 0, 1) + b"\xff\x93"
    return main + segment + body + b"\xff\xd9"


@pytest.mark.parametrize(("sop", "eph"), [(True, False), (False, True), (True, True)])
def test_start_and_end_markers_of_packets_are_counted(sop: bool, eph: bool) -> None:
    codestream = encoded(plt=True)
    assert check(with_packet_markers(codestream, sop, eph)) == PacketCheck(is_complete_count=True)
    with pytest.raises(TruncatedError, match="packets are missing"):
        read_jpeg2000(with_packet_markers(codestream, sop, eph, packets=-2))
