# SPDX-License-Identifier: MIT
"""An instance's pixel spacing -> the rows and columns of its output, and the affine to them (PS3.3 10.7)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import cv2
import numpy.typing as npt

from plainfilm.choices import Pixels
from plainfilm.dicom.instance import Instance
from plainfilm.findings import Finding, FindingCode

Array = npt.NDArray[Any]

# From this ratio of row spacing to column spacing on, pixels count as not square.
_NOT_SQUARE = Fraction(101, 100)


@dataclass(frozen=True, slots=True)
class Geometry:
    """Size in and out, and the source's spacing in mm between rows and between columns (None where it is not known)."""

    rows: int
    columns: int
    height: int
    width: int
    spacing: tuple[float, float] | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def scale(self) -> tuple[float, float]:
        """Output pixels a source pixel, along x and along y."""
        return self.width / self.columns, self.height / self.rows

    @property
    def affine(self) -> tuple[float, float, float, float, float, float]:
        """Two rows of three: source (column, row) to output (x, y), between pixel centres counted from 0."""
        x, y = self.scale
        return x, 0.0, (x - 1) / 2, 0.0, y, (y - 1) / 2

    @property
    def output_spacing(self) -> tuple[float | None, float | None]:
        """Spacing of the output in mm, along x and along y."""
        if self.spacing is None:
            return None, None
        x, y = self.scale
        return self.spacing[1] / x, self.spacing[0] / y

    def apply(self, image: Array) -> Array:
        """The output image of a rendered frame."""
        if (self.height, self.width) == (self.rows, self.columns):
            return image
        resized: Array = cv2.resize(image, (self.width, self.height), interpolation=cv2.INTER_LINEAR)
        return resized


def geometry_of(instance: Instance, frame: int, pixels: Pixels, max_pixels: int) -> Geometry:
    """Square pixels by scaling the coarser axis up, where the two differ by 1 % or more; the rest stays as stored."""
    rows, columns = instance.pixel.rows, instance.pixel.columns
    spacing = instance.frame_attributes(frame).pixel_spacing or instance.pixel_spacing
    stored = Geometry(rows, columns, rows, columns, spacing)
    shape = spacing or instance.pixel_aspect_ratio
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


def _nearest(size: Fraction) -> int:
    return math.floor(size + Fraction(1, 2))
