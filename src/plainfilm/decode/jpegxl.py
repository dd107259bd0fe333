# SPDX-License-Identifier: MIT
"""Decode JPEG XL frames (ISO/IEC 18181-1: codestream; 18181-2: the boxes around it)."""

from __future__ import annotations

import struct

from plainfilm.decode.codestream import ImageSize, check_size, truncated_error
from plainfilm.decode.decoded import DecodedFrame
from plainfilm.dicom.frames import FrameBytes
from plainfilm.dicom.instance import ImagePixel
from plainfilm.errors import DecodeError, Stage, UnsupportedError

_SIGNATURE, _BOXES = b"\xff\x0a", b"\x00\x00\x00\x0cJXL "
# width to height, for the ratios 1 to 7 of SizeHeader
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_GREY = 1


def decode_jpegxl(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """Decode a frame; colour images become RGB, as the codestream defines it.

    Raises DecodeError, TruncatedError, and UnsupportedError for floating samples and for extra channels.
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
    """Read SizeHeader and ImageMetadata of a codestream. Only the decoder can tell whether the codestream is complete.

    Raises DecodeError where the data do not begin with the signature of JPEG XL, TruncatedError, UnsupportedError.
    """
    start = _codestream_start(data) if data.startswith(_BOXES) else 0
    if data[start : start + 2] != _SIGNATURE:
        raise DecodeError("the codestream does not begin with the signature of JPEG XL")
    bits = _BitReader(data[start + 2 : start + 66])
    rows, columns = _read_size(bits)
    if bits.take(1):
        return ImageSize(rows, columns, 3, 8)
    if bits.take(1):
        _skip_extra_fields(bits)
    if bits.take(1):
        raise UnsupportedError("JPEG XL with floating samples", stage=Stage.DECODE)
    precision = bits.take_u32((8, 0), (10, 0), (12, 0), (1, 6))
    bits.take(1)
    if bits.take_u32((0, 0), (1, 0), (2, 4), (1, 12)):
        raise UnsupportedError("JPEG XL with extra channels", stage=Stage.DECODE)
    bits.take(1)
    if bits.take(1):
        return ImageSize(rows, columns, 3, precision)
    bits.take(1)
    is_grey = bits.take_u32((0, 0), (1, 0), (2, 4), (18, 6)) == _GREY
    return ImageSize(rows, columns, 1 if is_grey else 3, precision)


class _BitReader:
    """Reads unsigned numbers from a bit stream, the lowest bit first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")
        self._remaining = 8 * len(data)

    def take(self, count: int) -> int:
        """Read a number of `count` bits. Raises TruncatedError where fewer bits remain."""
        if count > self._remaining:
            raise truncated_error("the JPEG XL codestream ends inside its header")
        number = self._value & ((1 << count) - 1)
        self._value >>= count
        self._remaining -= count
        return number

    def take_u32(self, *distributions: tuple[int, int]) -> int:
        """Read a U32 (18181-1): two bits select one of four (offset, bits); the result is offset plus so many bits."""
        offset, count = distributions[self.take(2)]
        return offset + self.take(count)


def _read_size(bits: _BitReader) -> tuple[int, int]:
    """Read SizeHeader; return rows and columns. Small multiples of eight are stored divided by eight."""
    is_small = bits.take(1) == 1
    rows = _read_length(bits, is_small)
    ratio = bits.take(3)
    if ratio == 0:
        return rows, _read_length(bits, is_small)
    width, height = _RATIOS[ratio - 1]
    return rows, rows * width // height


def _read_length(bits: _BitReader, is_small: bool) -> int:
    return 8 * (1 + bits.take(5)) if is_small else bits.take_u32((1, 9), (1, 13), (1, 18), (1, 30))


def _skip_extra_fields(bits: _BitReader) -> None:
    """Skip the orientation and the intrinsic size. Raises UnsupportedError for a preview or an animation."""
    bits.take(3)
    if bits.take(1):
        _read_size(bits)
    if bits.take(2):
        raise UnsupportedError("JPEG XL with a preview or an animation", stage=Stage.DECODE)


def _codestream_start(data: bytes) -> int:
    """Return the position of the codestream in a jxlc box, or of its first part in a jxlp box (18181-2)."""
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
