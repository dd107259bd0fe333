# SPDX-License-Identifier: MIT
"""Tile-parts that contradict one another, and tiles that are missing, are rejected before a decoder sees them."""

from __future__ import annotations

import itertools
import struct

import pytest

from plainfilm.decode.tile_parts import TileParts, read_tile_parts
from plainfilm.errors import ConversionError, Reason

EOC = b"\xff\xd9"
COMMENT = b"\xff\x64\x00\x06\x00\x01ok"


def tile_part(tile: int, index: int, count: int, body: bytes = b"body", length: int | None = None) -> bytes:
    """One tile-part: SOT, SOD and a body; `length` is the declared length where it is not the real one."""
    size = 14 + len(body) if length is None else length
    return b"\xff\x90" + struct.pack(">HHIBB", 10, tile, size, index, count) + b"\xff\x93" + body


def read(*parts: bytes, tiles: int, end: bytes = EOC) -> TileParts:
    return read_tile_parts(b"header" + b"".join(parts) + end, len(b"header"), tiles)


def reason_of(*parts: bytes, tiles: int, end: bytes = EOC) -> Reason:
    with pytest.raises(ConversionError) as caught:
        read(*parts, tiles=tiles, end=end)
    return caught.value.reason


@pytest.mark.parametrize("counts", [(1, 1, 1), (0, 0, 0), (1, 0, 1)])
def test_one_tile_part_for_each_tile_is_accepted(counts: tuple[int, ...]) -> None:
    result = read(*(tile_part(tile, 0, count) for tile, count in enumerate(counts)), tiles=3)
    assert [part.tile for part in result.parts] == [0, 1, 2]
    assert result.stop + 2 == result.end


@pytest.mark.parametrize("counts", [(3, 3, 3), (0, 0, 0), (0, 0, 3), (3, 0, 0), (2, 2, 2)])
def test_a_count_may_be_declared_by_some_parts_and_may_be_one_short_in_all(counts: tuple[int, ...]) -> None:
    parts = [tile_part(0, index, count) for index, count in enumerate(counts)]
    assert len(read(*parts, tiles=1).parts) == 3


@pytest.mark.parametrize("order", list(itertools.permutations(range(3)))[1:])
def test_parts_of_a_tile_out_of_order_are_corrupt(order: tuple[int, ...]) -> None:
    assert reason_of(*(tile_part(0, index, 3) for index in order), tiles=1) is Reason.CORRUPT_CODESTREAM


@pytest.mark.parametrize("counts", [(3, 2, 3), (1, 0, 0), (0, 0, 1), (255, 1, 1), (0, 2, 3), (1, 1, 1)])
def test_counts_that_contradict_the_parts_or_one_another_are_corrupt(counts: tuple[int, ...]) -> None:
    parts = [tile_part(0, index, count) for index, count in enumerate(counts)]
    assert reason_of(*parts, tiles=1) is Reason.CORRUPT_CODESTREAM


def test_interleaved_tiles_are_accepted_and_a_part_that_stands_twice_is_corrupt() -> None:
    interleaved = [tile_part(tile, index, 2) for index in range(2) for tile in range(2)]
    assert len(read(*interleaved, tiles=2).parts) == 4
    assert reason_of(*interleaved, interleaved[0], tiles=2) is Reason.CORRUPT_CODESTREAM


def test_a_tile_that_the_image_does_not_have_is_corrupt() -> None:
    assert reason_of(tile_part(0, 0, 1), tile_part(1, 0, 1), tiles=1) is Reason.CORRUPT_CODESTREAM


@pytest.mark.parametrize("present", [(1, 2), (0, 2), (0, 1), (2,), ()])
def test_a_missing_tile_is_truncated_data(present: tuple[int, ...]) -> None:
    assert reason_of(*(tile_part(tile, 0, 1) for tile in present), tiles=3) is Reason.TRUNCATED_PIXEL_DATA


def test_a_missing_last_part_is_truncated_data_where_the_count_is_declared() -> None:
    assert reason_of(tile_part(0, 0, 3), tile_part(0, 1, 3), tiles=1) is Reason.TRUNCATED_PIXEL_DATA


@pytest.mark.parametrize("length", [1, 12, 13])
def test_a_length_shorter_than_its_own_header_is_corrupt(length: int) -> None:
    assert reason_of(tile_part(0, 0, 1, length=length), tiles=1) is Reason.CORRUPT_CODESTREAM


@pytest.mark.parametrize("length", [19, 400, 0xFFFFFFFF])
def test_a_length_beyond_the_data_is_truncated_or_leads_nowhere(length: int) -> None:
    reason = reason_of(tile_part(0, 0, 1, length=length), tiles=1)
    assert reason in (Reason.TRUNCATED_PIXEL_DATA, Reason.CORRUPT_CODESTREAM)


def test_a_last_tile_part_without_a_length_extends_to_the_end_marker() -> None:
    result = read(tile_part(0, 0, 1), tile_part(1, 0, 1, b"more than four bytes", length=0), tiles=2)
    assert result.parts[-1].stop == result.stop == result.end - 2


@pytest.mark.parametrize("end", [b"", b"\0", b"\0\0", b"\xff"])
def test_a_missing_end_marker_is_truncated_data(end: bytes) -> None:
    assert reason_of(tile_part(0, 0, 1), tiles=1, end=end) is Reason.TRUNCATED_PIXEL_DATA


def test_bytes_that_are_neither_a_tile_part_nor_the_end_are_corrupt() -> None:
    assert reason_of(tile_part(0, 0, 1), tiles=1, end=b"neither" + EOC) is Reason.CORRUPT_CODESTREAM


@pytest.mark.parametrize("comments", [1, 2])
def test_comments_before_the_end_marker_are_passed_over(comments: int) -> None:
    result = read(tile_part(0, 0, 1), tiles=1, end=COMMENT * comments + EOC)
    assert result.end - result.stop == len(COMMENT) * comments + 2
