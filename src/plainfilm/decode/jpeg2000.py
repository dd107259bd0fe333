# SPDX-License-Identifier: MIT
"""Decode JPEG 2000 and HTJ2K frames, with the precision and sign of the codestream (ITU-T T.800, T.814)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.decode.codestream import check_size
from plainfilm.decode.decoded import DecodedFrame, excess_findings
from plainfilm.decode.jpeg2000_header import Jpeg2000Header, read_image_size, read_jpeg2000
from plainfilm.decode.native import full_chroma_space
from plainfilm.decode.process_state import record_refusal
from plainfilm.dicom.frames import FrameBytes
from plainfilm.dicom.instance import ImagePixel
from plainfilm.errors import DecodeError
from plainfilm.findings import Finding, FindingCode

Array = npt.NDArray[Any]
_TRANSFORMED = ("YBR_ICT", "YBR_RCT")


def decode_openjpeg(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """Decode a frame with pylibjpeg-openjpeg. Raises DecodeError, TruncatedError and UnsupportedError."""
    from openjpeg.utils import decode

    header, codestream = checked_codestream(pixel, frame, accepts_exchanged_sides=True)
    try:
        samples = decode(codestream, 0)
    except (RuntimeError, ValueError) as error:
        record_refusal("OpenJPEG")
        raise DecodeError(f"the JPEG 2000 codestream cannot be decoded: {error}") from error
    return _with_excess(decoded_frame(pixel, header, samples), header, frame)


def decode_imagecodecs(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """Decode a frame with imagecodecs. Raises DecodeError, TruncatedError and UnsupportedError."""
    import imagecodecs

    header, codestream = checked_codestream(pixel, frame, accepts_exchanged_sides=True)
    try:
        samples = imagecodecs.jpeg2k_decode(codestream)
    except (RuntimeError, ValueError) as error:
        record_refusal("OpenJPEG")
        raise DecodeError(f"the JPEG 2000 codestream cannot be decoded: {error}") from error
    return _with_excess(decoded_frame(pixel, header, samples), header, frame)


def _with_excess(decoded: DecodedFrame, header: Jpeg2000Header, frame: FrameBytes) -> DecodedFrame:
    """Add a finding where more than padding follows a bare codestream; JP2 boxes may follow one in a JP2 file."""
    findings = () if header.start else excess_findings(frame.data[header.stop :])
    return replace(decoded, findings=(*decoded.findings, *findings)) if findings else decoded


def checked_codestream(
    pixel: ImagePixel, frame: FrameBytes, *, accepts_exchanged_sides: bool = False
) -> tuple[Jpeg2000Header, bytes]:
    """Check the header against the DICOM header; return it and the codestream without boxes and padding."""
    check_size(read_image_size(frame.data), pixel, accepts_exchanged_sides=accepts_exchanged_sides)
    header = read_jpeg2000(frame.data)
    return header, header.codestream_of(frame.data)


def decoded_frame(pixel: ImagePixel, header: Jpeg2000Header, samples: Array) -> DecodedFrame:
    """Convert samples to native byte order and add the precision, sign and colour space of the codestream."""
    space, findings = _color_space(header, pixel)
    native = samples.astype(np.dtype(samples.dtype.str[1:]), copy=False)
    precision, signed, is_irreversible = header.size.precision, header.size.signed, not header.reversible
    return DecodedFrame(native, precision, signed, "", space, findings, is_irreversible=is_irreversible)


def _color_space(header: Jpeg2000Header, pixel: ImagePixel) -> tuple[str, tuple[Finding, ...]]:
    """Return the colour space after the codec has reverted the transform that the codestream declares.

    Without a declared transform, samples with the Photometric Interpretation YBR_ICT or YBR_RCT are RGB.
    """
    declared_space = full_chroma_space(pixel.photometric_interpretation)
    if header.size.components != 3:
        return declared_space, ()
    if header.multiple_component_transform == (declared_space in _TRANSFORMED):
        return "RGB" if declared_space in _TRANSFORMED else declared_space, ()
    verb = "declares" if header.multiple_component_transform else "declares no"
    note = f"Photometric Interpretation is {declared_space}, the codestream {verb} multiple component transform"
    return "RGB", (Finding(FindingCode.COLOR_TRANSFORM_DISAGREES, note),)
