# SPDX-License-Identifier: MIT
"""A data set -> what its colours are: palettes, supplemental ones, and the ICC profile."""

from __future__ import annotations

from plainfilm.dicom.instance import Palette
from plainfilm.dicom.values import Values
from plainfilm.errors import AttributeValueError

_COLORED = ("COLOR", "MIXED")


def palette_of(values: Values) -> Palette | None:
    """The Palette Color Lookup Tables, plain or segmented (PS3.3 C.7.6.3.1.5, C.7.9.2); None unless all three are."""
    for prefix in ("", "Segmented"):
        luts = [
            values.lut(f"{color}PaletteColorLookupTableDescriptor", f"{prefix}{color}PaletteColorLookupTableData")
            for color in ("Red", "Green", "Blue")
            if values.has(f"{prefix}{color}PaletteColorLookupTableData")
        ]
        red, green, blue = luts if len(luts) == 3 else (None, None, None)
        if red is not None and green is not None and blue is not None:
            return Palette(red, green, blue, segmented=bool(prefix))
    return None


def supplement_of(values: Values) -> Palette | None:
    """The palette of a grey image of which the upper stored values are colours (PS3.3 C.7.6.19).

    Raises AttributeValueError (unsupported_value) for frames that are blended into colours (C.7.6.23).
    """
    assigned = {item.code("DataPathAssignment") for item in values.items("DataFrameAssignmentSequence")}
    if not assigned <= {"PRIMARY_PVALUES"}:
        message = "frames that are blended through enhanced palettes are not shown"
        raise AttributeValueError("DataPathAssignment", message=message)
    return palette_of(values) if values.code("PixelPresentation") in _COLORED else None


def icc_profile_of(values: Values) -> bytes | None:
    """ICC Profile of the data set, else of the first optical path that has one (PS3.3 C.11.15, C.8.12.5)."""
    for place in (values, *values.items("OpticalPathSequence")):
        profile = place.raw("ICCProfile")
        if isinstance(profile, bytes):
            return profile
    return None
