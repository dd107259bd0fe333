# SPDX-License-Identifier: MIT
"""The encoded bytes of one frame -> its cells, by the one codec row that serves its transfer syntax."""

from __future__ import annotations

from dataclasses import replace

from plainfilm.decode.decoded import Decoded
from plainfilm.decode.table import CodecRow, rows_of
from plainfilm.dicom.frames import FrameBytes, FrameTable, frame_bytes
from plainfilm.dicom.instance import ImagePixel, PixelData
from plainfilm.errors import DecodeError, Reason, Stage, UnsupportedError
from plainfilm.findings import Finding, FindingCode

_EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"


def decode_frame(pixel: ImagePixel, data: PixelData, table: FrameTable, frame: int) -> Decoded:
    """The cells of a frame, counted from 0, with the findings of the frame table and of the codestream.

    Raises UnsupportedError, DecodeError (corrupt_codestream; codestream_mismatch), TruncatedError, LimitError.
    """
    rows = rows_of(data.transfer_syntax)
    findings = table.findings
    if not data.encapsulated and rows != (native := rows_of(_EXPLICIT_LITTLE)):
        # Pixel Data that are no items, and as long as native data, whatever syntax the file names
        note = f"the file says {data.transfer_syntax}; its Pixel Data are not encapsulated and taken for native"
        rows, findings = native, (*findings, Finding(FindingCode.ASSUMED_TRANSFER_SYNTAX, note))
    decoded = decode_by_rows(rows, pixel, frame_bytes(table, data, frame))
    return replace(decoded, findings=(*findings, *decoded.findings))


def decode_by_rows(rows: tuple[CodecRow, ...], pixel: ImagePixel, encoded: FrameBytes) -> Decoded:
    """The cells by the first row that serves the codestream; by the next only where the first calls it corrupt."""
    first, *others = [row for row in rows if row.accepts(encoded)]
    try:
        return _decode(first, pixel, encoded)
    except DecodeError as error:
        if error.reason is not Reason.CORRUPT_CODESTREAM or not others or others[0].missing:
            raise
        return _decode_again(others[0], pixel, encoded, error)


def _decode_again(row: CodecRow, pixel: ImagePixel, encoded: FrameBytes, first: DecodeError) -> Decoded:
    """The cells by a second row; where it refuses too, the first row's words stand."""
    try:
        decoded = _decode(row, pixel, encoded)
    except DecodeError:
        raise first from None
    finding = Finding(FindingCode.SECOND_DECODER, f"decoded by {row.decoder}; before that: {first.message}")
    return replace(decoded, findings=(*decoded.findings, finding))


def _decode(row: CodecRow, pixel: ImagePixel, encoded: FrameBytes) -> Decoded:
    if row.missing:
        message = f"the decoder {row.name} is needed: {row.missing}"
        raise UnsupportedError(message, reason=Reason.UNSUPPORTED_TRANSFER_SYNTAX, stage=Stage.DECODE)
    try:
        decoded = row.load()(pixel, encoded)
    except ImportError as error:
        message = f"the decoder {row.name} cannot be loaded from {row.package}: {error}"
        raise UnsupportedError(message, reason=Reason.UNSUPPORTED_TRANSFER_SYNTAX, stage=Stage.DECODE) from error
    _check(pixel, decoded)
    return replace(decoded, decoder=row.decoder)


def _check(pixel: ImagePixel, decoded: Decoded) -> None:
    """Raises DecodeError where a decoder gave another image than it was asked for."""
    samples = decoded.samples
    shape = (pixel.rows, pixel.columns, pixel.samples_per_pixel)[: 2 if pixel.samples_per_pixel == 1 else 3]
    if samples.shape != shape or not samples.dtype.isnative or samples.dtype.kind not in "uif":
        message = f"the decoder gave {samples.dtype} of shape {samples.shape}, {shape} is needed"
        raise DecodeError(message, reason=Reason.CODESTREAM_MISMATCH)
