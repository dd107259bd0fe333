# SPDX-License-Identifier: MIT
"""Read the colour attributes of a data set: palettes, supplemental palettes and the ICC profile."""

from __future__ import annotations

from plainfilm.dicom.instance import Palette
from plainfilm.dicom.lut_attributes import read_lut
from plainfilm.dicom.values import Values
from plainfilm.errors import AttributeValueError

# Palette Color Lookup Table Data of the three colours, plain and segmented.
_PALETTE_DATA = frozenset((0x00281201, 0x00281202, 0x00281203, 0x00281221, 0x00281222, 0x00281223))
# Pixel Presentation of an image that has coloured pixels (PS3.3 C.8.16.2.1.1).
_COLORED = ("COLOR", "MIXED")


def read_palette(values: Values) -> Palette | None:
    """Return the Palette Color Lookup Tables, plain or segmented (PS3.3 C.7.6.3.1.5, C.7.9.2).

    Return None unless the tables of all three colours can be read.
    """
    if values.tags.isdisjoint(_PALETTE_DATA):
        return None
    for prefix in ("", "Segmented"):
        luts = [
            read_lut(values, f"{color}PaletteColorLookupTableDescriptor", f"{prefix}{color}PaletteColorLookupTableData")
            for color in ("Red", "Green", "Blue")
            if values.has(f"{prefix}{color}PaletteColorLookupTableData")
        ]
        red, green, blue = luts if len(luts) == 3 else (None, None, None)
        if red is not None and green is not None and blue is not None:
            return Palette(red, green, blue, segmented=bool(prefix))
    return None


def read_supplemental_palette(values: Values) -> Palette | None:
    """Return the palette of a grey image whose upper stored values are colours (PS3.3 C.7.6.19), or None.

    Raises AttributeValueError (unsupported_value) for frames that are blended into colours (C.7.6.23).
    """
    assignments = {item.code("DataPathAssignment") for item in values.items("DataFrameAssignmentSequence")}
    if not assignments <= {"PRIMARY_PVALUES"}:
        message = "frames that are blended through enhanced palettes are not supported"
        raise AttributeValueError("DataPathAssignment", message=message)
    return read_palette(values) if values.code("PixelPresentation") in _COLORED else None


def read_icc_profile(values: Values) -> bytes | None:
    """Return ICC Profile of the data set, else of the first optical path with one (PS3.3 C.11.15, C.8.12.5)."""
    for level in (values, *values.items("OpticalPathSequence")):
        profile = level.raw("ICCProfile")
        if isinstance(profile, bytes):
            return profile
    return None
