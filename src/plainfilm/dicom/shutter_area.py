# SPDX-License-Identifier: MIT
"""Measure how much of an image a display shutter leaves visible (PS3.3 C.7.6.11)."""

from __future__ import annotations

from math import ceil, floor, isqrt

from plainfilm.dicom.instance import Shutter

_Span = tuple[int, int]
_Polygon = tuple[tuple[int, int], ...]


def visible_pixels(shutter: Shutter, rows: int, columns: int) -> int:
    """Return how many pixels of an image have their centre within every shape of a shutter.

    Pixels on the lower edge of a polygon may be left out. A bitmap is not combined with the other shapes.
    """
    visible = _visible_in_shapes(shutter, rows, columns)
    if shutter.bitmap is None:
        return visible
    hidden = int.from_bytes(shutter.bitmap.data[: rows * columns // 8], "little").bit_count()
    return min(visible, rows * columns - hidden)


def _visible_in_shapes(shutter: Shutter, rows: int, columns: int) -> int:
    row_spans = _polygon_spans(shutter.polygon, rows) if shutter.polygon is not None else {}
    left, right, upper, lower = shutter.rectangle or (1, columns, 1, rows)
    left, right, count = max(left, 1), min(right, columns), 0
    first, last = max(upper, 1), min(lower, rows)
    if shutter.circle is None and shutter.polygon is None:
        return max(0, last - first + 1) * max(0, right - left + 1)
    for row in range(first, last + 1):
        spans = [(left, right)] if shutter.polygon is None else row_spans.get(row, [])
        start, stop = _circle_span(shutter.circle, row, columns)
        count += sum(max(0, min(right, stop, end) - max(left, start, begin) + 1) for begin, end in spans)
    return count


def has_no_area(shutter: Shutter) -> bool:
    """Whether a shape has no area: a circle of radius 0, or edges or vertices on one line."""
    if shutter.circle is not None and shutter.circle[2] == 0:
        return True
    if shutter.rectangle is not None and (
        shutter.rectangle[0] >= shutter.rectangle[1] or shutter.rectangle[2] >= shutter.rectangle[3]
    ):
        return True
    return shutter.polygon is not None and not _has_triangle(shutter.polygon)


def _has_triangle(vertices: _Polygon) -> bool:
    """Whether three of the vertices are not on one line."""
    (row, column), others = vertices[0], [vertex for vertex in vertices if vertex != vertices[0]]
    if not others:
        return False
    row_step, column_step = others[0][0] - row, others[0][1] - column
    return any(row_step * (b - column) != column_step * (a - row) for a, b in others)


def _circle_span(circle: tuple[int, int, int] | None, row: int, columns: int) -> _Span:
    """Return the first and last column of a row within a circle; the first is above the last if there is none."""
    if circle is None:
        return 1, columns
    center_row, center_column, radius = circle
    square = radius**2 - (row - center_row) ** 2
    if square < 0:
        return 1, 0
    half = isqrt(square)
    return center_column - half, center_column + half


def _polygon_spans(vertices: _Polygon, rows: int) -> dict[int, list[_Span]]:
    """Return the spans of columns of each row within a polygon, by the even-odd rule."""
    crossings: dict[int, list[float]] = {}
    for (top, left), (bottom, right) in map(sorted, zip(vertices, (*vertices[1:], vertices[0]), strict=True)):
        if top == bottom:
            continue
        slope = (right - left) / (bottom - top)
        for row in range(max(top, 1), min(bottom - 1, rows) + 1):
            crossings.setdefault(row, []).append(left + (row - top) * slope)
    spans = {}
    for row, columns in crossings.items():
        columns.sort()
        spans[row] = [(ceil(a), floor(b)) for a, b in zip(columns[0::2], columns[1::2], strict=True)]
    return spans
