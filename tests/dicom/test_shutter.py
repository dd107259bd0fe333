# SPDX-License-Identifier: MIT
"""The shapes of a display shutter are read, and those that would hide the whole image left out (C.7.6.11, C.7.6.15)."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from tests.support.dicom_files import image_dataset, read_dataset

from plainfilm.dicom.instance import Overlay, Shutter
from plainfilm.dicom.shutter_area import visible_pixels
from plainfilm.dicom.transfer_syntax import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from plainfilm.findings import codes_of
from plainfilm.rendering.shutter import outside_shutter

every_syntax = pytest.mark.parametrize("syntax", [EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE])

RECTANGLE = {
    "ShutterLeftVerticalEdge": 1,
    "ShutterRightVerticalEdge": 5,
    "ShutterUpperHorizontalEdge": 2,
    "ShutterLowerHorizontalEdge": 3,
}
CIRCLE = {"CenterOfCircularShutter": [2, 3], "RadiusOfCircularShutter": 4}
POLYGON = {"VerticesOfThePolygonalShutter": [1, 1, 1, 6, 4, 3]}
SHAPES = {
    "RECTANGULAR": (RECTANGLE, Shutter(rectangle=(1, 5, 2, 3))),
    "CIRCULAR": (CIRCLE, Shutter(circle=(2, 3, 4))),
    "POLYGONAL": (POLYGON, Shutter(polygon=((1, 1), (1, 6), (4, 3)))),
}


@pytest.mark.parametrize("shape", SHAPES)
@every_syntax
def test_a_shutter_of_each_shape_is_read(syntax: str, shape: str) -> None:
    attributes, shutter = SHAPES[shape]
    instance = read_dataset(image_dataset(ShutterShape=shape, **attributes), syntax)
    assert (instance.shutter, instance.findings) == (shutter, ())


def test_a_shutter_may_have_several_shapes_and_a_presentation_value() -> None:
    shapes = ["RECTANGULAR", "CIRCULAR", "POLYGONAL"]
    changes = {"ShutterShape": shapes, "ShutterPresentationValue": 65535, **RECTANGLE, **CIRCLE, **POLYGON}
    instance = read_dataset(image_dataset(**changes))
    assert instance.shutter == Shutter((1, 5, 2, 3), (2, 3, 4), ((1, 1), (1, 6), (4, 3)), 65535)


@pytest.mark.parametrize("shape", [b"circular", b" CIRCULAR ", b"CIRCULAR\0"])
@pytest.mark.parametrize("vr", ["CS", "LO", "UN"])
def test_the_case_and_padding_of_a_shutter_shape_do_not_matter(vr: str, shape: bytes) -> None:
    instance = read_dataset(image_dataset(**CIRCLE), odd={"ShutterShape": (vr, shape)})
    assert instance.shutter == Shutter(circle=(2, 3, 4))


def test_shapes_without_their_name_in_shutter_shape_are_ignored() -> None:
    assert read_dataset(image_dataset(**RECTANGLE, **CIRCLE)).shutter is None
    instance = read_dataset(image_dataset(ShutterShape="CIRCULAR", **RECTANGLE, **CIRCLE))
    assert instance.shutter == Shutter(circle=(2, 3, 4))


MALFORMED: tuple[tuple[str, dict[str, Any]], ...] = (
    *(("RECTANGULAR", {key: value for key, value in RECTANGLE.items() if key != left_out}) for left_out in RECTANGLE),
    ("CIRCULAR", {"CenterOfCircularShutter": [2, 3]}),
    ("CIRCULAR", {"RadiusOfCircularShutter": 4}),
    ("CIRCULAR", {"CenterOfCircularShutter": 2, "RadiusOfCircularShutter": 4}),
    ("CIRCULAR", {"CenterOfCircularShutter": [2, 3], "RadiusOfCircularShutter": -1}),
    ("POLYGONAL", {}),
    ("POLYGONAL", {"VerticesOfThePolygonalShutter": [1, 1, 4, 4]}),
    ("POLYGONAL", {"VerticesOfThePolygonalShutter": [1, 1, 1, 6, 4, 3, 2]}),
    ("BITMAP", {}),
    ("ANYTHING", {}),
)


@pytest.mark.parametrize(("shape", "attributes"), MALFORMED, ids=str)
def test_a_malformed_shape_is_left_out_with_a_finding(shape: str, attributes: dict[str, Any]) -> None:
    instance = read_dataset(image_dataset(ShutterShape=shape, **attributes))
    assert (instance.shutter, codes_of(instance.findings)) == (None, "shutter_invalid")
    assert "ANYTHING" not in str(instance.findings)


def test_a_malformed_shape_does_not_affect_the_others() -> None:
    instance = read_dataset(image_dataset(ShutterShape=["CIRCULAR", "POLYGONAL"], **CIRCLE))
    assert (instance.shutter, codes_of(instance.findings)) == (Shutter(circle=(2, 3, 4)), "shutter_invalid")


def edges(left: int, right: int, upper: int, lower: int) -> dict[str, int]:
    return dict(zip(RECTANGLE, (left, right, upper, lower), strict=True))


HIDING: tuple[tuple[str, dict[str, Any]], ...] = (
    ("RECTANGULAR", edges(5, 2, 1, 4)),
    ("RECTANGULAR", edges(1, 6, 4, 1)),
    ("RECTANGULAR", edges(7, 9, 1, 4)),
    ("RECTANGULAR", edges(1, 6, -3, 0)),
    ("CIRCULAR", {"CenterOfCircularShutter": [9, 9], "RadiusOfCircularShutter": 5}),
    ("POLYGONAL", {"VerticesOfThePolygonalShutter": [1, 7, 4, 8, 2, 9]}),
)


@pytest.mark.parametrize(("shape", "attributes"), HIDING, ids=str)
def test_a_shape_that_masks_the_whole_image_is_ignored(shape: str, attributes: Any) -> None:
    instance = read_dataset(image_dataset(ShutterShape=shape, **attributes))
    assert (instance.shutter, codes_of(instance.findings)) == (None, "shutter_invalid")


@pytest.mark.parametrize(
    ("shape", "attributes"),
    [
        ("RECTANGULAR", edges(6, 9, 3, 9)),
        ("RECTANGULAR", edges(-9, 2, 0, 1)),
        ("RECTANGULAR", edges(3, 3, 1, 4)),
        ("RECTANGULAR", edges(1, 6, 2, 2)),
        ("CIRCULAR", {"CenterOfCircularShutter": [4, 8], "RadiusOfCircularShutter": 3}),
        ("POLYGONAL", {"VerticesOfThePolygonalShutter": [1, 1, 1, 2, 3, 2, 3, 1]}),
    ],
    ids=str,
)
def test_a_shape_that_leaves_a_few_pixels_is_used(shape: str, attributes: Any) -> None:
    """The image has 4 rows and 6 columns, of which 2 pixels are 8.3 %."""
    instance = read_dataset(image_dataset(ShutterShape=shape, **attributes))
    assert instance.shutter is not None
    assert instance.findings == ()


@pytest.mark.parametrize(
    ("shape", "attributes"),
    [
        ("RECTANGULAR", edges(6, 9, 4, 9)),
        ("CIRCULAR", {"CenterOfCircularShutter": [7, 10], "RadiusOfCircularShutter": 5}),
        ("CIRCULAR", {"CenterOfCircularShutter": [2, 3], "RadiusOfCircularShutter": 0}),
        ("POLYGONAL", {"VerticesOfThePolygonalShutter": [1, 1, 2, 2, 3, 3]}),
        ("POLYGONAL", {"VerticesOfThePolygonalShutter": [2, 2, 2, 2, 2, 2]}),
    ],
    ids=str,
)
def test_a_shutter_without_area_or_that_hides_nearly_all_is_left_out(shape: str, attributes: Any) -> None:
    instance = read_dataset(image_dataset(ShutterShape=shape, **attributes))
    assert (instance.shutter, codes_of(instance.findings)) == (None, "shutter_invalid")


@pytest.mark.parametrize(("size", "is_used"), [((4, 6), True), ((50, 40), True), ((100, 100), False)])
def test_the_shutter_of_a_smaller_image_is_left_out(size: tuple[int, int], is_used: bool) -> None:
    rows, columns = size
    changes = {"Rows": rows, "Columns": columns, "PixelData": bytes(2 * rows * columns)}
    instance = read_dataset(image_dataset(ShutterShape="RECTANGULAR", **edges(1, 20, 1, 20), **changes))
    assert (instance.shutter is not None) == is_used


@pytest.mark.parametrize("seed", range(30))
def test_the_visible_pixels_are_those_that_are_painted(seed: int) -> None:
    numbers = random.Random(seed)
    rows, columns = numbers.randint(1, 40), numbers.randint(1, 40)

    def corner() -> tuple[int, int]:
        return numbers.randint(-3, 44), numbers.randint(-3, 44)

    shutter = Shutter(
        rectangle=numbers.choice([None, (numbers.randint(-3, 9), 33, numbers.randint(-3, 9), 30)]),
        circle=numbers.choice([None, (*corner(), numbers.randint(1, 40))]),
    )
    assert visible_pixels(shutter, rows, columns) == np.count_nonzero(~outside_shutter(shutter, rows, columns))
    polygon = Shutter(polygon=tuple(corner() for _ in range(numbers.randint(3, 7))))
    painted = np.count_nonzero(~outside_shutter(polygon, rows, columns))
    assert visible_pixels(polygon, rows, columns) == painted


def overlaid(**changes: Any) -> Any:
    dataset = image_dataset(ShutterShape="BITMAP", **changes)
    for element, vr, value in ((0x10, "US", 4), (0x11, "US", 6), (0x40, "CS", "G"), (0x50, "SS", [1, 1])):
        dataset.add_new(0x60020000 + element, vr, value)
    dataset.add_new(0x60023000, "OW", b"\x01\x00\x00\x00")
    return dataset


@every_syntax
def test_a_bitmap_shutter_uses_its_overlay_which_is_no_longer_drawn(syntax: str) -> None:
    instance = read_dataset(overlaid(ShutterOverlayGroup=0x6002, ShutterPresentationValue=9), syntax)
    data = b"\x00\x01\x00\x00" if syntax == EXPLICIT_BIG else b"\x01\x00\x00\x00"
    bitmap = Overlay(0x6002, 4, 6, data=data)
    assert (instance.shutter, instance.overlays) == (Shutter(presentation_value=9, bitmap=bitmap), ())


def test_an_absent_bitmap_is_left_out_and_other_overlays_remain() -> None:
    instance = read_dataset(overlaid(ShutterOverlayGroup=0x6000))
    assert (instance.shutter, codes_of(instance.findings)) == (None, "shutter_invalid")
    assert [overlay.group for overlay in instance.overlays] == [0x6002]
