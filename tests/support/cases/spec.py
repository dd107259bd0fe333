# SPDX-License-Identifier: MIT
"""The parameters of a synthetic image."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

DIGITAL_XRAY = "1.2.840.10008.5.1.4.1.1.1.1"
XRAY_ANGIOGRAPHY = "1.2.840.10008.5.1.4.1.1.12.1"


@dataclass(frozen=True, slots=True)
class LutSpec:
    """A LUT item: entries, first input mapped, bits declared, how the data are laid out, and an Explanation.

    `layout` is words (OW), us (US words), packed (OW bytes) or packed_us. `descriptor_vr` is US or SS; `declared` is
    the number of entries that the descriptor claims, None for the number there are.
    """

    entries: tuple[int, ...]
    first: int = 0
    bits: int = 12
    layout: str = "words"
    descriptor_vr: str = "US"
    declared: int | None = None
    explanation: str | None = None


@dataclass(frozen=True, slots=True)
class GroupSpec:
    """The attributes of one level: windows (centers and widths apart), VOI LUTs, rescale ('' is empty), table."""

    centers: tuple[float, ...] = ()
    widths: tuple[float, ...] = ()
    voi_function: str | None = None
    explanations: tuple[str, ...] = ()
    voi_luts: tuple[LutSpec, ...] = ()
    slope: float | str | None = None
    intercept: float | str | None = None
    modality_lut: LutSpec | None = None


@dataclass(frozen=True, slots=True)
class ShutterSpec:
    """Shapes; edges (left, right, upper, lower); circle (row, column, radius); vertices (row, column, ...)."""

    shapes: tuple[str, ...]
    edges: tuple[int, int, int, int] = (5, 40, 4, 28)
    circle: tuple[int, int, int] = (16, 24, 14)
    vertices: tuple[int, ...] = (3, 5, 3, 44, 30, 40, 20, 24, 30, 8)
    level: int | None = None


@dataclass(frozen=True, slots=True)
class Spec:
    """All parameters of a synthetic image; `None` leaves an attribute out, high_bit -1 means Bits Stored - 1.

    `ends` are the smallest and largest value of the content, None for 3 % to 90 % of the stored range. `above` puts
    random junk into the bits above (and below) Bits Stored: none, some (a few pixels), all, or zero (the sign is not
    extended). `floating` is 32 or 64; then `not_finite` pixels a frame are NaN or infinite.
    """

    rows: int = 32
    columns: int = 48
    frames: int = 1
    bits_allocated: int = 16
    bits_stored: int | None = 12
    high_bit: int | None = -1
    pixel_representation: int | None = 0
    photometric: str | None = "MONOCHROME2"
    samples: int | None = 1
    presentation_lut_shape: str | None = None
    sop_class: str = DIGITAL_XRAY
    content: str = "film"
    ends: tuple[float, float] | None = None
    seed: int = 0
    above: str = "none"
    top: GroupSpec = field(default_factory=GroupSpec)
    shared: GroupSpec | None = None
    per_frame: tuple[GroupSpec, ...] = ()
    padding: float | None = None
    padding_limit: float | None = None
    padding_vr: str | None = None
    shutter: ShutterSpec | None = None
    largest: int | None = None
    overlay_positions: tuple[int, ...] = ()
    codestream: tuple[int, bool | None] | None = None
    floating: int | None = None
    not_finite: int = 0
    excess: int = 0

    @property
    def bits(self) -> int:
        """Bits Stored, or what stands for it."""
        return self.bits_allocated if self.bits_stored is None else self.bits_stored

    @property
    def shift(self) -> int:
        """The bits below the stored ones in each cell."""
        valid = self.high_bit is not None and self.bits - 1 <= self.high_bit < self.bits_allocated
        return (self.high_bit or 0) - self.bits + 1 if valid else 0

    @property
    def range(self) -> tuple[int, int]:
        """The smallest and largest value that Bits Stored hold."""
        half = 2 ** (self.bits - 1)
        return (-half, half - 1) if self.pixel_representation == 1 else (0, 2 * half - 1)


def spec_of(**parameters: Any) -> Spec:
    """A Spec from keywords; those of its top level (centers, slope, ...) may be given beside the others."""
    names = {one.name for one in dataclasses.fields(GroupSpec)}
    top = {name: parameters.pop(name) for name in list(parameters) if name in names}
    if top:
        parameters["top"] = GroupSpec(**top)
    return Spec(**parameters)
