# SPDX-License-Identifier: MIT
"""Decode uncompressed and deflated frames (PS3.5 8.1.1, 8.2.16, D; PS3.3 C.7.6.3.1)."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.decode.codestream import mismatch_error, truncated_error
from plainfilm.decode.decoded import DecodedFrame
from plainfilm.dicom.byte_source import BytesLike
from plainfilm.dicom.frames import FrameBytes
from plainfilm.dicom.instance import ImagePixel, PixelKind
from plainfilm.errors import DecodeError, LimitError, Reason, Stage, UnsupportedError
from plainfilm.findings import Finding, FindingCode

Array = npt.NDArray[Any]
_BYTE_ALIGNED = (8, 16, 32, 64)
_SUBSAMPLED_CHROMA = ("YBR_FULL_422", "YBR_PARTIAL_422")


def decode_native(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """Decode a native frame; subsampled chroma is repeated for both pixels of a pair.

    Raises TruncatedError where the frame is too short, UnsupportedError for values of Bits Allocated that are not
    decoded.
    """
    pixels, samples = pixel.rows * pixel.columns, pixel.samples_per_pixel
    space = full_chroma_space(pixel.photometric_interpretation)
    if min_cells(pixel) < pixels * samples and len(frame.octets) * 8 < pixels * samples * pixel.bits_allocated:
        return DecodedFrame(_with_repeated_chroma(pixel, _cells(pixel, frame, pixels * 2)), None, None, "", space)
    return DecodedFrame(arrange_cells(pixel, _cells(pixel, frame, pixels * samples)), None, None, "", space)


def decode_deflated(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """Inflate and decode a frame of Deflated Image Frame Compression; the inflated size is limited.

    Raises DecodeError where the data are damaged or inflate to another size, TruncatedError where they end too early,
    and LimitError (suspicious_compression) where they inflate to more than twice what the frame needs.
    """
    needed = (min_cells(pixel) * pixel.bits_allocated + 7) // 8
    bound = 2 * needed + 1024
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = inflater.decompress(frame.data, bound)
    except zlib.error as error:
        raise DecodeError(f"the deflated frame is damaged: {error}") from error
    if not inflater.eof:
        if len(content) >= bound:
            message = f"the deflated frame gives more than {bound} bytes, {needed} are needed"
            raise LimitError(message, reason=Reason.SUSPICIOUS_COMPRESSION, stage=Stage.DECODE)
        raise truncated_error(f"the deflated frame ends after {len(content)} of {needed} bytes")
    if len(content) < needed:
        raise mismatch_error(f"the deflated frame holds {len(content)} bytes, its rows and columns need {needed}")
    decoded = decode_native(pixel, FrameBytes(content))
    if len(content) * 8 - 16 < decoded.samples.size * pixel.bits_allocated:
        return decoded
    note = f"the deflated frame holds {len(content)} bytes, {needed} are needed; the rest is left out"
    return replace(decoded, findings=(Finding(FindingCode.EXCESS_PIXEL_DATA, note),))


def arrange_cells(pixel: ImagePixel, cells: Array) -> Array:
    """Reshape pixel cells in file order to (rows, columns[, samples]), by Planar Configuration."""
    rows, columns, samples = pixel.rows, pixel.columns, pixel.samples_per_pixel
    if samples == 1:
        return cells.reshape(rows, columns)
    if pixel.planar_configuration == 1:
        return np.ascontiguousarray(cells.reshape(samples, rows, columns).transpose(1, 2, 0))
    return cells.reshape(rows, columns, samples)


def unpack_cells(data: BytesLike, first_bit: int, count: int, bits: int) -> Array:
    """Unpack `count` pixel cells of `bits` bits each, stored without gaps, the lowest bit first (PS3.5 D)."""
    if bits == 12 and first_bit in (0, 4):
        return _unpack_12_bits(data, first_bit, count)
    octets = np.frombuffer(data, np.uint8)
    flags = np.unpackbits(octets, count=first_bit + count * bits, bitorder="little")[first_bit:]
    if bits == 1:
        return np.ascontiguousarray(flags)
    container = np.dtype("u1" if bits <= 8 else "u2" if bits <= 16 else "u4" if bits <= 32 else "u8")
    padded = np.zeros((count, container.itemsize * 8), np.uint8)
    padded[:, :bits] = flags.reshape(count, bits)
    octets = np.packbits(padded, axis=1, bitorder="little")
    return octets.view(container.newbyteorder("<")).ravel().astype(container)


def _unpack_12_bits(data: BytesLike, first_bit: int, count: int) -> Array:
    """Unpack cells of 12 bits, two in three bytes. first_bit: 0, or 4 if the frame begins inside a byte."""
    size = (first_bit + 12 * count + 7) // 8
    octets = np.zeros(3 * (count // 2 + 2), np.uint16)
    octets[:size] = np.frombuffer(data, np.uint8, size)
    cells = np.empty(count, np.uint16)
    for parity in (0, 1):
        bit = first_bit + 12 * parity
        number = len(cells[parity::2])
        low, high = octets[bit // 8 :: 3][:number], octets[bit // 8 + 1 :: 3][:number]
        cells[parity::2] = (low | high << 8) >> bit % 8 & 0xFFF
    return cells


def full_chroma_space(space: str) -> str:
    """Return the colour space after the chroma is repeated for every pixel: YBR_FULL for YBR_FULL_422."""
    return "YBR_FULL" if space == "YBR_FULL_422" else space


def min_cells(pixel: ImagePixel) -> int:
    """Return the smallest number of pixel cells of a frame: two for each pixel where the chroma is subsampled."""
    samples = 2 if pixel.photometric_interpretation in _SUBSAMPLED_CHROMA else pixel.samples_per_pixel
    return pixel.rows * pixel.columns * samples


def _cells(pixel: ImagePixel, frame: FrameBytes, count: int) -> Array:
    """Return the first `count` pixel cells of the frame, in native byte order."""
    bits = pixel.bits_allocated
    if not 1 <= bits <= 64 or (pixel.kind is not PixelKind.INTEGER and bits not in (32, 64)):
        message = f"Bits Allocated {bits} of {pixel.kind.value}"
        raise UnsupportedError(message, stage=Stage.DECODE)
    needed = (frame.first_bit + count * bits + 7) // 8
    if len(frame.octets) < needed:
        raise truncated_error(f"the frame has {len(frame.octets)} bytes, its rows and columns need {needed}")
    if bits not in _BYTE_ALIGNED:
        return unpack_cells(frame.octets, frame.first_bit, count, bits)
    cell = np.dtype(f"{'u' if pixel.kind is PixelKind.INTEGER else 'f'}{bits // 8}")
    stored = np.frombuffer(frame.octets, cell.newbyteorder(">" if frame.big_endian else "<"), count)
    return stored.astype(cell, copy=False)


def _with_repeated_chroma(pixel: ImagePixel, cells: Array) -> Array:
    """Convert cells in the order Y Y CB CR to three samples for each pixel; a pair shares its chroma (C.7.6.3.1.2)."""
    pairs = cells.reshape(pixel.rows, pixel.columns // 2, 4)
    samples = np.empty((pixel.rows, pixel.columns, 3), cells.dtype)
    samples[:, :, 0] = pairs[:, :, :2].reshape(pixel.rows, pixel.columns)
    samples[:, :, 1:] = np.repeat(pairs[:, :, 2:], 2, axis=1)
    return samples
