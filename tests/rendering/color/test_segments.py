# SPDX-License-Identifier: MIT
"""Segmented palettes are expanded as PS3.3 C.7.9.2 defines it, never to more entries than they declare."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainfilm.dicom.instance import LutItem
from plainfilm.errors import AttributeValueError
from plainfilm.rendering.color.segments import expand_segments


def entries_of(words: list[int], count: int, bits: int = 16) -> list[int]:
    kind = "<u1" if bits == 8 else "<u2"
    item = LutItem((count % 65536, 0, bits), np.array(words, kind).tobytes())
    return np.frombuffer(expand_segments(item, "Red").data, kind).tolist()


@pytest.mark.parametrize("bits", [8, 16])
def test_discrete_segments_give_their_entries(bits: int) -> None:
    assert entries_of([0, 3, 7, 8, 9, 0, 2, 1, 2], 5, bits) == [7, 8, 9, 1, 2]


@pytest.mark.parametrize("bits", [8, 16])
def test_linear_segments_interpolate_from_the_last_entry_to_their_own(bits: int) -> None:
    assert entries_of([0, 1, 10, 1, 5, 20, 1, 4, 0], 10, bits) == [10, 12, 14, 16, 18, 20, 15, 10, 5, 0]


def test_linear_segments_are_rounded_to_the_nearest_level() -> None:
    assert entries_of([0, 1, 0, 1, 4, 2], 5) == [0, 1, 1, 2, 2]
    assert entries_of([0, 1, 65535, 1, 2, 0], 3) == [65535, 32768, 0]


def test_indirect_segments_copy_segments_from_a_byte_offset() -> None:
    words = [0, 2, 1, 2, 1, 2, 6, 2, 2, 0, 0]
    assert entries_of(words, 8) == [1, 2, 4, 6, 1, 2, 4, 6]
    linear_only = [0, 2, 1, 2, 1, 2, 6, 2, 1, 8, 0]
    assert entries_of(linear_only, 6) == [1, 2, 4, 6, 6, 6]


def test_indirect_segments_of_eight_bits_have_an_offset_of_four_bytes() -> None:
    assert entries_of([0, 2, 1, 2, 2, 1, 0, 0, 0, 0, 0, 1, 9], 5, 8) == [1, 2, 1, 2, 9]


def test_entries_beyond_the_declared_number_are_dropped() -> None:
    assert entries_of([0, 3, 7, 8, 9, 1, 60000, 0], 4) == [7, 8, 9, 9]
    assert len(entries_of([0, 1, 5, *[1, 65535, 0] * 2000], 65536)) == 65536


def test_padding_at_the_end_is_not_a_segment() -> None:
    assert entries_of([0, 2, 7, 8, 0], 4, 8) == [7, 8]


@pytest.mark.parametrize(
    "words",
    [
        [1, 3, 9],
        [2, 1, 0, 0],
        [3, 1, 9],
        [0, 0, 5],
        [0, 1, 5, 1, 0, 9],
        [0, 1, 5, 2, 1, 6, 0],
        [0, 1, 5, 2, 1, 4000, 0],
    ],
    ids=["linear first", "indirect first", "reserved", "empty", "empty linear", "indirect to indirect", "beyond"],
)
def test_invalid_segments_are_refused(words: list[int]) -> None:
    with pytest.raises(AttributeValueError, match="SegmentedRedPaletteColorLookupTableData"):
        entries_of(words, 100)


@given(words=st.lists(st.integers(0, 3) | st.integers(0, 65535), max_size=40), count=st.integers(1, 65536))
def test_any_words_are_expanded_or_refused(words: list[int], count: int) -> None:
    with suppress(AttributeValueError):
        assert len(entries_of(words, count)) <= count
