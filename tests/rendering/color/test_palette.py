# SPDX-License-Identifier: MIT
"""Palettes of 8 and 16 bits, packed, in words and segmented, give the colours that their descriptors define."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plainfilm.dicom.instance import LutItem, Palette
from plainfilm.errors import AttributeValueError
from plainfilm.findings import FindingCode
from plainfilm.rendering.color.palette import rgb_from_palette

RED, GREEN, BLUE = [0, 50, 100, 255], [1, 51, 101, 254], [2, 52, 102, 253]


def palette_of(*tables: Any, first: int = 0, bits: int = 8, kind: str = "u1", **more: Any) -> Palette:
    items = [
        LutItem((len(table) % 65536, first % 65536, bits), np.array(table, f"<{kind}").tobytes()) for table in tables
    ]
    return Palette(*items, **more)


@pytest.mark.parametrize("kind", ["u1", "u2"], ids=["packed", "a word each"])
def test_a_palette_of_8_bits_is_applied(kind: str) -> None:
    cells = np.array([[0, 1], [3, 2]], np.uint8)
    rgb, bits, findings = rgb_from_palette(cells, palette_of(RED, GREEN, BLUE, kind=kind))
    assert rgb.tolist() == [[[0, 1, 2], [50, 51, 52]], [[255, 254, 253], [100, 101, 102]]]
    assert (rgb.dtype, bits, findings) == (np.uint8, 8, ())


def test_a_palette_of_16_bits_is_applied() -> None:
    tables = [[entry * 257 for entry in table] for table in (RED, GREEN, BLUE)]
    rgb, bits, findings = rgb_from_palette(np.array([[1]], np.uint16), palette_of(*tables, bits=16, kind="u2"))
    assert rgb.tolist() == [[[50 * 257, 51 * 257, 52 * 257]]]
    assert (rgb.dtype, bits, findings) == (np.uint16, 16, ())


def test_cells_outside_the_table_get_its_first_or_last_entry() -> None:
    cells = np.array([[0, 9, 10, 13, 14, 200]], np.uint8)
    rgb, _, _ = rgb_from_palette(cells, palette_of(RED, GREEN, BLUE, first=10))
    assert rgb[0, :, 0].tolist() == [0, 0, 0, 255, 255, 255]


def test_the_first_value_mapped_is_signed_where_the_cells_are_signed() -> None:
    cells = np.array([[-3, -2, -1, 0, 1, 2]], np.int16)
    rgb, _, _ = rgb_from_palette(cells, palette_of(RED, GREEN, BLUE, first=-2))
    assert rgb[0, :, 0].tolist() == [0, 0, 50, 100, 255, 255]


def test_a_declared_number_of_entries_of_0_means_65536() -> None:
    table = np.arange(65536)
    rgb, bits, _ = rgb_from_palette(
        np.array([[40_000]], np.uint16), palette_of(table, table, table, bits=16, kind="u2")
    )
    assert (rgb.tolist(), bits) == ([[[40_000] * 3]], 16)


def test_entries_of_8_bits_that_are_declared_as_16_have_8_bits() -> None:
    rgb, bits, findings = rgb_from_palette(np.array([[3]], np.uint8), palette_of(RED, GREEN, BLUE, bits=16, kind="u2"))
    assert (rgb.tolist(), bits) == ([[[255, 254, 253]]], 8)
    assert [finding.code for finding in findings] == [FindingCode.PALETTE_LUT_DISAGREES]


def test_entries_that_need_more_than_the_declared_bits_get_them() -> None:
    tables = [[0, 1000, 4000, 2], [0, 1, 2, 3], [9, 9, 9, 9]]
    rgb, bits, findings = rgb_from_palette(np.array([[2]], np.uint8), palette_of(*tables, kind="u2"))
    assert (rgb.tolist(), bits, rgb.dtype) == ([[[4000, 2, 9]]], 12, np.uint16)
    assert [finding.code for finding in findings] == [FindingCode.PALETTE_LUT_DISAGREES]


def test_each_table_is_read_by_its_own_descriptor() -> None:
    palette = palette_of(RED, [7, 8], BLUE)
    rgb, _, findings = rgb_from_palette(np.array([[3]], np.uint8), palette)
    assert rgb.tolist() == [[[255, 8, 253]]]
    assert [finding.code for finding in findings] == [FindingCode.PALETTE_LUT_DISAGREES]


def test_fewer_entries_than_declared_are_used_and_reported() -> None:
    items = [LutItem((6, 0, 8), bytes(table)) for table in (RED, GREEN, BLUE)]
    rgb, _, findings = rgb_from_palette(np.array([[5]], np.uint8), Palette(*items))
    assert rgb.tolist() == [[[255, 254, 253]]]
    assert {finding.code for finding in findings} == {FindingCode.LUT_DATA_SHORT}


def test_segmented_tables_are_expanded() -> None:
    segments = [0, 1, 0, 1, 4, 40]
    item = LutItem((5, 0, 16), np.array(segments, "<u2").tobytes())
    bright = LutItem((5, 0, 16), np.array([0, 1, 65535, 1, 4, 65535], "<u2").tobytes())
    rgb, bits, _ = rgb_from_palette(np.array([[0, 2, 4]], np.uint8), Palette(item, item, bright, segmented=True))
    assert rgb[0, :, 0].tolist() == [0, 20, 40]
    assert bits == 16


def test_a_table_without_entries_is_refused() -> None:
    with pytest.raises(AttributeValueError, match="GreenPaletteColorLookupTableData"):
        rgb_from_palette(np.zeros((1, 1), np.uint8), palette_of(RED, [], BLUE))
