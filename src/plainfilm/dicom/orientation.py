# SPDX-License-Identifier: MIT
"""Rotate by quarter turns and flip, which move pixels without resampling, and compose affine transformations.

An affine has two rows of three numbers. It maps (column, row) to (x, y), between pixel centres counted from 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plainfilm.pickling import dataclass

if TYPE_CHECKING:  # processes that do not need NumPy import this module
    import numpy.typing as npt

    Array = npt.NDArray[Any]

Affine = tuple[float, float, float, float, float, float]

IDENTITY: Affine = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def compose(outer: Affine, inner: Affine) -> Affine:
    """Return the affine of `inner` followed by `outer`."""
    a, b, c, d, e, f = outer
    g, h, i, j, k, m = inner
    return (a * g + b * j, a * h + b * k, a * i + b * m + c, d * g + e * j, d * h + e * k, d * i + e * m + f)


@dataclass(frozen=True, slots=True)
class Turn:
    """A clockwise rotation by quarter turns, then a flip of left and right if `flipped` (PS3.3 C.10.6)."""

    quarters: int = 0
    flipped: bool = False

    @property
    def is_identity(self) -> bool:
        """Whether no pixel moves."""
        return self.quarters % 4 == 0 and not self.flipped

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Return width and height of an image of this width and height after the turn."""
        return (height, width) if self.quarters % 2 else (width, height)

    def affine(self, width: int, height: int) -> Affine:
        """Return the affine for an image of this width and height."""
        affine = IDENTITY
        for _ in range(self.quarters % 4):
            affine = compose((0.0, -1.0, float(height - 1), 1.0, 0.0, 0.0), affine)
            width, height = height, width
        return compose((-1.0, 0.0, float(width - 1), 0.0, 1.0, 0.0), affine) if self.flipped else affine

    def apply(self, image: Array) -> Array:
        """Return the image rotated and flipped."""
        for _ in range(self.quarters % 4):
            image = image.swapaxes(0, 1)[:, ::-1]
        return (image[:, ::-1] if self.flipped else image).copy(order="C")

    def directions(self, right: str, bottom: str) -> tuple[str, str]:
        """Return the patient directions of the right and bottom edge after the turn (PS3.3 C.7.6.1.1.1).

        right, bottom: the patient directions of the right and bottom edge before the turn, one letter each.
        """
        for _ in range(self.quarters % 4):
            right, bottom = opposite(bottom), right
        return (opposite(right), bottom) if self.flipped else (right, bottom)


TURNS = tuple(Turn(quarters, flipped) for flipped in (False, True) for quarters in range(4))


def opposite(direction: str) -> str:
    """Return the opposite patient direction: L for R, A for P, H for F, and the reverse."""
    return {"L": "R", "R": "L", "A": "P", "P": "A", "H": "F", "F": "H"}[direction]
