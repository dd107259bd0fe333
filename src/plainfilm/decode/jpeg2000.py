# SPDX-License-Identifier: MIT
"""The bytes of a JPEG 2000 or HTJ2K frame -> its cells, of the codestream's precision and sign (ITU-T T.800, T.814)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.decode.codestream import Jpeg2000Header, check_size, read_jpeg2000
from plainfilm.decode.decoded import DecodedFrame
from plainfilm.decode.native import full_chroma
from plainfilm.dicom.frames import FrameBytes
from plainfilm.dicom.instance import ImagePixel
from plainfilm.errors import DecodeError
from plainfilm.findings import Finding, FindingCode

Array = npt.NDArray[Any]
_TRANSFORMED = ("YBR_ICT", "YBR_RCT")


def decode_openjpeg(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """The cells of a frame by pylibjpeg-openjpeg. Raises DecodeError, TruncatedError and UnsupportedError."""
    from openjpeg.utils import decode

    header, codestream = checked(pixel, frame)
    try:
        samples = decode(codestream, 0)
    except (RuntimeError, ValueError) as error:
        raise DecodeError(f"the JPEG 2000 codestream cannot be decoded: {error}") from error
    return decoded_of(pixel, header, samples)


def decode_imagecodecs(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """The cells of a frame by imagecodecs. Raises DecodeError, TruncatedError and UnsupportedError."""
    import imagecodecs

    header, codestream = checked(pixel, frame)
    try:
        samples = imagecodecs.jpeg2k_decode(codestream)
    except (RuntimeError, ValueError) as error:
        raise DecodeError(f"the JPEG 2000 codestream cannot be decoded: {error}") from error
    return decoded_of(pixel, header, samples)


def checked(pixel: ImagePixel, frame: FrameBytes) -> tuple[Jpeg2000Header, bytes]:
    """The header, held against the DICOM header, and the bare codestream without boxes and padding."""
    header = read_jpeg2000(frame.data)
    check_size(header.size, pixel)
    return header, frame.data[header.start : header.stop]


def decoded_of(pixel: ImagePixel, header: Jpeg2000Header, samples: Array) -> DecodedFrame:
    """Samples as a frame, in native byte order, with the precision, sign and colour space that the codestream says."""
    space, findings = _color_space(header, pixel)
    native = samples.astype(np.dtype(samples.dtype.str[1:]), copy=False)
    return DecodedFrame(native, header.size.precision, header.size.signed, "", space, findings)


def _color_space(header: Jpeg2000Header, pixel: ImagePixel) -> tuple[str, tuple[Finding, ...]]:
    """The colour space after the codec undid what the codestream declares; YBR_ICT or YBR_RCT without that are RGB."""
    tag = full_chroma(pixel.photometric_interpretation)
    if header.size.components != 3:
        return tag, ()
    if header.multiple_component_transform == (tag in _TRANSFORMED):
        return "RGB" if tag in _TRANSFORMED else tag, ()
    does = "declares" if header.multiple_component_transform else "declares no"
    note = f"Photometric Interpretation is {tag}, the codestream {does} multiple component transform"
    return "RGB", (Finding(FindingCode.COLOR_TRANSFORM_DISAGREES, note),)
