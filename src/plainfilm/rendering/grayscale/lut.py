# SPDX-License-Identifier: MIT
"""A LUT item of the file -> a lookup table, and the look-up (PS3.3 C.11.1.1.1, C.11.2.1.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.dicom.instance import LutItem
from plainfilm.findings import Finding, FindingCode

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class LookupTable:
    """Entries (unsigned, one dimension), the first input mapped, and the bits an entry that are declared."""

    entries: Array
    first: int
    bits: int

    def look_up(self, values: Array) -> Array:
        """The entry of each value; below the first it is the first entry, above the last the last."""
        last = self.entries.size - 1
        if values.dtype.kind == "f":
            # a non-integer input goes to the nearest integer; what is no number is padding, painted over later
            values = np.floor(np.nan_to_num(values, nan=0.0, posinf=2.0**62, neginf=-(2.0**62)) + 0.5)
            return self._at(np.clip(values - self.first, 0, last))
        low, high = max(self.first, _lowest(values)), min(self.first + last, _highest(values))
        if low > high:
            return np.full(values.shape, self.entries[0 if self.first > _highest(values) else last])
        clipped = np.clip(values, values.dtype.type(low), values.dtype.type(high))
        return self._at(clipped.astype(np.int64) - self.first)

    def _at(self, places: Array) -> Array:
        found: Array = self.entries[places.astype(np.int64)]
        return found


def lookup_table(item: LutItem, input_signed: bool) -> tuple[LookupTable, tuple[Finding, ...]]:
    """The table of a LUT item; the first input mapped is signed when the input is, all else is unsigned."""
    count, first, bits = item.descriptor
    count = count or 65536
    first = first - 65536 if input_signed and first >= 32768 else first
    entries = _entries(item.data, count, bits)
    if entries.size < count:
        note = f"LUT Descriptor declares {count} entries, LUT Data has {entries.size}; these are used"
        return LookupTable(entries, first, bits), (Finding(FindingCode.LUT_DATA_SHORT, note),)
    return LookupTable(entries[:count], first, bits), ()


def _entries(data: bytes, count: int, bits: int) -> Array:
    """LUT Data as bytes where it is packed, else as words; of 8-bit entries in words the low byte counts."""
    if len(data) < 2 * count and bits <= 8:
        return np.frombuffer(data, np.uint8)
    words = np.frombuffer(data[: len(data) // 2 * 2], "<u2").astype(np.uint16)
    if bits == 8 and np.isin(words >> 8, (0x00, 0xFF)).all():
        return words & np.uint16(0xFF)
    return words


def _lowest(values: Array) -> int:
    return int(np.iinfo(values.dtype).min)


def _highest(values: Array) -> int:
    return int(np.iinfo(values.dtype).max)
