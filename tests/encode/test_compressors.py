# SPDX-License-Identifier: MIT
"""The compressors. Fear: bytes that do not come back, and a compiled one that writes beyond its memory."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from isal import isal_zlib

from plainfilm.encode.compression import Row
from plainfilm.encode.compressors import Compressor

Bytes = npt.NDArray[np.uint8]

BLOCK = 65_535  # bytes of a compiled block


def compressors(row: Row) -> set[Compressor]:
    grey, color = row.value
    return {*grey, *color}


def assert_comes_back(compressor: Compressor, pieces: list[Bytes]) -> None:
    """Through zlib and igzip, both of which check the sum; and the size that was foretold is about that."""
    stream = compressor.open()
    content = b"".join(stream.compress(piece.data) for piece in pieces) + stream.flush()
    whole = b"".join(piece.tobytes() for piece in pieces)
    assert zlib.decompress(content) == whole
    assert isal_zlib.decompress(content) == whole
    if len(pieces) == 1:
        assert abs(compressor.size(pieces[0]) - len(content)) <= 16


def test_nothing_is_a_stream_too(row: Row) -> None:
    for compressor in compressors(row):
        assert_comes_back(compressor, [])


# runs of every length around the shortest, the longest and their multiples, between bytes that are no run
run = st.tuples(
    st.integers(0, 255), st.sampled_from([*range(1, 14), 255, 256, 257, 258, 259, 260, 263, 516, 520, 3_000])
)


@given(pieces=st.lists(st.lists(run, max_size=60), max_size=3))
@settings(deadline=None)
@example(pieces=[[(0, BLOCK)], [(0, BLOCK + 1)], [(0, BLOCK + 2)]])
@example(pieces=[[(7, BLOCK - 3), (8, 9)]])
def test_runs_of_every_length_come_back(row: Row, pieces: list[list[tuple[int, int]]]) -> None:
    for compressor in compressors(row):
        assert_comes_back(compressor, [_spelled(piece) for piece in pieces])


def _spelled(runs: list[tuple[int, int]]) -> Bytes:
    values, lengths = zip(*runs, strict=True) if runs else ((), ())
    return np.repeat(np.array(values, np.uint8), np.array(lengths, int))


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 5])
@pytest.mark.parametrize("values", [1, 2, 3, 17, 256])
def test_blocks_that_are_full_or_nearly_come_back(row: Row, size: int, values: int) -> None:
    """Of few values and of all, which cannot be made smaller and are stored."""
    content = np.random.default_rng(size).integers(0, values, size, np.uint8)
    for compressor in compressors(row):
        assert_comes_back(compressor, [content])


@pytest.mark.parametrize("count", [2, 3, 20, 24, 256])
def test_counts_that_ask_for_longer_codes_than_there_are_come_back(row: Row, count: int) -> None:
    """Each value about 1.6 times as often as the one before: the deepest code that a number of bytes can have."""
    often = [1, 1]
    while len(often) < min(count, 22):
        often.append(often[-1] + often[-2])
    often = ([1] * (count - len(often)) + often)[-256:]
    content = np.repeat(np.arange(len(often), dtype=np.uint8), often)
    np.random.default_rng(count).shuffle(content)
    for compressor in compressors(row):
        assert_comes_back(compressor, [content])


def test_what_cannot_be_made_smaller_hardly_grows(row: Row) -> None:
    noise = np.random.default_rng(0).integers(0, 256, 1 << 20, np.uint8)
    for compressor in compressors(row):
        stream = compressor.open()
        size = len(stream.compress(noise.data)) + len(stream.flush())
        assert size <= len(noise) * 1.001 + 64


@pytest.mark.parametrize("wrong", [None, 7, "text", np.zeros((4, 4), np.uint8)[:, ::2].data])
def test_the_compiled_one_refuses_what_are_no_contiguous_bytes(row: Row, wrong: Any) -> None:
    if row is not Row.COMPILED:
        pytest.skip("of the compiled row alone")
    from plainfilm.encode import runs

    for call in (runs.deflate, runs.deflated_size):
        with pytest.raises((TypeError, BufferError)):
            call(wrong, False)
