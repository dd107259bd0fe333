# SPDX-License-Identifier: MIT
"""Write the contact sheet: a PNG with the image of the naive conversion and the image of plainfilm, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from plainfilm.pickling import dataclass
from plainfilm.report.drawing import fit, font_of, wrap

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

WIDTH = 1440
PER_ROW = 3
MARGIN, GUTTER, SEAM = 36, 34, 4
LABEL_HEIGHT, IMAGE_HEIGHT, NAME_HEIGHT, LINE_HEIGHT = 32, 266, 44, 28
LABEL_SIZE, NAME_SIZE, REASON_SIZE = 20, 25, 22
# grey levels of the sheet are multiples of this step: noise that is invisible at this size would make a large file
GREY_STEP = 2
CELL_WIDTH = (WIDTH - 2 * MARGIN - (PER_ROW - 1) * GUTTER) // PER_ROW
IMAGE_WIDTH = (CELL_WIDTH - SEAM) // 2
BACKGROUND, HAIRLINE, NAIVE, PLAINFILM, NAME, REASON = "#0d1117", "#30363d", "#f0883e", "#56d364", "#f0f6fc", "#adb7c2"


@dataclass(frozen=True, slots=True)
class Pair:
    """One cell of the sheet: two uint8 images (rows, columns) of a radiograph, its name, and why they differ."""

    name: str
    reason: str
    naive: npt.NDArray[np.uint8]
    plainfilm: npt.NDArray[np.uint8]


def contact_sheet(pairs: Sequence[Pair], path: Path) -> None:
    """Write the pairs as a PNG of 1440 pixels width with three pairs in a row. Raises OSError."""
    from PIL import Image, ImageDraw

    reasons = [wrap(pair.reason, CELL_WIDTH, font_of(REASON_SIZE)) for pair in pairs]
    text_height = NAME_HEIGHT + LINE_HEIGHT * max(map(len, reasons), default=0)
    cell_height = LABEL_HEIGHT + IMAGE_HEIGHT + text_height
    rows = -(-len(pairs) // PER_ROW)
    sheet = Image.new("RGB", (WIDTH, 2 * MARGIN - GUTTER + rows * (cell_height + GUTTER)), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for index, (pair, reason) in enumerate(zip(pairs, reasons, strict=True)):
        left = MARGIN + index % PER_ROW * (CELL_WIDTH + GUTTER)
        top = MARGIN + index // PER_ROW * (cell_height + GUTTER)
        for number, image in enumerate((pair.naive, pair.plainfilm)):
            column, row = left + number * (IMAGE_WIDTH + SEAM), top + LABEL_HEIGHT
            fitted = fit(image, IMAGE_HEIGHT, IMAGE_WIDTH) // GREY_STEP * GREY_STEP
            sheet.paste(Image.fromarray(fitted), (column, row))
            # the outline makes a black image visible on the dark background
            draw.rectangle((column, row, column + IMAGE_WIDTH - 1, row + IMAGE_HEIGHT - 1), outline=HAIRLINE)
        _write(draw, (left, top), pair.name, reason)
    sheet.save(path, compress_level=9)


def _write(draw: ImageDraw, top_left: tuple[int, int], name: str, reason: Sequence[str]) -> None:
    """Draw the labels above the two images, and the name and the lines of the reason below them."""
    left, top = top_left
    draw.text((left, top), "naive", NAIVE, font_of(LABEL_SIZE))
    draw.text((left + IMAGE_WIDTH + SEAM, top), "plainfilm", PLAINFILM, font_of(LABEL_SIZE))
    below = top + LABEL_HEIGHT + IMAGE_HEIGHT
    draw.text((left, below + 8), name, NAME, font_of(NAME_SIZE))
    for number, line in enumerate(reason):
        draw.text((left, below + NAME_HEIGHT + number * LINE_HEIGHT), line, REASON, font_of(REASON_SIZE))
