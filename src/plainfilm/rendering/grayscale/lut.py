# SPDX-License-Identifier: MIT
"""Read LUT Descriptor and LUT Data into a lookup table, and look values up in it (PS3.3 C.11.1.1.1, C.11.2.1.1)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.dicom.instance import LutItem
from plainfilm.findings import Finding, FindingCode
from plainfilm.pickling import dataclass

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class LookupTable:
    """A table of entries (one dimension, unsigned), with the first input mapped and the declared bits per entry."""

    entries: Array
    first: int
    bits: int

    def look_up(self, values: Array) -> Array:
        """Return the entry of each value.

        Values before the first input get the first entry, and values after the last input get the last entry. A
        floating-point value is first rounded to the nearest integer. NaN gets an arbitrary entry, because such a pixel
        is painted as padding afterwards.
        """
        last_index = self.entries.size - 1
        if values.dtype.kind == "f":
            values = np.floor(np.nan_to_num(values, nan=0.0, posinf=2.0**62, neginf=-(2.0**62)) + 0.5)
            return self._entries_at(np.clip(values - self.first, 0, last_index))
        info = np.iinfo(values.dtype)
        low, high = max(self.first, int(info.min)), min(self.first + last_index, int(info.max))
        if low > high:  # no input of the table lies within the type of the values
            return np.full(values.shape, self.entries[0 if self.first > int(info.max) else last_index])
        clipped = np.clip(values, values.dtype.type(low), values.dtype.type(high))
        return self._entries_at(clipped.astype(np.int64) - self.first)

    def _entries_at(self, indices: Array) -> Array:
        entries: Array = self.entries[indices.astype(np.int64)]
        return entries


def lookup_table(item: LutItem, input_signed: bool) -> tuple[LookupTable, tuple[Finding, ...]]:
    """Read a LUT item. The first input mapped is signed where the input is signed; all other values are unsigned.

    A declared number of entries of 0 means 65536. Where LUT Data has fewer entries than declared, the table has these,
    with the finding `lut_data_short`.
    """
    count, first, bits = item.descriptor
    count = count or 65536
    first = first - 65536 if input_signed and first >= 32768 else first
    entries = _read_entries(item.data, count, bits)
    if entries.size < count:
        note = f"LUT Descriptor declares {count} entries, LUT Data has {entries.size}; these are used"
        return LookupTable(entries, first, bits), (Finding(FindingCode.LUT_DATA_SHORT, note),)
    return LookupTable(entries[:count], first, bits), ()


def _read_entries(data: bytes, count: int, bits: int) -> Array:
    """Read LUT Data as packed bytes where it is too short for words and has at most 8 bits, otherwise as words.

    8-bit entries in words are the low bytes, provided that all high bytes are 00 or FF.
    """
    if len(data) < 2 * count and bits <= 8:
        return np.frombuffer(data, np.uint8)
    words = np.frombuffer(data[: len(data) // 2 * 2], "<u2").astype(np.uint16)
    if bits == 8 and np.isin(words >> 8, (0x00, 0xFF)).all():
        return words & np.uint16(0xFF)
    return words
