# SPDX-License-Identifier: MIT
"""The bytes of a JPEG or JPEG-LS frame -> its cells, in the colour space that the codestream, else the header, says.

8-bit DCT goes through simplejpeg, whose strict mode turns what libjpeg-turbo merely warns of into errors. It is told
the colour transform by an Adobe segment that replaces the codestream's own, so that no other decoder is needed for
files whose codestream says nothing. 12-bit DCT and lossless go through imagecodecs, which fills what a scan lacks
without a word; that is found out by counting the bits of lossless samples, and else by looking at what it does with
other bytes in place of the missing ones.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.decode.codestream import (
    JPEG_LS,
    START_OF_SCAN,
    JpegHeader,
    Segment,
    check_size,
    mismatch,
    read_jpeg,
    truncated,
)
from plainfilm.decode.decoded import DecodedFrame
from plainfilm.decode.jpeg_lossless import is_whole
from plainfilm.decode.native import full_chroma
from plainfilm.dicom.frames import FrameBytes
from plainfilm.dicom.instance import ImagePixel
from plainfilm.errors import DecodeError, Stage, UnsupportedError
from plainfilm.findings import Finding, FindingCode

Array = npt.NDArray[Any]
SEQUENTIAL = (0xC0, 0xC1)
_DCT = (*SEQUENTIAL, 0xC2)
LOSSLESS = 0xC3
_APP0, _APP14 = 0xE0, 0xEE
_NO_TRANSFORM, _YCBCR = 0, 1
_ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"
_RGB_IDENTIFIERS = b"RGB"
_OTHER_BYTES = b"\x5a\xa5\x3c\xc3\x0f\xf0\x69\x96" * 8


def decode_jpeg(
    pixel: ImagePixel, frame: FrameBytes, strict: bool = True, size: tuple[int, int] = (0, 0)
) -> DecodedFrame:
    """The cells of an 8-bit DCT frame, sequential or progressive; YCbCr comes out as RGB.

    Not `strict`, what a scan lacks is filled without a word. size: rows and columns of the smallest inverse DCT that is
    asked for; of (0, 0) the whole one.
    Raises DecodeError and TruncatedError.
    """
    import simplejpeg

    header, space, findings = checked(pixel, frame)
    transform = _YCBCR if space == "YBR_FULL" else _NO_TRANSFORM
    colors = "GRAY" if header.size.components == 1 else "RGB"
    try:
        samples = simplejpeg.decode_jpeg(
            _prepared(frame.data, header, transform), colors, min_height=size[0], min_width=size[1], strict=strict
        )
    except (RuntimeError, ValueError) as error:
        if "remature end" in str(error):
            raise truncated(f"a scan of the JPEG codestream ends too early: {error}") from error
        raise DecodeError(f"the JPEG codestream cannot be decoded: {error}") from error
    samples = samples[:, :, 0] if header.size.components == 1 else samples
    return DecodedFrame(samples, header.size.precision, None, "", "RGB" if transform else space, findings)


def decode_jpeg_deep(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """The cells of a 12-bit DCT frame, or of a lossless one of 2 to 16 bits; their colour space is left as it is.

    Raises DecodeError, TruncatedError, and UnsupportedError for the other processes of JPEG.
    """
    header, space, findings = checked(pixel, frame)
    if header.process not in (*_DCT, LOSSLESS):
        what = "JPEG-LS" if header.process == JPEG_LS else "hierarchical or arithmetic JPEG"
        raise UnsupportedError(f"a codestream of process SOF{header.process - 0xC0} ({what})", stage=Stage.DECODE)
    codestream = frame.data[: header.stop]
    samples = decode_leniently(codestream, header)
    whole = is_whole(samples, header, codestream)
    if whole is None:
        # fill bytes before a marker (T.81 B.1.1.2) would make one of the other bytes
        other = decode_leniently(codestream[:-2].rstrip(b"\xff") + _OTHER_BYTES + codestream[-2:], header)
        whole = np.array_equal(samples, other)
    if not whole:
        raise truncated("the last scan of the JPEG codestream ends too early")
    return DecodedFrame(samples, header.size.precision, None, "", space, findings)


def decode_jpegls(pixel: ImagePixel, frame: FrameBytes) -> DecodedFrame:
    """The cells of a JPEG-LS frame, lossless or near-lossless. Raises DecodeError and TruncatedError."""
    import imagecodecs

    header = read_jpeg(frame.data)
    check_size(header.size, pixel)
    if header.process != JPEG_LS:
        raise mismatch(f"the transfer syntax is JPEG-LS, the codestream is JPEG of process SOF{header.process - 0xC0}")
    codestream = frame.data[: header.stop]
    try:
        samples = imagecodecs.jpegls_decode(codestream)
    except (RuntimeError, ValueError) as error:
        raise DecodeError(f"the JPEG-LS codestream cannot be decoded: {error}") from error
    # of several scans CharLS hands over none where it refuses the last
    if len(_scans(header)) == 1 and _lacks_bits(codestream, samples):
        raise truncated("the last scan of the JPEG-LS codestream ends too early")
    return DecodedFrame(samples, header.size.precision, None, "", full_chroma(pixel.photometric_interpretation))


def _lacks_bits(codestream: bytes, samples: Array) -> bool:
    """Whether samples of a JPEG-LS codestream hang on bits that come after its last one.

    CharLS reads zeros where a scan lacks its last bits. With other bytes there a scan that is whole gives the same
    samples, before it is refused for bytes too many; what the other bytes begin with is a one, after FF a stuffed zero.
    """
    import imagecodecs

    other, body = np.zeros_like(samples), codestream[:-2]
    first = b"\x7f" if body.endswith(b"\xff") else b"\xbf"
    with suppress(RuntimeError, ValueError):
        imagecodecs.jpegls_decode(body + first + _OTHER_BYTES[:2] + codestream[-2:], out=other)
    return not np.array_equal(samples, other)


def checked(pixel: ImagePixel, frame: FrameBytes) -> tuple[JpegHeader, str, tuple[Finding, ...]]:
    """The header, held against the DICOM header, and the colour space of the coded samples."""
    header = read_jpeg(frame.data)
    check_size(header.size, pixel)
    return header, *_color_space(header, pixel)


def _color_space(header: JpegHeader, pixel: ImagePixel) -> tuple[str, tuple[Finding, ...]]:
    """The colour space of the coded samples: the codestream's, or the header's where that is silent or says both."""
    tag = full_chroma(pixel.photometric_interpretation)
    if header.size.components != 3:
        return tag, ()
    said = _spaces_said(header)
    if len(said) != 1:
        of_codec = tag.startswith("YBR_") and not tag.startswith("YBR_PARTIAL")
        return "YBR_FULL" if of_codec else tag, ()
    (space,) = said
    if space == tag:
        return space, ()
    note = f"Photometric Interpretation is {pixel.photometric_interpretation}, the codestream says {space}"
    return space, (Finding(FindingCode.COLOR_TRANSFORM_DISAGREES, note),)


def _spaces_said(header: JpegHeader) -> set[str]:
    """What the Adobe segment, JFIF (which knows no lossless process) and the component identifiers say."""
    said = set()
    if header.adobe_transform is not None:
        said.add("RGB" if header.adobe_transform == _NO_TRANSFORM else "YBR_FULL")
    if header.jfif and header.process != LOSSLESS:
        said.add("YBR_FULL")
    if header.component_ids == _RGB_IDENTIFIERS:
        said.add("RGB")
    return said


def _prepared(data: bytes, header: JpegHeader, transform: int) -> bytes:
    """The codestream with one Adobe segment, ours, in place of its own and of JFIF's, and nothing after its EOI marker.

    A sequential scan covers coefficients 0 to 63 (T.81 B.2.3); some encoders write 0 to 0, which strict mode refuses.
    """
    first = _scans(header)[0].start
    kept = [
        data[segment.start : segment.stop]
        for segment in header.segments
        if segment.start < first and segment.marker not in (_APP0, _APP14)
    ]
    color = _ADOBE + bytes((transform,)) if header.size.components == 3 else b""
    scans = bytearray(data[first : header.stop])
    if header.process in SEQUENTIAL:
        for scan in _scans(header):
            scans[scan.stop - first - 3 : scan.stop - first] = b"\x00\x3f\x00"
    return b"".join((b"\xff\xd8", color, *kept, scans))


def _scans(header: JpegHeader) -> list[Segment]:
    return [segment for segment in header.segments if segment.marker == START_OF_SCAN]


def decode_leniently(codestream: bytes, header: JpegHeader) -> Array:
    """Samples as they are coded. What a scan lacks is filled without a word."""
    import imagecodecs

    colors = None if header.size.components == 1 else "RGB"
    try:
        samples: Array = imagecodecs.jpeg8_decode(codestream, colorspace=colors, outcolorspace=colors)
    except (RuntimeError, ValueError) as error:
        raise DecodeError(f"the JPEG codestream cannot be decoded: {error}") from error
    return samples
