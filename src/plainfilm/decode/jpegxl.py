# SPDX-License-Identifier: MIT
"""Decode JPEG XL frames (ISO/IEC 18181-1: codestream; 18181-2: the boxes around it)."""

from __future__ import annotations

import struct

from plainfilm.decode.codestream import ImageSize, check_size, truncated_error
from plainfilm.decode.decoded import DecodedFrame
from plainfilm.dicom.frames import FrameBytes
from plainfilm.dicom.instance import ImagePixel
from plainfilm.errors import DecodeError, Stage, UnsupportedError
from plainfilm.pickling import dataclass

_SIGNATURE, _BOXES = b"\xff\x0a", b"\x00\x00\x00\x0cJXL "
# width to height, for the ratios 1 to 7 of SizeHeader
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_GREY, _XYB, _CUSTOM = 1, 2, 2
_RECOMPRESSED = b"jbrd"


@dataclass(frozen=True, slots=True)
class JpegXlHeader:
    """What a codestream says of itself.

    is_irreversible: whether its samples are transformed to XYB or by a discrete cosine transform. A codestream that
    quantises them in another way does not show it.
    """

    size: ImageSize
    is_irreversible: bool


def decode_jpegxl(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """Decode a frame; colour images become RGB, as the codestream defines it.

    Raises DecodeError, TruncatedError, and UnsupportedError for floating samples and for extra channels.
    """
    import imagecodecs

    header = read_jpegxl(frame.data)
    size = header.size
    check_size(size, pixel)
    try:
        samples = imagecodecs.jpegxl_decode(frame.data, keeporientation=True, numthreads=1)
    except (RuntimeError, ValueError) as error:
        raise DecodeError(f"the JPEG XL codestream cannot be decoded: {error}") from error
    space = pixel.photometric_interpretation if size.components == 1 else "RGB"
    return DecodedFrame(samples, size.precision, None, "", space, is_irreversible=header.is_irreversible)


def read_jpegxl(data: bytes) -> JpegXlHeader:
    """Read SizeHeader, ImageMetadata and the start of FrameHeader.

    Only the decoder can tell whether the codestream is complete.
    Raises DecodeError where the data do not begin with the signature of JPEG XL, TruncatedError, UnsupportedError.
    """
    start, is_recompressed = _find_codestream(data) if data.startswith(_BOXES) else (0, False)
    if data[start : start + 2] != _SIGNATURE:
        raise DecodeError("the codestream does not begin with the signature of JPEG XL")
    bits = _BitReader(data[start + 2 : start + 66])
    rows, columns = _read_size(bits)
    if bits.take(1):  # the default metadata say XYB
        return JpegXlHeader(ImageSize(rows, columns, 3, 8), True)
    has_extra_fields = bits.take(1) == 1
    if has_extra_fields:
        _skip_extra_fields(bits)
    if bits.take(1):
        raise UnsupportedError("JPEG XL with floating samples", stage=Stage.DECODE)
    precision = bits.take_u32((8, 0), (10, 0), (12, 0), (1, 6))
    bits.take(1)
    if bits.take_u32((0, 0), (1, 0), (2, 4), (1, 12)):
        raise UnsupportedError("JPEG XL with extra channels", stage=Stage.DECODE)
    is_xyb = bits.take(1) == 1
    is_default_color = bits.take(1) == 1
    has_profile = not is_default_color and bits.take(1) == 1
    space = 0 if is_default_color else _read_enum(bits)
    size = ImageSize(rows, columns, 1 if space == _GREY else 3, precision)
    if is_xyb or is_recompressed:
        return JpegXlHeader(size, True)
    is_readable = not has_profile and (is_default_color or _skip_color_encoding(bits, space))
    return JpegXlHeader(size, is_readable and _has_cosine_transform(bits, has_extra_fields))


def _read_enum(bits: _BitReader) -> int:
    return bits.take_u32((0, 0), (1, 0), (2, 4), (18, 6))


def _skip_color_encoding(bits: _BitReader, space: int) -> bool:
    """Skip the rest of ColourEncoding; return False where it has fields of its own."""
    if space == _XYB:
        return False
    is_custom = _read_enum(bits) == _CUSTOM  # the white point
    if not is_custom and space != _GREY:
        is_custom = _read_enum(bits) == _CUSTOM  # the primaries
    if is_custom:
        return False
    if bits.take(1):
        bits.take(24)  # gamma
    else:
        _read_enum(bits)  # the transfer function
    _read_enum(bits)  # the rendering intent
    return True


def _has_cosine_transform(bits: _BitReader, has_extra_fields: bool) -> bool:
    """Whether the first frame is coded by VarDCT; False where the fields before FrameHeader are not the usual ones."""
    has_usual_tones = not has_extra_fields or bits.take(1) == 1
    if not has_usual_tones or bits.take(2) or not bits.take(1):  # extensions, and the default transform data
        return False
    bits.align()
    if bits.take(1):  # the default FrameHeader
        return True
    bits.take(2)  # the type of the frame
    return bits.take(1) == 0


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

    def align(self) -> None:
        """Skip the bits up to the next byte."""
        self.take(self._remaining % 8)

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


def _find_codestream(data: bytes) -> tuple[int, bool]:
    """Return the position of the codestream in a jxlc box, or of its first part in a jxlp box (18181-2).

    Also return whether a box before it says that the codestream is a JPEG codestream that was compressed again.
    """
    position, is_recompressed = 0, False
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        header = 16 if length == 1 else 8
        if kind in (b"jxlc", b"jxlp"):
            return position + header + (4 if kind == b"jxlp" else 0), is_recompressed
        is_recompressed |= kind == _RECOMPRESSED
        length = int.from_bytes(data[position + 8 : position + 16], "big") if length == 1 else length
        if length < header:
            break
        position += length
    raise DecodeError("the JPEG XL boxes hold no codestream")
