# SPDX-License-Identifier: MIT
"""The functions of core.c; their docstrings are there."""

from typing import Any

import numpy.typing as npt

Buffer = bytes | bytearray | memoryview | npt.NDArray[Any]

def average(
    samples: Buffer,
    entries: Buffer | None,
    shape: tuple[int, int, int],
    sizes: tuple[int, int],
    to_shape: tuple[int, int],
    /,
) -> bytearray: ...
def decode_lossless(
    data: Buffer,
    tables: Buffer,
    shape: tuple[int, int, int],
    coding: tuple[int, int, int],
    restart_rows: int,
    /,
) -> bytearray | None: ...
def deflate(data: Buffer, short: bool, /) -> bytes: ...
def deflated_size(data: Buffer, short: bool, /) -> int: ...
def filter_rows(
    samples: Buffer,
    entries: Buffer | None,
    shape: tuple[int, int, int],
    sizes: tuple[int, int],
    rows: tuple[int, int],
    kind: int,
    /,
) -> bytes: ...
def histogram(samples: Buffer, sample_bytes: int, /) -> bytearray: ...
