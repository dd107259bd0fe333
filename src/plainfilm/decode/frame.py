# SPDX-License-Identifier: MIT
"""Decode one frame of an instance with the codec of its transfer syntax."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from plainfilm.decode.codecs import Codec, codecs_of
from plainfilm.decode.decoded import CodecDeclined, DecodedFrame
from plainfilm.decode.process_state import is_memory_short, record_refusal
from plainfilm.dicom.frames import FrameBytes, FrameTable, frame_bytes
from plainfilm.dicom.instance import ImagePixel, PixelData
from plainfilm.errors import (
    ConversionError,
    DecodeError,
    LimitError,
    Reason,
    SourceError,
    Stage,
    TruncatedError,
    UnsupportedError,
    environment_reason,
)
from plainfilm.findings import Finding, FindingCode
from plainfilm.pickling import replaced

Array = npt.NDArray[Any]
_EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
_MIN_DIFFERENCE_RATIO = 1.5
"""The layout of the header replaces that of the codestream if its neighbouring rows differ less by this factor."""


def decode_frame(
    pixel: ImagePixel, data: PixelData, table: FrameTable, frame: int, verify: bool = False
) -> DecodedFrame:
    """Decode a frame, counted from 0; the result has the findings of the frame table and of the codestream.

    The complete part of a truncated frame is decoded if the frame table allows it. With `verify`, a lossless
    codestream is also decoded with a second library and the samples are compared.

    Raises UnsupportedError, DecodeError (corrupt_codestream; codestream_mismatch), TruncatedError, LimitError.
    """
    codecs = codecs_of(data.transfer_syntax)
    findings = table.findings
    if not data.encapsulated and codecs != (native := codecs_of(_EXPLICIT_LITTLE)):
        # Pixel Data without items and with the length of native data are native, whatever transfer syntax is declared
        note = f"the file says {data.transfer_syntax}; its Pixel Data are not encapsulated and are read as native"
        codecs, findings = native, (*findings, Finding(FindingCode.ASSUMED_TRANSFER_SYNTAX, note))
    encoded = frame_bytes(table, data, frame)
    try:
        decoded = decode_with_codecs(codecs, pixel, encoded)
    except TruncatedError as error:
        if not table.allow_truncated:
            raise
        decoded = _decode_truncated(codecs, pixel, encoded, error)
    if data.encapsulated and codecs == codecs_of(_EXPLICIT_LITTLE):
        _check_uncompressed_length(pixel, encoded)
    if verify and decoded.missing is None:
        findings = (*findings, *verify_samples(codecs, pixel, encoded, decoded))
    return replace(decoded, findings=(*findings, *decoded.findings)) if findings else decoded


def decode_reduced(
    pixel: ImagePixel, data: PixelData, table: FrameTable, frame: int, min_shape: tuple[int, int]
) -> DecodedFrame | None:
    """Decode a frame, counted from 0, at its lowest resolution with at least `min_shape` (rows, columns).

    Return None where only the full resolution is large enough, and where the frame has any fault: `decode_frame` then
    reports the fault.
    """
    if not data.encapsulated:
        return None
    try:
        codecs = codecs_of(data.transfer_syntax)
        if not any(codec.reduced_function for codec in codecs):
            return None
        encoded = frame_bytes(table, data, frame)
        codec = next(codec for codec in codecs if codec.accepts(encoded))
        decoded = codec.load_reduced()(pixel, encoded, min_shape) if codec.reduced_function else None
    except (ConversionError, ImportError) as error:
        _check_environment(pixel, error)
        return None
    if decoded is None:
        return None
    findings = (*table.findings, *decoded.findings)
    return replace(decoded, decoder=decoded.decoder or codec.decoder, findings=findings)


def decode_with_codecs(codecs: tuple[Codec, ...], pixel: ImagePixel, encoded: FrameBytes) -> DecodedFrame:
    """Decode with the first codec that accepts the codestream and does not decline it.

    If this codec calls the codestream corrupt, the next codec is used.
    """
    first, *others = [codec for codec in codecs if codec.accepts(encoded)]
    try:
        return _decode(first, pixel, encoded)
    except CodecDeclined:
        return decode_with_codecs(tuple(others), pixel, encoded)
    except DecodeError as error:
        if error.reason is not Reason.CORRUPT_CODESTREAM or not others or others[0].unmet_requirement:
            raise
        return _decode_with_second_codec(others[0], pixel, encoded, error)


def _decode_with_second_codec(
    codec: Codec, pixel: ImagePixel, encoded: FrameBytes, first_error: DecodeError
) -> DecodedFrame:
    """Decode with the second codec; raise the error of the first codec if the second codec fails too."""
    try:
        decoded = _decode(codec, pixel, encoded)
    except DecodeError:
        raise first_error from None
    finding = Finding(FindingCode.SECOND_DECODER, f"decoded by {codec.decoder}; before that: {first_error.message}")
    return replace(decoded, findings=(*decoded.findings, finding))


def _decode_truncated(
    codecs: tuple[Codec, ...], pixel: ImagePixel, encoded: FrameBytes, error: TruncatedError
) -> DecodedFrame:
    """Decode the pixels that a truncated frame has; raise `error` if no pixel can be decoded."""
    accepting = (codec for codec in codecs if codec.truncated_function and codec.accepts(encoded))
    codec = next((codec for codec in accepting if not codec.unmet_requirement), None)
    if codec is None:
        raise error
    try:
        decoded = codec.load(codec.truncated_function)(pixel, encoded)
    except ConversionError:
        raise error from None
    _check_samples(pixel, decoded)
    if decoded.missing is None or decoded.missing.all():
        raise error
    count, size = int(decoded.missing.sum()), decoded.missing.size
    note = f"{error.message}; {count} of {size} pixels are missing, and painted as padding"
    finding = Finding(FindingCode.TRUNCATED_FILLED, note)
    return replace(decoded, decoder=codec.decoder, findings=(*decoded.findings, finding))


def verify_samples(
    codecs: tuple[Codec, ...], pixel: ImagePixel, encoded: FrameBytes, decoded: DecodedFrame
) -> tuple[Finding, ...]:
    """Compare the samples of a lossless frame with those of a second library; return the findings.

    The second library decodes after the samples of the first are checked. It runs in the same process, so it is also
    checked that it has not changed them.

    A lossy or a native frame gives no finding. Raises DecodeError (codestream_mismatch) where the samples differ.
    """
    codec = next(codec for codec in codecs if codec.decoder == decoded.decoder)
    if not codec.verify_function:
        return ()
    checksum = _checksum(decoded.samples)
    try:
        second = codec.load(codec.verify_function)(pixel, encoded)
    except (ConversionError, ImportError) as error:
        _check_environment(pixel, error)
        _check_unchanged(decoded.samples, checksum)
        return (Finding(FindingCode.NOT_VERIFIED, f"decoded by {codec.decoder} alone: {error}"),)
    _check_unchanged(decoded.samples, checksum)
    if second.samples.size == 0:
        return ()
    # flat, because one archive exchanges rows and columns in its codestreams (see `_with_sides_of_header`)
    if not np.array_equal(second.samples.reshape(-1), decoded.samples.reshape(-1)):
        message = f"{codec.decoder} and {second.decoder} give different samples"
        raise DecodeError(message, reason=Reason.CODESTREAM_MISMATCH)
    return second.findings or (Finding(FindingCode.VERIFIED, f"{second.decoder} gives the same samples"),)


def _checksum(samples: Array) -> bytes:
    return xxhash.xxh3_128_digest(np.ascontiguousarray(samples).data)


def _check_unchanged(samples: Array, checksum: bytes) -> None:
    """Raise DecodeError where the second library has written into the samples of the first."""
    if _checksum(samples) != checksum:
        record_refusal("a second library that wrote into the samples of the first")
        raise DecodeError("the second library of --verify damaged the samples: convert without --verify")


def _decode(codec: Codec, pixel: ImagePixel, encoded: FrameBytes) -> DecodedFrame:
    requirement = codec.unmet_requirement
    if requirement:
        message = f"the decoder {codec.name} is needed: {requirement}"
        raise UnsupportedError(message, reason=Reason.UNSUPPORTED_TRANSFER_SYNTAX, stage=Stage.DECODE)
    try:
        decoded = codec.load(codec.decode_function)(pixel, encoded)
    except (DecodeError, TruncatedError) as error:
        _check_environment(pixel, error)
        raise
    except ImportError as error:
        _check_environment(pixel, error)
        message = f"the decoder {codec.name} cannot be loaded from {codec.package}: {error}"
        raise UnsupportedError(message, reason=Reason.UNSUPPORTED_TRANSFER_SYNTAX, stage=Stage.DECODE) from error
    if decoded.samples.shape[:2] == (pixel.columns, pixel.rows) != (pixel.rows, pixel.columns):
        decoded = _with_sides_of_header(pixel, decoded)
    _check_samples(pixel, decoded)
    return replaced(decoded, decoder=codec.decoder)


def _check_environment(pixel: ImagePixel, error: Exception) -> None:
    """Raise LimitError or SourceError where a decoder failed for want of memory or descriptors, not at its codestream.

    The next image is decoded in another process.
    """
    reason = environment_reason(error)
    is_refusal = isinstance(error, TruncatedError) or (
        isinstance(error, DecodeError) and error.reason is Reason.CORRUPT_CODESTREAM
    )
    if reason is None and is_refusal and is_memory_short(pixel.rows * pixel.columns * pixel.samples_per_pixel):
        reason = Reason.MEMORY_LIMIT
    if reason is None:
        return
    record_refusal("a decoder without memory or descriptors")
    if reason is Reason.MEMORY_LIMIT:
        message = "the decoder failed, and less memory is left than it can need: raise --memory"
        raise LimitError(message, reason=reason, stage=Stage.DECODE) from error
    raise SourceError("the system refuses to load a decoder: no descriptors, or failing storage") from error


def _check_uncompressed_length(pixel: ImagePixel, encoded: FrameBytes) -> None:
    """Raise DecodeError where the uncompressed fragments of a frame are longer than its pixels."""
    bits = pixel.rows * pixel.columns * pixel.samples_per_pixel * pixel.bits_allocated
    length = (bits + 7) // 8
    if len(encoded.data) > length + length % 2:
        message = f"the fragments of the frame hold {len(encoded.data)} bytes, its pixels take {length}"
        raise DecodeError(message, reason=Reason.CODESTREAM_MISMATCH)


def _with_sides_of_header(pixel: ImagePixel, decoded: DecodedFrame) -> DecodedFrame:
    """Arrange the samples of a codestream, in which rows and columns are exchanged, in the layout of the header.

    One archive writes the sides of all its codestreams in the wrong order; the samples are in the order of the header.
    Raises DecodeError (codestream_mismatch) unless neighbouring rows differ clearly less in the header's layout.
    """
    samples = decoded.samples.reshape(pixel.rows, pixel.columns, *decoded.samples.shape[2:])
    if _row_difference(samples) * _MIN_DIFFERENCE_RATIO > _row_difference(decoded.samples):
        message = f"the codestream has {pixel.columns} rows and {pixel.rows} columns, the header declares the opposite"
        raise DecodeError(message, reason=Reason.CODESTREAM_MISMATCH)
    note = f"the codestream says {pixel.columns} rows and {pixel.rows} columns; its samples are laid out by the header"
    findings = (*decoded.findings, Finding(FindingCode.SIDES_EXCHANGED, note))
    return replace(decoded, samples=samples, findings=findings)


def _row_difference(samples: Array) -> float:
    """Return the sum of the absolute differences of neighbouring rows."""
    values = samples.astype(np.float32)
    return float(np.abs(values[1:] - values[:-1]).sum(dtype=np.float64))


def _check_samples(pixel: ImagePixel, decoded: DecodedFrame) -> None:
    """Raise DecodeError where the shape or the type of the samples is not that of the DICOM header."""
    samples = decoded.samples
    shape = (pixel.rows, pixel.columns, pixel.samples_per_pixel)[: 2 if pixel.samples_per_pixel == 1 else 3]
    if samples.shape != shape or not samples.dtype.isnative or samples.dtype.kind not in "uif":
        message = f"the decoder gave {samples.dtype} of shape {samples.shape}, {shape} is needed"
        raise DecodeError(message, reason=Reason.CODESTREAM_MISMATCH)
