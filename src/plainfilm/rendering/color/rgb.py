# SPDX-License-Identifier: MIT
"""The samples of a decoded colour frame -> red, green and blue, whatever Photometric Interpretation they came in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from plainfilm.decode.decoded import DecodedFrame
from plainfilm.dicom.instance import ImagePixel, Palette
from plainfilm.errors import AttributeValueError, Reason
from plainfilm.findings import Finding, FindingCode
from plainfilm.rendering.color.palette import rgb_of_palette
from plainfilm.rendering.color.ybr import rgb_of_full, rgb_of_partial

Array = npt.NDArray[Any]
_UNDONE_BY_CODEC = ("YBR_ICT", "YBR_RCT")


@dataclass(frozen=True, slots=True)
class Rgb:
    """A colour image: samples (rows, columns, 3), unsigned, 0 to 2^bits - 1, in the order red, green, blue."""

    samples: Array
    bits: int
    findings: tuple[Finding, ...] = ()


def to_rgb(decoded: DecodedFrame, pixel: ImagePixel, palette: Palette | None) -> Rgb:
    """RGB of samples that are masked to Bits Stored already; not scaled to any output range (PS3.3 C.7.6.3.1.2).

    Raises AttributeValueError where the colour space is unknown (unsupported_value) or the palette is missing
    (missing_attribute).
    """
    space, samples, bits = decoded.photometric_interpretation, decoded.samples, pixel.bits_stored
    if space == "PALETTE COLOR":
        if palette is None or samples.ndim != 2:
            keyword = "RedPaletteColorLookupTableDescriptor" if palette is None else "SamplesPerPixel"
            reason = Reason.MISSING_ATTRIBUTE if palette is None else Reason.UNSUPPORTED_VALUE
            raise AttributeValueError(keyword, message="PALETTE COLOR needs it", reason=reason)
        return Rgb(*rgb_of_palette(samples, palette))
    if samples.ndim != 3 or samples.shape[2] != 3:
        raise AttributeValueError("SamplesPerPixel", pixel.samples_per_pixel, message=f"{space} has three")
    samples = samples.view(f"u{samples.dtype.itemsize}") if samples.dtype.kind == "i" else samples
    if space == "RGB":
        return Rgb(samples, bits)
    if space in _UNDONE_BY_CODEC:
        note = f"{space} is what a JPEG 2000 codec undoes; these samples came without one and are taken for RGB"
        return Rgb(samples, bits, (Finding(FindingCode.COLOR_TRANSFORM_DISAGREES, note),))
    if space == "YBR_FULL" and samples.dtype.itemsize <= 4:
        return Rgb(rgb_of_full(samples, bits), bits)
    if space.startswith("YBR_PARTIAL_4") and 8 <= bits <= 16:
        return Rgb(rgb_of_partial(samples, bits), bits)
    raise AttributeValueError("PhotometricInterpretation", space, message=f"no way to RGB from it with {bits} bits")
