# SPDX-License-Identifier: MIT
"""Modality output x -> display value y in [0, ymax]: each VOI formula of the standard alone (PS3.3 C.11.2).

All take float64 (tables integers too) and give float64 of the same shape, neither rounded nor inverted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.options.choices import VoiFunction
from plainfilm.rendering.grayscale.lut import LookupTable

Array = npt.NDArray[Any]
Float = npt.NDArray[np.float64]


def linear(x: Float, center: float, width: float, ymax: float) -> Float:
    """LINEAR (C.11.2.1.2.1): width >= 1; a width of 1 is a threshold."""
    low, high = linear_bounds(VoiFunction.LINEAR, center, width)
    if width == 1:
        return np.where(x > high, np.float64(ymax), 0.0)
    y = ((x - (center - 0.5)) / (width - 1) + 0.5) * ymax
    return np.where(x <= low, 0.0, np.where(x > high, ymax, y))


def linear_exact(x: Float, center: float, width: float, ymax: float) -> Float:
    """LINEAR_EXACT (C.11.2.1.3.2): width > 0."""
    low, high = linear_bounds(VoiFunction.LINEAR_EXACT, center, width)
    y = ((x - center) / width + 0.5) * ymax
    return np.where(x <= low, 0.0, np.where(x > high, ymax, y))


def sigmoid(x: Float, center: float, width: float, ymax: float) -> Float:
    """SIGMOID (C.11.2.1.3.1): width > 0; not renormalised at the ends."""
    with np.errstate(over="ignore"):
        return ymax / (1 + np.exp(-4 * (x - center) / width))


def straight_line(x: Float, low: float, high: float, ymax: float) -> Float:
    """The line that takes `low` to 0 and `high` to ymax, clipped there."""
    return np.clip((x - low) / (high - low) * ymax, 0.0, ymax)


def linear_bounds(function: VoiFunction, center: float, width: float) -> tuple[float, float]:
    """The inputs between which a linear window rises from 0 to ymax."""
    if function is VoiFunction.LINEAR:
        return center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2
    return center - width / 2, center + width / 2


@dataclass(frozen=True, slots=True)
class Window:
    """A window center and width with its function; a width that the function can use."""

    center: float
    width: float
    function: VoiFunction

    def apply(self, x: Float, ymax: float) -> Float:
        """The display values."""
        formula = {VoiFunction.LINEAR: linear, VoiFunction.LINEAR_EXACT: linear_exact, VoiFunction.SIGMOID: sigmoid}
        return formula[self.function](x, self.center, self.width, ymax)

    @property
    def line(self) -> tuple[float, float] | None:
        """What becomes 0 and ymax, where a line maps them."""
        return None if self.function is VoiFunction.SIGMOID else linear_bounds(self.function, self.center, self.width)


@dataclass(frozen=True, slots=True)
class VoiLut:
    """A VOI LUT whose entries 0..2^bits - 1 are the full display range (C.11.2.1.1)."""

    table: LookupTable
    bits: int

    def apply(self, x: Array, ymax: float) -> Float:
        """The display values; a non-integer input goes to the nearest integer first."""
        entries: Float = self.table.look_up(x).astype(np.float64)
        return entries * ymax / ((1 << self.bits) - 1)

    @property
    def line(self) -> None:
        """A table is no line."""
        return None


@dataclass(frozen=True, slots=True)
class Line:
    """No VOI: a straight line between two values, of the fallback or of the range of Bits Stored."""

    low: float
    high: float

    def apply(self, x: Float, ymax: float) -> Float:
        """The display values."""
        return straight_line(x, self.low, self.high, ymax)

    @property
    def line(self) -> tuple[float, float]:
        """What becomes 0 and ymax."""
        return self.low, self.high


@dataclass(frozen=True, slots=True)
class ConstantLevel:
    """No VOI and one level in all: the middle of the display range."""

    def apply(self, x: Float, ymax: float) -> Float:
        """The display values."""
        return np.full(x.shape, ymax / 2)

    @property
    def line(self) -> None:
        """One level is no line."""
        return None


PlainVoi = Window | VoiLut | Line | ConstantLevel


@dataclass(frozen=True, slots=True)
class PresentationLut:
    """A VOI whose whole output range runs through a table to P-Values (C.11.4), 0..2^bits - 1 of it the full range."""

    voi: PlainVoi
    table: LookupTable

    def apply(self, x: Array, ymax: float) -> Float:
        """The display values: the range of the VOI is scaled to the inputs of the table, to the nearest."""
        places = self.voi.apply(x, float(self.table.entries.size - 1)) + self.table.first
        return self.table.look_up(places).astype(np.float64) * ymax / ((1 << self.table.bits) - 1)

    @property
    def line(self) -> None:
        """A table is no line."""
        return None


Voi = PlainVoi | PresentationLut
