# SPDX-License-Identifier: MIT
"""Draw text, images and charts for the pictures of this package: colors, fonts, and images fitted into a cell."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from plainfilm.kernels.levels import Levels, LookupImage
from plainfilm.report.tone_chart import ToneChart

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

    Font = FreeTypeFont | ImageFont

BACKGROUND, HAIRLINE, TEXT, QUIET, ACCENT, WARNING = "#0d1117", "#30363d", "#f0f6fc", "#adb7c2", "#56d364", "#f0883e"
_BARS, _CURVE = (120, 170, 220, 150), (255, 196, 84, 255)
_SHADE = (13, 17, 23, 140)
_SMOOTH = 3
# a reduction takes this many samples for each pixel of the result and side; the others are not looked at
_SAMPLES = 4

Array = npt.NDArray[Any]


@cache
def font_of(size: int) -> Font:
    """Return the font that is included in Pillow."""
    from PIL import ImageFont

    return ImageFont.load_default(size)


def wrap(text: str, width: float, font: Font) -> list[str]:
    """Break a text into lines of at most `width` pixels; a longer word gets its own line."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def shorten(text: str, width: float, font: Font) -> str:
    """Cut a text with an ellipsis so that it is at most `width` pixels wide."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}\u2026") > width:
        text = text[:-1]
    return f"{text}\u2026"


def reduce_image(image: Levels, rows: int, columns: int) -> npt.NDArray[np.uint8]:
    """Return an image of at most `rows` x `columns` pixels, uint8, with the shape of `image`; it is never enlarged.

    image: uint8 or uint16, (rows, columns) or (rows, columns, 3). Large images are sampled before they are averaged,
    which takes a tenth of the time of an average of all pixels.
    """
    height, width = image.shape[:2]
    scale = min(rows / height, columns / width, 1.0)
    step = max(1, int(1 / scale / _SAMPLES))
    if isinstance(image, LookupImage):
        sampled = image.sampled(step)
    else:
        sampled = np.ascontiguousarray(image[step // 2 :: step, step // 2 :: step])
    if sampled.dtype == np.uint16:
        sampled = (sampled >> 8).astype(np.uint8)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    reduced: npt.NDArray[np.uint8] = sampled
    if size != (sampled.shape[1], sampled.shape[0]):
        reduced = np.asarray(cv2.resize(sampled, size, interpolation=cv2.INTER_AREA), np.uint8)
    return reduced


def fit(image: Array, rows: int, columns: int) -> npt.NDArray[np.uint8]:
    """Scale an image to fit into rows and columns, centered on black; the result has the channels of `image`."""
    scale = min(rows / image.shape[0], columns / image.shape[1])
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    canvas = np.zeros((rows, columns, *image.shape[2:]), np.uint8)
    row, column = (rows - size[1]) // 2, (columns - size[0]) // 2
    canvas[row : row + size[1], column : column + size[0]] = small
    return canvas


def draw_chart(sheet: Picture, box: tuple[int, int, int, int], chart: ToneChart) -> None:
    """Draw a chart over a part of a picture: a shaded band, the histogram as bars, and the mapping curve.

    box: left, top, right and bottom of the band, right and bottom excluded.
    """
    from PIL import Image, ImageDraw

    left, top, right, bottom = box
    width, height = right - left, bottom - top
    # drawn larger and reduced, so that the edges are smooth
    band = Image.new("RGBA", (width * _SMOOTH, height * _SMOOTH), _SHADE)
    draw = ImageDraw.Draw(band)
    width, height = band.size
    for number, count in enumerate(chart.counts):
        bar = (number * width // len(chart.counts), (number + 1) * width // len(chart.counts) - 1)
        if count:
            draw.rectangle((bar[0], height - max(1, count * height // 255), max(bar), height - 1), _BARS)
    points = curve_points(chart.levels, width, height)
    if len(points) > 1:
        draw.line(points, _CURVE, 2 * _SMOOTH, joint="curve")
    band = band.resize((right - left, bottom - top), Image.Resampling.BOX)
    sheet.paste(Image.alpha_composite(sheet.crop(box).convert("RGBA"), band).convert("RGB"), (left, top))


def curve_points(levels: bytes, width: float, height: float) -> list[tuple[float, float]]:
    """Return the points of a mapping curve in a box: the first level on the left, level 255 at the top."""
    step = width / max(len(levels), 1)
    return [((number + 0.5) * step, 1 + (height - 3) * (1 - level / 255)) for number, level in enumerate(levels)]


def draw_lines(draw: ImageDraw, top_left: tuple[int, int], lines: Sequence[str], size: int, color: str) -> None:
    """Draw lines of text below one another."""
    left, top = top_left
    for number, line in enumerate(lines):
        draw.text((left, top + number * round(size * 1.35)), line, color, font_of(size))
