# SPDX-License-Identifier: MIT
"""Check that the scan of a lossless JPEG frame is complete, by the number of bits that its samples need.

libjpeg-turbo fills a scan that ends too early without an error. The filled samples need more bits than the scan has.
It also ignores what a scan holds beyond its samples, for example after bytes were inserted.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from plainfilm.decode.codestream import START_OF_SCAN, JpegHeader, Segment
from plainfilm.pickling import dataclass

Array = npt.NDArray[Any]
_LOSSLESS, _HUFFMAN_TABLES, _RESTART_INTERVAL = 0xC3, 0xC4, 0xDD
_PATTERNS = 1 << 16
_BAND = 1 << 18


@dataclass(frozen=True, slots=True)
class ScanBits:
    """The bits of the only scan of a lossless frame beyond those that its samples need.

    surplus: their number, negative where bits are missing. has_only_fill: whether they are at most 7 bits, all 1, that
    fill the last byte (T.81 F.1.2.3). has_padding: whether the bytes among them are all zeros or all FF, with which
    some writers pad a scan.
    """

    surplus: int
    has_only_fill: bool
    has_padding: bool

    @property
    def is_complete(self) -> bool | None:
        """Whether the scan holds all bits of the samples; None where the surplus leaves a doubt."""
        if self.surplus < 0:
            return False
        return True if self.has_only_fill else None

    @property
    def has_surplus(self) -> bool:
        """Whether whole bytes remain that are no padding: the decoder did not read the scan as it was coded."""
        return self.surplus >= 8 and not self.has_padding


def count_scan_bits(samples: Array, header: JpegHeader, data: bytes) -> ScanBits | None:
    """Compare the bits of the only scan with those that the samples, (rows, columns[, components]), need.

    Return None where the bits cannot be counted: with restart intervals, with several scans, and for processes that are
    not lossless.
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
    content = _entropy_coded_bytes(data, scan.stop, header.segments[scans[0] + 1].start)
    surplus = 8 * len(content) - needed_bits
    fill_bits = (1 << min(max(surplus, 0), 8)) - 1
    has_only_fill = 0 <= surplus < 8 and content[-1:] != b"" and content[-1] & fill_bits == fill_bits
    rest = content[len(content) - surplus // 8 :] if surplus >= 8 else b""
    return ScanBits(surplus, has_only_fill, has_padding=not rest.strip(b"\0") or not rest.strip(b"\xff"))


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


def _entropy_coded_bytes(data: bytes, start: int, stop: int) -> bytes:
    """Return the entropy-coded bytes without the zero stuffed after each FF and the fill bytes FF before a marker."""
    while stop > start and data[stop - 1] == 0xFF:
        stop -= 1
    return data[start:stop].replace(b"\xff\x00", b"\xff")
