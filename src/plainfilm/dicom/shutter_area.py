# SPDX-License-Identifier: MIT
"""Measure how much of an image a display shutter leaves visible (PS3.3 C.7.6.11)."""

from __future__ import annotations

from math import isqrt
from typing import NamedTuple

from plainfilm.dicom.instance import Shutter

_Span = tuple[int, int]
_Polygon = tuple[tuple[int, int], ...]


class _Crossing(NamedTuple):
    """The column at which a side crosses a row, and the nearest whole columns to the right and to the left."""

    column: float
    ceiling: int
    floor: int


def visible_pixels(shutter: Shutter, rows: int, columns: int) -> int:
    """Return how many pixels of an image have their centre within every shape of a shutter.

    A bitmap is not combined with the other shapes.
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
    """Whether a shape has no area: a circle of radius 0, edges in the wrong order, or vertices on one line.

    Equal edges of a rectangle leave one row or column, because its edges belong to it.
    """
    if shutter.circle is not None and shutter.circle[2] == 0:
        return True
    if shutter.rectangle is not None and (
        shutter.rectangle[0] > shutter.rectangle[1] or shutter.rectangle[2] > shutter.rectangle[3]
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
    """Return the spans of columns of each row inside a polygon, by the even-odd rule, or on one of its sides."""
    crossings: dict[int, list[_Crossing]] = {}
    spans: dict[int, list[_Span]] = {}
    for (top, left), (bottom, right) in map(sorted, zip(vertices, (*vertices[1:], vertices[0]), strict=True)):
        if top == bottom:
            spans.setdefault(top, []).append((left, right))
            continue
        for row in range(max(top, 1), min(bottom, rows) + 1):
            offset, height = (row - top) * (right - left), bottom - top
            crossing = _Crossing(left + offset / height, left - (-offset // height), left + offset // height)
            spans.setdefault(row, []).append((crossing.ceiling, crossing.floor))
            if row < bottom:
                crossings.setdefault(row, []).append(crossing)
    for row, ordered in crossings.items():
        ordered.sort()
        spans[row] += [(a.ceiling, b.floor) for a, b in zip(ordered[0::2], ordered[1::2], strict=True)]
    return {row: _merged(row_spans) for row, row_spans in spans.items()}


def _merged(spans: list[_Span]) -> list[_Span]:
    """Return the spans in order, with those joined that overlap or touch."""
    merged: list[_Span] = []
    for first, last in sorted(span for span in spans if span[0] <= span[1]):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return merged
