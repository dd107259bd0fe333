# SPDX-License-Identifier: MIT
"""Draw a bar chart of medians and their spread as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: its name, and the median, the smallest and the largest ratio to the time of the base program."""

    name: str
    median: float
    smallest: float
    largest: float


_ROW, _NAME, _WIDTH = 22, 230, 560


def chart(title: str, bars: Sequence[Bar]) -> str:
    """Return horizontal bars on a logarithmic scale from 0.1, with a line at 1."""
    top = max(10.0, *(bar.largest for bar in bars))
    height = _ROW * (len(bars) + 2)

    def x_of(value: float) -> float:
        return _NAME + _WIDTH * (math.log10(max(value, 0.1)) + 1) / (math.log10(top) + 1)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_NAME + _WIDTH + 90} {height}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="100%" height="100%" fill="white"/><text x="8" y="16" font-weight="bold">{escape(title)}</text>',
        f'<line x1="{x_of(1):.1f}" x2="{x_of(1):.1f}" y1="{_ROW}" y2="{height}" stroke="black"/>',
    ]
    for number, bar in enumerate(bars, 1):
        y, color = _ROW * number + 4, "#1b6ca8" if bar.name.startswith("plainfilm") else "#9aa5ad"
        lines += [
            f'<text x="{_NAME - 6}" y="{y + 13}" text-anchor="end">{escape(bar.name)}</text>',
            f'<rect x="{_NAME}" y="{y}" width="{x_of(bar.median) - _NAME:.1f}" height="16" fill="{color}"/>',
            f'<line x1="{x_of(bar.smallest):.1f}" x2="{x_of(bar.largest):.1f}" y1="{y + 8}" y2="{y + 8}" '
            'stroke="dimgray"/>',
            f'<text x="{max(x_of(bar.median), x_of(bar.largest)) + 6:.1f}" y="{y + 13}">{bar.median:.2f}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])
