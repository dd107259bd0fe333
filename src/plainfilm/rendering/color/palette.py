# SPDX-License-Identifier: MIT
"""PALETTE COLOR cells -> red, green and blue (PS3.3 C.7.6.3.1.5, C.7.6.3.1.6)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.dicom.instance import Palette
from plainfilm.errors import AttributeValueError
from plainfilm.findings import Finding, FindingCode
from plainfilm.rendering.color.segments import unfolded
from plainfilm.rendering.grayscale.lut import LookupTable, lookup_table

Array = npt.NDArray[Any]
_COLORS = ("Red", "Green", "Blue")


def rgb_of_palette(cells: Array, palette: Palette) -> tuple[Array, int, tuple[Finding, ...]]:
    """Cells (rows, columns) looked up in the three tables: RGB (rows, columns, 3), the bits of its samples, findings.

    Raises AttributeValueError (unsupported_value) where a table is empty or a segmented one makes no sense.
    """
    items = (palette.red, palette.green, palette.blue)
    signed = cells.dtype.kind == "i"
    tables, findings = [], list[Finding]()
    for color, item in zip(_COLORS, items, strict=True):
        table, found = lookup_table(unfolded(item, color) if palette.segmented else item, signed)
        if table.entries.size == 0:
            raise AttributeValueError(f"{color}PaletteColorLookupTableData", message="it has no entries")
        tables.append(table)
        findings.extend(found)
    if len({item.descriptor for item in items}) > 1:
        note = "the descriptors of the three Palette Color Lookup Tables differ; each table is read by its own"
        findings.append(Finding(FindingCode.PALETTE_LUT_DISAGREES, note))
    bits, noted = _bits_of(tables)
    rgb = np.stack([table.look_up(cells) for table in tables], axis=-1)
    return rgb.astype(np.uint8 if bits <= 8 else np.uint16), bits, (*findings, *noted)


def _bits_of(tables: list[LookupTable]) -> tuple[int, tuple[Finding, ...]]:
    """The bits an entry of all three tables: as declared, unless the entries need more, or 16 were declared for 8."""
    declared = max(table.bits for table in tables)
    needed = max(int(table.entries.max()) for table in tables).bit_length()
    bits = max(needed, 8) if needed > declared or (declared > 8 and needed <= 8) else declared
    if bits == declared:
        return bits, ()
    note = f"the palette's tables declare {declared} bits an entry, the largest entry needs {needed}; taken for {bits}"
    return bits, (Finding(FindingCode.PALETTE_LUT_DISAGREES, note),)
