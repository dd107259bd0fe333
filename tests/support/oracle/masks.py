# SPDX-License-Identifier: MIT
"""Section 2: compute the masks of padding and shutter (C.7.5.1.1.2, C.7.6.11)."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset
from tests.support.oracle.notes import Array, Notes
from tests.support.oracle.stored import Stored, attribute


def padding_range(dataset: Dataset, stored: Stored) -> tuple[float, float] | None:
    """Both ends of the padding, in stored values, inclusive."""
    if stored.floating:
        kind = "Float" if stored.header.allocated == 32 else "DoubleFloat"
        first, last = (
            attribute(dataset, f"{kind}PixelPaddingValue"),
            attribute(dataset, f"{kind}PixelPaddingRangeLimit"),
        )
        if first is None:
            return None
        return min(first, first if last is None else last), max(first, first if last is None else last)
    first, last = attribute(dataset, "PixelPaddingValue"), attribute(dataset, "PixelPaddingRangeLimit")
    if first is None:
        return None
    ends = [_modulo(int(end), stored) for end in (first, first if last is None else last)]
    return min(ends), max(ends)


def _modulo(value: int, stored: Stored) -> int:
    """Modulo 2^BitsAllocated, signed as Pixel Representation says."""
    value %= 2**stored.header.allocated
    half = 2 ** (stored.header.allocated - 1)
    return value - 2 * half if stored.header.signed and value >= half else value


def padding_mask(dataset: Dataset, stored: Stored, frame: int, output: Array, notes: Notes) -> Array:
    """Where the frame is padding: in the range, or not finite; the range is ignored beyond 95 % of all pixels."""
    values = stored.values[frame]
    not_finite = ~(np.isfinite(values.astype(np.float64)) & np.isfinite(output))
    if (not_finite & np.isfinite(values.astype(np.float64))).any():
        notes.read("padding_modality")
    ends = padding_range(dataset, stored)
    if ends is not None and stored.signed != stored.header.signed:
        notes.read("padding_sign")
    inside = np.zeros(values.shape, dtype=bool) if ends is None else (values >= ends[0]) & (values <= ends[1])
    mask = inside | not_finite
    if 100 * int(mask.sum()) > 95 * mask.size:
        notes.find("padding_implausible")
        notes.read("padding_ignored")
        if not_finite.any():
            notes.read("padding_not_finite")
        return np.asarray(not_finite)
    return np.asarray(mask)


def shutter_shapes(dataset: Dataset) -> list[str]:
    """The values of Shutter Shape that this module knows."""
    shapes = attribute(dataset, "ShutterShape")
    shapes = [shapes] if isinstance(shapes, str) else list(shapes or [])
    return [shape for shape in shapes if shape in ("RECTANGULAR", "CIRCULAR", "POLYGONAL")]


def shutter_mask(dataset: Dataset, shape: tuple[int, ...], notes: Notes) -> Array:
    """Where the display shutter hides: outside any of its shapes. Pixel centres, counted from 1."""
    rows, columns = shape
    row, column = np.mgrid[1 : rows + 1, 1 : columns + 1]
    inside = np.ones(shape, dtype=bool)
    tests = {"RECTANGULAR": _in_rectangle, "CIRCULAR": _in_circle, "POLYGONAL": _in_polygon}
    for name in shutter_shapes(dataset):
        within = tests[name](dataset, row, column)
        if within is None or not within.any():
            notes.find("shutter_invalid")
            continue
        inside &= within
    # section 11: the shutter of another image, or one without area
    if (inside.size - inside.sum()) > 0.95 * inside.size or _has_no_area(dataset):
        notes.find("shutter_invalid")
        return np.zeros(shape, dtype=bool)
    return ~inside


def _has_no_area(dataset: Dataset) -> bool:
    """Whether a circle has the radius 0."""
    is_circle = "CIRCULAR" in shutter_shapes(dataset)
    return is_circle and str(attribute(dataset, "RadiusOfCircularShutter")) == "0"


def _in_rectangle(dataset: Dataset, row: Array, column: Array) -> Array | None:
    names = ("LeftVertical", "RightVertical", "UpperHorizontal", "LowerHorizontal")
    edges = [attribute(dataset, f"Shutter{name}Edge") for name in names]
    if any(edge is None for edge in edges):
        return None
    left, right, upper, lower = (int(edge) for edge in edges)
    inside: Array = (column >= left) & (column <= right) & (row >= upper) & (row <= lower)
    return inside


def _in_circle(dataset: Dataset, row: Array, column: Array) -> Array | None:
    center, radius = attribute(dataset, "CenterOfCircularShutter"), attribute(dataset, "RadiusOfCircularShutter")
    if center is None or radius is None or len(center) != 2:
        return None
    inside: Array = (row - int(center[0])) ** 2 + (column - int(center[1])) ** 2 <= int(radius) ** 2
    return inside


def _in_polygon(dataset: Dataset, row: Array, column: Array) -> Array | None:
    """Inside by the parity of the edges that a ray crosses, or on an edge; in whole numbers."""
    numbers = attribute(dataset, "VerticesOfThePolygonalShutter")
    if numbers is None or len(numbers) < 6 or len(numbers) % 2:
        return None
    vertices = [(int(numbers[i]), int(numbers[i + 1])) for i in range(0, len(numbers), 2)]
    odd = np.zeros(row.shape, dtype=bool)
    on_edge = np.zeros(row.shape, dtype=bool)
    for (r1, c1), (r2, c2) in zip(vertices, vertices[1:] + vertices[:1], strict=True):
        across = (column - c1) * (r2 - r1) - (c2 - c1) * (row - r1)
        within = (row >= min(r1, r2)) & (row <= max(r1, r2)) & (column >= min(c1, c2)) & (column <= max(c1, c2))
        on_edge |= (across == 0) & within
        spans = (r1 > row) != (r2 > row)
        odd ^= spans & ((across < 0) if r2 > r1 else (across > 0))
    return odd | on_edge


def shutter_level(dataset: Dataset, ymax: int) -> int:
    """What the shutter is painted with: 0, or Shutter Presentation Value, a 16-bit P-Value, scaled to the output."""
    value = attribute(dataset, "ShutterPresentationValue")
    return 0 if value is None else int(np.floor(int(value) * ymax / 65535 + 0.5))
