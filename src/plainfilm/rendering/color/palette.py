# SPDX-License-Identifier: MIT
"""Look up cells in Palette Color Lookup Tables (PS3.3 C.7.6.3.1.5, C.7.6.3.1.6), also in a supplemental palette."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.dicom.instance import Palette
from plainfilm.errors import AttributeValueError
from plainfilm.findings import Finding, FindingCode
from plainfilm.rendering.color.segments import expand_segments
from plainfilm.rendering.grayscale.lut import LookupTable, lookup_table

Array = npt.NDArray[Any]
_COLORS = ("Red", "Green", "Blue")


def rgb_from_palette(cells: Array, palette: Palette) -> tuple[Array, int, tuple[Finding, ...]]:
    """Look up cells (rows, columns) in the three tables of a palette.

    Returns RGB (rows, columns, 3) as uint8 or uint16, the bits of its samples, and findings. Raises AttributeValueError
    (unsupported_value) where a table is empty or the segments of a segmented table are invalid.
    """
    items = (palette.red, palette.green, palette.blue)
    is_signed = cells.dtype.kind == "i"
    tables, findings = [], list[Finding]()
    for color, item in zip(_COLORS, items, strict=True):
        plain_item = expand_segments(item, color) if palette.segmented else item
        table, table_findings = lookup_table(plain_item, is_signed)
        if table.entries.size == 0:
            raise AttributeValueError(f"{color}PaletteColorLookupTableData", message="it has no entries")
        tables.append(table)
        findings.extend(table_findings)
    if len({item.descriptor for item in items}) > 1:
        note = "the descriptors of the three Palette Color Lookup Tables differ; each table is read by its own"
        findings.append(Finding(FindingCode.PALETTE_LUT_DISAGREES, note))
    bits, bits_findings = _entry_bits(tables)
    rgb = np.stack([table.look_up(cells) for table in tables], axis=-1)
    return rgb.astype(np.uint8 if bits <= 8 else np.uint16), bits, (*findings, *bits_findings)


def _entry_bits(tables: list[LookupTable]) -> tuple[int, tuple[Finding, ...]]:
    """The bits per entry of all three tables: those declared, unless these are not credible.

    They are not credible where an entry needs more, or where more than 8 are declared and no entry needs more than 8.
    """
    declared = max(table.bits for table in tables)
    needed = max(int(table.entries.max()) for table in tables).bit_length()
    bits = max(needed, 8) if needed > declared or (declared > 8 and needed <= 8) else declared
    if bits == declared:
        return bits, ()
    note = f"the palette declares {declared} bits an entry and its largest entry needs {needed}; {bits} is used"
    return bits, (Finding(FindingCode.PALETTE_LUT_DISAGREES, note),)


def apply_supplemental_palette(image: Array, stored: Array, palette: Palette, masked: npt.NDArray[np.bool_]) -> Array:
    """Show the stored values from the first value mapped on in the colours of a palette (PS3.3 C.7.6.19).

    image: grey levels (rows, columns) of the stored values, uint8 or uint16. masked: pixels that are not part of the
    picture, or unavailable; they keep their level. Returns RGB (rows, columns, 3) of the same type. Raises
    AttributeValueError as `rgb_from_palette` does.
    """
    colored = (stored >= palette.first(stored.dtype.kind == "i")) & ~masked
    samples, bits, _ = rgb_from_palette(stored[colored][None], palette)
    scaled = np.floor(samples[0].astype(np.float64) * (np.iinfo(image.dtype).max / ((1 << bits) - 1)) + 0.5)
    rgb = np.repeat(image[:, :, None], 3, axis=2)
    rgb[colored] = scaled.astype(image.dtype)
    return rgb
