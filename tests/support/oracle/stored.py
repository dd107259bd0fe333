# SPDX-License-Identifier: MIT
"""Section 1: compute stored values from pixel cells and header (PS3.3 C.7.6.3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from tests.support.oracle.notes import Array, Notes

Codestream = tuple[int, bool | None]


@dataclass(frozen=True, slots=True)
class Header:
    """The attributes of section 1, what is missing assumed."""

    allocated: int
    bits: int
    high_bit: int
    signed: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """Stored values of all frames, (frames, rows, columns): int64, uint64 (64 bits unsigned) or floating."""

    values: Array
    bits: int
    signed: bool
    header: Header

    @property
    def floating(self) -> bool:
        """Whether the pixels are Float or Double Float Pixel Data."""
        return self.values.dtype.kind == "f"


def attribute(dataset: Dataset, keyword: str) -> Any:
    """The attribute's value; None where it is missing or empty."""
    value = dataset.get(keyword)
    return None if value is None or (hasattr(value, "__len__") and len(value) == 0) else value


def read_header(dataset: Dataset, floating: bool, notes: Notes) -> Header:
    """Bits and sign as the header says; each missing attribute is a finding. Floating data have none of them."""
    allocated = int(dataset.BitsAllocated)
    for keyword, code in (
        ("PhotometricInterpretation", "photometric_interpretation"),
        ("SamplesPerPixel", "samples_per_pixel"),
    ):
        if attribute(dataset, keyword) is None:
            notes.find(f"assumed_{code}")
    if floating:
        return Header(allocated, allocated, allocated - 1, False)
    bits = _or_assume(dataset, "BitsStored", allocated, "assumed_bits_stored", notes)
    if not 1 <= bits <= allocated:
        notes.read("bits_stored_invalid")
        bits = allocated
    high_bit = _or_assume(dataset, "HighBit", bits - 1, "assumed_high_bit", notes)
    signed = _or_assume(dataset, "PixelRepresentation", 0, "assumed_pixel_representation", notes)
    return Header(allocated, bits, high_bit, signed == 1)


def stored_values(dataset: Dataset, raw: Array, codestream: Codestream | None, notes: Notes) -> Stored:
    """The stored values of all frames."""
    raw = np.asarray(raw)
    floating = raw.dtype.kind == "f"
    header = read_header(dataset, floating, notes)
    if codestream is None:
        _find_excess(dataset, raw, header, notes)
    stored = _stored(dataset, raw, header, codestream, notes)
    if not stored.floating and max(abs(int(stored.values.min())), int(stored.values.max())) > 2**53:
        notes.read("wide_integers")
    alone = [_stored(dataset, raw[i : i + 1], header, codestream, Notes()) for i in range(len(raw))]
    if any((one.bits, one.signed) != (stored.bits, stored.signed) for one in alone):
        notes.read("bits_over_instance")
    return stored


def _or_assume(dataset: Dataset, keyword: str, assumed: int, code: str, notes: Notes) -> int:
    value = attribute(dataset, keyword)
    if value is not None:
        return int(value)
    notes.find(code)
    return assumed


def _stored(dataset: Dataset, raw: Array, header: Header, codestream: Codestream | None, notes: Notes) -> Stored:
    if raw.dtype.kind == "f":
        return Stored(raw, header.bits, False, header)
    if codestream is None:
        return _native(dataset, raw, header, notes)
    return _from_codestream(raw, header, codestream, notes)


def _find_excess(dataset: Dataset, raw: Array, header: Header, notes: Notes) -> None:
    """A trailing pad byte or more is accepted, finding. Only where the bytes of native data are at hand."""
    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    if syntax is not None and syntax.is_compressed and not syntax.is_deflated:
        return
    keyword = next((k for k in ("PixelData", "FloatPixelData", "DoubleFloatPixelData") if k in dataset), None)
    if keyword is None:
        return
    expected = -(-raw.size * header.allocated // 8)
    length = len(dataset[keyword].value)
    if length > expected:
        notes.find("excess_pixel_data")
    if length == expected + 1 and expected % 2 == 1:
        notes.read("pad_byte")


def _native(dataset: Dataset, raw: Array, header: Header, notes: Notes) -> Stored:
    """Shift right, keep Bits Stored bits, extend the sign; or widen where the header means larger values."""
    high_bit = header.high_bit if header.bits - 1 <= header.high_bit < header.allocated else header.bits - 1
    shift = high_bit - header.bits + 1
    cells = as_cells(raw, header.allocated) >> np.uint64(shift)
    width = header.allocated - shift
    whole = interpret(cells, width, header.signed)
    needed = bits_needed(whole, header.signed)
    if needed > header.bits and _larger_is_meant(dataset, header, whole, high_bit):
        notes.find("bits_stored_widened")
        if header.signed:
            notes.read("signed_widening")
        return Stored(whole, needed, header.signed, header)
    if _bits_above(cells, header.bits, width, header.signed).any():
        notes.find("bits_above_stored")
    return Stored(interpret(cells, header.bits, header.signed), header.bits, header.signed, header)


def _larger_is_meant(dataset: Dataset, header: Header, whole: Array, high_bit: int) -> bool:
    """Largest Image Pixel Value above the range, no value above it, no overlay declared in the bits above."""
    largest = attribute(dataset, "LargestImagePixelValue")
    if largest is None or _overlay_above(dataset, high_bit):
        return False
    top = 2 ** (header.bits - 1) - 1 if header.signed else 2**header.bits - 1
    return int(largest) > top and int(whole.max()) <= int(largest)


def _overlay_above(dataset: Dataset, high_bit: int) -> bool:
    positions = [dataset[group, 0x0102].value for group in range(0x6000, 0x6020, 2) if (group, 0x0102) in dataset]
    return any(position is not None and int(position) > high_bit for position in positions)


def _bits_above(cells: Array, bits: int, width: int, signed: bool) -> Array:
    """Where bits above Bits Stored are set; in signed data, to something that is not a copy of the sign."""
    if width == bits:
        return np.zeros(cells.shape, dtype=bool)
    above = cells >> np.uint64(bits)
    if not signed:
        return np.asarray(above != 0)
    sign = (cells >> np.uint64(bits - 1)) & np.uint64(1)
    copies = (sign == 1) & (above == 2 ** (width - bits) - 1)
    return np.asarray((above != 0) & ~copies)


def _from_codestream(raw: Array, header: Header, codestream: Codestream, notes: Notes) -> Stored:
    """Precision and sign of the codestream against those of the header."""
    precision, says_signed = codestream
    signed = header.signed or says_signed is True
    if header.high_bit != header.bits - 1:
        notes.read("codestream_shift")
    if signed and says_signed is not True:
        stored = _two_complement(raw, header, precision)
    else:
        values = raw.astype(np.int64)
        needs_more = bits_needed(values, signed) > header.bits
        bits = precision if precision < header.bits or needs_more else header.bits
        stored = Stored(values, bits, signed, header)
    if stored.bits != header.bits or (says_signed is not None and says_signed != header.signed):
        notes.find("codestream_disagrees")
    elif precision > header.bits:
        notes.read("codestream_deeper")
    return replace(stored, signed=signed)


def _two_complement(raw: Array, header: Header, precision: int) -> Stored:
    """Unsigned cells of signed data: the sign bit at Bits Stored where every cell fits that, else at the precision."""
    cells = as_cells(raw, precision)
    bits = min(header.bits, precision)
    if _bits_above(cells, bits, precision, True).any():
        bits = precision
    return Stored(interpret(cells, bits, True), bits, True, header)


def as_cells(raw: Array, bits: int) -> Array:
    """Integers of any kind as unsigned cells of so many bits."""
    return raw.astype(np.uint64) & np.uint64(2**bits - 1)


def interpret(cells: Array, bits: int, signed: bool) -> Array:
    """The low bits of unsigned cells as numbers, two's complement where signed."""
    room = np.uint64(64 - bits)
    if signed:
        return (cells << room).view(np.int64) >> np.int64(64 - bits)
    low = (cells << room) >> room
    return low if bits == 64 else low.astype(np.int64)


def bits_needed(values: Array, signed: bool) -> int:
    """The bits that the values need, sign included."""
    lowest, highest = int(values.min()), int(values.max())
    if not signed:
        return max(1, highest.bit_length())
    return 1 + max(highest.bit_length() if highest > 0 else 0, (~lowest).bit_length() if lowest < 0 else 0)
