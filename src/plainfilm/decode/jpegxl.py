# SPDX-License-Identifier: MIT
"""The bytes of a JPEG XL frame -> its cells (ISO/IEC 18181-1 for the codestream, 18181-2 for the boxes around it)."""

from __future__ import annotations

import struct

from plainfilm.decode.codestream import ImageSize, check_size, truncated
from plainfilm.decode.decoded import DecodedFrame
from plainfilm.dicom.frames import FrameBytes
from plainfilm.dicom.instance import ImagePixel
from plainfilm.errors import DecodeError, Stage, UnsupportedError

_SIGNATURE, _BOXES = b"\xff\x0a", b"\x00\x00\x00\x0cJXL "
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_GREY = 1


def decode_jpegxl(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """The cells of a frame; colours come out as RGB, as the codestream means them.

    Raises DecodeError, TruncatedError, and UnsupportedError for samples that are no integers, and for extra channels.
    """
    import imagecodecs

    size = read_jpegxl(frame.data)
    check_size(size, pixel)
    try:
        samples = imagecodecs.jpegxl_decode(frame.data, keeporientation=True, numthreads=1)
    except (RuntimeError, ValueError) as error:
        raise DecodeError(f"the JPEG XL codestream cannot be decoded: {error}") from error
    space = pixel.photometric_interpretation if size.components == 1 else "RGB"
    return DecodedFrame(samples, size.precision, None, "", space)


def read_jpegxl(data: bytes) -> ImageSize:
    """What the codestream's SizeHeader and ImageMetadata say. Whether it is complete only its decoder can tell."""
    start = _codestream_of_boxes(data) if data.startswith(_BOXES) else 0
    if data[start : start + 2] != _SIGNATURE:
        raise DecodeError("the codestream does not begin as JPEG XL does")
    bits = _Bits(data[start + 2 : start + 66])
    rows, columns = _size(bits)
    if bits.take(1):
        return ImageSize(rows, columns, 3, 8)
    if bits.take(1):
        _pass_extra_fields(bits)
    if bits.take(1):
        raise UnsupportedError("JPEG XL with floating samples", stage=Stage.DECODE)
    precision = bits.choose((8, 0), (10, 0), (12, 0), (1, 6))
    bits.take(1)
    if bits.choose((0, 0), (1, 0), (2, 4), (1, 12)):
        raise UnsupportedError("JPEG XL with extra channels", stage=Stage.DECODE)
    bits.take(1)
    if bits.take(1):
        return ImageSize(rows, columns, 3, precision)
    bits.take(1)
    grey = bits.choose((0, 0), (1, 0), (2, 4), (18, 6)) == _GREY
    return ImageSize(rows, columns, 1 if grey else 3, precision)


class _Bits:
    """Reads numbers of some bits each, the lowest bit first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        """The next `count` bits. Raises TruncatedError where they are not there."""
        if count > self._left:
            raise truncated("the JPEG XL codestream ends inside its header")
        taken = self._value & ((1 << count) - 1)
        self._value >>= count
        self._left -= count
        return taken

    def choose(self, *ways: tuple[int, int]) -> int:
        """Two bits choose one of four (number, bits): the number plus as many bits (U32 of 18181-1)."""
        number, count = ways[self.take(2)]
        return number + self.take(count)


def _size(bits: _Bits) -> tuple[int, int]:
    """SizeHeader: rows and columns, in eights where both are small multiples of eight."""
    eights = bits.take(1)
    rows = _length(bits, eights)
    ratio = bits.take(3)
    if ratio == 0:
        return rows, _length(bits, eights)
    across, down = _RATIOS[ratio - 1]
    return rows, rows * across // down


def _length(bits: _Bits, eights: int) -> int:
    return 8 * (1 + bits.take(5)) if eights else bits.choose((1, 9), (1, 13), (1, 18), (1, 30))


def _pass_extra_fields(bits: _Bits) -> None:
    """Step over the orientation and an intrinsic size; a preview or an animation is no single image."""
    bits.take(3)
    if bits.take(1):
        _size(bits)
    if bits.take(2):
        raise UnsupportedError("JPEG XL with a preview or an animation", stage=Stage.DECODE)


def _codestream_of_boxes(data: bytes) -> int:
    """Where the codestream begins in a jxlc box, or the first part of it in a jxlp box (18181-2)."""
    position = 0
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        header = 16 if length == 1 else 8
        if kind in (b"jxlc", b"jxlp"):
            return position + header + (4 if kind == b"jxlp" else 0)
        length = int.from_bytes(data[position + 8 : position + 16], "big") if length == 1 else length
        if length < header:
            break
        position += length
    raise DecodeError("the JPEG XL boxes hold no codestream")
