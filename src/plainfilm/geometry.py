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
from plainfilm.errors import ConversionError, LimitError, Reason, Stage
from plainfilm.findings import Finding, FindingCode
from plainfilm.framing import Box, Fit, OutputSize
from plainfilm.picture_options import GeometryOptions

Array = npt.NDArray[Any]

# From this ratio of row spacing to column spacing on, pixels count as not square.
_NOT_SQUARE = Fraction(101, 100)


@dataclass(frozen=True, slots=True)
class Geometry:
    """Size in and out, and the source's spacing in mm between rows and between columns (None where it is not known).

    squared: width and height after square pixels. kept: the part of that which is kept. placed: where that lies in the
    output, whole where it is larger. Each is None where it is what comes before it.
    """

    rows: int
    columns: int
    height: int
    width: int
    spacing: tuple[float, float] | None = None
    findings: tuple[Finding, ...] = ()
    squared: tuple[int, int] | None = None
    kept: Box | None = None
    placed: Box | None = None

    @property
    def scale(self) -> tuple[float, float]:
        """Output pixels a source pixel, along x and along y."""
        (width, height), kept, placed = self._stages
        x, y = placed.width / kept.width, placed.height / kept.height
        return width / self.columns * x, height / self.rows * y

    @property
    def affine(self) -> tuple[float, float, float, float, float, float]:
        """Two rows of three: source (column, row) to output (x, y), between pixel centres counted from 0."""
        _, kept, placed = self._stages
        x, y = self.scale
        left = placed.x - kept.x * placed.width / kept.width
        top = placed.y - kept.y * placed.height / kept.height
        return x, 0.0, (x - 1) / 2 + left, 0.0, y, (y - 1) / 2 + top

    @property
    def output_spacing(self) -> tuple[float | None, float | None]:
        """Spacing of the output in mm, along x and along y."""
        if self.spacing is None:
            return None, None
        x, y = self.scale
        return self.spacing[1] / x, self.spacing[0] / y

    def apply(self, image: Array) -> Array:
        """The output image of a rendered frame. Where nothing is cut, square pixels and size are one resampling."""
        squared, kept, placed = self._stages
        if (kept.width, kept.height) != squared:
            image = _resampled(image, *squared)[kept.y : kept.y + kept.height, kept.x : kept.x + kept.width]
        image = _resampled(image, placed.width, placed.height)
        if (self.width, self.height) == (placed.width, placed.height):
            return np.ascontiguousarray(image)
        image = image[max(-placed.y, 0) :, max(-placed.x, 0) :][: self.height, : self.width]
        output = np.zeros((self.height, self.width, *image.shape[2:]), image.dtype)
        left, top = max(placed.x, 0), max(placed.y, 0)
        output[top : top + image.shape[0], left : left + image.shape[1]] = image
        return output

    @property
    def _stages(self) -> tuple[tuple[int, int], Box, Box]:
        squared = self.squared or (self.width, self.height)
        kept = self.kept or Box(0, 0, *squared)
        return squared, kept, self.placed or Box(0, 0, self.width, self.height)


def geometry_of(instance: Instance, frame: int, options: GeometryOptions, max_pixels: int) -> Geometry:
    """Square pixels, then the part that is kept, then its size (the coarser axis is scaled up from 1 % on).

    Raises LimitError where the output would be larger than the limit, and ConversionError where nothing is kept.
    """
    rows, columns = instance.pixel.rows, instance.pixel.columns
    spacing = instance.frame_attributes(frame).pixel_spacing or instance.pixel_spacing
    shape = None if options.pixels is Pixels.STORED else spacing or instance.pixel_aspect_ratio
    width, height = _squared(rows, columns, shape)
    findings: tuple[Finding, ...] = ()
    if (width, height) != (columns, rows) and height * width * instance.pixel.samples_per_pixel > max_pixels:
        note = f"square pixels would make the image {width} x {height}; pixels stay as stored"
        findings = (Finding(FindingCode.PIXEL_SPACING_IMPLAUSIBLE, note),)
        width, height = columns, rows
    stored = Geometry(rows, columns, height, width, spacing, findings)
    if options.crop is None and options.size == OutputSize():
        return stored
    kept = _kept(options.crop, width, height)
    placed, (out_width, out_height) = _placed(kept, options)
    if max(out_width * out_height, placed.width * placed.height) * instance.pixel.samples_per_pixel > max_pixels:
        raise LimitError(f"an output of {out_width} x {out_height} pixels is above {max_pixels}")
    return replace(stored, height=out_height, width=out_width, squared=(width, height), kept=kept, placed=placed)


def _squared(rows: int, columns: int, shape: tuple[float, float] | None) -> tuple[int, int]:
    """Width and height after square pixels."""
    if shape is None:
        return columns, rows
    # exactly, as they are written: 0.0707 to 0.07 is 1.01, and not a little less
    ratio = Fraction(repr(float(shape[0]))) / Fraction(repr(float(shape[1])))
    if max(ratio, 1 / ratio) < _NOT_SQUARE:
        return columns, rows
    return (columns, _nearest(rows * ratio)) if ratio > 1 else (_nearest(columns / ratio), rows)


def _kept(crop: Box | None, width: int, height: int) -> Box:
    """The part of the crop that lies in the image."""
    if crop is None:
        return Box(0, 0, width, height)
    if crop.x >= width or crop.y >= height:
        message = f"--crop {crop} lies outside the image of {width} x {height} pixels"
        raise ConversionError(message, reason=Reason.UNSUPPORTED_VALUE, stage=Stage.RENDER)
    return Box(crop.x, crop.y, min(crop.width, width - crop.x), min(crop.height, height - crop.y))


def _placed(kept: Box, options: GeometryOptions) -> tuple[Box, tuple[int, int]]:
    """Where the part that is kept lies in the output, and the output's width and height."""
    size, fit = options.size, options.fit
    box = size.box or ((size.longest, size.longest) if size.longest is not None else (kept.width, kept.height))
    factors = Fraction(box[0], kept.width), Fraction(box[1], kept.height)
    factor = max(factors) if fit is Fit.CROP else min(factors)
    factor = factor if options.enlarge else min(factor, Fraction(1))
    width, height = max(1, _nearest(kept.width * factor)), max(1, _nearest(kept.height * factor))
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
