# SPDX-License-Identifier: MIT
"""The encoded bytes of one frame -> its cells, by the one codec row that serves its transfer syntax."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from plainfilm.decode.codecs import CodecRow, rows_of
from plainfilm.decode.decoded import DecodedFrame
from plainfilm.dicom.frames import FrameBytes, FrameTable, frame_bytes
from plainfilm.dicom.instance import ImagePixel, PixelData
from plainfilm.errors import ConversionError, DecodeError, Reason, Stage, TruncatedError, UnsupportedError
from plainfilm.findings import Finding, FindingCode

_EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"


def decode_frame(
    pixel: ImagePixel, data: PixelData, table: FrameTable, frame: int, verify: bool = False
) -> DecodedFrame:
    """The cells of a frame, counted from 0, with the findings of the frame table and of the codestream.

    A frame that is cut short is decoded as far as it goes where the frame table allows for it. To `verify`, a lossless
    codestream is decoded with a second library too.
    Raises UnsupportedError, DecodeError (corrupt_codestream; codestream_mismatch), TruncatedError, LimitError.
    """
    rows = rows_of(data.transfer_syntax)
    findings = table.findings
    if not data.encapsulated and rows != (native := rows_of(_EXPLICIT_LITTLE)):
        # Pixel Data that are no items, and as long as native data, whatever syntax the file names
        note = f"the file says {data.transfer_syntax}; its Pixel Data are not encapsulated and taken for native"
        rows, findings = native, (*findings, Finding(FindingCode.ASSUMED_TRANSFER_SYNTAX, note))
    encoded = frame_bytes(table, data, frame)
    try:
        decoded = decode_by_rows(rows, pixel, encoded)
    except TruncatedError as error:
        if not table.allow_truncated:
            raise
        decoded = _decode_what_is_there(rows, pixel, encoded, error)
    if data.encapsulated and rows == rows_of(_EXPLICIT_LITTLE):
        _check_length(pixel, encoded)
    if verify and decoded.missing is None:
        findings = (*findings, *compared(rows, pixel, encoded, decoded))
    return replace(decoded, findings=(*findings, *decoded.findings))


def decode_reduced(
    pixel: ImagePixel, data: PixelData, table: FrameTable, frame: int, least: tuple[int, int]
) -> DecodedFrame | None:
    """The cells of a frame, counted from 0, at its lowest resolution that has the least rows and columns.

    None where there is none but the whole, and where the frame is anything but sound: `decode_frame` then says why.
    """
    if not data.encapsulated:
        return None
    try:
        rows = rows_of(data.transfer_syntax)
        if not any(row.reduced for row in rows):
            return None
        encoded = frame_bytes(table, data, frame)
        row = next(row for row in rows if row.accepts(encoded))
        decoded = row.load_reduced()(pixel, encoded, least) if row.reduced else None
    except (ConversionError, ImportError):
        return None
    if decoded is None:
        return None
    findings = (*table.findings, *decoded.findings)
    return replace(decoded, decoder=decoded.decoder or row.decoder, findings=findings)


def decode_by_rows(rows: tuple[CodecRow, ...], pixel: ImagePixel, encoded: FrameBytes) -> DecodedFrame:
    """The cells by the first row that serves the codestream; by the next only where the first calls it corrupt."""
    first, *others = [row for row in rows if row.accepts(encoded)]
    try:
        return _decode(first, pixel, encoded)
    except DecodeError as error:
        if error.reason is not Reason.CORRUPT_CODESTREAM or not others or others[0].missing:
            raise
        return _decode_again(others[0], pixel, encoded, error)


def _decode_again(row: CodecRow, pixel: ImagePixel, encoded: FrameBytes, first: DecodeError) -> DecodedFrame:
    """The cells by a second row; where it refuses too, the first row's words stand."""
    try:
        decoded = _decode(row, pixel, encoded)
    except DecodeError:
        raise first from None
    finding = Finding(FindingCode.SECOND_DECODER, f"decoded by {row.decoder}; before that: {first.message}")
    return replace(decoded, findings=(*decoded.findings, finding))


def _decode_what_is_there(
    rows: tuple[CodecRow, ...], pixel: ImagePixel, encoded: FrameBytes, error: TruncatedError
) -> DecodedFrame:
    """The cells of a frame that is cut short; where not a pixel of it can be had, what was wrong with it stands."""
    row = next((row for row in rows if row.cut and row.accepts(encoded) and not row.missing), None)
    if row is None:
        raise error
    try:
        decoded = row.load(row.cut)(pixel, encoded)
    except ConversionError:
        raise error from None
    _check(pixel, decoded)
    if decoded.missing is None or decoded.missing.all():
        raise error
    count, size = int(decoded.missing.sum()), decoded.missing.size
    note = f"{error.message}; {count} of {size} pixels are missing, and painted as padding"
    finding = Finding(FindingCode.TRUNCATED_FILLED, note)
    return replace(decoded, decoder=row.decoder, findings=(*decoded.findings, finding))


def compared(
    rows: tuple[CodecRow, ...], pixel: ImagePixel, encoded: FrameBytes, decoded: DecodedFrame
) -> tuple[Finding, ...]:
    """Whether a second library gives the same samples of a lossless frame; nothing of a lossy or a native one.

    Raises DecodeError (codestream_mismatch) where it gives others.
    """
    row = next(row for row in rows if row.decoder == decoded.decoder)
    if not row.second:
        return ()
    try:
        other = row.load(row.second)(pixel, encoded)
    except (ConversionError, ImportError) as error:
        return (Finding(FindingCode.NOT_VERIFIED, f"decoded by {row.decoder} alone: {error}"),)
    if other.samples.size == 0:
        return ()
    if not np.array_equal(other.samples, decoded.samples):
        message = f"{row.decoder} and {other.decoder} give different samples"
        raise DecodeError(message, reason=Reason.CODESTREAM_MISMATCH)
    return (Finding(FindingCode.VERIFIED, f"{other.decoder} gives the same samples"),)


def _decode(row: CodecRow, pixel: ImagePixel, encoded: FrameBytes) -> DecodedFrame:
    if row.missing:
        message = f"the decoder {row.name} is needed: {row.missing}"
        raise UnsupportedError(message, reason=Reason.UNSUPPORTED_TRANSFER_SYNTAX, stage=Stage.DECODE)
    try:
        decoded = row.load(row.function)(pixel, encoded)
    except ImportError as error:
        message = f"the decoder {row.name} cannot be loaded from {row.package}: {error}"
        raise UnsupportedError(message, reason=Reason.UNSUPPORTED_TRANSFER_SYNTAX, stage=Stage.DECODE) from error
    _check(pixel, decoded)
    return replace(decoded, decoder=row.decoder)


def _check_length(pixel: ImagePixel, encoded: FrameBytes) -> None:
    """Raises DecodeError where a frame of uncompressed fragments is longer than its pixels: it is something else."""
    bits = pixel.rows * pixel.columns * pixel.samples_per_pixel * pixel.bits_allocated
    most = (bits + 7) // 8
    if len(encoded.data) > most + most % 2:
        message = f"the fragments of the frame hold {len(encoded.data)} bytes, its pixels take {most}"
        raise DecodeError(message, reason=Reason.CODESTREAM_MISMATCH)


def _check(pixel: ImagePixel, decoded: DecodedFrame) -> None:
    """Raises DecodeError where a decoder gave another image than it was asked for."""
    samples = decoded.samples
    shape = (pixel.rows, pixel.columns, pixel.samples_per_pixel)[: 2 if pixel.samples_per_pixel == 1 else 3]
    if samples.shape != shape or not samples.dtype.isnative or samples.dtype.kind not in "uif":
        message = f"the decoder gave {samples.dtype} of shape {samples.shape}, {shape} is needed"
        raise DecodeError(message, reason=Reason.CODESTREAM_MISMATCH)
