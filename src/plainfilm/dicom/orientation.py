# SPDX-License-Identifier: MIT
"""Quarter turns and a flip, which move pixels and make none, with their affine; and affines one after the other.

An affine is two rows of three: (column, row) in, (x, y) out, between pixel centres counted from 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # these values travel to places that do without NumPy
    import numpy.typing as npt

    Array = npt.NDArray[Any]

Affine = tuple[float, float, float, float, float, float]

IDENTITY: Affine = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def compose(outer: Affine, inner: Affine) -> Affine:
    """The affine of `inner` followed by `outer`."""
    a, b, c, d, e, f = outer
    g, h, i, j, k, m = inner
    return (a * g + b * j, a * h + b * k, a * i + b * m + c, d * g + e * j, d * h + e * k, d * i + e * m + f)


@dataclass(frozen=True, slots=True)
class Turn:
    """Quarter turns clockwise, then perhaps a flip of left and right (PS3.3 C.10.6)."""

    quarters: int = 0
    flipped: bool = False

    @property
    def is_identity(self) -> bool:
        """Whether nothing moves."""
        return self.quarters % 4 == 0 and not self.flipped

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height after it."""
        return (height, width) if self.quarters % 2 else (width, height)

    def affine(self, width: int, height: int) -> Affine:
        """The affine of an image of this width and height."""
        affine = IDENTITY
        for _ in range(self.quarters % 4):
            affine = compose((0.0, -1.0, float(height - 1), 1.0, 0.0, 0.0), affine)
            width, height = height, width
        return compose((-1.0, 0.0, float(width - 1), 0.0, 1.0, 0.0), affine) if self.flipped else affine

    def apply(self, image: Array) -> Array:
        """The image turned and flipped."""
        for _ in range(self.quarters % 4):
            image = image.swapaxes(0, 1)[:, ::-1]
        return (image[:, ::-1] if self.flipped else image).copy(order="C")

    def directions(self, right: str, bottom: str) -> tuple[str, str]:
        """Where right and bottom of the outcome lead in the patient, from where those of the image do."""
        for _ in range(self.quarters % 4):
            right, bottom = opposite(bottom), right
        return (opposite(right), bottom) if self.flipped else (right, bottom)


TURNS = tuple(Turn(quarters, flipped) for flipped in (False, True) for quarters in range(4))


def opposite(direction: str) -> str:
    """The other way: L of R, A of P, H of F."""
    return {"L": "R", "R": "L", "A": "P", "P": "A", "H": "F", "F": "H"}[direction]
