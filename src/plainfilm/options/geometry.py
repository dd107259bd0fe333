# SPDX-License-Identifier: MIT
"""The options of geometry: square pixels, crop and size."""

from __future__ import annotations

import re
from enum import StrEnum

from plainfilm.errors import OptionsError
from plainfilm.options.field import ValueType, option
from plainfilm.options.value_types import SWITCH, members, parse_number
from plainfilm.pickling import dataclass


class Pixels(StrEnum):
    """The shape of the output pixels: square, or that of the stored pixels."""

    SQUARE = "square"
    STORED = "stored"


class CropMode(StrEnum):
    """A crop that depends on the pixels of the image: all but its margin."""

    BORDER = "border"


class Mask(StrEnum):
    """What of the image is painted black: nothing, or the margin outside the exposed field."""

    NONE = "none"
    BORDER = "border"


class Fit(StrEnum):
    """How an image fits the width and height of --size: within both, padded with black, or cropped to both."""

    KEEP = "keep"
    PAD = "pad"
    CROP = "crop"


@dataclass(frozen=True, slots=True)
class OutputSize:
    """The size of the output in pixels: the longest side, a box of width and height, or neither."""

    longest: int | None = None
    box: tuple[int, int] | None = None

    def __str__(self) -> str:
        if self.box is not None:
            return f"{self.box[0]}x{self.box[1]}"
        return "none" if self.longest is None else str(self.longest)


@dataclass(frozen=True, slots=True)
class Box:
    """A part of an image in pixels: its first column and row, both from 0, and its width and height."""

    x: int
    y: int
    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.x},{self.y},{self.width},{self.height}"


def parse_output_size(value: object) -> OutputSize:
    """`none`, `N`, `WxH`, or a pair of numbers. Raises OptionsError."""
    if isinstance(value, OutputSize):
        return value
    text = "x".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value).strip().lower()
    if text == "none":
        return OutputSize()
    match = re.fullmatch(r"([1-9]\d{0,6})(?:x([1-9]\d{0,6}))?", text)
    if match is None:
        raise OptionsError(f"none, N or WxH in pixels, not {value!r}")
    return OutputSize(box=(int(match[1]), int(match[2]))) if match[2] else OutputSize(longest=int(match[1]))


def parse_crop(value: object) -> Box | CropMode | None:
    """`none`, `border`, `X,Y,W,H`, or four numbers. Raises OptionsError."""
    if value is None or isinstance(value, (Box, CropMode)):
        return value
    text = ",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value).strip().lower()
    if text in ("none", "border"):
        return None if text == "none" else CropMode.BORDER
    match = re.fullmatch(r"(\d{1,7}),(\d{1,7}),([1-9]\d{0,6}),([1-9]\d{0,6})", text.replace(" ", ""))
    if match is None:
        raise OptionsError(f"none, border or X,Y,W,H in pixels, not {value!r}")
    return Box(*map(int, match.groups()))


def parse_spacing(value: object) -> float | None:
    """`none`, or millimetres per pixel, at most 1000. Raises OptionsError."""
    if value is None or str(value).strip().lower() == "none":
        return None
    spacing = parse_number(str(value).strip().lower().removesuffix("mm"))
    if not 0 < spacing <= _MOST_SPACING:
        raise OptionsError(f"none, or mm per pixel above 0 and at most {_MOST_SPACING:g}, not {value!r}")
    return spacing


_MOST_SPACING = 1000.0
_SPACING = ValueType(parse_spacing, "none|MM", "str | float")
_SIZE = ValueType(parse_output_size, "none|N|WxH", "str | int | tuple[int, int]")
_CROP = ValueType(parse_crop, "none|border|X,Y,W,H", "str | tuple[int, int, int, int]")


@dataclass(frozen=True, slots=True)
class GeometryOptions:
    """How output levels become the rows and columns of the output."""

    pixels: Pixels = option(Pixels.SQUARE, members(Pixels), "square resamples pixels that are not square")
    crop: Box | CropMode | None = option(
        None,
        _CROP,
        "keep a part of the image, in pixels after square pixels; border cuts the margin (default: none)",
    )
    mask: Mask = option(
        Mask.NONE, members(Mask), "border paints the margin black along its true edge, slanted or round"
    )
    size: OutputSize = option(
        OutputSize(), _SIZE, "the size of the output in pixels, where N is the longest side; it never enlarges"
    )
    spacing: float | None = option(
        None, _SPACING, "resample to this many mm per pixel, also if that enlarges the image (default: none)"
    )
    enlarge: bool = option(False, SWITCH, "let --size enlarge the image")
    fit: Fit = option(Fit.KEEP, members(Fit), "how the image fits WxH: within it, padded with black, or cropped")

    def __post_init__(self) -> None:
        if self.spacing is not None and self.size != OutputSize():
            raise OptionsError("--spacing and --size contradict each other: each decides the size of the output")
        if self.fit is not Fit.KEEP and self.size.box is None:
            raise OptionsError(f"--fit {self.fit} needs --size WxH")
