# SPDX-License-Identifier: MIT
"""Convert decoded pixel cells to stored values: shift, mask and sign extension (PS3.3 C.7.6.3.1, PS3.5 8.1).

Bits Stored and the sign are properties of the instance. `stored_rules` therefore decides them once, from the header,
the codestreams and the cells of all surveyed frames, and `stored_values` applies the same rules to every frame.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.dicom.instance import ImagePixel, PixelKind
from plainfilm.findings import Finding, FindingCode
from plainfilm.pickling import dataclass
from plainfilm.rendering.grayscale.histogram import Histogram

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class StoredRules:
    """How the cells of an instance become stored values: drop `shift` bits, keep `bits_stored`, extend the sign.

    `container` is the type of the stored values. It has the size of Bits Allocated.
    """

    shift: int
    bits_stored: int
    signed: bool
    container: np.dtype[Any]
    findings: tuple[Finding, ...] = ()

    @property
    def is_integer(self) -> bool:
        """Whether stored values are integers."""
        return self.container.kind in "iu"

    @property
    def lowest(self) -> int:
        """The smallest value that Bits Stored can represent."""
        return -(1 << self.bits_stored - 1) if self.signed else 0

    @property
    def highest(self) -> int:
        """The largest value that Bits Stored can represent."""
        return (1 << self.bits_stored - int(self.signed)) - 1


@dataclass(frozen=True, slots=True)
class Cells:
    """The decoded pixel cells of one frame as a histogram, with the precision and sign that its codestream declares.

    histogram: the distinct cells of the available pixels, exactly as decoded: not shifted, masked or sign-extended.
    precision: bits per sample of the codestream; None for native and RLE data, which do not declare it.
    signed: whether the codestream declares signed samples; None where it cannot (native, RLE, JPEG, JPEG-LS).
    """

    histogram: Histogram
    precision: int | None = None
    signed: bool | None = None


@dataclass(frozen=True, slots=True)
class _BitLayout:
    """The position of the value in a cell: `width` bits above the lowest `shift` bits.

    Only the low `bits_stored` of these bits are the stored value.
    """

    shift: int
    bits_stored: int
    width: int


@dataclass(frozen=True, slots=True)
class _CellRange:
    """The smallest and largest value of cells, over all bits after the shift.

    pixels_above: the number of pixels with bits above Bits Stored that are not copies of the sign. pixels: all pixels.
    """

    smallest: int
    largest: int
    pixels_above: int
    pixels: int

    @property
    def share_above(self) -> str:
        """The share of pixels with bits above Bits Stored, in words."""
        return f"{self.pixels_above / self.pixels:.3%} of the pixels"


def stored_rules(pixel: ImagePixel, frames: tuple[Cells, ...]) -> StoredRules:
    """Decide the rules of an instance from its header and from the cells of at least one frame."""
    if pixel.kind is not PixelKind.INTEGER:
        return StoredRules(0, pixel.bits_allocated, True, np.dtype(f"f{pixel.bits_allocated // 8}"))
    return _rules_of_native(pixel, frames) if frames[0].precision is None else _rules_of_codestream(pixel, frames)


def stored_values(rules: StoredRules, samples: Array) -> Array:
    """Convert cells of any shape to stored values. Floating-point pixels are returned unchanged."""
    if samples.dtype.kind == "f":
        return samples
    if samples.dtype.kind == "i":
        return samples.astype(rules.container, copy=False)
    unsigned = np.dtype(f"u{rules.container.itemsize}")
    cells = samples.astype(unsigned, copy=False)
    if rules.shift:
        cells = cells >> unsigned.type(rules.shift)
    spare_bits = unsigned.itemsize * 8 - rules.bits_stored
    if rules.signed:
        return _sign_extended(cells, rules.bits_stored)
    if spare_bits and cells.size and int(cells.max()) >> rules.bits_stored:
        low_bits: Array = cells & unsigned.type((1 << rules.bits_stored) - 1)
        return low_bits
    return cells


def stored_frame(rules: StoredRules, samples: Array, histogram: Histogram) -> Array:
    """Convert the cells of a frame as `stored_values` does, without a copy where no cell changes.

    histogram: the cells of the frame; they show whether any cell changes.
    """
    if samples.dtype.itemsize == rules.container.itemsize:
        unchanged = histogram.values.view(rules.container)
        if (stored_values(rules, histogram.values) == unchanged).all():
            return samples.view(rules.container)
    return stored_values(rules, samples)


def container_of(bits_allocated: int, signed: bool) -> np.dtype[Any]:
    """The integer type of 8, 16, 32 or 64 bits that holds Bits Allocated."""
    size = 1 if bits_allocated <= 8 else 2 if bits_allocated <= 16 else 4 if bits_allocated <= 32 else 8
    return np.dtype(f"{'i' if signed else 'u'}{size}")


def _rules_of_native(pixel: ImagePixel, frames: tuple[Cells, ...]) -> StoredRules:
    """The rules of native and RLE cells: those of the header, with Bits Stored widened where the header requires it."""
    shift, bits = pixel.high_bit - pixel.bits_stored + 1, pixel.bits_stored
    cell_range = _cell_range(frames, _BitLayout(shift, bits, pixel.bits_allocated - shift), pixel.signed)
    container = container_of(pixel.bits_allocated, pixel.signed)
    widened_bits = _widened_bits_stored(pixel, cell_range)
    if widened_bits > bits:
        note = f"Bits Stored {bits} widened to {widened_bits}: Largest Image Pixel Value is {pixel.largest_pixel_value}"
        finding = Finding(FindingCode.BITS_STORED_WIDENED, note)
        return StoredRules(shift, widened_bits, pixel.signed, container, (finding,))
    if cell_range.pixels_above == 0:
        return StoredRules(shift, bits, pixel.signed, container)
    note = f"{cell_range.share_above} have bits set above the {bits} stored bits; these bits are ignored"
    finding = Finding(FindingCode.BITS_ABOVE_STORED, note)
    return StoredRules(shift, bits, pixel.signed, container, (finding,))


def _rules_of_codestream(pixel: ImagePixel, frames: tuple[Cells, ...]) -> StoredRules:
    """The rules of a codestream's cells. Its precision and its sign, where declared, take precedence over the header.

    Where the codestream does not declare signed samples and its precision is High Bit + 1, the header's shift applies.
    """
    precision, codestream_signed = max(frame.precision or 0 for frame in frames), frames[0].signed
    is_shifted = precision == pixel.high_bit + 1 and not codestream_signed
    shift = pixel.high_bit - pixel.bits_stored + 1 if is_shifted else 0
    width, bits = precision - shift, pixel.bits_stored
    signed = pixel.signed or bool(codestream_signed)
    cell_range = _cell_range(frames, _BitLayout(shift, min(bits, width), width), signed)
    exceeds_bits_stored = cell_range.pixels_above > 0 and not _has_overlay_above(pixel)
    effective_bits = width if width < bits or exceeds_bits_stored else bits
    findings = []
    if effective_bits != bits:
        note = f"Bits Stored is {bits}, the precision of the codestream is {width}; {effective_bits} is used"
        findings.append(Finding(FindingCode.CODESTREAM_DISAGREES, note))
    if codestream_signed is not None and codestream_signed != pixel.signed:
        signs = f"{_sign_name(pixel.signed)}, the codestream is {_sign_name(codestream_signed)}"
        note = f"Pixel Representation is {signs}; the values are read as signed"
        findings.append(Finding(FindingCode.CODESTREAM_DISAGREES, note))
    if cell_range.pixels_above and not exceeds_bits_stored:
        note = f"{cell_range.share_above} have overlay bits above the {bits} stored bits; these bits are ignored"
        findings.append(Finding(FindingCode.BITS_ABOVE_STORED, note))
    return StoredRules(shift, effective_bits, signed, container_of(pixel.bits_allocated, signed), tuple(findings))


def _sign_name(signed: bool) -> str:
    return "signed" if signed else "unsigned"


def _cell_range(frames: tuple[Cells, ...], layout: _BitLayout, signed: bool) -> _CellRange:
    """The range of the cells of all frames; frames without a pixel do not count."""
    ranges = [_frame_cell_range(frame, layout, signed) for frame in frames if frame.histogram.values.size]
    if not ranges:
        return _CellRange(0, 0, 0, 1)
    if len(ranges) == 1:
        return ranges[0]
    return _CellRange(
        min([cell_range.smallest for cell_range in ranges]),
        max([cell_range.largest for cell_range in ranges]),
        sum([cell_range.pixels_above for cell_range in ranges]),
        sum([cell_range.pixels for cell_range in ranges]),
    )


def _frame_cell_range(frame: Cells, layout: _BitLayout, signed: bool) -> _CellRange:
    cells, counts = frame.histogram.values, frame.histogram.counts
    patterns = cells.view(np.dtype(f"u{cells.dtype.itemsize}")).astype(np.uint64) >> np.uint64(layout.shift)
    patterns &= np.uint64((1 << layout.width) - 1)
    values = _sign_extended(patterns, layout.width) if signed else patterns
    is_above = patterns >> np.uint64(layout.bits_stored) != 0
    if signed:
        # Two's complement whose sign was not extended into the bits above is common and not reported. Cells that the
        # codestream declares as signed are numbers already, so their bits above Bits Stored count.
        is_above = (is_above | bool(frame.signed)) & (values != _sign_extended(patterns, layout.bits_stored))
    smallest, largest = int(np.minimum.reduce(values)), int(np.maximum.reduce(values))
    return _CellRange(smallest, largest, int(np.add.reduce(counts[is_above])), frame.histogram.total)


def _sign_extended(patterns: Array, bits: int) -> Array:
    """Two's complement of the low `bits` bits, in the signed type of the same size."""
    spare_bits = patterns.dtype.itemsize * 8 - bits
    signed = np.dtype(f"i{patterns.dtype.itemsize}")
    if spare_bits == 0:
        return patterns.view(signed)
    shifted: Array = (patterns << patterns.dtype.type(spare_bits)).view(signed) >> signed.type(spare_bits)
    return shifted


def _widened_bits_stored(pixel: ImagePixel, cell_range: _CellRange) -> int:
    """The Bits Stored that the values need, where Largest Image Pixel Value shows that they are valid; otherwise 0."""
    if pixel.largest_pixel_value is None or _has_overlay_above(pixel):
        return 0
    largest = pixel.largest_pixel_value
    if (pixel.signed and largest >= 1 << 15) or (largest < 0 and not pixel.signed):
        largest += -(1 << 16) if pixel.signed else 1 << 16  # US and SS are often exchanged in its VR
    if largest < 1 << pixel.bits_stored - int(pixel.signed) or cell_range.largest > largest:
        return 0
    largest_bits = cell_range.largest.bit_length()
    if not pixel.signed:
        return largest_bits
    smallest_bits = (-cell_range.smallest - 1).bit_length() if cell_range.smallest < 0 else 0
    return max(largest_bits, smallest_bits) + 1


def _has_overlay_above(pixel: ImagePixel) -> bool:
    """Whether the header declares an overlay in the bits above the stored bits."""
    return any(position > pixel.high_bit for position in pixel.overlay_bit_positions)
