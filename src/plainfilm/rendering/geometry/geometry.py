# SPDX-License-Identifier: MIT
"""An instance's pixel spacing -> the rows and columns of its output, and the affine to them (PS3.3 10.7)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from plainfilm.dicom.instance import Instance
from plainfilm.dicom.orientation import Affine, Turn, compose
from plainfilm.errors import ConversionError, LimitError, Reason, Stage
from plainfilm.findings import Finding, FindingCode
from plainfilm.options.geometry import Border, Box, Fit, GeometryOptions, OutputSize, Pixels
from plainfilm.options.presentation import Orient
from plainfilm.rendering.geometry.hanging import hanging_turn

Array = npt.NDArray[Any]

# From this ratio of row spacing to column spacing on, pixels count as not square.
_NOT_SQUARE = Fraction(101, 100)


@dataclass(frozen=True, slots=True)
class Geometry:
    """Size in and out, and the source's spacing in mm between rows and between columns (None where it is not known).

    squared: width and height after square pixels. kept: the part of that which is kept. turn: what is done to this
    part. placed: where it then lies in the output, whole where it is larger. None is what comes before it.
    """

    rows: int
    columns: int
    height: int
    width: int
    spacing: tuple[float, float] | None = None
    findings: tuple[Finding, ...] = ()
    squared: tuple[int, int] | None = None
    kept: Box | None = None
    turn: Turn = Turn()
    placed: Box | None = None

    @property
    def squared_size(self) -> tuple[int, int]:
        """Width and height after square pixels."""
        return self.squared or self.turn.size(self.width, self.height)

    @property
    def scale(self) -> tuple[float, float]:
        """Output pixels a source pixel, along a row and along a column of the source."""
        (width, height), kept, _ = self._stages
        scaled = self._scaled
        return width / self.columns * (scaled[0] / kept.width), height / self.rows * (scaled[1] / kept.height)

    @property
    def affine(self) -> Affine:
        """Two rows of three: source (column, row) to output (x, y), between pixel centres counted from 0."""
        _, kept, placed = self._stages
        (x, y), scaled = self.scale, self._scaled
        left, top = -kept.x * scaled[0] / kept.width, -kept.y * scaled[1] / kept.height
        affine = (x, 0.0, (x - 1) / 2 + left, 0.0, y, (y - 1) / 2 + top)
        if not self.turn.is_identity:
            affine = compose(self.turn.affine(*scaled), affine)
        return compose((1.0, 0.0, float(placed.x), 0.0, 1.0, float(placed.y)), affine)

    @property
    def output_spacing(self) -> tuple[float | None, float | None]:
        """Spacing of the output in mm, along x and along y."""
        if self.spacing is None:
            return None, None
        x, y = self.scale
        spacing = self.spacing[1] / x, self.spacing[0] / y
        return (spacing[1], spacing[0]) if self.turn.quarters % 2 else spacing

    def apply(self, image: Array) -> Array:
        """The output image of a rendered frame. Where nothing is cut, square pixels and size are one resampling.

        It is turned after that, so that a picture that is turned has the values of one that is not.
        """
        squared, kept, placed = self._stages
        if (kept.width, kept.height) != squared:
            image = _resampled(image, *squared)[kept.y : kept.y + kept.height, kept.x : kept.x + kept.width]
        image = _resampled(image, *self._scaled)
        if not self.turn.is_identity:
            image = self.turn.apply(image)
        if (self.width, self.height) == (placed.width, placed.height):
            return np.ascontiguousarray(image)
        image = image[max(-placed.y, 0) :, max(-placed.x, 0) :][: self.height, : self.width]
        output = np.zeros((self.height, self.width, *image.shape[2:]), image.dtype)
        left, top = max(placed.x, 0), max(placed.y, 0)
        output[top : top + image.shape[0], left : left + image.shape[1]] = image
        return output

    @property
    def _scaled(self) -> tuple[int, int]:
        """Width and height of what is kept at its size in the output, before it is turned."""
        placed = self._stages[2]
        return self.turn.size(placed.width, placed.height)

    @property
    def _stages(self) -> tuple[tuple[int, int], Box, Box]:
        squared = self.squared_size
        return squared, self.kept or Box(0, 0, *squared), self.placed or Box(0, 0, self.width, self.height)


def geometry_of(
    instance: Instance, frame: int, options: GeometryOptions, max_pixels: int, orient: Orient = Orient.STORED
) -> Geometry:
    """Square pixels, then the part that is kept, its turn, then its size (the coarser axis is scaled up from 1 % on).

    A presentation state has the shape of pixels, a part of the image and a turn; without one the turn is that by which
    a viewer hangs the frame, where that is asked for.

    Raises LimitError where the output would be larger than the limit, and ConversionError where nothing is kept.
    """
    stored = _squared_geometry(instance, frame, options, max_pixels)
    squared = stored.width, stored.height
    turn, findings = _turn(instance, frame, orient)
    shown, notes = _displayed(instance, frame, stored)
    kept, cropped = _kept(options.crop, shown, stored)
    turned = replace(stored, turn=turn, findings=(*stored.findings, *findings, *notes, *cropped))
    width, height = turn.size(kept.width, kept.height)
    if kept == Box(0, 0, *squared) and options.size == OutputSize():
        return replace(turned, width=width, height=height)
    placed, (width, height) = _placed((width, height), options)
    if max(width * height, placed.width * placed.height) * instance.pixel.samples_per_pixel > max_pixels:
        raise LimitError(f"an output of {width} x {height} pixels is above {max_pixels}")
    return replace(turned, height=height, width=width, squared=squared, kept=kept, placed=placed)


def _squared_geometry(instance: Instance, frame: int, options: GeometryOptions, max_pixels: int) -> Geometry:
    """Square pixels and nothing else; as stored where that is asked for, or where they would be beyond the limit."""
    rows, columns = instance.pixel.rows, instance.pixel.columns
    attributes = instance.frame_attributes(frame)
    spacing = attributes.pixel_spacing or instance.pixel_spacing
    presented = None if attributes.presentation is None else attributes.presentation.pixel_aspect_ratio
    shape = None if options.pixels is Pixels.STORED else presented or spacing or instance.pixel_aspect_ratio
    width, height = _squared(rows, columns, shape)
    if (width, height) != (columns, rows) and height * width * instance.pixel.samples_per_pixel > max_pixels:
        note = f"square pixels would make the image {width} x {height}; pixels stay as stored"
        finding = Finding(FindingCode.PIXEL_SPACING_IMPLAUSIBLE, note)
        return Geometry(rows, columns, rows, columns, spacing, (finding,))
    return Geometry(rows, columns, height, width, spacing)


def _turn(instance: Instance, frame: int, orient: Orient) -> tuple[Turn, tuple[Finding, ...]]:
    """The turn of the presentation state, else that by which a viewer hangs the frame."""
    presented = instance.frame_attributes(frame).presentation
    if presented is not None:
        return presented.turn, ()
    return hanging_turn(instance, frame) if orient is Orient.VIEWER else (Turn(), ())


def _displayed(instance: Instance, frame: int, geometry: Geometry) -> tuple[Box, tuple[Finding, ...]]:
    """The part of the squared image that the presentation state displays; all, where it names none that can be."""
    whole = Box(0, 0, geometry.width, geometry.height)
    presented = instance.frame_attributes(frame).presentation
    if presented is None or presented.area is None:
        return whole, ()
    part = _part_of(presented.area, geometry)
    if part is not None:
        return part, ()
    note = "the displayed area does not meet the image; all is shown"
    return whole, (Finding(FindingCode.DISPLAYED_AREA_INVALID, note),)


def _part_of(area: tuple[int, int, int, int], geometry: Geometry) -> Box | None:
    """The part of a displayed area (two corners: column, row, column, row, from 1) that lies in the squared image."""
    x, y = (
        (max(min(first, last) - 1, 0), min(max(first, last), length))
        for first, last, length in ((area[0], area[2], geometry.columns), (area[1], area[3], geometry.rows))
    )
    if x[0] >= x[1] or y[0] >= y[1]:
        return None
    left, right = (_nearest(Fraction(edge * geometry.width, geometry.columns)) for edge in x)
    top, bottom = (_nearest(Fraction(edge * geometry.height, geometry.rows)) for edge in y)
    return Box(left, top, right - left, bottom - top)


def _squared(rows: int, columns: int, shape: tuple[float, float] | None) -> tuple[int, int]:
    """Width and height after square pixels."""
    if shape is None:
        return columns, rows
    # exactly, as they are written: 0.0707 to 0.07 is 1.01, and not a little less
    ratio = Fraction(repr(float(shape[0]))) / Fraction(repr(float(shape[1])))
    if max(ratio, 1 / ratio) < _NOT_SQUARE:
        return columns, rows
    return (columns, _nearest(rows * ratio)) if ratio > 1 else (_nearest(columns / ratio), rows)


def _kept(crop: Box | Border | None, shown: Box, squared: Geometry) -> tuple[Box, tuple[Finding, ...]]:
    """The part of the crop that lies in what is shown of the image; of a margin nothing is cut where there is none."""
    if crop is None:
        return shown, ()
    if isinstance(crop, Border):
        return _without_border(crop, shown, squared)
    kept = _common(crop, shown)
    if kept is None:
        where = f"{shown.width} x {shown.height} pixels" + (f" at {shown.x},{shown.y}" if shown.x or shown.y else "")
        message = f"--crop {crop} lies outside the image of {where}"
        raise ConversionError(message, reason=Reason.UNSUPPORTED_VALUE, stage=Stage.RENDER)
    return kept, ()


def _without_border(border: Border, shown: Box, squared: Geometry) -> tuple[Box, tuple[Finding, ...]]:
    found = border.kept
    if found is None:
        return shown, (Finding(FindingCode.BORDER_NOT_FOUND, border.note),)
    part = _part_of((found.x + 1, found.y + 1, found.x + found.width, found.y + found.height), squared)
    kept = None if part is None else _common(part, shown)
    if kept is None:
        return shown, (Finding(FindingCode.BORDER_NOT_FOUND, "all that is displayed is margin; nothing is cut"),)
    return kept, (Finding(FindingCode.BORDER_CROPPED, border.note),)


def _common(box: Box, other: Box) -> Box | None:
    """What two boxes have in common."""
    left, top = max(box.x, other.x), max(box.y, other.y)
    right, bottom = min(box.x + box.width, other.x + other.width), min(box.y + box.height, other.y + other.height)
    return Box(left, top, right - left, bottom - top) if left < right and top < bottom else None


def _placed(kept: tuple[int, int], options: GeometryOptions) -> tuple[Box, tuple[int, int]]:
    """Where what is kept, of this width and height, lies in the output, and the output's width and height."""
    size, fit = options.size, options.fit
    box = size.box or ((size.longest, size.longest) if size.longest is not None else kept)
    factors = Fraction(box[0], kept[0]), Fraction(box[1], kept[1])
    factor = max(factors) if fit is Fit.CROP else min(factors)
    factor = factor if options.enlarge else min(factor, Fraction(1))
    width, height = max(1, _nearest(kept[0] * factor)), max(1, _nearest(kept[1] * factor))
    if fit is Fit.KEEP:
        return Box(0, 0, width, height), (width, height)
    out = box if fit is Fit.PAD else (min(width, box[0]), min(height, box[1]))
    return Box((out[0] - width) // 2, (out[1] - height) // 2, width, height), out


def _resampled(image: Array, width: int, height: int) -> Array:
    """Each axis by its own filter: the mean of an area where it shrinks, linear where it grows."""
    rows, columns = image.shape[:2]
    smaller = min(width, columns), min(height, rows)
    for target, filter_ in ((smaller, cv2.INTER_AREA), ((width, height), cv2.INTER_LINEAR)):
        if (image.shape[1], image.shape[0]) != target:
            image = cv2.resize(image, target, interpolation=filter_)
    return image


def _nearest(size: Fraction) -> int:
    return math.floor(size + Fraction(1, 2))
