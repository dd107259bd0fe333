# SPDX-License-Identifier: MIT
"""Cells become stored values with the correct bits and sign (PS3.3 C.7.6.3, PS3.5 8.1)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.support.grayscale import finding_codes, image_pixel, rules_of_16_bits, stored_of_cells

from plainfilm.dicom.instance import PixelKind
from plainfilm.rendering.grayscale.histogram import EMPTY_HISTOGRAM, histogram_of
from plainfilm.rendering.grayscale.stored import (
    Cells,
    StoredRules,
    container_of,
    stored_frame,
    stored_rules,
    stored_values,
)


def u2(*cells: int) -> Any:
    return np.array(cells, np.uint16)


def test_unsigned_cells_within_bits_stored_are_unchanged() -> None:
    rules, values, codes = stored_of_cells(u2(0, 1, 4095))
    assert rules == StoredRules(0, 12, False, np.dtype("u2"))
    assert (values.tolist(), codes) == ([0, 1, 4095], [])


def test_cells_are_shifted_by_high_bit_minus_bits_stored_plus_1() -> None:
    rules, values, codes = stored_of_cells(u2(0x0000, 0x0010, 0xFFFF, 0x123F), high_bit=15)
    assert rules.shift == 4
    assert (values.tolist(), codes) == ([0, 1, 0xFFF, 0x123], [])


@pytest.mark.parametrize(
    ("allocated", "stored", "cells", "expected"),
    [
        (16, 12, [0x000, 0x7FF, 0x800, 0xFFF], [0, 2047, -2048, -1]),
        (16, 12, [0xF800, 0xFFFF, 0x0001, 0x07FF], [-2048, -1, 1, 2047]),
        (16, 16, [0x7FFF, 0x8000], [32767, -32768]),
        (8, 8, [0x7F, 0x80], [127, -128]),
        (8, 7, [0x3F, 0x40], [63, -64]),
        (32, 20, [0x7FFFF, 0x80000, 0xFFFFFFFF], [524287, -524288, -1]),
        (64, 64, [0x8000000000000000], [-(1 << 63)]),
    ],
)
def test_the_sign_is_extended_without_a_finding(
    allocated: int, stored: int, cells: list[int], expected: list[int]
) -> None:
    """The bits above Bits Stored may be copies of the sign or zero."""
    array = np.array(cells, f"u{allocated // 8}")
    rules, values, codes = stored_of_cells(array, bits_allocated=allocated, bits_stored=stored, signed=True)
    assert values.tolist() == expected
    assert values.dtype == rules.container == container_of(allocated, True)
    assert codes == []


def test_signed_cells_that_are_shifted_keep_their_sign() -> None:
    _, values, codes = stored_of_cells(u2(0x7FF0, 0x8000, 0xFFF0), high_bit=15, signed=True)
    assert (values.tolist(), codes) == ([2047, -2048, -1], [])


def test_bits_above_bits_stored_are_ignored_and_their_share_is_reported() -> None:
    rules = stored_rules(image_pixel(), (Cells(histogram_of(u2(0x0FFF, 0x1001, 0xF002, 3))),))
    assert stored_values(rules, u2(0x0FFF, 0x1001, 0xF002, 3)).tolist() == [4095, 1, 2, 3]
    assert finding_codes(rules.findings) == ["bits_above_stored"]
    assert "50.000%" in rules.findings[0].detail


@pytest.mark.parametrize(("largest", "bits"), [(5000, 13), (8191, 13), (4500, 13)])
def test_bits_stored_is_widened_where_largest_image_pixel_value_requires_it(largest: int, bits: int) -> None:
    rules, values, codes = stored_of_cells(u2(1, 4500), largest_pixel_value=largest)
    assert rules.bits_stored == bits
    assert (values.tolist(), codes) == ([1, 4500], ["bits_stored_widened"])


def test_bits_stored_is_widened_to_the_bits_of_the_values_present() -> None:
    assert stored_of_cells(u2(1, 20000), largest_pixel_value=65535)[0].bits_stored == 15


@pytest.mark.parametrize(
    ("largest", "overlays"),
    [(4095, ()), (4499, ()), (None, ()), (5000, (12,)), (5000, (3, 15))],
    ids=["within range", "a value above it", "absent", "overlay in bit 12", "overlay in bit 15"],
)
def test_bits_stored_is_not_widened(largest: int | None, overlays: tuple[int, ...]) -> None:
    cells = u2(1, 4500)
    rules, values, codes = stored_of_cells(cells, largest_pixel_value=largest, overlay_bit_positions=overlays)
    assert rules.bits_stored == 12
    assert (values.tolist(), codes) == ([1, 4500 - 4096], ["bits_above_stored"])


def test_an_overlay_below_the_stored_bits_does_not_prevent_widening() -> None:
    rules, *_ = stored_of_cells(u2(1, 4500), largest_pixel_value=5000, overlay_bit_positions=(3,))
    assert rules.bits_stored == 13


@pytest.mark.parametrize(
    ("cells", "bits"), [((0, 3000), 13), ((-3000, 10), 13), ((-4096, 2500), 13), ((-4097, 2500), 14)]
)
def test_signed_data_are_widened_to_bits_that_include_the_sign(cells: tuple[int, ...], bits: int) -> None:
    array = np.array(cells, np.int16).view(np.uint16)
    rules, values, codes = stored_of_cells(array, signed=True, largest_pixel_value=3000)
    assert rules.bits_stored == bits
    assert (values.tolist(), codes) == (list(cells), ["bits_stored_widened"])


def test_largest_image_pixel_value_may_have_the_other_vr() -> None:
    """In a file of unsigned data, -1 with the VR SS means 65535."""
    rules, values, _ = stored_of_cells(u2(1, 60000), largest_pixel_value=-1)
    assert (rules.bits_stored, values.tolist()) == (16, [1, 60000])


def test_largest_image_pixel_value_of_signed_data_may_be_written_as_us() -> None:
    """In a file of signed data, 65535 with the VR US means -1, which is in range, so nothing is widened."""
    rules, *_ = stored_of_cells(np.array([-3000, -1], np.int16).view(np.uint16), signed=True, largest_pixel_value=65535)
    assert rules.bits_stored == 12


def test_a_smaller_precision_of_the_codestream_replaces_bits_stored() -> None:
    rules, _, codes = stored_of_cells(u2(0, 1023), precision=10)
    assert (rules.bits_stored, codes) == (10, ["codestream_disagrees"])


def test_a_larger_precision_replaces_bits_stored_where_a_value_needs_it() -> None:
    rules, values, codes = stored_of_cells(u2(0, 40000), precision=16)
    assert (rules.bits_stored, values.tolist(), codes) == (16, [0, 40000], ["codestream_disagrees"])


def test_a_larger_precision_that_no_value_needs_changes_nothing() -> None:
    rules, _, codes = stored_of_cells(u2(0, 4095), precision=16)
    assert (rules.bits_stored, codes) == (12, [])


def test_overlay_bits_in_a_codestream_are_masked() -> None:
    rules, values, codes = stored_of_cells(u2(5, 0x8005), precision=16, overlay_bit_positions=(15,))
    assert (rules.bits_stored, values.tolist(), codes) == (12, [5, 5], ["bits_above_stored"])


def test_data_are_signed_where_the_codestream_is_signed() -> None:
    """A JPEG 2000 codestream declares its sign; its cells are signed numbers already."""
    rules, values, codes = stored_of_cells(np.array([-2048, 5], np.int16), precision=12, codestream_signed=True)
    assert rules.signed
    assert (values.tolist(), codes) == ([-2048, 5], ["codestream_disagrees"])


def test_values_of_a_signed_codestream_beyond_bits_stored_widen_it() -> None:
    """The cells are signed numbers already: 3000 is not -1096 without an extended sign."""
    rules, values, _ = stored_of_cells(
        np.array([3000, -5], np.int16), precision=16, codestream_signed=True, signed=True
    )
    assert (rules.bits_stored, values.tolist()) == (16, [3000, -5])


@pytest.mark.parametrize("codestream_signed", [False, None])
def test_cells_of_an_unsigned_codestream_are_twos_complement_where_the_header_is_signed(
    codestream_signed: bool | None,
) -> None:
    """The sign bit is at Bits Stored where in every cell the bits above are zero or copies of the sign."""
    _, zeros, _ = stored_of_cells(u2(0x0800, 0x07FF), precision=16, codestream_signed=codestream_signed, signed=True)
    _, copies, _ = stored_of_cells(u2(0xF800, 0x07FF), precision=16, codestream_signed=codestream_signed, signed=True)
    assert zeros.tolist() == copies.tolist() == [-2048, 2047]


def test_the_sign_bit_is_at_the_precision_where_a_cell_does_not_fit_bits_stored() -> None:
    rules, values, codes = stored_of_cells(u2(0xE000, 0x07FF), precision=16, signed=True)
    assert (rules.bits_stored, values.tolist(), codes) == (16, [-8192, 2047], ["codestream_disagrees"])


def test_rules_are_decided_over_all_frames() -> None:
    frames = (Cells(histogram_of(u2(0, 10))), Cells(EMPTY_HISTOGRAM), Cells(histogram_of(u2(0, 4500))))
    assert stored_rules(image_pixel(largest_pixel_value=5000), frames).bits_stored == 13


def test_one_bit_cells_are_0_and_1() -> None:
    rules, values, codes = stored_of_cells(np.array([0, 1], np.uint8), bits_allocated=1, bits_stored=1)
    assert (rules.container, values.tolist(), codes) == (np.dtype("u1"), [0, 1], [])


@pytest.mark.parametrize(("kind", "bits"), [(PixelKind.FLOAT, 32), (PixelKind.DOUBLE, 64)])
def test_floating_point_pixels_are_unchanged(kind: PixelKind, bits: int) -> None:
    cells = np.array([-0.5, np.nan, 1e30], f"f{bits // 8}")
    rules, values, _ = stored_of_cells(cells, kind=kind, bits_allocated=bits, bits_stored=bits)
    assert values is cells
    assert not rules.is_integer
    assert rules.container == cells.dtype


@pytest.mark.parametrize(
    ("bits", "signed", "ends"), [(12, False, (0, 4095)), (12, True, (-2048, 2047)), (1, False, (0, 1))]
)
def test_the_range_of_bits_stored(bits: int, signed: bool, ends: tuple[int, int]) -> None:
    rules = rules_of_16_bits(bits, signed)
    assert (rules.lowest, rules.highest) == ends


@pytest.mark.parametrize(("bits", "size"), [(1, 1), (8, 1), (12, 2), (16, 2), (32, 4), (64, 8)])
def test_the_container_holds_bits_allocated(bits: int, size: int) -> None:
    assert container_of(bits, False) == np.dtype(f"u{size}")
    assert container_of(bits, True) == np.dtype(f"i{size}")


@given(st.data())
def test_a_frame_is_converted_alike_with_and_without_its_histogram(data: st.DataObject) -> None:
    """The cells may be unchanged, or masked, shifted and sign-extended."""
    kind = np.dtype(data.draw(st.sampled_from(["u1", "u2", "u4"])))
    bits = data.draw(st.integers(1, 8 * kind.itemsize))
    shift = data.draw(st.integers(0, 8 * kind.itemsize - bits))
    top = data.draw(st.sampled_from([1 << bits - 1, 1 << bits, 1 << 8 * kind.itemsize]))
    cells = data.draw(hnp.arrays(kind, (2, 5), elements=st.integers(0, min(top, 1 << 8 * kind.itemsize) - 1)))
    signed = data.draw(st.booleans())
    rules = StoredRules(shift, bits, signed, container_of(8 * kind.itemsize, signed))
    values, expected = stored_frame(rules, cells, histogram_of(cells)), stored_values(rules, cells)
    assert values.dtype == expected.dtype
    np.testing.assert_array_equal(values, expected)
