# SPDX-License-Identifier: MIT
"""Resample a rendered frame to the rows and columns of its output, and compute the affine between both (PS3.3 10.7)."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from plainfilm.dicom.orientation import Affine, Turn, compose
from plainfilm.findings import Finding
from plainfilm.kernels.area import area_means
from plainfilm.kernels.levels import Levels, LookupImage, levels_array
from plainfilm.options.geometry import Box
from plainfilm.pickling import dataclass
from plainfilm.rendering.geometry.outline import Outline, outline_mask

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Geometry:
    """The steps from the stored rows and columns of a frame to those of its output, in this order.

    rows, columns: the size of the frame as stored. height, width: the size of the output.
    spacing: the stored pixel spacing in mm, between rows and between columns; None where it is unknown.
    outline: of stored pixels, outside of which the frame is painted black; empty for none.
    resized: width and height after square pixels; None where the output before the turn has the same.
    crop: the part of the image with square pixels that is kept; None for the whole.
    turn: quarter turns and flip of this part.
    placement: the box of the turned part in the output, which may reach beyond the output; None for the whole output.
    wanted_spacing: the spacing in mm that decides the size of the output; None where another option does.
    """

    rows: int
    columns: int
    height: int
    width: int
    spacing: tuple[float, float] | None = None
    findings: tuple[Finding, ...] = ()
    outline: Outline = ()
    resized: tuple[int, int] | None = None
    crop: Box | None = None
    turn: Turn = Turn()
    placement: Box | None = None
    wanted_spacing: float | None = None

    @property
    def square_pixel_size(self) -> tuple[int, int]:
        """Width and height after square pixels."""
        return self.resized or self.turn.size(self.width, self.height)

    @property
    def scale(self) -> tuple[float, float]:
        """Output pixels per stored pixel, along a row and along a column of the stored frame."""
        return self._scale_of(self._crop, self._scaled_size)

    @property
    def affine(self) -> Affine:
        """Two rows of three: stored (column, row) to output (x, y), between pixel centres counted from 0."""
        crop, placement = self._crop, self._placement
        scaled = self.turn.size(placement.width, placement.height)
        x, y = self._scale_of(crop, scaled)
        left, top = -crop.x * scaled[0] / crop.width, -crop.y * scaled[1] / crop.height
        affine = (x, 0.0, (x - 1) / 2 + left, 0.0, y, (y - 1) / 2 + top)
        if not self.turn.is_identity:
            affine = compose(self.turn.affine(*scaled), affine)
        return compose((1.0, 0.0, float(placement.x), 0.0, 1.0, float(placement.y)), affine)

    @property
    def output_spacing(self) -> tuple[float | None, float | None]:
        """The pixel spacing of the output in mm, along x and along y; None where the stored one is unknown."""
        if self.spacing is None:
            return None, None
        x, y = self.scale
        spacing = self.spacing[1] / x, self.spacing[0] / y
        return (spacing[1], spacing[0]) if self.turn.quarters % 2 else spacing

    def apply(self, levels: Levels) -> Levels:
        """The output of a rendered frame, (rows, columns) or (rows, columns, 3), in C order.

        Without a crop, square pixels and size are one resampling. The turn comes after resampling, so that a turned
        image has the values of one that is not turned.
        """
        placement, square_pixel_size = self._placement, self.square_pixel_size
        if self.outline:
            masked = levels_array(levels).copy()
            masked[outline_mask(self.outline, self.rows, self.columns)] = 0
            levels = masked
        if self.crop is not None and (self.crop.width, self.crop.height) != square_pixel_size:
            levels = _part(_resampled(levels, *square_pixel_size), self.crop)
        levels = _resampled(levels, *self.turn.size(placement.width, placement.height))
        is_placed = (self.width, self.height) == (placement.width, placement.height)
        if isinstance(levels, LookupImage) and self.turn.is_identity and is_placed:
            return levels
        image = levels_array(levels)
        if not self.turn.is_identity:
            image = self.turn.apply(image)
        if is_placed:
            return np.ascontiguousarray(image)
        image = image[max(-placement.y, 0) :, max(-placement.x, 0) :][: self.height, : self.width]
        output = np.zeros((self.height, self.width, *image.shape[2:]), image.dtype)
        left, top = max(placement.x, 0), max(placement.y, 0)
        output[top : top + image.shape[0], left : left + image.shape[1]] = image
        return output

    def _scale_of(self, crop: Box, scaled_size: tuple[int, int]) -> tuple[float, float]:
        (width, height), (scaled_width, scaled_height) = self.square_pixel_size, scaled_size
        return width / self.columns * (scaled_width / crop.width), height / self.rows * (scaled_height / crop.height)

    @property
    def _crop(self) -> Box:
        return self.crop or Box(0, 0, *self.square_pixel_size)

    @property
    def _placement(self) -> Box:
        return self.placement or Box(0, 0, self.width, self.height)

    @property
    def _scaled_size(self) -> tuple[int, int]:
        """Width and height of the kept part at its size in the output, before the turn."""
        placement = self._placement
        return self.turn.size(placement.width, placement.height)


def _part(levels: Levels, box: Box) -> Levels:
    if isinstance(levels, LookupImage):
        return levels.part(box.x, box.y, box.width, box.height)
    return levels[box.y : box.y + box.height, box.x : box.x + box.width]


def _resampled(levels: Levels, width: int, height: int) -> Levels:
    """Resample each axis with its own filter: the mean of an area to shrink it, linear interpolation to enlarge it."""
    rows, columns = levels.shape[:2]
    smaller = min(width, columns), min(height, rows)
    if (columns, rows) != smaller:
        levels = area_means(levels, *smaller)
    if smaller != (width, height):
        levels = np.asarray(cv2.resize(levels_array(levels), (width, height), interpolation=cv2.INTER_LINEAR))
    return levels
