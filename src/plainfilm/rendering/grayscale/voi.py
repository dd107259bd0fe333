# SPDX-License-Identifier: MIT
"""Map modality output x to display values y in [0, ymax] by the VOI formulas of the standard (PS3.3 C.11.2).

All formulas take float64 arrays of any shape (tables take integers too) and return float64 of the same shape. They
neither round nor invert.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.options.render import VoiFunction
from plainfilm.pickling import dataclass
from plainfilm.rendering.grayscale.lut import LookupTable

Array = npt.NDArray[Any]
Float = npt.NDArray[np.float64]


def linear(x: Float, center: float, width: float, ymax: float) -> Float:
    """Apply the function LINEAR (PS3.3 C.11.2.1.2.1). The width is at least 1; a width of 1 is a threshold."""
    low, high = linear_bounds(VoiFunction.LINEAR, center, width)
    if width == 1:
        return np.where(x > high, np.float64(ymax), 0.0)
    y = np.asarray(x - (center - 0.5))
    y /= width - 1  # in place: new arrays would take longer than the arithmetic
    y += 0.5
    y *= ymax
    y[x > high], y[x <= low] = ymax, 0.0
    return y


def linear_exact(x: Float, center: float, width: float, ymax: float) -> Float:
    """Apply the function LINEAR_EXACT (PS3.3 C.11.2.1.3.2). The width is above 0."""
    low, high = linear_bounds(VoiFunction.LINEAR_EXACT, center, width)
    y = ((x - center) / width + 0.5) * ymax
    return np.where(x <= low, 0.0, np.where(x > high, ymax, y))


def sigmoid(x: Float, center: float, width: float, ymax: float) -> Float:
    """Apply the function SIGMOID (PS3.3 C.11.2.1.3.1). The width is above 0. The ends are not renormalised."""
    with np.errstate(over="ignore"):
        return ymax / (1 + np.exp(-4 * (x - center) / width))


def straight_line(x: Float, low: float, high: float, ymax: float) -> Float:
    """Map `low` to 0 and `high` to ymax by a straight line, and clip values beyond them."""
    return np.clip((x - low) / (high - low) * ymax, 0.0, ymax)


def linear_bounds(function: VoiFunction, center: float, width: float) -> tuple[float, float]:
    """The inputs between which a LINEAR or LINEAR_EXACT window rises from 0 to ymax."""
    if function is VoiFunction.LINEAR:
        return center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2
    return center - width / 2, center + width / 2


@dataclass(frozen=True, slots=True)
class Window:
    """Window Center, Window Width and VOI LUT Function; the width is valid for the function."""

    center: float
    width: float
    function: VoiFunction

    def apply(self, x: Float, ymax: float) -> Float:
        """Return the display values of modality output."""
        formula = {VoiFunction.LINEAR: linear, VoiFunction.LINEAR_EXACT: linear_exact, VoiFunction.SIGMOID: sigmoid}
        return formula[self.function](x, self.center, self.width, ymax)

    @property
    def line(self) -> tuple[float, float] | None:
        """The inputs that a straight line maps to 0 and to ymax; None for SIGMOID."""
        return None if self.function is VoiFunction.SIGMOID else linear_bounds(self.function, self.center, self.width)


@dataclass(frozen=True, slots=True)
class VoiLut:
    """A VOI LUT whose output range 0..2^bits - 1 is the full display range (PS3.3 C.11.2.1.1)."""

    table: LookupTable
    bits: int

    def apply(self, x: Array, ymax: float) -> Float:
        """Return the display values of modality output, which is first rounded to the nearest integer."""
        entries: Float = self.table.look_up(x).astype(np.float64)
        return entries * ymax / ((1 << self.bits) - 1)

    @property
    def line(self) -> None:
        """Always None: a table is not a straight line."""
        return None


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line from `low` to `high`, used where there is no VOI: the fallback, or the range of Bits Stored."""

    low: float
    high: float

    def apply(self, x: Float, ymax: float) -> Float:
        """Return the display values of modality output."""
        return straight_line(x, self.low, self.high, ymax)

    @property
    def line(self) -> tuple[float, float]:
        """The inputs that the line maps to 0 and to ymax."""
        return self.low, self.high


@dataclass(frozen=True, slots=True)
class ConstantLevel:
    """The middle of the display range for every pixel, used where an image has no VOI and a single level."""

    def apply(self, x: Float, ymax: float) -> Float:
        """Return the display values of modality output."""
        return np.full(x.shape, ymax / 2)

    @property
    def line(self) -> None:
        """Always None: a constant is not a line between two values."""
        return None


PlainVoi = Window | VoiLut | Line | ConstantLevel


@dataclass(frozen=True, slots=True)
class PresentationLut:
    """A VOI followed by a Presentation LUT, whose output 0..2^bits - 1 is the full range of P-Values (PS3.3 C.11.4)."""

    voi: PlainVoi
    table: LookupTable

    def apply(self, x: Array, ymax: float) -> Float:
        """Return the display values; the VOI output is scaled to the inputs of the table, rounded to nearest."""
        inputs = self.voi.apply(x, float(self.table.entries.size - 1)) + self.table.first
        return self.table.look_up(inputs).astype(np.float64) * ymax / ((1 << self.table.bits) - 1)

    @property
    def line(self) -> None:
        """Always None: a table is not a straight line."""
        return None


Voi = PlainVoi | PresentationLut
