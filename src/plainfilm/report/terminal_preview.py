# SPDX-License-Identifier: MIT
"""Draw an image and its histogram with characters, for a terminal that shows colors and Unicode."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from plainfilm.report.drawing import reduce_image
from plainfilm.report.explanation_page import SmallImage
from plainfilm.report.tone_chart import ToneChart

_RESET = "\x1b[0m"
_BLOCKS = " \u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"
_CHART_ROWS = 4
MOST_COLUMNS, MOST_ROWS = 72, 22
"""The most characters of a preview in each direction."""


def terminal_preview(small: SmallImage, columns: int, *, has_true_color: bool) -> str:
    """Return the image in half blocks, the histogram below it, and a strip of the levels that values are mapped to.

    columns: the width of the terminal. has_true_color: whether it shows 24-bit colors; otherwise 256 colors are used.
    """
    width = max(8, min(columns - 1, MOST_COLUMNS))
    image = reduce_image(small.image, 2 * MOST_ROWS, width)
    lines = [*_image_lines(image, has_true_color), "", *_chart_lines(small.chart, width)]
    if small.chart.levels:
        strip = np.frombuffer(small.chart.levels, np.uint8)[_bins(len(small.chart.levels), width)]
        lines += _image_lines(strip[np.newaxis].repeat(2, axis=0), has_true_color)
    low, high = f"{small.chart.low:g}", f"{small.chart.high:g}"
    lines.append(f"{low}{high.rjust(width - len(low))}")
    return "\n".join((*lines, "", ""))


def _image_lines(image: npt.NDArray[np.uint8], has_true_color: bool) -> Iterator[str]:
    """Yield a line of half blocks for each two rows of pixels: the upper one is the foreground of a block."""
    color = image if image.ndim == 3 else image[..., np.newaxis].repeat(3, axis=2)
    if color.shape[0] % 2:
        color = np.concatenate([color, np.zeros_like(color[:1])])
    for upper, lower in zip(color[::2].tolist(), color[1::2].tolist(), strict=True):
        cells = (
            f"\x1b[38;{_code(above, has_true_color)}m\x1b[48;{_code(below, has_true_color)}m\u2580"
            for above, below in zip(upper, lower, strict=True)
        )
        yield "".join(cells) + _RESET


def _code(color: list[int], has_true_color: bool) -> str:
    red, green, blue = color
    if has_true_color:
        return f"2;{red};{green};{blue}"
    if max(color) - min(color) < 12:
        # 24 shades of grey, without black and white, which the color cube has
        return f"5;{16 if red < 4 else 231 if red > 246 else 232 + min(23, (red - 4) // 10)}"
    return f"5;{16 + 36 * round(red / 51) + 6 * round(green / 51) + round(blue / 51)}"


def _chart_lines(chart: ToneChart, width: int) -> Iterator[str]:
    """Yield the histogram in lines of blocks that fill a character from below in eight steps."""
    bins = _bins(len(chart.counts), width)
    heights = np.ceil(np.frombuffer(chart.counts, np.uint8)[bins] / 255 * 8 * _CHART_ROWS).astype(int)
    for row in reversed(range(_CHART_ROWS)):
        yield "".join(_BLOCKS[min(max(height - 8 * row, 0), 8)] for height in heights.tolist())


def _bins(count: int, width: int) -> npt.NDArray[np.int64]:
    """Return the bin that each character shows."""
    return np.arange(width) * count // width
