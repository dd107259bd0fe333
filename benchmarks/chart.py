# SPDX-License-Identifier: MIT
"""Names with a median and a spread in, a bar chart as SVG out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

Bar = tuple[str, float, float, float]

_ROW, _NAME, _WIDTH = 22, 230, 560


def chart(title: str, bars: Sequence[Bar]) -> str:
    """Horizontal bars on a logarithmic scale from 0.1; a bar is (name, median, smallest, largest), a ratio to 1."""
    top = max(10.0, *(largest for _, _, _, largest in bars))
    height = _ROW * (len(bars) + 2)

    def place(value: float) -> float:
        return _NAME + _WIDTH * (math.log10(max(value, 0.1)) + 1) / (math.log10(top) + 1)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_NAME + _WIDTH + 90} {height}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="100%" height="100%" fill="white"/><text x="8" y="16" font-weight="bold">{escape(title)}</text>',
        f'<line x1="{place(1):.1f}" x2="{place(1):.1f}" y1="{_ROW}" y2="{height}" stroke="black"/>',
    ]
    for number, (name, middle, smallest, largest) in enumerate(bars, 1):
        y, color = _ROW * number + 4, "#1b6ca8" if name.startswith("plainfilm") else "#9aa5ad"
        lines += [
            f'<text x="{_NAME - 6}" y="{y + 13}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{_NAME}" y="{y}" width="{place(middle) - _NAME:.1f}" height="16" fill="{color}"/>',
            f'<line x1="{place(smallest):.1f}" x2="{place(largest):.1f}" y1="{y + 8}" y2="{y + 8}" stroke="dimgray"/>',
            f'<text x="{max(place(middle), place(largest)) + 6:.1f}" y="{y + 13}">{middle:.2f}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])
