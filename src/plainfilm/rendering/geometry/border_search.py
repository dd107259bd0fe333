# SPDX-License-Identifier: MIT
"""Find the margin of a frame: the area that a collimator covers, or a frame around the radiograph.

Each side is searched by itself, on cells that average many pixels, so that noise in single pixels does not count. A
margin has one level, and ends where something larger than a speck begins. docs/decisions/border-search.md says what is
cut and why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from plainfilm.options.geometry import Box
from plainfilm.rendering.geometry.border import BorderOutcome, BorderResult

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

# The longer side in samples, and in cells, which are means of samples.
_SAMPLES, _CELLS = 768, 256
_FEWEST_CELLS = 24
# The line of cells that gives the level of a margin; the outermost line holds the rims of scanners.
_OUTER = slice(1, 2)
# The deviation that a margin may have from its level, as shares of the contrast: without noise, the least, the most.
_FLAT, _LEAST, _MOST = 0.0005, 0.01, 0.08
_DEVIATIONS = 5.0
_AT_LEVEL, _COUNTED = 0.8, 0.5
# The cells in the box of a speck; the shares of the area and of the longer side that a marker has at most.
_SPECK, _MARKER, _MARKER_LENGTH = 4, 0.015, 0.2
# A straight edge is nearly as long two cells behind its first cell as in the next ten, and a quarter of the side.
_BEHIND, _NEXT, _STRAIGHT, _LONG, _STEEP = 2, 10, 0.7, 0.25, 0.1
# A sharp edge reaches this share of its height within this number of cells.
_FURTHER, _REACHED = 8, 0.75
# The cells that are left around content without a straight edge, because skin fades into air.
_FADING = 2
# A straight edge begins in the first line in which this share of the pixels has this share of the level behind it.
_TOUCHED, _RIM = 0.01, 0.25
# Scatter beside a field: at most this share of the contrast, and this change from one cell to the next; then the edge
# of the field follows, which rises by this share, in nearly all places where the field is.
_HAZE, _HAZE_STEP, _RISE, _WHOLE = 0.4, 0.08, 0.25, 0.9
# A crop must leave one quarter of each side.
_LEAST_SHARE = 4


@dataclass(frozen=True, slots=True)
class PixelBlock:
    """Some pixels of a frame: their values, floating point, (rows, columns), and two masks of the same shape.

    masked: padding, outside the display shutter, or not a number. These pixels are margin, whatever their value is.
    unavailable: redacted or missing. These pixels are neither margin nor content.
    """

    values: Array
    masked: Mask | None = None
    unavailable: Mask | None = None


class SearchableFrame(Protocol):
    """A frame that can be read in parts."""

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""

    def block(self, rows: slice, columns: slice) -> PixelBlock:
        """The pixels of these rows and columns."""


@dataclass(frozen=True, slots=True)
class _Cells:
    """A frame in cells: the mean of the pixels that count, and which cells have such pixels or only masked ones.

    step: pixels per cell, along rows and columns.
    """

    means: Array
    counted: Mask
    masked: Mask
    step: int
    contrast: float

    def from_side(self, side: int) -> _Cells:
        """The same cells with a side (0: top, 1: left, 2: bottom, 3: right) as the first line."""
        means, counted, masked = (_from_side(plane, side) for plane in (self.means, self.counted, self.masked))
        return _Cells(means, counted, masked, self.step, self.contrast)


@dataclass(frozen=True, slots=True)
class _Edge:
    """The end of a margin: the first line of cells that is kept.

    level: the level of the margin; None where the margin is masked pixels.
    beyond: for a straight edge, the least distance of its content from that level; None for any other edge.
    """

    line: int
    level: float | None = None
    beyond: float | None = None


def find_border(frame: SearchableFrame) -> BorderResult:
    """Search all four sides of a frame. Nothing is cut where less than a quarter of a side would be left."""
    rows, columns = frame.size
    whole = Box(0, 0, columns, rows)
    cells = _cells_of(frame)
    if min(cells.means.shape) < _FEWEST_CELLS:
        return BorderResult(whole, BorderOutcome.NO_MARGIN)
    if cells.contrast <= 0:
        return BorderResult(whole, BorderOutcome.EMPTY)
    edges = [_edge(cells.from_side(side)) for side in range(4)]
    if None in edges:
        return BorderResult(whole, BorderOutcome.EMPTY)
    top, left, bottom, right = (_cut(frame, cells.step, side, edge) for side, edge in enumerate(edges) if edge)
    content = Box(left, top, columns - left - right, rows - top - bottom)
    if content == whole:
        return BorderResult(whole, BorderOutcome.NO_MARGIN)
    if content.width * _LEAST_SHARE < columns or content.height * _LEAST_SHARE < rows:
        return BorderResult(whole, BorderOutcome.IMPLAUSIBLE)
    return BorderResult(content, BorderOutcome.FOUND)


def _from_side(plane: Array, side: int) -> Array:
    turned = plane.T if side % 2 else plane
    return np.ascontiguousarray(turned[::-1] if side >= 2 else turned)


def _cells_of(frame: SearchableFrame) -> _Cells:
    """A frame in cells, from every n-th pixel of every n-th row."""
    stride = -(-max(frame.size) // _SAMPLES)
    block = frame.block(slice(None, None, stride), slice(None, None, stride))
    rows, columns = block.values.shape
    side = max(1, -(-max(rows, columns) // _CELLS))
    size = max(1, rows // side), max(1, columns // side)
    masks = [mask for mask in (block.masked, block.unavailable) if mask is not None]
    if not masks:
        means = _cell_means(block.values, size, side)
        everywhere, nowhere = np.ones(size, np.bool_), np.zeros(size, np.bool_)
        return _Cells(means, everywhere, nowhere, stride * side, _contrast(means.ravel()))
    counted = ~np.logical_or.reduce(masks)
    shares = _cell_means(counted, size, side)
    has_counted = shares > 0
    means = _cell_means(np.where(counted, block.values, 0), size, side) / np.where(has_counted, shares, 1)
    masked = ~has_counted
    if block.unavailable is not None:
        masked &= _cell_means(block.unavailable, size, side) == 0
    return _Cells(means, has_counted, masked, stride * side, _contrast(means[has_counted]))


def _cell_means(plane: Array, size: tuple[int, int], side: int) -> Array:
    """The mean of each cell of side x side samples; samples beyond the last whole cell are left out."""
    plane = plane[: size[0] * side, : size[1] * side]
    if plane.dtype == np.bool_:
        plane = plane.astype(np.float32)
    means: Array = cv2.resize(plane, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    return means


def _contrast(means: Array) -> float:
    """The range of the levels, without the rarest ones."""
    if means.size == 0:
        return 0.0
    rare = means.size // 500
    ordered = np.partition(means, (rare, means.size - 1 - rare))
    return float(ordered[means.size - 1 - rare] - ordered[rare])


def _edge(cells: _Cells) -> _Edge | None:
    """The end of the margin along the first line: line 0 where there is no margin, None where all is margin."""
    counted, masked = cells.counted[_OUTER], cells.masked[_OUTER]
    if (counted | masked).mean() < _COUNTED:
        return _Edge(0)
    if masked.mean() >= _COUNTED:
        return _end_of(cells, None, 0.0)
    outer = cells.means[_OUTER][counted]
    level = _upper_median(outer)
    distance = np.abs(outer - level)
    noise = _upper_median(distance) * 1.4826 / cells.contrast
    tolerance = min(max(_DEVIATIONS * noise, _LEAST), _MOST) * cells.contrast
    if (distance <= tolerance).mean() < _AT_LEVEL:
        return _Edge(0)
    edge = _end_of(cells, level, tolerance)
    if edge is None or edge.beyond is not None or noise <= _FLAT:
        return edge
    return _Edge(0)


def _end_of(cells: _Cells, level: float | None, tolerance: float) -> _Edge | None:
    """The first line that holds more than specks; outside the straight edge of a field markers are margin too."""
    distance = np.abs(cells.means - (0.0 if level is None else level))
    content = cells.counted.copy() if level is None else cells.counted & (distance > tolerance)
    content[[0, -1]] = content[:, [0, -1]] = False
    parts = _parts_of(content)
    if not parts:
        return None
    field = next((part for part in parts if not _is_marker(part, content.shape)), None)
    if field is not None and _is_straight(content, field):
        beyond = _plateau(distance, field.y + _BEHIND, content[field.y + _BEHIND])
        if level is None or beyond >= _STEEP * cells.contrast:
            return _Edge(field.y, level, _RIM * beyond)
    if parts[0].y <= 1:
        return _Edge(0)
    return _behind_haze(cells, distance, _Edge(max(parts[0].y - _FADING, 0), level))


def _parts_of(content: Mask) -> list[Box]:
    """The boxes around the connected parts, without specks, sorted by their first line."""
    contours, _ = cv2.findContours(content.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    parts = (Box(*cv2.boundingRect(contour)) for contour in contours)
    return sorted((part for part in parts if part.width * part.height > _SPECK), key=lambda part: part.y)


def _is_marker(part: Box, size: tuple[int, ...]) -> bool:
    area, longest = size[0] * size[1], max(size)
    return part.width * part.height <= _MARKER * area and max(part.width, part.height) <= _MARKER_LENGTH * longest


def _is_straight(content: Mask, field: Box) -> bool:
    """Whether a part begins with an edge that is parallel to the side, and is large enough to be a field."""
    rows, columns = content.shape
    if field.y <= 1 or field.width < _LONG * columns or field.height < _LONG * rows:
        return False
    counts = content[field.y + _BEHIND : field.y + _BEHIND + _NEXT].sum(1)
    return bool(counts[0] >= max(_STRAIGHT * counts.max(), _LONG * columns))


def _behind_haze(cells: _Cells, distance: Array, edge: _Edge) -> _Edge:
    """The edge of a field whose scatter fades out smoothly over the margin; `edge` where there is no such field."""
    shares = (distance / cells.contrast)[:, 1:-1]
    steep = np.any(np.abs(np.diff(shares[edge.line :], axis=0)) > _HAZE_STEP, axis=1)
    first = edge.line + int(np.argmax(steep)) + 1
    behind = first + 2 * _BEHIND
    if edge.level is None or not steep.any() or behind >= len(shares) or not cells.counted[edge.line : behind].all():
        return edge
    before = shares[first - 1]
    risen, later = ((shares[line] - before > _RISE).sum() for line in (behind, min(behind + _FURTHER, len(shares) - 1)))
    is_straight = risen >= max(_WHOLE * later, _LONG * before.size)
    beyond = _plateau(distance, behind, cells.counted[behind])
    haze = _upper_median(before)
    is_haze = haze >= _STEEP and shares[edge.line : first].max() <= _HAZE
    middle = (haze * cells.contrast + beyond) / 2
    return _Edge(first, edge.level, middle) if is_haze and is_straight and beyond > 0 else edge


def _plateau(distance: Array, line: int, columns: Mask) -> float:
    """The distance of a line from the level of the margin; 0 where the distance still grows, as it does in skin."""
    near, far = (_upper_median(distance[at][columns]) for at in (line, min(line + _FURTHER, len(distance) - 1)))
    return near if near >= _REACHED * far else 0.0


def _upper_median(values: Array) -> float:
    """The upper median. np.median takes longer than all other work on a line."""
    middle = values.size // 2
    return float(np.partition(values, middle)[middle])


def _cut(frame: SearchableFrame, step: int, side: int, edge: _Edge) -> int:
    """The number of pixels to cut from a side; a straight edge is located to the line of pixels."""
    if edge.beyond is None:
        return edge.line * step
    length, across = frame.size if side % 2 == 0 else frame.size[::-1]
    first, last = (edge.line - 1) * step, (edge.line + _BEHIND) * step
    lines = slice(length - last, length - first) if side >= 2 else slice(first, last)
    samples = slice(None, None, -(-across // _SAMPLES))
    block = frame.block(lines, samples) if side % 2 == 0 else frame.block(samples, lines)
    if edge.level is None:
        inside = np.ones(block.values.shape, np.bool_)
    else:
        inside = np.abs(block.values - edge.level) > edge.beyond
    for mask in (block.masked, block.unavailable):
        inside = inside if mask is None else inside & ~mask
    touched = _from_side(inside, side).mean(1) > _TOUCHED
    return first + max(int(np.argmax(touched)) - 1, 0) if touched.any() else first + step
