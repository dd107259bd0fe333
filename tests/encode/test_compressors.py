# SPDX-License-Identifier: MIT
"""Every compressor writes a zlib stream that other libraries read, for data at all limits of its blocks."""

from __future__ import annotations

import threading
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from isal import isal_zlib

from plainfilm.encode.compression import Backend
from plainfilm.encode.compressors import Compressor

Bytes = npt.NDArray[np.uint8]

BLOCK = 65_535  # bytes of a compiled block


def compressors(backend: Backend) -> set[Compressor]:
    grey, color = backend.value
    return {*grey, *color}


def assert_round_trip(compressor: Compressor, pieces: list[Bytes]) -> None:
    """Check the stream with zlib and igzip, both of which verify the checksum, and compare the predicted size."""
    stream = compressor.open()
    content = b"".join(stream.compress(piece.data) for piece in pieces) + stream.flush()
    whole = b"".join(piece.tobytes() for piece in pieces)
    assert zlib.decompress(content) == whole
    assert isal_zlib.decompress(content) == whole
    if len(pieces) == 1:
        assert abs(compressor.size(pieces[0]) - len(content)) <= 16


def test_no_data_gives_a_valid_stream(backend: Backend) -> None:
    for compressor in compressors(backend):
        assert_round_trip(compressor, [])


# run lengths around the shortest, the longest and multiples of both, and bytes that do not repeat
run = st.tuples(
    st.integers(0, 255), st.sampled_from([*range(1, 14), 255, 256, 257, 258, 259, 260, 263, 516, 520, 3_000])
)


@given(pieces=st.lists(st.lists(run, max_size=60), max_size=3))
@example(pieces=[[(0, BLOCK)], [(0, BLOCK + 1)], [(0, BLOCK + 2)]])
@example(pieces=[[(7, BLOCK - 3), (8, 9)]])
def test_runs_of_every_length_round_trip(backend: Backend, pieces: list[list[tuple[int, int]]]) -> None:
    for compressor in compressors(backend):
        assert_round_trip(compressor, [_spelled(piece) for piece in pieces])


def _spelled(runs: list[tuple[int, int]]) -> Bytes:
    values, lengths = zip(*runs, strict=True) if runs else ((), ())
    return np.repeat(np.array(values, np.uint8), np.array(lengths, int))


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 5])
@pytest.mark.parametrize("values", [1, 2, 3, 17, 256])
def test_full_and_nearly_full_blocks_round_trip(backend: Backend, size: int, values: int) -> None:
    """With few values, and with all 256 values, which cannot be compressed and are stored."""
    content = np.random.default_rng(size).integers(0, values, size, np.uint8)
    for compressor in compressors(backend):
        assert_round_trip(compressor, [content])


@pytest.mark.parametrize("count", [2, 3, 20, 24, 256])
def test_counts_that_require_codes_beyond_the_longest_round_trip(backend: Backend, count: int) -> None:
    """Fibonacci counts give the longest Huffman codes that a number of bytes can have."""
    counts = [1, 1]
    while len(counts) < min(count, 22):
        counts.append(counts[-1] + counts[-2])
    counts = ([1] * (count - len(counts)) + counts)[-256:]
    content = np.repeat(np.arange(len(counts), dtype=np.uint8), counts)
    np.random.default_rng(count).shuffle(content)
    for compressor in compressors(backend):
        assert_round_trip(compressor, [content])


def test_incompressible_data_hardly_grow(backend: Backend) -> None:
    noise = np.random.default_rng(0).integers(0, 256, 1 << 20, np.uint8)
    for compressor in compressors(backend):
        stream = compressor.open()
        size = len(stream.compress(noise.data)) + len(stream.flush())
        assert size <= len(noise) * 1.001 + 64


@pytest.mark.parametrize("wrong", [None, 7, "text", np.zeros((4, 4), np.uint8)[:, ::2].data])
def test_the_compiled_functions_refuse_arguments_that_are_not_contiguous_bytes(backend: Backend, wrong: Any) -> None:
    if backend is not Backend.COMPILED:
        pytest.skip("only the compiled backend has these functions")
    from plainfilm.kernels import core

    for call in (core.deflate, core.deflated_size):
        with pytest.raises((TypeError, BufferError)):
            call(wrong, False)


def test_a_buffer_that_changes_while_it_is_compressed_does_no_harm(backend: Backend) -> None:
    """The compressed bytes are a valid stream of as many bytes, whatever another thread writes meanwhile."""
    if backend is not Backend.COMPILED:
        pytest.skip("only the compiled backend reads a block twice")
    from plainfilm.kernels import core

    content, is_over = np.zeros(40 * BLOCK, np.uint8), threading.Event()
    noise = np.random.default_rng(0).integers(0, 256, content.size, np.uint8)

    def change() -> None:
        while not is_over.is_set():
            content[:] = noise
            content[:] = 0

    writer = threading.Thread(target=change)
    writer.start()
    try:
        for _ in range(30):
            blocks = core.deflate(content.data, False)
            assert len(zlib.decompress(blocks + b"\x03\x00", -15)) == content.size
    finally:
        is_over.set()
        writer.join()
