# SPDX-License-Identifier: MIT
"""Read the display shutter of a data set or functional group (PS3.3 C.7.6.11). Unusable shapes are left out."""

from __future__ import annotations

from plainfilm.dicom.instance import Overlay, Shutter
from plainfilm.dicom.shutter_area import has_no_area, visible_pixels
from plainfilm.dicom.values import Values
from plainfilm.findings import Finding, FindingCode

MAX_HIDDEN_FRACTION = 0.95
"""A shutter that would hide a larger fraction of the pixels of an image is not used."""

_Rectangle = tuple[int, int, int, int]
_Circle = tuple[int, int, int]
_Polygon = tuple[tuple[int, int], ...]


def read_shutter(values: Values, rows: int, columns: int, overlays: tuple[Overlay, ...] = ()) -> Shutter | None:
    """Return the shutter of an image of `rows` and `columns`, or None if it has no usable shape.

    overlays: the planes of which one may be the bitmap (C.7.6.15).

    A shutter that has no area, or would hide nearly the whole image, is left out with a finding.
    """
    shutter = read_shapes(values, rows, columns, overlays)
    fault = "" if shutter is None else fault_of_shutter(shutter, rows, columns)
    if fault:
        values.findings.append(Finding(FindingCode.SHUTTER_INVALID, fault))
        return None
    return shutter


def read_shapes(values: Values, rows: int, columns: int, overlays: tuple[Overlay, ...] = ()) -> Shutter | None:
    """Return the shapes of a shutter. The parameters are those of `read_shutter`.

    A shape without its attributes, or one that would hide the whole image, is left out with a finding.
    """
    names = {name.upper() for name in values.texts("ShutterShape")}
    rectangle = _read_rectangle(values, rows, columns) if "RECTANGULAR" in names else None
    circle = _read_circle(values, rows, columns) if "CIRCULAR" in names else None
    polygon = _read_polygon(values, rows, columns) if "POLYGONAL" in names else None
    bitmap = _find_bitmap(values, overlays) if "BITMAP" in names else None
    shapes = {"RECTANGULAR": rectangle, "CIRCULAR": circle, "POLYGONAL": polygon, "BITMAP": bitmap}
    for name in sorted(names):
        if shapes.get(name) is None:
            kind = name if name in shapes else "of an unknown kind"
            note = f"ShutterShape {kind} cannot be drawn, or would hide the whole image, and is left out"
            values.findings.append(Finding(FindingCode.SHUTTER_INVALID, note))
    if not any(shapes.values()):
        return None
    return Shutter(rectangle, circle, polygon, values.integer("ShutterPresentationValue"), bitmap)


def fault_of_shutter(shutter: Shutter, rows: int, columns: int) -> str:
    """Return why a shutter is left out of an image of `rows` and `columns`, '' if it is used."""
    if has_no_area(shutter):
        return "the shutter (ShutterShape) has a shape without area and is left out"
    visible = visible_pixels(shutter, rows, columns)
    if (rows * columns - visible) > MAX_HIDDEN_FRACTION * rows * columns:
        share = 1 - visible / (rows * columns)
        return f"the shutter (ShutterShape) would hide {share:.1%} of the image and is left out"
    return ""


def _find_bitmap(values: Values, overlays: tuple[Overlay, ...]) -> Overlay | None:
    """Return the overlay whose group is Shutter Overlay Group."""
    group = values.integer("ShutterOverlayGroup")
    bitmaps = (overlay for overlay in overlays if overlay.group == group and overlay.bit_position is None)
    bitmap = next(bitmaps, None)
    if bitmap is None or not bitmap.fault:
        return bitmap
    is_drawn = bitmap.rows > 0 and bitmap.columns > 0
    note = f"the overlay {bitmap.group:04X} of the shutter {bitmap.fault}"
    values.findings.append(Finding(FindingCode.SHUTTER_INVALID, note))
    return bitmap if is_drawn else None


def _read_rectangle(values: Values, rows: int, columns: int) -> _Rectangle | None:
    """Return left, right, upper and lower edge, or None if no pixel of the image lies between them."""
    names = ("LeftVertical", "RightVertical", "UpperHorizontal", "LowerHorizontal")
    left, right, upper, lower = (values.integer(f"Shutter{name}Edge") for name in names)
    if left is None or right is None or upper is None or lower is None:
        return None
    has_pixels = max(left, 1) <= min(right, columns) and max(upper, 1) <= min(lower, rows)
    return (left, right, upper, lower) if has_pixels else None


def _read_circle(values: Values, rows: int, columns: int) -> _Circle | None:
    """Return row and column of the centre and the radius, or None if the pixel nearest to the centre is outside."""
    center, radius = values.integers("CenterOfCircularShutter"), values.integer("RadiusOfCircularShutter")
    if len(center) != 2 or radius is None or radius < 0:
        return None
    row, column = center
    row_distance, column_distance = min(max(row, 1), rows) - row, min(max(column, 1), columns) - column
    return (row, column, radius) if row_distance**2 + column_distance**2 <= radius**2 else None


def _read_polygon(values: Values, rows: int, columns: int) -> _Polygon | None:
    """Return the vertices as (row, column), or None if their bounding box does not meet the image."""
    coordinates = values.integers("VerticesOfThePolygonalShutter")
    if len(coordinates) < 6 or len(coordinates) % 2:
        return None
    vertex_rows, vertex_columns = coordinates[0::2], coordinates[1::2]
    if not (_meets(vertex_rows, rows) and _meets(vertex_columns, columns)):
        return None
    return tuple(zip(vertex_rows, vertex_columns, strict=True))


def _meets(coordinates: tuple[int, ...], length: int) -> bool:
    """Whether the range of coordinates, counted from 1, includes a pixel of an axis of `length` pixels."""
    return max(min(coordinates), 1) <= min(max(coordinates), length)
