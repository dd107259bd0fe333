# SPDX-License-Identifier: MIT
"""DecodedFrame cells -> stored values: shift, mask, sign, and who is believed about Bits Stored (PS3.3 C.7.6.3.1).

Bits Stored and the sign belong to the instance, so the rules are decided once, from the cells of all frames looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.dicom.instance import ImagePixel, PixelKind
from plainfilm.findings import Finding, FindingCode
from plainfilm.rendering.grayscale.histogram import Histogram

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class StoredRules:
    """How the cells of an instance become stored values: drop `shift` bits, keep `bits_stored`, extend the sign."""

    shift: int
    bits_stored: int
    signed: bool
    container: np.dtype[Any]
    findings: tuple[Finding, ...] = ()

    @property
    def is_integer(self) -> bool:
        """Whether stored values are whole numbers."""
        return self.container.kind in "iu"

    @property
    def lowest(self) -> int:
        """The smallest value that Bits Stored can hold."""
        return -(1 << self.bits_stored - 1) if self.signed else 0

    @property
    def highest(self) -> int:
        """The largest value that Bits Stored can hold."""
        return (1 << self.bits_stored - int(self.signed)) - 1


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of one frame as a histogram, with what its codestream said (None: native or RLE, or it cannot say)."""

    histogram: Histogram
    precision: int | None = None
    signed: bool | None = None


@dataclass(frozen=True, slots=True)
class _Extent:
    """What cells hold after the shift: `above` pixels have bits above Bits Stored that are no copies of the sign."""

    smallest: int
    largest: int
    above: int
    total: int

    @property
    def share(self) -> str:
        return f"{self.above / self.total:.3%} of the pixels"


def stored_rules(pixel: ImagePixel, frames: tuple[Cells, ...]) -> StoredRules:
    """The rules for an instance from the header, what its codestreams say, and the cells of the frames looked at."""
    if pixel.kind is not PixelKind.INTEGER:
        return StoredRules(0, pixel.bits_allocated, True, np.dtype(f"f{pixel.bits_allocated // 8}"))
    return _rules_of_native(pixel, frames) if frames[0].precision is None else _rules_of_codestream(pixel, frames)


def stored_values(rules: StoredRules, samples: Array) -> Array:
    """Cells of any shape as stored values by the rules of their instance. Floating pixels are as they are."""
    if samples.dtype.kind == "f":
        return samples
    if samples.dtype.kind == "i":
        return samples.astype(rules.container, copy=False)
    unsigned = np.dtype(f"u{rules.container.itemsize}")
    cells = samples.astype(unsigned, copy=False)
    if rules.shift:
        cells = cells >> unsigned.type(rules.shift)
    spare = unsigned.itemsize * 8 - rules.bits_stored
    if rules.signed:
        return _sign_extended(cells, rules.bits_stored)
    if spare and cells.size and int(cells.max()) >> rules.bits_stored:
        masked: Array = cells & unsigned.type((1 << rules.bits_stored) - 1)
        return masked
    return cells


def stored_frame(rules: StoredRules, samples: Array, present: Histogram) -> Array:
    """As `stored_values`; present: the histogram of the cells, which tells where no pixel has to be touched."""
    if samples.dtype.itemsize == rules.container.itemsize:
        as_they_are = present.values.view(rules.container)
        if np.array_equal(stored_values(rules, present.values), as_they_are):
            return samples.view(rules.container)
    return stored_values(rules, samples)


def container_of(bits_allocated: int, signed: bool) -> np.dtype[Any]:
    """The integer type that holds Bits Allocated: 8, 16, 32 or 64 bits."""
    size = 1 if bits_allocated <= 8 else 2 if bits_allocated <= 16 else 4 if bits_allocated <= 32 else 8
    return np.dtype(f"{'i' if signed else 'u'}{size}")


def _rules_of_native(pixel: ImagePixel, frames: tuple[Cells, ...]) -> StoredRules:
    """Native and RLE cells: High Bit and Bits Stored of the header, widened only where the header means more."""
    shift, bits = pixel.high_bit - pixel.bits_stored + 1, pixel.bits_stored
    extent = _extent(frames, (shift, bits, pixel.bits_allocated - shift), pixel.signed)
    container = container_of(pixel.bits_allocated, pixel.signed)
    widened = _widened(pixel, extent)
    if widened > bits:
        note = f"Bits Stored {bits} widened to {widened}: Largest Image Pixel Value is {pixel.largest_pixel_value}"
        finding = Finding(FindingCode.BITS_STORED_WIDENED, note)
        return StoredRules(shift, widened, pixel.signed, container, (finding,))
    if extent.above == 0:
        return StoredRules(shift, bits, pixel.signed, container)
    note = f"{extent.share} have bits above the {bits} stored ones, which are masked"
    finding = Finding(FindingCode.BITS_ABOVE_STORED, note)
    return StoredRules(shift, bits, pixel.signed, container, (finding,))


def _rules_of_codestream(pixel: ImagePixel, frames: tuple[Cells, ...]) -> StoredRules:
    """Cells of a codestream, whose precision and sign (where it says one) are believed over the header."""
    precision, says_signed = max(frame.precision or 0 for frame in frames), frames[0].signed
    shift = pixel.high_bit - pixel.bits_stored + 1 if precision == pixel.high_bit + 1 and not says_signed else 0
    width, bits = precision - shift, pixel.bits_stored
    signed = pixel.signed or bool(says_signed)
    extent = _extent(frames, (shift, min(bits, width), width), signed)
    needed = extent.above > 0 and not _overlay_above(pixel)
    taken = width if width < bits or needed else bits
    findings = []
    if taken != bits:
        note = f"Bits Stored is {bits}, the codestream's precision {width}; taken for {taken}"
        findings.append(Finding(FindingCode.CODESTREAM_DISAGREES, note))
    if says_signed is not None and says_signed != pixel.signed:
        note = f"Pixel Representation says {_sign(pixel.signed)}, the codestream {_sign(says_signed)}; taken for signed"
        findings.append(Finding(FindingCode.CODESTREAM_DISAGREES, note))
    if extent.above and not needed:
        note = f"{extent.share} have overlay bits above the {bits} stored ones, which are masked"
        findings.append(Finding(FindingCode.BITS_ABOVE_STORED, note))
    return StoredRules(shift, taken, signed, container_of(pixel.bits_allocated, signed), tuple(findings))


def _sign(signed: bool) -> str:
    return "signed" if signed else "unsigned"


def _extent(frames: tuple[Cells, ...], cut: tuple[int, int, int], signed: bool) -> _Extent:
    """Smallest and largest value and the pixels with bits above; cut: shift, Bits Stored, bits after the shift."""
    extents = [_extent_of(frame, cut, signed) for frame in frames if frame.histogram.total]
    if not extents:
        return _Extent(0, 0, 0, 1)
    return _Extent(
        min(extent.smallest for extent in extents),
        max(extent.largest for extent in extents),
        sum(extent.above for extent in extents),
        sum(extent.total for extent in extents),
    )


def _extent_of(frame: Cells, cut: tuple[int, int, int], signed: bool) -> _Extent:
    shift, bits, width = cut
    cells = frame.histogram.values
    patterns = cells.view(np.dtype(f"u{cells.dtype.itemsize}")).astype(np.uint64) >> np.uint64(shift)
    patterns &= np.uint64((1 << width) - 1)
    values = _sign_extended(patterns, width) if signed else patterns
    odd = patterns >> np.uint64(bits) != 0
    if signed:
        # a sign that was not extended into the bits above is no oddity, unless the cells are signed numbers themselves
        odd = (odd | bool(frame.signed)) & (values != _sign_extended(patterns, bits))
    return _Extent(int(values.min()), int(values.max()), int(frame.histogram.counts[odd].sum()), frame.histogram.total)


def _sign_extended(patterns: Array, bits: int) -> Array:
    """Two's complement of the low `bits` bits, in the signed type of the same size."""
    spare = patterns.dtype.itemsize * 8 - bits
    signed = np.dtype(f"i{patterns.dtype.itemsize}")
    if spare == 0:
        return patterns.view(signed)
    shifted: Array = (patterns << patterns.dtype.type(spare)).view(signed) >> signed.type(spare)
    return shifted


def _widened(pixel: ImagePixel, extent: _Extent) -> int:
    """The Bits Stored that the values need where Largest Image Pixel Value says they are meant; else 0."""
    if pixel.largest_pixel_value is None or _overlay_above(pixel):
        return 0
    largest = pixel.largest_pixel_value
    if (pixel.signed and largest >= 1 << 15) or (largest < 0 and not pixel.signed):
        largest += -(1 << 16) if pixel.signed else 1 << 16  # its VR, US or SS, is often the other one
    if largest < 1 << pixel.bits_stored - int(pixel.signed) or extent.largest > largest:
        return 0
    if not pixel.signed:
        return extent.largest.bit_length()
    return max(extent.largest.bit_length(), (-extent.smallest - 1).bit_length() if extent.smallest < 0 else 0) + 1


def _overlay_above(pixel: ImagePixel) -> bool:
    """Whether an overlay is declared in the bits above the stored ones."""
    return any(position > pixel.high_bit for position in pixel.overlay_bit_positions)
