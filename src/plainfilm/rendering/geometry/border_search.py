# SPDX-License-Identifier: MIT
"""The values of a frame -> the part of it that is no margin: what a collimator hid, a frame round a film, or nothing.

Each side is searched by itself, on cells of many pixels in which single pixels of noise do not count. A margin is one
level, and ends where something else than a speck begins. docs/decisions/border-search.md says what is cut and why.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from plainfilm.options.geometry import Box

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

# The longer side in samples, and in cells: means of samples.
_SAMPLES, _CELLS = 768, 256
_FEWEST_CELLS = 24
# The line of cells by which the level of a margin is known; the outermost ones hold the rims of scanners.
_OUTER = slice(1, 2)
# How far a margin strays from its level, as shares of the contrast of the picture: without noise, and at most.
_FLAT, _LEAST, _MOST = 0.0005, 0.01, 0.08
_DEVIATIONS = 5.0
_AT_LEVEL, _SEEN = 0.8, 0.5
# The box of a speck has so few cells; that of a marker at most such a share of the picture, and of its longer side.
_SPECK, _MARKER, _MARKER_LENGTH = 4, 0.015, 0.2
# A straight edge is nearly as long two cells behind its first as it is in the next ten, and a quarter of the side.
_BEHIND, _NEXT, _STRAIGHT, _LONG, _STEEP = 2, 10, 0.7, 0.25, 0.1
# What is sharp has reached so much of its height as it has so many cells further on.
_FURTHER, _REACHED = 8, 0.75
# Cells left round what does not end in a straight edge: skin fades into air.
_FADING = 2
# A straight edge begins in the first line in which so many pixels have so much of what lies behind it.
_TOUCHED, _RIM = 0.01, 0.25
# Scatter beside a field: up to such a share of the contrast, and no more than so much of it from one cell to the
# next; then comes the edge of the field, which rises by so much, nearly everywhere where the field is.
_HAZE, _HAZE_STEP, _RISE, _WHOLE = 0.4, 0.08, 0.25, 0.9
_LEAST_KEPT = 4


class BorderOutcome(Enum):
    """What came of a search. EMPTY: there is nothing in the frame but margin, so it has no say."""

    FOUND = auto()
    NO_MARGIN = auto()
    EMPTY = auto()
    IMPLAUSIBLE = auto()


@dataclass(frozen=True, slots=True)
class PixelBlock:
    """Some pixels of a frame: their values, floating, (rows, columns), with which are hidden and which nobody may see.

    hidden: padding, or outside the display shutter: margin, whatever the value. unseen: neither margin nor picture.
    """

    values: Array
    hidden: Mask | None = None
    unseen: Mask | None = None


class Frame(Protocol):
    """What can be looked at in part."""

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""

    def glimpse(self, rows: slice, columns: slice) -> PixelBlock:
        """The pixels of these rows and columns."""


@dataclass(frozen=True, slots=True)
class BorderResult:
    """The part of a frame, in its own pixels, that is no margin: the whole where none was found."""

    kept: Box
    outcome: BorderOutcome


@dataclass(frozen=True, slots=True)
class _Cells:
    """A frame in cells: the mean of what is seen in each, and which of them hold any such, or nothing but padding.

    step: pixels a cell, along rows and columns.
    """

    means: Array
    seen: Mask
    hidden: Mask
    step: int
    contrast: float

    def from_side(self, side: int) -> _Cells:
        """The same with a side (0: top, 1: left, 2: bottom, 3: right) as the first line."""
        means, seen, hidden = (_from_side(plane, side) for plane in (self.means, self.seen, self.hidden))
        return _Cells(means, seen, hidden, self.step, self.contrast)


@dataclass(frozen=True, slots=True)
class _Edge:
    """Where a margin ends: the first line of cells that is kept, and the level of the margin; None where it is padding.

    beyond: of a straight edge, how far from that level its picture is; None of any other.
    """

    line: int
    level: float | None = None
    beyond: float | None = None


def without_margin(frame: Frame) -> BorderResult:
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
    kept = Box(left, top, columns - left - right, rows - top - bottom)
    if kept == whole:
        return BorderResult(whole, BorderOutcome.NO_MARGIN)
    if kept.width * _LEAST_KEPT < columns or kept.height * _LEAST_KEPT < rows:
        return BorderResult(whole, BorderOutcome.IMPLAUSIBLE)
    return BorderResult(kept, BorderOutcome.FOUND)


def _from_side(plane: Array, side: int) -> Array:
    turned = plane.T if side % 2 else plane
    return np.ascontiguousarray(turned[::-1] if side >= 2 else turned)


def _cells_of(frame: Frame) -> _Cells:
    """A frame in cells, from every so manieth pixel of every so manieth row."""
    stride = -(-max(frame.size) // _SAMPLES)
    glimpse = frame.glimpse(slice(None, None, stride), slice(None, None, stride))
    rows, columns = glimpse.values.shape
    side = max(1, -(-max(rows, columns) // _CELLS))
    size = max(1, rows // side), max(1, columns // side)
    masks = [mask for mask in (glimpse.hidden, glimpse.unseen) if mask is not None]
    if not masks:
        means = _shares(glimpse.values, size, side)
        return _Cells(means, np.ones(size, np.bool_), np.zeros(size, np.bool_), stride * side, _contrast(means.ravel()))
    counted = ~np.logical_or.reduce(masks)
    shares = _shares(counted, size, side)
    seen = shares > 0
    means = _shares(np.where(counted, glimpse.values, 0), size, side) / np.where(seen, shares, 1)
    hidden = ~seen
    if glimpse.unseen is not None:
        hidden &= _shares(glimpse.unseen, size, side) == 0
    return _Cells(means, seen, hidden, stride * side, _contrast(means[seen]))


def _shares(plane: Array, size: tuple[int, int], side: int) -> Array:
    """The mean of each cell of side x side samples; what is left over below and on the right belongs to none."""
    plane = plane[: size[0] * side, : size[1] * side]
    if plane.dtype == np.bool_:
        plane = plane.astype(np.float32)
    means: Array = cv2.resize(plane, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    return means


def _contrast(means: Array) -> float:
    """How far the levels of a picture lie apart, without the rarest."""
    if means.size == 0:
        return 0.0
    rare = means.size // 500
    ordered = np.partition(means, (rare, means.size - 1 - rare))
    return float(ordered[means.size - 1 - rare] - ordered[rare])


def _edge(cells: _Cells) -> _Edge | None:
    """Where the margin along the first line ends: line 0 where there is none, None where all is margin."""
    seen, hidden = cells.seen[_OUTER], cells.hidden[_OUTER]
    if (seen | hidden).mean() < _SEEN:
        return _Edge(0)
    if hidden.mean() >= _SEEN:
        return _end_of(cells, None, 0.0)
    outer = cells.means[_OUTER][seen]
    level = _middle(outer)
    away = np.abs(outer - level)
    noise = _middle(away) * 1.4826 / cells.contrast
    allowed = min(max(_DEVIATIONS * noise, _LEAST), _MOST) * cells.contrast
    if (away <= allowed).mean() < _AT_LEVEL:
        return _Edge(0)
    found = _end_of(cells, level, allowed)
    if found is None or found.beyond is not None or noise <= _FLAT:
        return found
    return _Edge(0)


def _end_of(cells: _Cells, level: float | None, allowed: float) -> _Edge | None:
    """The first line that holds more than specks; beyond the straight edge of a field markers are margin too."""
    away = np.abs(cells.means - (0.0 if level is None else level))
    content = cells.seen.copy() if level is None else cells.seen & (away > allowed)
    content[[0, -1]] = content[:, [0, -1]] = False
    parts = _parts_of(content)
    if not parts:
        return None
    field = next((part for part in parts if not _is_marker(part, content.shape)), None)
    if field is not None and _is_straight(content, field):
        beyond = _plateau(away, field.y + _BEHIND, content[field.y + _BEHIND])
        if level is None or beyond >= _STEEP * cells.contrast:
            return _Edge(field.y, level, _RIM * beyond)
    if parts[0].y <= 1:
        return _Edge(0)
    return _behind_haze(cells, away, _Edge(max(parts[0].y - _FADING, 0), level))


def _parts_of(content: Mask) -> list[Box]:
    """The boxes round what hangs together, without specks, by their first line."""
    contours, _ = cv2.findContours(content.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    parts = (Box(*cv2.boundingRect(contour)) for contour in contours)
    return sorted((part for part in parts if part.width * part.height > _SPECK), key=lambda part: part.y)


def _is_marker(part: Box, size: tuple[int, ...]) -> bool:
    area, longest = size[0] * size[1], max(size)
    return part.width * part.height <= _MARKER * area and max(part.width, part.height) <= _MARKER_LENGTH * longest


def _is_straight(content: Mask, field: Box) -> bool:
    """Whether a part begins in an edge that is parallel to the side, and is large enough to be a field."""
    rows, columns = content.shape
    if field.y <= 1 or field.width < _LONG * columns or field.height < _LONG * rows:
        return False
    counts = content[field.y + _BEHIND : field.y + _BEHIND + _NEXT].sum(1)
    return bool(counts[0] >= max(_STRAIGHT * counts.max(), _LONG * columns))


def _behind_haze(cells: _Cells, away: Array, edge: _Edge) -> _Edge:
    """The edge of a field whose scatter fades out over the margin, smoothly; `edge` where there is no such field."""
    shares = (away / cells.contrast)[:, 1:-1]
    steep = np.any(np.abs(np.diff(shares[edge.line :], axis=0)) > _HAZE_STEP, axis=1)
    begins = edge.line + int(np.argmax(steep)) + 1
    behind = begins + 2 * _BEHIND
    if edge.level is None or not steep.any() or behind >= len(shares) or not cells.seen[edge.line : behind].all():
        return edge
    before = shares[begins - 1]
    risen, later = ((shares[line] - before > _RISE).sum() for line in (behind, min(behind + _FURTHER, len(shares) - 1)))
    is_straight = risen >= max(_WHOLE * later, _LONG * before.size)
    beyond = _plateau(away, behind, cells.seen[behind])
    haze = _middle(before)
    is_haze = haze >= _STEEP and shares[edge.line : begins].max() <= _HAZE
    middle = (haze * cells.contrast + beyond) / 2
    return _Edge(begins, edge.level, middle) if is_haze and is_straight and beyond > 0 else edge


def _plateau(away: Array, line: int, where: Mask) -> float:
    """How far from the level of the margin the picture is in a line; 0 where it still goes away, as skin does."""
    there, further = (_middle(away[at][where]) for at in (line, min(line + _FURTHER, len(away) - 1)))
    return there if there >= _REACHED * further else 0.0


def _middle(values: Array) -> float:
    """The upper median of some values; that of numpy takes longer than all else that is done with a line."""
    middle = values.size // 2
    return float(np.partition(values, middle)[middle])


def _cut(frame: Frame, step: int, side: int, edge: _Edge) -> int:
    """How many pixels are cut from a side: up to the very line in which a straight edge begins."""
    if edge.beyond is None:
        return edge.line * step
    length, across = frame.size if side % 2 == 0 else frame.size[::-1]
    first, last = (edge.line - 1) * step, (edge.line + _BEHIND) * step
    lines = slice(length - last, length - first) if side >= 2 else slice(first, last)
    over = slice(None, None, -(-across // _SAMPLES))
    glimpse = frame.glimpse(lines, over) if side % 2 == 0 else frame.glimpse(over, lines)
    if edge.level is None:
        inside = np.ones(glimpse.values.shape, np.bool_)
    else:
        inside = np.abs(glimpse.values - edge.level) > edge.beyond
    for mask in (glimpse.hidden, glimpse.unseen):
        inside = inside if mask is None else inside & ~mask
    touched = _from_side(inside, side).mean(1) > _TOUCHED
    return first + max(int(np.argmax(touched)) - 1, 0) if touched.any() else first + step
