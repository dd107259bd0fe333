# SPDX-License-Identifier: MIT
"""Section 3: read LUT Descriptor and LUT Data, and apply the Modality LUT or rescale (C.11.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from tests.support.oracle.notes import Array, Notes, nearest
from tests.support.oracle.stored import Stored, attribute

XA_CLASSES = tuple(f"1.2.840.10008.5.1.4.1.1.12.{last}" for last in (1, 2, 3))


@dataclass(frozen=True, slots=True)
class Lut:
    """A table: the first input mapped, its entries (unsigned), and the bits it declares."""

    first: int
    entries: Array
    bits: int

    def look_up(self, x: Array) -> Array:
        """Nearest integer; below the first mapped the first entry, above the last the last."""
        index = np.clip(nearest(x) - self.first, 0, len(self.entries) - 1)
        return np.asarray(self.entries[index.astype(np.int64)])


@dataclass(frozen=True, slots=True)
class Modality:
    """How stored values become modality outputs: a table, a rescale, or neither."""

    lut: Lut | None = None
    slope: float = 1.0
    intercept: float = 0.0

    @property
    def none(self) -> bool:
        """Whether the modality output is the stored value. A rescale of 1 and 0 counts as none."""
        return self.lut is None and self.slope == 1 and self.intercept == 0

    def apply(self, values: Array) -> Array:
        """The modality output as float64."""
        x = values.astype(np.float64)
        if self.lut is not None:
            return self.lut.look_up(np.where(np.isfinite(x), x, 0)).astype(np.float64)
        return x if self.none else self.slope * x + self.intercept


def levels(dataset: Dataset, frame: int, sequence: str) -> list[Dataset]:
    """The data sets that may hold a module's attributes, nearest first: per-frame item, shared item, top level."""
    found = []
    frames = dataset.get("PerFrameFunctionalGroupsSequence") or []
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    for group in ([frames[frame]] if frame < len(frames) else []) + list(shared[:1]):
        found += list((group.get(sequence) or [])[:1])
    return [*found, dataset]


def _has_modality(level: Dataset) -> bool:
    named = (attribute(level, "RescaleSlope"), attribute(level, "RescaleIntercept"))
    return bool(level.get("ModalityLUTSequence")) or any(value is not None for value in named)


def modality_level(dataset: Dataset, frame: int) -> Dataset | None:
    """The nearest level that has a Modality LUT or a rescale."""
    return next(
        (item for item in levels(dataset, frame, "PixelValueTransformationSequence") if _has_modality(item)), None
    )


def modality(dataset: Dataset, frame: int, stored: Stored, notes: Notes) -> Modality:
    """The Modality LUT, else the rescale, of the nearest level; none for display of XA and XRF."""
    level = modality_level(dataset, frame)
    if level is None:
        return Modality()
    if str(dataset.get("SOPClassUID")) in XA_CLASSES:
        if stored.bits <= 8:
            notes.read("xa_identity")
        return Modality()
    if level.get("ModalityLUTSequence"):
        if stored.floating:
            notes.read("float_lut")
        lut = parse_lut(dataset, level.ModalityLUTSequence[0], stored.signed or stored.floating, notes)
        if lut is not None:
            return Modality(lut=lut)
        notes.read("lut_too_short")
    found = rescale(level)
    farther = levels(dataset, frame, "PixelValueTransformationSequence")
    if found.none and any(_has_modality(other) for other in farther if other is not level):
        notes.read("rescale_level")
    return found


def rescale(level: Dataset) -> Modality:
    """m*SV + b of one level: missing or empty are 1 and 0, a slope of 0 is 1."""
    slope, intercept = attribute(level, "RescaleSlope"), attribute(level, "RescaleIntercept")
    slope = 1.0 if slope is None or float(slope) == 0 else float(slope)
    return Modality(slope=slope, intercept=0.0 if intercept is None else float(intercept))


def output_signed(chosen: Modality, stored: Stored) -> bool:
    """Whether what comes out of this modality is a signed input of the VOI LUT."""
    if chosen.lut is not None:
        return False
    if chosen.none or stored.floating:
        return stored.signed or stored.floating
    lowest = -(2 ** (stored.bits - 1)) if stored.signed else 0
    highest = 2 ** (stored.bits - 1) - 1 if stored.signed else 2**stored.bits - 1
    return bool(min(chosen.slope * lowest + chosen.intercept, chosen.slope * highest + chosen.intercept) < 0)


def parse_lut(dataset: Dataset, item: Dataset, input_signed: bool, notes: Notes) -> Lut | None:
    """LUT Descriptor and LUT Data of a sequence item; None where there is nothing to look up."""
    descriptor, data = item.get("LUTDescriptor"), item.get("LUTData")
    if descriptor is None or data is None or len(descriptor) != 3:
        return None
    declared = int(descriptor[0]) % 65536 or 65536
    first = int(descriptor[1]) % 65536
    first = first - 65536 if input_signed and first >= 32768 else first
    bits = int(descriptor[2]) % 65536
    held = _data_bytes(dataset, data)
    if bits <= 8 and len(held) < 2 * declared and len(held) not in (declared, declared + 1):
        notes.read("lut_short_packed")
    entries = _entries(held, declared, bits)
    return None if len(entries) == 0 else Lut(first, entries, bits)


def _data_bytes(dataset: Dataset, data: Any) -> bytes:
    """LUT Data as little-endian bytes, whatever its VR: bytes (OW), words (US), signed words (SS), or one of them."""
    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    if isinstance(data, bytes):
        if syntax is None or syntax.is_little_endian:
            return data
        return np.frombuffer(data[: len(data) // 2 * 2], dtype=">u2").astype("<u2").tobytes()
    words = [data] if isinstance(data, int) else list(data)
    return b"".join((int(word) % 65536).to_bytes(2, "little") for word in words)


def _entries(data: bytes, declared: int, bits: int) -> Array:
    """Packed bytes where there are fewer than 2 bytes an entry and at most 8 bits declared, else words."""
    if len(data) < 2 * declared and bits <= 8:
        return np.frombuffer(data, dtype=np.uint8)[:declared].astype(np.int64)
    words = np.frombuffer(data[: len(data) // 2 * 2], dtype="<u2")[:declared].astype(np.int64)
    high_bytes = set((words >> 8).tolist())
    return words & 0xFF if bits == 8 and high_bytes <= {0x00, 0xFF} else words
