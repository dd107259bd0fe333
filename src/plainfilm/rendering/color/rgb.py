# SPDX-License-Identifier: MIT
"""Convert the samples of a decoded colour frame to red, green and blue, from any supported colour space."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from plainfilm.decode.decoded import DecodedFrame
from plainfilm.dicom.instance import ImagePixel, Palette
from plainfilm.errors import AttributeValueError, Reason
from plainfilm.findings import Finding, FindingCode
from plainfilm.pickling import dataclass
from plainfilm.rendering.color.palette import rgb_from_palette
from plainfilm.rendering.color.ybr import rgb_from_ybr_full, rgb_from_ybr_partial

Array = npt.NDArray[Any]
_CONVERTED_BY_CODEC = ("YBR_ICT", "YBR_RCT")


@dataclass(frozen=True, slots=True)
class Rgb:
    """A colour image: samples (rows, columns, 3), unsigned, 0 to 2^bits - 1, in the order red, green, blue."""

    samples: Array
    bits: int
    findings: tuple[Finding, ...] = ()


def to_rgb(decoded: DecodedFrame, pixel: ImagePixel, palette: Palette | None) -> Rgb:
    """Convert samples to RGB without scaling them to an output range (PS3.3 C.7.6.3.1.2).

    The bits above Bits Stored must be cleared already. Raises AttributeValueError where the colour space is not
    supported (unsupported_value) or the palette is missing (missing_attribute).
    """
    space, samples, bits = decoded.photometric_interpretation, decoded.samples, pixel.bits_stored
    if space == "PALETTE COLOR":
        return _rgb_from_palette_color(samples, palette)
    if samples.ndim != 3 or samples.shape[2] != 3:
        raise AttributeValueError("SamplesPerPixel", pixel.samples_per_pixel, message=f"{space} needs 3")
    samples = samples.view(f"u{samples.dtype.itemsize}") if samples.dtype.kind == "i" else samples
    if space == "RGB":
        return Rgb(samples, bits)
    if space in _CONVERTED_BY_CODEC:
        note = (
            f"the samples are {space} outside a JPEG 2000 codestream, whose decoder converts it; they are read as RGB"
        )
        return Rgb(samples, bits, (Finding(FindingCode.COLOR_TRANSFORM_DISAGREES, note),))
    if space == "YBR_FULL" and samples.dtype.itemsize <= 4:
        return Rgb(rgb_from_ybr_full(samples, bits), bits)
    if space.startswith("YBR_PARTIAL_4") and 8 <= bits <= 16:
        return Rgb(rgb_from_ybr_partial(samples, bits), bits)
    message = f"it cannot be converted to RGB with {bits} bits"
    raise AttributeValueError("PhotometricInterpretation", space, message=message)


def _rgb_from_palette_color(cells: Array, palette: Palette | None) -> Rgb:
    message = "PALETTE COLOR requires it"
    if palette is None:
        keyword = "RedPaletteColorLookupTableDescriptor"
        raise AttributeValueError(keyword, message=message, reason=Reason.MISSING_ATTRIBUTE)
    if cells.ndim != 2:
        raise AttributeValueError("SamplesPerPixel", message="PALETTE COLOR needs 1", reason=Reason.UNSUPPORTED_VALUE)
    return Rgb(*rgb_from_palette(cells, palette))
