# SPDX-License-Identifier: MIT
"""LUT Descriptor and LUT Data are read, and values looked up, as PS3.3 C.11.1.1.1 and C.11.2.1.1 define it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from plainfilm.dicom.instance import LutItem
from plainfilm.findings import FindingCode
from plainfilm.rendering.grayscale.lut import LookupTable, lookup_table

Array = npt.NDArray[Any]


def words(*entries: int) -> bytes:
    return np.array(entries, "<u2").tobytes()


def table_of(descriptor: tuple[int, int, int], data: bytes, signed: bool = False) -> LookupTable:
    table, findings = lookup_table(LutItem(descriptor, data), signed)
    assert findings == ()
    return table


def test_a_declared_number_of_entries_of_0_means_65536() -> None:
    table = table_of((0, 0, 16), np.arange(65536, dtype="<u2")[::-1].tobytes())
    assert table.entries.size == 65536
    assert table.look_up(np.array([0, 1, 65535], np.uint16)).tolist() == [65535, 65534, 0]


def test_inputs_outside_the_table_get_its_first_or_last_entry() -> None:
    table = table_of((3, 10, 12), words(7, 8, 9))
    inputs = np.array([0, 9, 10, 11, 12, 13, 4095], np.uint16)
    assert table.look_up(inputs).tolist() == [7, 7, 7, 8, 9, 9, 9]


@pytest.mark.parametrize(("signed", "first"), [(True, -16), (False, 65520)])
def test_the_first_input_mapped_is_signed_where_the_input_is_signed(signed: bool, first: int) -> None:
    table = table_of((4, 0xFFF0, 8), words(1, 2, 3, 4), signed)
    assert table.first == first
    assert table.look_up(np.array([first, first + 1], np.int32)).tolist() == [1, 2]


def test_a_first_input_mapped_below_32768_is_the_same_for_signed_input() -> None:
    assert table_of((1, 0x7FFF, 8), words(1), signed=True).first == 32767


@pytest.mark.parametrize("data", [b"\x01\x80\xff\x02", b"\x01\x80\xff"])
def test_data_of_fewer_than_two_bytes_per_8_bit_entry_are_packed_bytes(data: bytes) -> None:
    table = table_of((3, 0, 8), data)
    assert table.entries.tolist() == [0x01, 0x80, 0xFF]


def test_short_data_of_more_than_8_bits_are_words() -> None:
    table, findings = lookup_table(LutItem((4, 0, 10), words(100, 1000)), False)
    assert table.entries.tolist() == [100, 1000]
    assert [finding.code for finding in findings] == [FindingCode.LUT_DATA_SHORT]


@pytest.mark.parametrize("high", [0x0000, 0xFF00])
def test_8_bit_entries_in_words_are_the_low_bytes_where_high_bytes_are_00_or_ff(high: int) -> None:
    table = table_of((3, 0, 8), words(high | 0x10, 0x20, high | 0xFF))
    assert table.entries.tolist() == [0x10, 0x20, 0xFF]


def test_8_bit_entries_in_words_with_other_high_bytes_are_whole_words() -> None:
    assert table_of((2, 0, 8), words(0x0110, 0x0020)).entries.tolist() == [0x0110, 0x0020]


def test_entries_of_more_than_8_bits_keep_their_high_bytes() -> None:
    assert table_of((2, 0, 16), words(0xFF10, 0xFF20)).entries.tolist() == [0xFF10, 0xFF20]


def test_short_data_give_fewer_entries_and_a_finding() -> None:
    table, findings = lookup_table(LutItem((10, 5, 12), words(1, 2, 3) + b"\x09"), False)
    assert table.entries.tolist() == [1, 2, 3]
    assert table.look_up(np.array([5, 7, 14], np.uint16)).tolist() == [1, 3, 3]
    assert [finding.code for finding in findings] == [FindingCode.LUT_DATA_SHORT]
    assert "10" in findings[0].detail
    assert "3" in findings[0].detail


def test_data_beyond_the_declared_entries_are_ignored() -> None:
    assert table_of((2, 0, 12), words(1, 2, 3)).entries.tolist() == [1, 2]


def test_a_non_integer_input_is_rounded_to_the_nearest_integer() -> None:
    """Nearest is floor(x + 0.5), so that halves are rounded up, also below 0."""
    table = LookupTable(np.arange(11, dtype=np.uint16), -5, 8)
    inputs = np.array([-1.5, -1.49, -0.5, 0.49, 0.5, 1.5])
    assert (table.look_up(inputs).astype(int) - 5).tolist() == [-1, -1, 0, 0, 1, 2]


def test_values_that_are_not_finite_get_an_entry() -> None:
    table = LookupTable(np.array([10, 20, 30], np.uint16), 0, 8)
    assert table.look_up(np.array([-np.inf, np.inf, 1e300, np.nan])).tolist() == [10, 30, 30, 10]


@pytest.mark.parametrize(
    ("kind", "first", "entry"), [("u1", 300, 1), ("i1", 200, 1), ("i1", -1000, 3), ("u2", -10, 3), ("i2", 40000, 1)]
)
def test_a_table_outside_the_range_of_the_type_gives_its_first_or_last_entry(kind: str, first: int, entry: int) -> None:
    info = np.iinfo(kind)
    table = LookupTable(np.array([1, 2, 3], np.uint16), first, 8)
    assert set(table.look_up(np.array([info.min, 5, info.max], kind)).tolist()) == {entry}


@given(
    st.sampled_from(["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8"]).flatmap(
        lambda kind: hnp.arrays(np.dtype(kind), (3, 5), elements=hnp.from_dtype(np.dtype(kind)))
    ),
    st.integers(-32768, 65535),
    st.integers(1, 300),
)
def test_a_lookup_clips_its_index_for_every_integer_type(values: Array, first: int, count: int) -> None:
    entries = np.random.default_rng(count).integers(0, 65536, count).astype(np.uint16)
    expected = [[entries[min(max(value - first, 0), count - 1)] for value in row] for row in values.tolist()]
    looked_up = LookupTable(entries, first, 16).look_up(values)
    assert looked_up.tolist() == expected
    assert looked_up.dtype == entries.dtype
