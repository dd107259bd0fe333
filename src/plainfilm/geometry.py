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

from plainfilm.choices import Pixels
from plainfilm.dicom.instance import Instance
from plainfilm.findings import Finding, FindingCode
from plainfilm.hanging import hanging_turn
from plainfilm.placing import Affine, Crop, Turn, compose
from plainfilm.showing import Orient

Array = npt.NDArray[Any]

# From this ratio of row spacing to column spacing on, pixels count as not square.
_NOT_SQUARE = Fraction(101, 100)


@dataclass(frozen=True, slots=True)
class Geometry:
    """What happens to rows and columns: scaled to square pixels, then cropped, then turned.

    spacing: the source's, in mm between rows and between columns (None where it is not known).
    """

    rows: int
    columns: int
    scaled_rows: int
    scaled_columns: int
    spacing: tuple[float, float] | None = None
    findings: tuple[Finding, ...] = ()
    crop: Crop | None = None
    turn: Turn = Turn()

    @property
    def width(self) -> int:
        """Columns of the output."""
        return self.turn.size(*self._cropped_size)[0]

    @property
    def height(self) -> int:
        """Rows of the output."""
        return self.turn.size(*self._cropped_size)[1]

    @property
    def _cropped_size(self) -> tuple[int, int]:
        crop = self.crop
        return (self.scaled_columns, self.scaled_rows) if crop is None else (crop.width, crop.height)

    @property
    def scale(self) -> tuple[float, float]:
        """Scaled pixels a source pixel, along a row and along a column of the source."""
        return self.scaled_columns / self.columns, self.scaled_rows / self.rows

    @property
    def affine(self) -> Affine:
        """Two rows of three: source (column, row) to output (x, y), between pixel centres counted from 0."""
        x, y = self.scale
        affine: Affine = (x, 0.0, (x - 1) / 2, 0.0, y, (y - 1) / 2)
        if self.crop is not None:
            affine = compose(self.crop.affine, affine)
        return affine if self.turn.is_identity else compose(self.turn.affine(*self._cropped_size), affine)

    @property
    def output_spacing(self) -> tuple[float | None, float | None]:
        """Spacing of the output in mm, along x and along y."""
        if self.spacing is None:
            return None, None
        x, y = self.scale
        spacing = self.spacing[1] / x, self.spacing[0] / y
        return (spacing[1], spacing[0]) if self.turn.quarters % 2 else spacing

    def apply(self, image: Array) -> Array:
        """The output image of a rendered frame."""
        if (self.scaled_rows, self.scaled_columns) != (self.rows, self.columns):
            size = (self.scaled_columns, self.scaled_rows)
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR))
        if self.crop is not None:
            image = self.crop.apply(image)
        return image if self.turn.is_identity else self.turn.apply(image)


def geometry_of(instance: Instance, frame: int, pixels: Pixels, max_pixels: int) -> Geometry:
    """Square pixels by scaling the coarser axis up, where the two differ by 1 % or more; the rest stays as stored."""
    rows, columns = instance.pixel.rows, instance.pixel.columns
    attributes = instance.frame_attributes(frame)
    spacing = attributes.pixel_spacing or instance.pixel_spacing
    stored = Geometry(rows, columns, rows, columns, spacing)
    presented = None if attributes.presented is None else attributes.presented.pixel_aspect_ratio
    shape = presented or spacing or instance.pixel_aspect_ratio
    if pixels is Pixels.STORED or shape is None:
        return stored
    # exactly, as they are written: 0.0707 to 0.07 is 1.01, and not a little less
    ratio = Fraction(repr(float(shape[0]))) / Fraction(repr(float(shape[1])))
    if max(ratio, 1 / ratio) < _NOT_SQUARE:
        return stored
    height, width = (_nearest(rows * ratio), columns) if ratio > 1 else (rows, _nearest(columns / ratio))
    if height * width * instance.pixel.samples_per_pixel > max_pixels:
        note = f"square pixels would make the image {width} x {height}; pixels stay as stored"
        finding = Finding(FindingCode.PIXEL_SPACING_IMPLAUSIBLE, note)
        return Geometry(rows, columns, rows, columns, spacing, (finding,))
    return Geometry(rows, columns, height, width, spacing)


def placed(geometry: Geometry, instance: Instance, frame: int, orient: Orient) -> Geometry:
    """The geometry with the crop and the turn of the presentation state, else turned as a viewer hangs the frame."""
    presented = instance.frame_attributes(frame).presented
    if presented is None:
        turn, findings = hanging_turn(instance, frame) if orient is Orient.VIEWER else (Turn(), ())
        return replace(geometry, turn=turn, findings=(*geometry.findings, *findings))
    turned = replace(geometry, turn=presented.turn)
    if presented.area is None:
        return turned
    crop = _crop_of(presented.area, geometry)
    if crop is None:
        finding = Finding(
            FindingCode.DISPLAYED_AREA_INVALID, "the displayed area does not meet the image; all is shown"
        )
        return replace(turned, findings=(*geometry.findings, finding))
    whole = crop == Crop(0, 0, geometry.scaled_columns, geometry.scaled_rows)
    return replace(turned, crop=None if whole else crop)


def _crop_of(area: tuple[int, int, int, int], geometry: Geometry) -> Crop | None:
    """The part of a displayed area (two corners: column, row, column, row, from 1) that lies in the scaled image."""
    x, y = (
        (max(min(first, last) - 1, 0), min(max(first, last), length))
        for first, last, length in ((area[0], area[2], geometry.columns), (area[1], area[3], geometry.rows))
    )
    if x[0] >= x[1] or y[0] >= y[1]:
        return None
    left, right = (_nearest(Fraction(edge * geometry.scaled_columns, geometry.columns)) for edge in x)
    top, bottom = (_nearest(Fraction(edge * geometry.scaled_rows, geometry.rows)) for edge in y)
    return Crop(left, top, right - left, bottom - top)


def _nearest(size: Fraction) -> int:
    return math.floor(size + Fraction(1, 2))
