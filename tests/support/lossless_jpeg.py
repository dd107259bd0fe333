# SPDX-License-Identifier: MIT
"""Encode lossless JPEG (ITU-T T.81 annex H) with the parameters that encoders of libraries do not offer."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Coding:
    """How samples are coded. restart_rows: rows between restart markers, 0 without them."""

    precision: int
    predictor: int = 1
    point_transform: int = 0
    restart_rows: int = 0
    fill_bit: str = "1"


def encode_lossless(image: Array, coding: Coding) -> bytes:
    """The codestream of an image, (rows, columns) or (rows, columns, components), with one table of codes."""
    planes = image.reshape(*image.shape[:2], -1).astype(np.int64) >> coding.point_transform
    rows, columns, components = planes.shape
    frame = struct.pack(">BHHB", coding.precision, rows, columns, components)
    frame += b"".join(bytes((number + 1, 0x11, 0)) for number in range(components))
    scan = bytes((components, *(value for number in range(components) for value in (number + 1, 0))))
    parts = [b"\xff\xd8", _segment(0xC3, frame), _segment(0xC4, _table())]
    if coding.restart_rows:
        parts.append(_segment(0xDD, struct.pack(">H", coding.restart_rows * columns)))
    parts.append(_segment(0xDA, scan + bytes((coding.predictor, 0, coding.point_transform))))
    height = coding.restart_rows or rows
    for number, first in enumerate(range(0, rows, height)):
        if number:
            parts.append(bytes((0xFF, 0xD0 + (number - 1) % 8)))
        parts.append(_interval(planes[first : first + height], coding))
    return b"".join((*parts, b"\xff\xd9"))


def _segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def _lengths() -> list[int]:
    """The length of the code of each category: from 2 to 16 bits."""
    return [3, 2, 3, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]


def _table() -> bytes:
    lengths = _lengths()
    order = sorted(range(17), key=lambda category: (lengths[category], category))
    return bytes((0, *(lengths.count(length) for length in range(1, 17)), *order))


def _codes() -> list[str]:
    lengths, codes, code, previous = _lengths(), [""] * 17, 0, 0
    for category in sorted(range(17), key=lambda category: (lengths[category], category)):
        code <<= lengths[category] - previous
        previous = lengths[category]
        codes[category] = format(code, f"0{previous}b")
        code += 1
    return codes


def _interval(planes: Array, coding: Coding) -> bytes:
    codes, bits = _codes(), []
    for difference in _differences(planes, coding).reshape(-1).tolist():
        value = difference - 65536 if difference > 32768 else difference
        category = abs(value).bit_length()
        bits.append(codes[category])
        if 0 < category < 16:
            bits.append(format(value if value > 0 else value + (1 << category) - 1, f"0{category}b"))
    text = "".join(bits)
    text += coding.fill_bit * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\0")


def _differences(planes: Array, coding: Coding) -> Array:
    """The differences from the predictions of table H.1, modulo 2^16."""
    left, above, corner = (np.zeros_like(planes) for _ in range(3))
    left[:, 1:], above[1:], corner[1:, 1:] = planes[:, :-1], planes[:-1], planes[:-1, :-1]
    formula = {
        1: left,
        2: above,
        3: corner,
        4: left + above - corner,
        5: left + (above - corner >> 1),
        6: above + (left - corner >> 1),
        7: left + above >> 1,
    }
    prediction = formula[coding.predictor].copy()
    prediction[:, 0], prediction[0] = above[:, 0], left[0]
    prediction[0, 0] = 1 << coding.precision - coding.point_transform - 1
    differences: Array = planes - prediction & 65535
    return differences
