# SPDX-License-Identifier: MIT
"""Decode JPEG and JPEG-LS frames, in the colour space that the codestream or, without a declaration, the header names.

8-bit DCT is decoded with simplejpeg: its strict mode reports what libjpeg-turbo only warns about. This module replaces
the Adobe and JFIF segments of the codestream by one Adobe segment, which declares the colour transform to simplejpeg.

12-bit DCT and lossless JPEG are decoded with imagecodecs, which drops the warnings of libjpeg-turbo and fills the data
that a truncated scan lacks without an error. Two further checks find such scans:

- simplejpeg also reads the entropy-coded data of a 12-bit DCT, as if the precision were 8 bits.
- The number of bits that lossless samples need shows whether the scan is complete. Where it leaves a doubt, the frame
  is decoded again with other bytes after the scan.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.decode.codestream import (
    JPEG_LS,
    START_OF_SCAN,
    JpegHeader,
    Segment,
    check_size,
    mismatch_error,
    read_jpeg,
    truncated_error,
)
from plainfilm.decode.decoded import DecodedFrame, excess_findings
from plainfilm.decode.jpeg_lossless import count_scan_bits
from plainfilm.decode.native import full_chroma_space
from plainfilm.dicom.frames import FrameBytes
from plainfilm.dicom.instance import ImagePixel
from plainfilm.errors import ConversionError, DecodeError, Stage, UnsupportedError
from plainfilm.findings import Finding, FindingCode
from plainfilm.pickling import dataclass

Array = npt.NDArray[Any]
SEQUENTIAL = (0xC0, 0xC1)
_DCT = (*SEQUENTIAL, 0xC2)
LOSSLESS = 0xC3
_APP0, _APP14 = 0xE0, 0xEE
_NO_TRANSFORM, _YCBCR = 0, 1
_ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"
_RGB_IDENTIFIERS = b"RGB"
_PROBE_BYTES = b"\x5a\xa5\x3c\xc3\x0f\xf0\x69\x96" * 8


@dataclass(frozen=True, slots=True)
class CheckedHeader:
    """A JPEG header that agrees with the DICOM header, and the colour space of the coded samples."""

    header: JpegHeader
    color_space: str
    findings: tuple[Finding, ...]


def decode_jpeg(
    pixel: ImagePixel, frame: FrameBytes, strict: bool = True, min_shape: tuple[int, int] = (0, 0)
) -> DecodedFrame:
    """Decode an 8-bit DCT frame, sequential or progressive; YCbCr is converted to RGB.

    strict: raise an error for incomplete scans; otherwise the decoder fills the missing data. min_shape: rows and
    columns that the result needs at least, where a smaller inverse DCT is enough; (0, 0) asks for the full resolution.
    Raises DecodeError and TruncatedError.
    """
    import simplejpeg

    checked = checked_header(pixel, frame, accepts_exchanged_sides=min_shape == (0, 0) and strict)
    size = checked.header.size
    transform = _YCBCR if checked.color_space == "YBR_FULL" else _NO_TRANSFORM
    codestream = _normalized_codestream(frame.data, checked.header, transform)
    colors = "GRAY" if size.components == 1 else "RGB"
    min_rows, min_columns = min_shape
    try:
        samples = simplejpeg.decode_jpeg(codestream, colors, min_height=min_rows, min_width=min_columns, strict=strict)
    except (RuntimeError, ValueError) as error:
        raise _strict_error(error) from error
    samples = samples[:, :, 0] if size.components == 1 else samples
    space = "RGB" if transform else checked.color_space
    return DecodedFrame(samples, size.precision, None, "", space, checked.findings, is_irreversible=True)


def _strict_error(error: Exception) -> ConversionError:
    """Return the error for what simplejpeg reports in its strict mode."""
    if "remature end" in str(error):
        return truncated_error(f"a scan of the JPEG codestream ends too early: {error}")
    return DecodeError(f"the JPEG codestream cannot be decoded: {error}")


def decode_jpeg_deep(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """Decode a 12-bit DCT frame, or a lossless frame of 2 to 16 bits; the colour space is not converted.

    Raises DecodeError, TruncatedError, and UnsupportedError for the other processes of JPEG.
    """
    checked = checked_header(pixel, frame, accepts_exchanged_sides=True)
    header = checked.header
    if header.process not in (*_DCT, LOSSLESS):
        family = "JPEG-LS" if header.process == JPEG_LS else "hierarchical or arithmetic JPEG"
        raise UnsupportedError(f"a codestream of process SOF{header.process - 0xC0} ({family})", stage=Stage.DECODE)
    codestream = frame.data[: header.stop]
    if header.process in _DCT:
        _check_entropy_coded_data(codestream, header)
    samples = decode_leniently(codestream, header)
    scan_bits = count_scan_bits(samples, header, codestream)
    if scan_bits is not None and scan_bits.has_surplus:
        raise DecodeError(f"the scan of the JPEG codestream holds {scan_bits.surplus} bits more than its samples take")
    is_complete = None if scan_bits is None else scan_bits.is_complete
    if is_complete is None:
        # fill bytes before the end marker (T.81 B.1.1.2) would join the first of the probe bytes
        probe = codestream[:-2].rstrip(b"\xff") + _PROBE_BYTES + codestream[-2:]
        is_complete = np.array_equal(samples, decode_leniently(probe, header))
    if not is_complete:
        raise truncated_error("the last scan of the JPEG codestream ends too early")
    return deep_frame(samples, checked)


def deep_frame(samples: Array, checked: CheckedHeader, missing: npt.NDArray[np.bool_] | None = None) -> DecodedFrame:
    """The result for a 12-bit DCT frame, or a lossless one."""
    precision, is_irreversible = checked.header.size.precision, checked.header.process in _DCT
    space, findings = checked.color_space, checked.findings
    return DecodedFrame(samples, precision, None, "", space, findings, missing, is_irreversible)


def decode_jpegls(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """Decode a JPEG-LS frame, lossless or near-lossless. Raises DecodeError and TruncatedError."""
    import imagecodecs

    header = read_jpeg(frame.data)
    check_size(header.size, pixel, accepts_exchanged_sides=True)
    if header.process != JPEG_LS:
        raise mismatch_error(
            f"the transfer syntax is JPEG-LS, the codestream is JPEG of process SOF{header.process - 0xC0}"
        )
    codestream = frame.data[: header.stop]
    try:
        samples = imagecodecs.jpegls_decode(codestream)
    except (RuntimeError, ValueError) as error:
        raise DecodeError(f"the JPEG-LS codestream cannot be decoded: {error}") from error
    # with more than one scan CharLS returns no samples at all if it rejects the last scan
    if len(_scans(header)) == 1 and _is_jpegls_scan_truncated(codestream, samples):
        raise truncated_error("the last scan of the JPEG-LS codestream ends too early")
    space, findings = full_chroma_space(pixel.photometric_interpretation), _excess_findings(frame.data, header)
    decoded = DecodedFrame(samples, header.size.precision, None, "", space, findings)
    return with_near(decoded, codestream, header)


def with_near(decoded: DecodedFrame, codestream: bytes, header: JpegHeader) -> DecodedFrame:
    """Add the NEAR of the scan headers, the largest one where they differ (ITU-T T.87 C.2.3)."""
    near = max(codestream[scan.stop - 3] for scan in _scans(header))
    return replace(decoded, is_irreversible=near > 0, near=near)


def _is_jpegls_scan_truncated(codestream: bytes, samples: Array) -> bool:
    """Whether the samples of a JPEG-LS codestream depend on bits after the end of its scan.

    CharLS reads zeros where a scan lacks its last bits. A complete scan gives the same samples if other bytes follow
    it, before CharLS rejects the codestream for its excess bytes. The first bit of these bytes is a one; after FF it
    follows a stuffed zero.
    """
    import imagecodecs

    probe_samples, body = np.zeros_like(samples), codestream[:-2]
    first_byte = b"\x7f" if body.endswith(b"\xff") else b"\xbf"
    with suppress(RuntimeError, ValueError):
        imagecodecs.jpegls_decode(body + first_byte + _PROBE_BYTES[:2] + codestream[-2:], out=probe_samples)
    return not np.array_equal(samples, probe_samples)


def _check_entropy_coded_data(codestream: bytes, header: JpegHeader) -> None:
    """Have simplejpeg read the entropy-coded data of a 12-bit DCT codestream in strict mode, at a precision of 8 bits.

    Huffman decoding does not depend on the precision, so libjpeg-turbo warns of the same damage. Its samples are not
    used. Raises DecodeError and TruncatedError.
    """
    import simplejpeg

    frame = next(segment for segment in header.segments if segment.marker == header.process)
    eight_bits = codestream[: frame.start + 4] + b"\x08" + codestream[frame.start + 5 :]
    colors = "GRAY" if header.size.components == 1 else "RGB"
    try:
        simplejpeg.decode_jpeg(
            _normalized_codestream(eight_bits, header, _NO_TRANSFORM), colors, min_height=1, min_width=1, strict=True
        )
    except (RuntimeError, ValueError) as error:
        raise _strict_error(error) from error


def checked_header(pixel: ImagePixel, frame: FrameBytes, *, accepts_exchanged_sides: bool = False) -> CheckedHeader:
    """Read the header of a JPEG codestream, check it against the DICOM header and find its colour space."""
    header = read_jpeg(frame.data)
    check_size(header.size, pixel, accepts_exchanged_sides=accepts_exchanged_sides)
    space, findings = _color_space(header, pixel)
    return CheckedHeader(header, space, (*findings, *_excess_findings(frame.data, header)))


def _excess_findings(data: bytes, header: JpegHeader) -> tuple[Finding, ...]:
    """Return a finding where more than padding follows EOI."""
    return excess_findings(data[header.stop :])


def _color_space(header: JpegHeader, pixel: ImagePixel) -> tuple[str, tuple[Finding, ...]]:
    """Return the colour space of the coded samples.

    The codestream decides: its Adobe segment, else subsampled chroma, else JFIF and the component identifiers. Where it
    declares nothing, or contradicts itself, Photometric Interpretation decides.
    """
    header_space = full_chroma_space(pixel.photometric_interpretation)
    if header.size.components != 3:
        return header_space, ()
    declared_spaces = _declared_color_spaces(header)
    if len(declared_spaces) != 1:
        is_full_range = header_space.startswith("YBR_") and not header_space.startswith("YBR_PARTIAL")
        return "YBR_FULL" if is_full_range else header_space, ()
    (space,) = declared_spaces
    if space == header_space:
        return space, ()
    note = f"Photometric Interpretation is {pixel.photometric_interpretation}, the codestream says {space}"
    return space, (Finding(FindingCode.COLOR_TRANSFORM_DISAGREES, note),)


def _declared_color_spaces(header: JpegHeader) -> set[str]:
    """Collect what the codestream declares; JFIF (T.871) is defined for the 8-bit DCT processes only."""
    if header.adobe_transform is not None:
        return {"RGB" if header.adobe_transform == _NO_TRANSFORM else "YBR_FULL"}
    if header.has_subsampled_chroma:
        return {"YBR_FULL"}
    spaces = set()
    if header.jfif and header.process in _DCT and header.size.precision == 8:
        spaces.add("YBR_FULL")
    if header.component_ids == _RGB_IDENTIFIERS:
        spaces.add("RGB")
    return spaces


def _normalized_codestream(data: bytes, header: JpegHeader, transform: int) -> bytes:
    """Replace the Adobe and JFIF segments by one Adobe segment, and drop everything after the EOI marker.

    The scan headers of a sequential codestream get the coefficients 0 to 63 (T.81 B.2.3): some encoders write 0 to 0,
    which strict mode rejects.
    """
    first_scan = _scans(header)[0].start
    other_segments = [
        data[segment.start : segment.stop]
        for segment in header.segments
        if segment.start < first_scan and segment.marker not in (_APP0, _APP14)
    ]
    adobe_segment = _ADOBE + bytes((transform,)) if header.size.components == 3 else b""
    scans = bytearray(data[first_scan : header.stop])
    if header.process in SEQUENTIAL:
        for scan in _scans(header):
            scans[scan.stop - first_scan - 3 : scan.stop - first_scan] = b"\x00\x3f\x00"
    return b"".join((b"\xff\xd8", adobe_segment, *other_segments, scans))


def _scans(header: JpegHeader) -> list[Segment]:
    return [segment for segment in header.segments if segment.marker == START_OF_SCAN]


def decode_leniently(codestream: bytes, header: JpegHeader) -> Array:
    """Decode with imagecodecs, without colour conversion; missing data of a scan are filled without an error."""
    import imagecodecs

    colors = None if header.size.components == 1 else "RGB"
    try:
        samples: Array = imagecodecs.jpeg8_decode(codestream, colorspace=colors, outcolorspace=colors)
    except (RuntimeError, ValueError) as error:
        raise DecodeError(f"the JPEG codestream cannot be decoded: {error}") from error
    return samples
