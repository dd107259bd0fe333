# SPDX-License-Identifier: MIT
"""Check that the scan of a lossless JPEG frame is complete, by the number of bits that its samples need.

libjpeg-turbo fills a scan that ends too early without an error. The filled samples need more bits than the scan has.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from plainfilm.decode.codestream import START_OF_SCAN, JpegHeader, Segment

Array = npt.NDArray[Any]
_LOSSLESS, _HUFFMAN_TABLES, _RESTART_INTERVAL = 0xC3, 0xC4, 0xDD
_PATTERNS = 1 << 16
_BAND = 1 << 18


def is_scan_complete(samples: Array, header: JpegHeader, data: bytes) -> bool | None:
    """Whether the only scan holds all bits of the samples, (rows, columns[, components]), and nothing else.

    Return None where the bits cannot be counted: with restart intervals, with several scans, for processes that are not
    lossless, and for scans with more than the samples and the 1-bits that fill the last byte (T.81 F.1.2.3).
    """
    scans = [number for number, segment in enumerate(header.segments) if segment.marker == START_OF_SCAN]
    has_restarts = any(segment.marker == _RESTART_INTERVAL for segment in header.segments)
    scan = header.segments[scans[0]]
    components = data[scan.start + 4]
    if header.process != _LOSSLESS or len(scans) > 1 or has_restarts or components != header.size.components:
        return None
    lengths = _code_lengths(data, header.segments[: scans[0]])
    planes = samples.reshape(*samples.shape[:2], components)
    needed_bits = 0
    for component in range(components):
        bits_of_difference = _bits_of_differences(lengths.get(data[scan.start + 6 + 2 * component] >> 4, {}))
        counts = _difference_counts(planes[:, :, component], header.size.precision, data[: scan.stop])
        needed_bits += int(bits_of_difference @ counts)
    scan_bits, last_byte = _bits_between(data, scan.stop, header.segments[scans[0] + 1].start)
    if scan_bits < needed_bits:
        return False
    fill_bits = (1 << (scan_bits - needed_bits)) - 1
    return True if fill_bits < 256 and last_byte & fill_bits == fill_bits else None


def _code_lengths(data: bytes, segments: tuple[Segment, ...]) -> dict[int, dict[int, int]]:
    """Map each Huffman table to the code lengths of its difference categories (T.81 B.2.4.2)."""
    tables: dict[int, dict[int, int]] = {}
    for segment in segments:
        position = segment.start + 4 if segment.marker == _HUFFMAN_TABLES else segment.stop
        while position + 17 <= segment.stop:
            counts = data[position + 1 : position + 17]
            lengths = [length for length, count in enumerate(counts, 1) for _ in range(count)]
            categories = data[position + 17 : position + 17 + len(lengths)]
            tables[data[position]] = dict(zip(categories, lengths, strict=False))
            position += 17 + len(lengths)
    return tables


def _bits_of_differences(lengths: dict[int, int]) -> npt.NDArray[np.int64]:
    """Return the bits of each difference modulo 2^16: the code of its category and the bits after it (T.81 H.1.2.2)."""
    bits = [lengths.get(category, 0) + category % 16 for category in range(17)]
    return np.array(bits, np.int64)[_categories()]


@cache
def _categories() -> npt.NDArray[np.int64]:
    magnitudes = np.abs(np.arange(_PATTERNS, dtype=np.uint16).view(np.int16).astype(np.int64))
    categories: npt.NDArray[np.int64] = np.ceil(np.log2(magnitudes + 1)).astype(np.int64)
    return categories


def _difference_counts(plane: Array, precision: int, header: bytes) -> npt.NDArray[np.int64]:
    """Count how often each difference from the prediction occurs, modulo 2^16 (T.81 H.1.2.1).

    header: bytes that end with the scan header: selection value, a zero byte, point transform.
    """
    predictor, point_transform = header[-3], header[-1] & 0x0F
    first_row = _transformed(plane[:1], point_transform)[0]
    default = np.uint16(1 << precision - point_transform - 1)
    counts = np.bincount(np.diff(first_row, prepend=default), minlength=_PATTERNS)
    rows = max(1, _BAND // plane.shape[1])
    for top in range(1, plane.shape[0], rows):
        band = _differences(_transformed(plane[top - 1 : top + rows], point_transform), predictor).reshape(1, -1)
        counts += cv2.calcHist([band], [0], None, [_PATTERNS], [0, _PATTERNS]).reshape(-1).astype(np.int64)
    return counts


def _transformed(samples: Array, point_transform: int) -> Array:
    """Remove the bits that the point transform drops, as the encoder did (T.81 H.1.2.1)."""
    words = samples.astype(np.uint16, copy=False)
    return words >> np.uint16(point_transform) if point_transform else words


def _differences(values: Array, predictor: int) -> Array:
    """Return the differences of all rows but the first; the first column is predicted from the sample above."""
    differences = np.empty((values.shape[0] - 1, values.shape[1]), np.uint16)
    np.subtract(values[1:, 0], values[:-1, 0], out=differences[:, 0])
    np.subtract(values[1:, 1:], _predicted(values, predictor), out=differences[:, 1:])
    return differences


def _predicted(values: Array, predictor: int) -> Array:
    """Predict from the samples to the left, above, and above left (T.81 table H.1)."""
    left, above, corner = values[1:, :-1], values[:-1, 1:], values[:-1, :-1]
    if predictor == 1:
        return left
    if predictor == 2:
        return above
    if predictor == 3:
        return corner
    a, b, c = (part.astype(np.int32) for part in (left, above, corner))
    formula = {4: a + b - c, 5: a + (b - c >> 1), 6: b + (a - c >> 1), 7: a + b >> 1}
    return formula[predictor].astype(np.uint16)


def _bits_between(data: bytes, start: int, stop: int) -> tuple[int, int]:
    """Return the number of bits of entropy-coded data, and the last byte.

    A zero byte stuffed after FF and the fill bytes FF before a marker are not counted.
    """
    while stop > start and data[stop - 1] == 0xFF:
        stop -= 1
    last = 0xFF if data[stop - 2 : stop] == b"\xff\x00" else data[stop - 1]
    return 8 * (stop - start - data.count(b"\xff\x00", start, stop)), last
