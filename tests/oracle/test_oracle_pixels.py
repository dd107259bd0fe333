# SPDX-License-Identifier: MIT
"""Test the oracle with examples worked by hand: stored values, padding, shutter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.support.cases.build import ShutterSpec, build_case
from tests.support.oracle.notes import Notes
from tests.support.oracle.stored import stored_values
from tests.support.oracle.values import Array, levels_of_row, render_values, stored_values_of_row


@pytest.mark.parametrize(
    ("cells", "parameters", "expected"),
    [
        ([0x0FFF, 0x0800], {}, [4095, 2048]),
        ([0x1FFF, 0xF001], {}, [4095, 1]),
        ([0x7FF0, 0x123F], {"high_bit": 15}, [0x7FF, 0x123]),
        ([0x0FFF, 0x0001], {"high_bit": 200}, [4095, 1]),
        ([0xFFFF, 0x0FFF, 0xF800, 0x0800, 0x07FF], {"pixel_representation": 1}, [-1, -1, -2048, -2048, 2047]),
        ([0xFFF0, 0x7FF0], {"pixel_representation": 1, "high_bit": 15}, [-1, 2047]),
        ([0x1234], {"bits_stored": None, "high_bit": None, "pixel_representation": None}, [0x1234]),
        ([4096, 1], {"largest": 4096}, [4096, 1]),
        ([4097, 1], {"largest": 4096}, [1, 1]),
        ([4096, 1], {"largest": 4096, "overlay_positions": (12,)}, [0, 1]),
        ([4096, 1], {"largest": 4095}, [0, 1]),
        ([3000, -1], {"pixel_representation": 1, "largest": 3000}, [3000, -1]),
    ],
)
def test_stored_values_follow_the_header(cells: list[int], parameters: dict[str, Any], expected: list[int]) -> None:
    assert stored_values_of_row(cells, **parameters) == expected


@pytest.mark.parametrize(
    ("cells", "parameters", "found"),
    [
        ([4096, 1], {}, {"bits_above_stored"}),
        ([4096, 1], {"largest": 4096}, {"bits_stored_widened"}),
        ([0x0FFF, 0xFFFF], {"pixel_representation": 1}, set()),
        ([0xF000, 0x0001], {"pixel_representation": 1}, {"bits_above_stored"}),
        (
            [1, 2],
            {"samples": None, "photometric": None},
            {"assumed_samples_per_pixel", "assumed_photometric_interpretation"},
        ),
        ([1, 2], {"excess": 2}, {"excess_pixel_data"}),
    ],
)
def test_stored_values_have_their_findings(cells: list[int], parameters: dict[str, Any], found: set[str]) -> None:
    assert render_values([cells], look="stored", **parameters).findings == found


@pytest.mark.parametrize(
    ("raw", "codestream", "sign", "expected", "bits", "disagrees"),
    [
        (np.array([100, 4095], np.uint16), (12, False), 0, [100, 4095], 12, False),
        (np.array([100, 1023], np.uint16), (10, False), 0, [100, 1023], 10, True),
        (np.array([100, 5000], np.uint16), (16, False), 0, [100, 5000], 16, True),
        (np.array([100, 4095], np.uint16), (16, False), 0, [100, 4095], 12, False),
        (np.array([-5, 100], np.int16), (12, True), 0, [-5, 100], 12, True),
        (np.array([0xFFF, 0x7FF], np.uint16), (12, None), 1, [-1, 2047], 12, False),
        (np.array([0x0FFF, 0x7FF], np.uint16), (16, None), 1, [-1, 2047], 12, False),
        (np.array([0xFFFF, 0x7FF], np.uint16), (16, None), 1, [-1, 2047], 12, False),
        (np.array([0xF7FF, 0x7FF], np.uint16), (16, None), 1, [-2049, 2047], 16, True),
        (np.array([0x3FF, 0x1FF], np.uint16), (10, False), 1, [-1, 511], 10, True),
    ],
)
def test_stored_values_of_a_codestream_follow_its_precision_and_sign(
    raw: Array, codestream: tuple[int, bool | None], sign: int, expected: list[int], bits: int, disagrees: bool
) -> None:
    dataset, _ = build_case(rows=1, columns=2, pixel_representation=sign)
    notes = Notes()
    found = stored_values(dataset, raw[None, None], codestream, notes)
    assert (found.values.ravel().tolist(), found.bits) == (expected, bits)
    assert ("codestream_disagrees" in notes.findings) == disagrees


@pytest.mark.parametrize(
    ("parameters", "black"),
    [
        ({"padding": 10}, [1, 0, 0]),
        ({"padding": 20, "padding_limit": 10}, [1, 1, 0]),
        ({"padding": -65526, "padding_vr": "SS"}, [1, 0, 0]),
        ({}, [0, 0, 0]),
    ],
)
def test_padding_is_black_after_polarity(parameters: dict[str, Any], black: list[int]) -> None:
    image = levels_of_row([10, 20, 30], photometric="MONOCHROME1", centers=(100,), widths=(4000,), **parameters)
    assert [int(level == 0) for level in image] == black


def test_padding_of_the_wrong_vr_is_signed_as_the_pixels_are() -> None:
    values = [[-2000, 5, 100, 200]] * 2
    result = render_values(values, pixel_representation=1, bits_stored=16, padding=63536, padding_vr="US")
    assert result.padding_fraction == 0.25
    assert render_values(values, bits_stored=16, padding=-2000, padding_vr="SS").padding_fraction == 0.25


def test_padding_beyond_95_percent_is_ignored() -> None:
    values = np.full((10, 10), 7)
    values[0, :5] = [1000, 2000, 3000, 3500, 4000]
    assert "padding_implausible" not in render_values(values, padding=7).findings
    values[0, 4] = 7
    result = render_values(values, padding=7)
    assert "padding_implausible" in result.findings
    assert result.padding_fraction == 0


def test_shutter_counts_from_1_and_holds_its_edge() -> None:
    shutter = ShutterSpec(("RECTANGULAR",), edges=(2, 3, 1, 2), level=65535)
    image = render_values(np.full((3, 4), 9), centers=(2048,), widths=(4096,), shutter=shutter).image
    assert image.tolist() == [[255, 1, 1, 255], [255, 1, 1, 255], [255] * 4]


def test_shutter_wins_over_padding() -> None:
    shutter = ShutterSpec(("RECTANGULAR",), edges=(2, 2, 1, 1), level=65535)
    assert levels_of_row([9, 9, 500], centers=(2048,), widths=(4096,), padding=9, shutter=shutter) == [255, 0, 255]


def test_shutter_presentation_value_is_scaled() -> None:
    shutter = ShutterSpec(("CIRCULAR",), circle=(2, 2, 1), level=32768)
    inside = [[False, True, False], [True, True, True], [False, True, False]]
    for bits, level in ((8, 128), (16, 32768)):
        image = render_values(np.full((3, 3), 4095), centers=(2048,), widths=(4096,), shutter=shutter, bits=bits).image
        assert (image == level).tolist() == (~np.array(inside)).tolist()


def test_polygon_holds_vertices_and_edges_and_shapes_intersect() -> None:
    triangle = ShutterSpec(("POLYGONAL",), vertices=(1, 1, 1, 4, 4, 1))
    image = render_values(np.full((4, 4), 4095), centers=(2048,), widths=(4096,), shutter=triangle).image
    assert (image > 0).astype(int).tolist() == [[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0]]
    both = ShutterSpec(("POLYGONAL", "RECTANGULAR"), edges=(2, 4, 1, 4), vertices=(1, 1, 1, 4, 4, 1))
    image = render_values(np.full((4, 4), 4095), centers=(2048,), widths=(4096,), shutter=both).image
    assert (image > 0).astype(int).tolist() == [[0, 1, 1, 1], [0, 1, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
