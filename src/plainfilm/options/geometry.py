# SPDX-License-Identifier: MIT
"""The options of geometry: square pixels, crop and size."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from plainfilm.errors import OptionsError
from plainfilm.options.field import option, parse_flag, parse_member, words


class Pixels(StrEnum):
    """Whether pixels that are not square are made so."""

    SQUARE = "square"
    STORED = "stored"


class Fit(StrEnum):
    """How the width and height of --size are met: within them, filled up with black, or cut to them."""

    KEEP = "keep"
    PAD = "pad"
    CROP = "crop"


@dataclass(frozen=True, slots=True)
class OutputSize:
    """The size of the output in pixels: the longest side, a width and a height, or neither."""

    longest: int | None = None
    box: tuple[int, int] | None = None

    def __str__(self) -> str:
        if self.box is not None:
            return f"{self.box[0]}x{self.box[1]}"
        return "none" if self.longest is None else str(self.longest)


@dataclass(frozen=True, slots=True)
class Box:
    """A part of an image in pixels: its first column and row, from 0, its width and height."""

    x: int
    y: int
    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.x},{self.y},{self.width},{self.height}"


@dataclass(frozen=True, slots=True)
class Border:
    """An image without its margin. kept: what is left, in pixels as stored; None before it is looked for, or of none.

    note: what came of looking for it, for people.
    """

    kept: Box | None = None
    note: str = ""

    def __str__(self) -> str:
        return "border"


def parse_output_size(value: object) -> OutputSize:
    """`none`, `N` or `WxH`, or a pair."""
    if isinstance(value, OutputSize):
        return value
    text = "x".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value).strip().lower()
    if text == "none":
        return OutputSize()
    match = re.fullmatch(r"([1-9]\d{0,6})(?:x([1-9]\d{0,6}))?", text)
    if match is None:
        raise OptionsError(f"--size: none, N or WxH in pixels, not {value!r}")
    return OutputSize(box=(int(match[1]), int(match[2]))) if match[2] else OutputSize(longest=int(match[1]))


def parse_crop(value: object) -> Box | Border | None:
    """`none`, `border` or `X,Y,W,H`, or four numbers."""
    if value is None or isinstance(value, (Box, Border)):
        return value
    text = ",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value).strip().lower()
    if text in ("none", "border"):
        return None if text == "none" else Border()
    match = re.fullmatch(r"(\d{1,7}),(\d{1,7}),([1-9]\d{0,6}),([1-9]\d{0,6})", text.replace(" ", ""))
    if match is None:
        raise OptionsError(f"--crop: none, border or X,Y,W,H in pixels, not {value!r}")
    return Box(*map(int, match.groups()))


@dataclass(frozen=True, slots=True)
class GeometryOptions:
    """How P-Values become the output's rows and columns."""

    pixels: Pixels = option(
        Pixels.SQUARE, parse_member(Pixels, "pixels"), words(Pixels), "whether pixels that are not square are made so"
    )
    crop: Box | Border | None = option(
        None,
        parse_crop,
        "none|border|X,Y,W,H",
        "the part of the image, after square pixels, that is kept; border: all but its margin (default none)",
    )
    size: OutputSize = option(
        OutputSize(), parse_output_size, "none|N|WxH", "size in pixels; N: the longest side. Never enlarges"
    )
    enlarge: bool = option(False, parse_flag, "", "--size may enlarge")
    fit: Fit = option(Fit.KEEP, parse_member(Fit, "fit"), words(Fit), "how WxH is met: within, filled up, or cut")

    def __post_init__(self) -> None:
        if self.fit is not Fit.KEEP and self.size.box is None:
            raise OptionsError(f"--fit {self.fit} needs --size WxH")
