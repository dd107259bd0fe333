# SPDX-License-Identifier: MIT
"""A data set or functional group -> its display shutter (PS3.3 C.7.6.11); shapes that cannot be meant are left out."""

from __future__ import annotations

from plainfilm.dicom.instance import Overlay, Shutter
from plainfilm.dicom.values import Values
from plainfilm.findings import Finding, FindingCode

_Rectangle = tuple[int, int, int, int]
_Circle = tuple[int, int, int]
_Polygon = tuple[tuple[int, int], ...]


def shutter_of(values: Values, size: tuple[int, int], overlays: tuple[Overlay, ...] = ()) -> Shutter | None:
    """The shutter of an image of so many rows and columns, or None where it has none.

    Of the overlays one may be its bitmap (C.7.6.15). A shape without its attributes, and one that would hide the whole
    image, is left out with a finding.
    """
    shapes = {shape.upper() for shape in values.texts("ShutterShape")}
    rectangle = _rectangle(values, size) if "RECTANGULAR" in shapes else None
    circle = _circle(values, size) if "CIRCULAR" in shapes else None
    polygon = _polygon(values, size) if "POLYGONAL" in shapes else None
    bitmap = _bitmap(values, overlays) if "BITMAP" in shapes else None
    found = {"RECTANGULAR": rectangle, "CIRCULAR": circle, "POLYGONAL": polygon, "BITMAP": bitmap}
    for shape in sorted(shapes):
        if found.get(shape) is None:
            name = shape if shape in found else "of an unknown kind"
            note = f"Shutter Shape {name} cannot be drawn, or would hide the whole image, and is left out"
            values.findings.append(Finding(FindingCode.SHUTTER_INVALID, note))
    if not any(found.values()):
        return None
    return Shutter(rectangle, circle, polygon, values.integer("ShutterPresentationValue"), bitmap)


def _bitmap(values: Values, overlays: tuple[Overlay, ...]) -> Overlay | None:
    """The overlay whose group is Shutter Overlay Group."""
    group = values.integer("ShutterOverlayGroup")
    return next((one for one in overlays if one.group == group and one.bit_position is None), None)


def _rectangle(values: Values, size: tuple[int, int]) -> _Rectangle | None:
    """Left, right, upper and lower edge, if a pixel lies between them."""
    names = ("LeftVertical", "RightVertical", "UpperHorizontal", "LowerHorizontal")
    left, right, upper, lower = (values.integer(f"Shutter{name}Edge") for name in names)
    if left is None or right is None or upper is None or lower is None:
        return None
    rows, columns = size
    is_seen = max(left, 1) <= min(right, columns) and max(upper, 1) <= min(lower, rows)
    return (left, right, upper, lower) if is_seen else None


def _circle(values: Values, size: tuple[int, int]) -> _Circle | None:
    """Row and column of the centre, and the radius, if the pixel nearest to the centre is inside."""
    center, radius = values.integers("CenterOfCircularShutter"), values.integer("RadiusOfCircularShutter")
    if len(center) != 2 or radius is None or radius < 0:
        return None
    squares = ((min(max(place, 1), length) - place) ** 2 for place, length in zip(center, size, strict=True))
    return (center[0], center[1], radius) if sum(squares) <= radius**2 else None


def _polygon(values: Values, size: tuple[int, int]) -> _Polygon | None:
    """The vertices, if the box around them meets the image."""
    flat = values.integers("VerticesOfThePolygonalShutter")
    if len(flat) < 6 or len(flat) % 2:
        return None
    places = flat[0::2], flat[1::2]
    meets = all(max(min(along), 1) <= min(max(along), length) for along, length in zip(places, size, strict=True))
    return tuple(zip(*places, strict=True)) if meets else None
