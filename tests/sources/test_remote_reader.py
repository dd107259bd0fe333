# SPDX-License-Identifier: MIT
"""A remote file is read in few ranges, and as any binary file."""

from __future__ import annotations

import io
import random

import pytest

from plainfilm.sources.remote_reader import FIRST_BYTES, RemoteReader

CONTENT = random.Random(1).randbytes(3_000_000)


class Ranges:
    """Counts the ranges that a reader fetches."""

    def __init__(self) -> None:
        self.fetched: list[tuple[int, int]] = []

    def __call__(self, start: int, stop: int) -> bytes:
        self.fetched.append((start, stop))
        return CONTENT[start:stop]

    def reader(self) -> RemoteReader:
        return RemoteReader(self, len(CONTENT))


def test_a_header_takes_one_range() -> None:
    ranges = Ranges()
    reader = ranges.reader()
    for start in (0, 132, 5_000, 200, 100_000):
        reader.seek(start)
        assert reader.read(100) == CONTENT[start : start + 100]
    assert ranges.fetched == [(0, FIRST_BYTES)]


def test_a_large_part_takes_one_range_of_its_own_size() -> None:
    ranges = Ranges()
    reader = ranges.reader()
    reader.seek(1_000)
    assert reader.read(2_500_000) == CONTENT[1_000:2_501_000]
    assert ranges.fetched == [(1_000, 2_501_000)]


def test_reading_on_takes_larger_and_larger_ranges() -> None:
    ranges = Ranges()
    reader = ranges.reader()
    assert b"".join(iter(lambda: reader.read(4_096), b"")) == CONTENT
    assert len(ranges.fetched) == 5
    assert ranges.fetched[-1][1] == len(CONTENT)


def test_random_reads_agree_with_those_of_a_file_in_memory() -> None:
    reader, file, numbers = Ranges().reader(), io.BytesIO(CONTENT), random.Random(2)
    for _ in range(500):
        position, size = numbers.randrange(len(CONTENT) + 100), numbers.choice([0, 1, 100, 70_000, 400_000])
        whence = numbers.choice([io.SEEK_SET, io.SEEK_END])
        offset = position if whence == io.SEEK_SET else -min(position, len(CONTENT))
        assert reader.seek(offset, whence) == file.seek(offset, whence)
        assert reader.read(size) == file.read(size)
        assert reader.tell() == file.tell()


def test_a_position_before_the_start_is_an_error() -> None:
    with pytest.raises(ValueError, match="start"):
        Ranges().reader().seek(-1)
