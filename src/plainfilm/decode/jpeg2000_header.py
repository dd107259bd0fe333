# SPDX-License-Identifier: MIT
"""Read the header and the structure of a JPEG 2000 codestream, before a decoder sees it (ITU-T T.800 A).

A codestream with missing or contradicting tile-parts, or with missing packets, is rejected here: decoders fill missing
data without an error, and OpenJPEG is not safe from contradictions.
"""

from __future__ import annotations

import struct
from dataclasses import replace

from plainfilm.decode.codestream import ImageSize, truncated_error
from plainfilm.decode.packets import PacketCheck, check_packets
from plainfilm.decode.tile_parts import TileParts, read_tile_parts
from plainfilm.errors import DecodeError, Stage, UnsupportedError
from plainfilm.options.counting import counted
from plainfilm.pickling import dataclass

_CODING, _COMPONENT_CODING, _TILE_PART = 0xFF52, 0xFF53, 0xFF90
_END_OF_CODESTREAM = b"\xff\xd9"
_REVERSIBLE_WAVELET = 1
_MOST_TILES = 65_535


@dataclass(frozen=True, slots=True)
class _CodingStyle:
    """The fields of the COD segment (T.800 A.6.1).

    component_wavelets: the wavelets of the components that have a COC segment of their own (T.800 A.6.2).
    """

    multiple_component_transform: bool = False
    levels: int = 0
    code_block_style: int = 0
    wavelet: int = 0
    component_wavelets: tuple[int, ...] = ()

    @property
    def is_reversible(self) -> bool:
        """Whether all components have the reversible wavelet."""
        return {self.wavelet, *self.component_wavelets} == {_REVERSIBLE_WAVELET}


@dataclass(frozen=True, slots=True)
class Jpeg2000Header:
    """The header of a JPEG 2000 codestream, which occupies the bytes from `start` to `stop` of the frame.

    tile_parts: the tile-parts, which agree with one another and with the number of tiles. packets: whether all
    packets could be counted. No packet is missing from those that could be counted.

    multiple_component_transform: whether the first three components were transformed (SGcod of COD, T.800 A.6.1).
    reversible: whether the wavelet of every component is the reversible 5-3 filter. high_throughput: whether the
    code-blocks are those of T.814. levels: number of decomposition levels, each of which halves the resolution.
    """

    size: ImageSize
    multiple_component_transform: bool
    start: int
    tile_parts: TileParts
    packets: PacketCheck
    reversible: bool = False
    high_throughput: bool = False
    levels: int = 0

    @property
    def stop(self) -> int:
        """Position of the first byte after EOC."""
        return self.tile_parts.end

    def codestream_of(self, data: bytes) -> bytes:
        """Return the codestream without boxes, padding, and comment segments between the last tile-part and EOC.

        OpenJPEG rejects a comment segment there.
        """
        stop = self.tile_parts.stop
        if data[stop : stop + 2] == _END_OF_CODESTREAM:  # nearly always: one copy fewer, or none
            return data[self.start : stop + 2]
        return data[self.start : stop] + _END_OF_CODESTREAM


def read_jpeg2000(data: bytes) -> Jpeg2000Header:
    """Read the header of a complete JPEG 2000 codestream, with or without JP2 boxes around it.

    Raises DecodeError where the codestream does not begin with SOC and SIZ, or where its tile-parts contradict one
    another; UnsupportedError where the components differ from one another or are subsampled; TruncatedError
    (truncated_pixel_data) where a tile, a tile-part, a packet that can be counted, or EOC is missing.
    """
    size = read_image_size(data)
    start = _codestream_start(data)
    try:
        tiles = _count_tiles(data, start + 4)
        coding, first_tile_part = _read_coding_style(data, start + 2)
    except struct.error:
        raise truncated_error("the JPEG 2000 codestream ends inside its main header") from None
    tile_parts = read_tile_parts(data, first_tile_part, tiles)
    packets = check_packets(data, start, tile_parts.parts)
    if packets.missing:
        raise truncated_error(
            f"{counted(packets.missing, 'packet is', 'packets are')} missing from the JPEG 2000 codestream"
        )
    return Jpeg2000Header(
        size=size,
        multiple_component_transform=coding.multiple_component_transform,
        start=start,
        tile_parts=tile_parts,
        packets=packets,
        reversible=coding.is_reversible,
        high_throughput=bool(coding.code_block_style & 0x40),
        levels=coding.levels,
    )


def read_image_size(data: bytes) -> ImageSize:
    """Read the image size of a JPEG 2000 codestream, with or without JP2 boxes around it.

    Raises DecodeError where the codestream does not begin with SOC and SIZ, UnsupportedError where the components
    differ from one another or are subsampled, TruncatedError (truncated_pixel_data) where SIZ is cut short.
    """
    start = _codestream_start(data)
    if data[start : start + 4] != b"\xff\x4f\xff\x51":
        raise DecodeError("the codestream does not begin with the JPEG 2000 markers SOC and SIZ")
    try:
        return _read_size(data, start + 4)
    except struct.error:
        raise truncated_error("the JPEG 2000 codestream ends inside its main header") from None


def _codestream_start(data: bytes) -> int:
    """Return the position of the contiguous codestream: 0, or inside the jp2c box of a JP2 file (T.800 I)."""
    if data[4:8] != b"jP  ":
        return 0
    position = 0
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        header = 16 if length == 1 else 8
        if kind == b"jp2c":
            return position + header
        if length == 1:
            length = int.from_bytes(data[position + 8 : position + 16], "big")
        if length < header:
            break
        position += length
    raise DecodeError("the JP2 boxes hold no codestream")


def _read_size(data: bytes, position: int) -> ImageSize:
    """Read the SIZ segment, of which `position` is the length field (T.800 A.5.1)."""
    width, height, left, top = struct.unpack_from(">4I", data, position + 4)
    (components,) = struct.unpack_from(">H", data, position + 36)
    component_types = {struct.unpack_from(">3B", data, position + 38 + 3 * number) for number in range(components)}
    if len(component_types) != 1:
        message = "the components of the JPEG 2000 codestream differ in precision, sign or sampling"
        raise UnsupportedError(message, stage=Stage.DECODE)
    bit_depth, column_step, row_step = component_types.pop()
    if (column_step, row_step) != (1, 1):
        message = f"the JPEG 2000 codestream has one sample for {column_step} x {row_step} pixels"
        raise UnsupportedError(message, stage=Stage.DECODE)
    return ImageSize(height - top, width - left, components, (bit_depth & 0x7F) + 1, bool(bit_depth & 0x80))


def _count_tiles(data: bytes, position: int) -> int:
    """Count the tiles that SIZ declares, of which `position` is the length field (T.800 B.3)."""
    grid: tuple[int, ...] = struct.unpack_from(">8I", data, position + 4)
    width, height, left, top, tile_width, tile_height, tile_left, tile_top = grid
    if not (tile_left <= left < width and tile_top <= top < height and tile_width and tile_height):
        raise DecodeError("the image or the tiles of the JPEG 2000 codestream are empty or outside the grid")
    if tile_left + tile_width <= left or tile_top + tile_height <= top:
        raise DecodeError("the first tile of the JPEG 2000 codestream lies outside the image")
    tiles = -(-(width - tile_left) // tile_width) * -(-(height - tile_top) // tile_height)
    if tiles > _MOST_TILES:
        raise DecodeError(f"the JPEG 2000 codestream declares {tiles} tiles; at most {_MOST_TILES} are possible")
    return tiles


def _read_coding_style(data: bytes, position: int) -> tuple[_CodingStyle, int]:
    """Read the main header; return the COD segment and the position of the first tile-part."""
    coding, component_wavelets = _CodingStyle(), list[int]()
    while True:
        marker, length = struct.unpack_from(">HH", data, position)
        if marker == _TILE_PART:
            return replace(coding, component_wavelets=tuple(component_wavelets)), position
        if marker < 0xFF01:
            raise DecodeError("a JPEG 2000 marker is expected in the main header")
        if marker == _CODING:
            coding = _CodingStyle(*struct.unpack_from(">?B2x2B", data, position + 8))
        elif marker == _COMPONENT_CODING:
            # the component number takes two bytes where there are more than 256 components, which DICOM does not have
            component_wavelets.append(data[position + 10])
        position += 2 + length
