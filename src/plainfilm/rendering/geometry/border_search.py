# SPDX-License-Identifier: MIT
"""Find the margin of a frame: the area that a collimator covers, or a frame around the radiograph.

Each side is searched by itself, on cells that average many pixels, so that noise in single pixels does not count. A
margin has one level, and ends where something larger than a speck begins. docs/decisions/border-search.md says what is
cut and why.
"""

from __future__ import annotations

from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from plainfilm.options.geometry import Box
from plainfilm.pickling import dataclass
from plainfilm.rendering.geometry.border_result import BorderOutcome, BorderResult

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

# The longer side in samples, and in cells, which are means of samples.
_SAMPLES_PER_SIDE, _CELLS_PER_SIDE = 768, 256
_MIN_CELLS_PER_SIDE = 24
# The line of cells that gives the level of a margin; the outermost line holds the rims of scanners.
_LEVEL_LINE = slice(1, 2)
# Shares of the contrast: the noise up to which a margin counts as free of noise, and the bounds of the deviation from
# its level that a margin may have.
_MAX_FLAT_NOISE, _MIN_TOLERANCE, _MAX_TOLERANCE = 0.0005, 0.01, 0.08
_TOLERATED_DEVIATIONS = 5.0
_MIN_SHARE_AT_LEVEL, _MIN_SHARE_COUNTED = 0.8, 0.5
# The bounds of a speck (cells in its box) and of a marker (shares of the area and of the longer side of the frame).
_MAX_SPECK_CELLS, _MAX_MARKER_AREA, _MAX_MARKER_LENGTH = 4, 0.015, 0.2
# A straight edge is nearly as long two lines behind its first line as in the next ten lines, and at least a quarter of
# the side. _MIN_STEP: the least step at the edge, as a share of the contrast.
_LINES_BEHIND, _LINES_COMPARED, _MIN_STRAIGHT_SHARE, _MIN_FIELD_SIDE, _MIN_STEP = 2, 10, 0.7, 0.25, 0.1
# Two lines behind a sharp edge, the distance from the level is this share of the distance eight lines further on.
_PLATEAU_LINES, _MIN_PLATEAU_SHARE = 8, 0.75
# The cells that are left around content without a straight edge, because skin fades into air.
_FADING_LINES = 2
# A straight edge begins in the first line of pixels in which this share of the pixels reaches this share of the
# distance behind the edge.
_MIN_RIM_PIXELS, _RIM_LEVEL = 0.01, 0.25
# Scatter beside a field has at most this share of the contrast, and changes by at most this share from one cell to the
# next. At the edge of the field that follows, the contrast rises by _MIN_RISE along nearly the whole edge.
_MAX_SCATTER, _MAX_SCATTER_STEP, _MIN_RISE, _MIN_RISEN_SHARE = 0.4, 0.08, 0.25, 0.9
# A crop must leave a quarter (1 / _CONTENT_FRACTION) of each side.
_CONTENT_FRACTION = 4


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
class Cells:
    """A frame in cells: the mean of the pixels that count, and which cells have such pixels or only masked ones.

    step: pixels per cell, along rows and columns.
    """

    means: Array
    counted: Mask
    masked: Mask
    step: int
    contrast: float

    def from_side(self, side: int) -> Cells:
        """The same cells with a side (0: top, 1: left, 2: bottom, 3: right) as the first line."""
        means, counted, masked = (_from_side(plane, side) for plane in (self.means, self.counted, self.masked))
        return Cells(means, counted, masked, self.step, self.contrast)


@dataclass(frozen=True, slots=True)
class _Edge:
    """The end of a margin: the first line of cells that is kept.

    level: the level of the margin; None where the margin is masked pixels.
    min_distance: for a straight edge, the least distance of its content from that level; None for any other edge.
    """

    line: int
    level: float | None = None
    min_distance: float | None = None


def find_border(frame: SearchableFrame) -> BorderResult:
    """Search all four sides of a frame. Nothing is cut where less than a quarter of a side would be left."""
    rows, columns = frame.size
    whole = Box(0, 0, columns, rows)
    cells = cells_of(frame)
    if min(cells.means.shape) < _MIN_CELLS_PER_SIDE:
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
    if content.width * _CONTENT_FRACTION < columns or content.height * _CONTENT_FRACTION < rows:
        return BorderResult(whole, BorderOutcome.IMPLAUSIBLE)
    return BorderResult(content, BorderOutcome.FOUND)


def _from_side(plane: Array, side: int) -> Array:
    turned = plane.T if side % 2 else plane
    return np.ascontiguousarray(turned[::-1] if side >= 2 else turned)


def cells_of(frame: SearchableFrame) -> Cells:
    """A frame in cells, from every n-th pixel of every n-th row."""
    stride = -(-max(frame.size) // _SAMPLES_PER_SIDE)
    block = frame.block(slice(None, None, stride), slice(None, None, stride))
    rows, columns = block.values.shape
    side = max(1, -(-max(rows, columns) // _CELLS_PER_SIDE))
    size = max(1, rows // side), max(1, columns // side)
    masks = [mask for mask in (block.masked, block.unavailable) if mask is not None]
    if not masks:
        means = _cell_means(block.values, size, side)
        everywhere, nowhere = np.ones(size, np.bool_), np.zeros(size, np.bool_)
        return Cells(means, everywhere, nowhere, stride * side, _contrast(means.ravel()))
    counted = ~np.logical_or.reduce(masks)
    shares = _cell_means(counted, size, side)
    has_counted = shares > 0
    means = _cell_means(np.where(counted, block.values, 0), size, side) / np.where(has_counted, shares, 1)
    masked = ~has_counted
    if block.unavailable is not None:
        masked &= _cell_means(block.unavailable, size, side) == 0
    return Cells(means, has_counted, masked, stride * side, _contrast(means[has_counted]))


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


def _edge(cells: Cells) -> _Edge | None:
    """The end of the margin along the first line: line 0 where there is no margin, None where all is margin."""
    counted, masked = cells.counted[_LEVEL_LINE], cells.masked[_LEVEL_LINE]
    if (counted | masked).mean() < _MIN_SHARE_COUNTED:
        return _Edge(0)
    if masked.mean() >= _MIN_SHARE_COUNTED:
        return _end_of(cells, None, 0.0)
    outer = cells.means[_LEVEL_LINE][counted]
    level = upper_median(outer)
    distance = np.abs(outer - level)
    noise, tolerance = _noise(distance, cells.contrast), margin_tolerance(distance, cells.contrast)
    if (distance <= tolerance).mean() < _MIN_SHARE_AT_LEVEL:
        return _Edge(0)
    edge = _end_of(cells, level, tolerance)
    if edge is None or edge.min_distance is not None or noise <= _MAX_FLAT_NOISE:
        return edge
    return _Edge(0)


def margin_tolerance(deviations: Array, contrast: float) -> float:
    """The deviation from its level that a margin may have, by the noise in these deviations of some of its cells."""
    noise = _noise(deviations, contrast)
    return min(max(_TOLERATED_DEVIATIONS * noise, _MIN_TOLERANCE), _MAX_TOLERANCE) * contrast


def _noise(deviations: Array, contrast: float) -> float:
    """The standard deviation that these deviations suggest, as a share of the contrast."""
    return upper_median(deviations) * 1.4826 / contrast


def field_parts(content: Mask) -> Mask:
    """The cells of all connected parts but specks and markers."""
    fields = np.zeros(content.shape, np.uint8)
    contours, _ = cv2.findContours(content.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    for contour in contours:
        part = Box(*cv2.boundingRect(contour))
        if part.width * part.height > _MAX_SPECK_CELLS and not _is_marker(part, content.shape):
            cv2.drawContours(fields, [contour], -1, 1, cv2.FILLED)
    return fields.astype(np.bool_)


def _end_of(cells: Cells, level: float | None, tolerance: float) -> _Edge | None:
    """The first line that holds more than specks; outside the straight edge of a field markers are margin too."""
    distance = np.abs(cells.means - (0.0 if level is None else level))
    content = cells.counted.copy() if level is None else cells.counted & (distance > tolerance)
    content[[0, -1]] = content[:, [0, -1]] = False
    parts = _parts_of(content)
    if not parts:
        return None
    field = next((part for part in parts if not _is_marker(part, content.shape)), None)
    if field is not None and _is_straight(content, field):
        plateau = _plateau(distance, field.y + _LINES_BEHIND, content[field.y + _LINES_BEHIND])
        if level is None or plateau >= _MIN_STEP * cells.contrast:
            return _Edge(field.y, level, _RIM_LEVEL * plateau)
    if parts[0].y <= 1:
        return _Edge(0)
    return _edge_behind_scatter(cells, distance, _Edge(max(parts[0].y - _FADING_LINES, 0), level))


def _parts_of(content: Mask) -> list[Box]:
    """The boxes around the connected parts, without specks, sorted by their first line."""
    contours, _ = cv2.findContours(content.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    parts = (Box(*cv2.boundingRect(contour)) for contour in contours)
    return sorted((part for part in parts if part.width * part.height > _MAX_SPECK_CELLS), key=lambda part: part.y)


def _is_marker(part: Box, size: tuple[int, ...]) -> bool:
    area, longest = size[0] * size[1], max(size)
    return (
        part.width * part.height <= _MAX_MARKER_AREA * area
        and max(part.width, part.height) <= _MAX_MARKER_LENGTH * longest
    )


def _is_straight(content: Mask, field: Box) -> bool:
    """Whether a part begins with an edge that is parallel to the side, and is large enough to be a field."""
    rows, columns = content.shape
    if field.y <= 1 or field.width < _MIN_FIELD_SIDE * columns or field.height < _MIN_FIELD_SIDE * rows:
        return False
    counts = content[field.y + _LINES_BEHIND : field.y + _LINES_BEHIND + _LINES_COMPARED].sum(1)
    return bool(counts[0] >= max(_MIN_STRAIGHT_SHARE * counts.max(), _MIN_FIELD_SIDE * columns))


def _edge_behind_scatter(cells: Cells, distance: Array, edge: _Edge) -> _Edge:
    """The edge of a field whose scatter fades out smoothly over the margin; `edge` where there is no such field."""
    shares = (distance / cells.contrast)[:, 1:-1]
    steep = np.any(np.abs(np.diff(shares[edge.line :], axis=0)) > _MAX_SCATTER_STEP, axis=1)
    first = edge.line + int(np.argmax(steep)) + 1
    behind = first + 2 * _LINES_BEHIND
    if edge.level is None or not steep.any() or behind >= len(shares) or not cells.counted[edge.line : behind].all():
        return edge
    before = shares[first - 1]
    risen, later = (
        (shares[line] - before > _MIN_RISE).sum() for line in (behind, min(behind + _PLATEAU_LINES, len(shares) - 1))
    )
    is_straight = risen >= max(_MIN_RISEN_SHARE * later, _MIN_FIELD_SIDE * before.size)
    plateau = _plateau(distance, behind, cells.counted[behind])
    scatter = upper_median(before)
    is_scatter = scatter >= _MIN_STEP and shares[edge.line : first].max() <= _MAX_SCATTER
    middle = (scatter * cells.contrast + plateau) / 2
    return _Edge(first, edge.level, middle) if is_scatter and is_straight and plateau > 0 else edge


def _plateau(distance: Array, line: int, columns: Mask) -> float:
    """The distance of a line from the level of the margin; 0 where the distance still grows, as it does in skin."""
    near, far = (upper_median(distance[at][columns]) for at in (line, min(line + _PLATEAU_LINES, len(distance) - 1)))
    return near if near >= _MIN_PLATEAU_SHARE * far else 0.0


def upper_median(values: Array) -> float:
    """The upper median. np.median takes longer than all other work on a line."""
    middle = values.size // 2
    return float(np.partition(values, middle)[middle])


def _cut(frame: SearchableFrame, step: int, side: int, edge: _Edge) -> int:
    """The number of pixels to cut from a side; a straight edge is located to the line of pixels."""
    if edge.min_distance is None:
        return edge.line * step
    length, across = frame.size if side % 2 == 0 else frame.size[::-1]
    first, last = (edge.line - 1) * step, (edge.line + _LINES_BEHIND) * step
    lines = slice(length - last, length - first) if side >= 2 else slice(first, last)
    samples = slice(None, None, -(-across // _SAMPLES_PER_SIDE))
    block = frame.block(lines, samples) if side % 2 == 0 else frame.block(samples, lines)
    if edge.level is None:
        inside = np.ones(block.values.shape, np.bool_)
    else:
        inside = np.abs(block.values - edge.level) > edge.min_distance
    for mask in (block.masked, block.unavailable):
        inside = inside if mask is None else inside & ~mask
    touched = _from_side(inside, side).mean(1) > _MIN_RIM_PIXELS
    return first + max(int(np.argmax(touched)) - 1, 0) if touched.any() else first + step
