# SPDX-License-Identifier: MIT
"""Pixel padding (PS3.3 C.7.5.1.1.2) and the display shutter (C.7.6.11) mask exactly the pixels that they define."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.grayscale import rules_of_16_bits

from plainfilm.dicom.instance import Overlay, Padding, Shutter
from plainfilm.rendering.grayscale.padding import PaddingRange, padding_range
from plainfilm.rendering.grayscale.stored import StoredRules
from plainfilm.rendering.shutter import outside_shutter


def drawn(shutter: Shutter, rows: int, columns: int) -> list[str]:
    """The shutter as text, where # is inside."""
    return ["".join(".#"[int(not is_outside)] for is_outside in row) for row in outside_shutter(shutter, rows, columns)]


@pytest.mark.parametrize(
    ("padding", "signed", "ends"),
    [
        (Padding(0), False, (0, 0)),
        (Padding(10, 20), False, (10, 20)),
        (Padding(20, 10), False, (10, 20)),
        (Padding(-2000), True, (-2000, -2000)),
        (Padding(63536), True, (-2000, -2000)),
        (Padding(-2000), False, (63536, 63536)),
        (Padding(32768, 63536), True, (-32768, -2000)),
        (Padding(32767), True, (32767, 32767)),
        (Padding(-1, 5), True, (-1, 5)),
        (Padding(65541), False, (5, 5)),
    ],
)
def test_padding_values_are_modulo_bits_allocated_signed_as_stored_values_and_in_order(
    padding: Padding, signed: bool, ends: tuple[int, int]
) -> None:
    assert padding_range(padding, rules_of_16_bits(16, signed), 16) == PaddingRange(*ends)


def test_padding_of_8_bits_is_modulo_256() -> None:
    rules = StoredRules(0, 8, True, np.dtype("i1"))
    assert padding_range(Padding(65408), rules, 8) == PaddingRange(-128, -128)


def test_floating_point_padding_values_are_unchanged() -> None:
    rules = StoredRules(0, 32, True, np.dtype("f4"))
    padding = padding_range(Padding(0.5, -70000.25), rules, 32)
    assert padding == PaddingRange(-70000.25, 0.5)
    assert (
        padding.mask_of(np.array([-70000.25, 0.0, 0.5, 0.6, np.nan], np.float32)).tolist() == [True] * 3 + [False] * 2
    )


def test_a_range_includes_both_ends() -> None:
    mask = PaddingRange(10, 12).mask_of(np.array([9, 10, 11, 12, 13], np.uint16))
    assert mask.tolist() == [False, True, True, True, False]


@pytest.mark.parametrize(("low", "high", "mask"), [(-5, 3, [True, False]), (250, 900, [False, True])])
def test_a_range_may_exceed_the_type_of_the_values(low: int, high: int, mask: list[bool]) -> None:
    assert PaddingRange(low, high).mask_of(np.array([0, 255], np.uint8)).tolist() == mask


@pytest.mark.parametrize(("low", "high"), [(-9, -1), (256, 300)])
def test_a_range_outside_the_type_masks_no_pixel(low: int, high: int) -> None:
    assert not PaddingRange(low, high).mask_of(np.arange(256, dtype=np.uint8)).any()


def test_a_rectangle_is_numbered_from_1_and_includes_its_edges() -> None:
    assert drawn(Shutter(rectangle=(2, 4, 3, 4)), 5, 6) == ["......", "......", ".###..", ".###..", "......"]


def test_a_rectangle_of_the_whole_image_masks_no_pixel() -> None:
    assert not outside_shutter(Shutter(rectangle=(1, 6, 1, 5)), 5, 6).any()


def test_a_rectangle_beyond_the_image_is_clipped() -> None:
    assert drawn(Shutter(rectangle=(-3, 2, 0, 99)), 2, 3) == ["##.", "##."]


def test_a_rectangle_with_exchanged_edges_masks_every_pixel() -> None:
    assert outside_shutter(Shutter(rectangle=(4, 2, 1, 5)), 5, 6).all()


def test_a_circle_has_its_center_as_row_and_column_and_includes_its_edge() -> None:
    picture = [".......", "..#....", ".###...", "..#....", "......."]
    assert drawn(Shutter(circle=(3, 3, 1)), 5, 7) == picture


def test_a_circle_includes_the_pixel_centers_within_its_radius() -> None:
    """The distance of (3, 4) is 5, exactly the radius; (4, 4) is outside."""
    outside = outside_shutter(Shutter(circle=(1, 1, 5)), 8, 8)
    assert not outside[3, 4]
    assert outside[4, 4]
    assert not outside[0, 5]
    assert outside[0, 6]


def test_a_circle_of_radius_0_is_one_pixel() -> None:
    assert (~outside_shutter(Shutter(circle=(2, 3, 0)), 4, 4)).nonzero() == ([1], [2])


def test_a_polygon_has_row_column_vertices_and_holds_its_edges_and_vertices() -> None:
    triangle = Shutter(polygon=((1, 1), (1, 7), (4, 4)))
    assert drawn(triangle, 5, 8) == ["#######.", ".#####..", "..###...", "...#....", "........"]


def test_the_set_bits_of_a_bitmap_mask_pixels() -> None:
    bitmap = Overlay(0x6000, 2, 3, data=bytes([0b010_001]))
    assert drawn(Shutter(bitmap=bitmap), 2, 3) == [".##", "#.#"]


def test_two_shutters_both_mask_pixels() -> None:
    shutter = Shutter(rectangle=(1, 2, 1, 2), image_shutter=Shutter(rectangle=(2, 3, 1, 1)))
    assert drawn(shutter, 2, 3) == [".#.", "..."]


def test_a_side_between_pixel_centers_includes_only_the_centers_on_it() -> None:
    """The side from (1, 1) to (3, 2) crosses row 2 at column 1.5."""
    assert drawn(Shutter(polygon=((1, 1), (3, 2), (3, 4), (1, 4))), 3, 5) == ["####.", ".###.", ".###."]


def test_the_notch_of_a_polygon_is_outside() -> None:
    notched = Shutter(polygon=((1, 1), (1, 7), (5, 7), (3, 4), (5, 1)))
    assert drawn(notched, 5, 7) == ["#######", "#######", "#######", "##...##", "#.....#"]


def test_a_polygon_that_crosses_itself_follows_the_even_odd_rule() -> None:
    bow = Shutter(polygon=((1, 1), (5, 5), (1, 5), (5, 1)))
    assert drawn(bow, 5, 5) == ["#...#", "##.##", "#####", "##.##", "#...#"]


def test_a_polygon_beyond_the_image_is_clipped() -> None:
    assert drawn(Shutter(polygon=((-4, -4), (-4, 2), (9, 2), (9, -4))), 3, 4) == ["##..", "##..", "##.."]


def test_a_polygon_outside_the_image_masks_every_pixel() -> None:
    assert outside_shutter(Shutter(polygon=((20, 20), (20, 30), (30, 20))), 5, 5).all()


def test_a_polygon_within_one_row_is_a_line() -> None:
    assert drawn(Shutter(polygon=((2, 2), (2, 4), (2, 3))), 3, 5) == [".....", ".###.", "....."]


def test_several_shapes_intersect() -> None:
    both = Shutter(rectangle=(1, 3, 1, 5), circle=(3, 3, 1))
    assert drawn(both, 5, 5) == [".....", "..#..", ".##..", "..#..", "....."]
    third = Shutter(rectangle=(1, 3, 1, 5), circle=(3, 3, 1), polygon=((3, 1), (3, 5), (5, 5), (5, 1)))
    assert drawn(third, 5, 5) == [".....", ".....", ".##..", "..#..", "....."]


def test_the_mask_is_read_only() -> None:
    mask = outside_shutter(Shutter(rectangle=(1, 1, 1, 1)), 2, 2)
    with pytest.raises(ValueError, match="read-only"):
        mask[0, 0] = True


@given(st.lists(st.tuples(st.integers(-2, 12), st.integers(-2, 12)), min_size=3, max_size=6))
def test_a_polygon_equals_the_even_odd_rule_with_its_sides_for_each_pixel(vertices: list[tuple[int, int]]) -> None:
    inside = ~outside_shutter(Shutter(polygon=tuple(vertices)), 10, 10)
    for row in range(1, 11):
        for column in range(1, 11):
            assert inside[row - 1, column - 1] == is_inside(vertices, row, column), (row, column)


def is_inside(vertices: list[tuple[int, int]], row: int, column: int) -> bool:
    """Whether a point is inside by a ray to the right, in integers, or lies on a side."""
    inside = False
    for (r1, c1), (r2, c2) in zip(vertices, vertices[1:] + vertices[:1], strict=True):
        turn = (r2 - r1) * (column - c1) - (c2 - c1) * (row - r1)
        if turn == 0 and min(r1, r2) <= row <= max(r1, r2) and min(c1, c2) <= column <= max(c1, c2):
            return True
        if (r1 > row) != (r2 > row) and (turn < 0) == (r2 > r1):
            inside = not inside
    return inside
