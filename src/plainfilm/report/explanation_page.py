# SPDX-License-Identifier: MIT
"""Write the explanation of one image as one HTML file without scripts: image, histogram, steps, findings and values."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement

import cv2
import numpy as np
import numpy.typing as npt

from plainfilm.findings import FindingCode
from plainfilm.pickling import FastPickle, dataclass
from plainfilm.report.drawing import curve_points
from plainfilm.report.html_tree import (
    add_section,
    add_table,
    add_text,
    new_page,
    page_bytes,
    page_text,
    security_policy,
)
from plainfilm.report.meanings import meanings_of
from plainfilm.report.tone_chart import ToneChart
from plainfilm.version import NOT_FOR_DIAGNOSIS, VERSION

LONGEST_SIDE, CHART_BINS = 900, 128
_WIDTH, _HEIGHT = 512, 150


@dataclass(frozen=True, slots=True)
class SmallImage(FastPickle):
    """A reduced image, uint8 (rows, columns) or (rows, columns, 3), with the chart of the whole image."""

    image: npt.NDArray[np.uint8]
    chart: ToneChart


def explanation_page(values: Mapping[str, Any], small: SmallImage) -> bytes:
    """Return the page; values: the plain values of an `Explanation`. It holds neither a path nor a script."""
    style = page_text("report.css")
    html, body = new_page("plainfilm explain", security_policy(style, "img-src data:"), style)
    header = SubElement(body, "header")
    add_text(header, "h1", "What plainfilm does to this image")
    add_text(header, "p", f"plainfilm {VERSION}, {NOT_FOR_DIAGNOSIS}", "quiet")
    main = SubElement(body, "main", {"class": "single"})
    _add_image(main, values, small)
    steps = SubElement(add_section(main, "What is done", "steps"), "ol")
    for step in values["steps"]:
        _add_step(steps, step)
    _add_findings(main, values["findings"])
    table = add_table(add_section(main, "Values", "values"), ("Column", "Value"))
    for name, value in values.items():
        if name not in ("steps", "findings") and value not in (None, ""):
            row = SubElement(table, "tr")
            add_text(row, "th", name, None, {"scope": "row"})
            add_text(row, "td", _text_of(value))
    return page_bytes(html)


def _add_image(main: Element, values: Mapping[str, Any], small: SmallImage) -> None:
    section = SubElement(main, "section", {"class": "columns", "aria-label": "Image and histogram"})
    figure = SubElement(section, "figure")
    channels = cv2.cvtColor(small.image, cv2.COLOR_RGB2BGR) if small.image.ndim == 3 else small.image
    _, encoded = cv2.imencode(".png", channels)
    address = f"data:image/png;base64,{b64encode(bytes(encoded)).decode('ascii')}"
    label = f"frame {values['frame']} of {values['frames']}, {values['width']} x {values['height']} pixels"
    SubElement(figure, "img", {"src": address, "alt": label, "class": "large"})
    chart = SubElement(SubElement(section, "div"), "figure", {"class": "chart"})
    add_chart(chart, small.chart)
    caption = SubElement(chart, "figcaption")
    middle = "stored values, and the level of each" if small.chart.levels else "levels"
    for text in (f"{small.chart.low:g}", middle, f"{small.chart.high:g}"):
        add_text(caption, "span", text)


def add_chart(parent: Element, chart: ToneChart) -> None:
    """Add the histogram as bars, and the curve that maps values to levels: black at the bottom, white at the top."""
    falls = bool(chart.levels) and chart.levels[0] > chart.levels[-1]
    curve = f"; the mapping curve {'falls' if falls else 'rises'}" if chart.levels else ""
    label = f"histogram of values from {chart.low:g} to {chart.high:g}{curve}"
    svg = SubElement(parent, "svg", {"viewBox": f"0 0 {_WIDTH} {_HEIGHT}", "role": "img", "aria-label": label})
    step = _WIDTH / max(len(chart.counts), 1)
    for number, count in enumerate(chart.counts):
        height = count * (_HEIGHT - 4) / 255
        box = {"x": number * step, "y": _HEIGHT - height, "width": step * 0.9, "height": height}
        SubElement(svg, "rect", {name: f"{value:.2f}" for name, value in box.items()})
    points = " ".join(f"{x:.2f},{y:.2f}" for x, y in curve_points(chart.levels, _WIDTH, _HEIGHT))
    if points:
        SubElement(svg, "polyline", {"points": points, "class": "curve"})


def _text_of(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _add_step(parent: Element, step: Mapping[str, str]) -> None:
    item = SubElement(parent, "li")
    add_text(item, "strong", step["name"])
    add_text(item, "span", f": {step['does']}")
    if step["attribute"]:
        add_text(item, "div", f"from {step['attribute']}", "quiet")
    if step["reason"]:
        add_text(item, "div", f"because {step['reason']}", "quiet")


def _add_findings(main: Element, findings: Iterable[Mapping[str, str]]) -> None:
    section = add_section(main, "Findings", "findings")
    items = list(findings)
    if not items:
        add_text(section, "p", "Nothing is unusual.")
        return
    table = add_table(section, ("Finding", "Detail", "Meaning"))
    for finding in items:
        row = SubElement(table, "tr")
        add_text(row, "th", finding["code"], None, {"scope": "row"})
        add_text(row, "td", finding["detail"])
        add_text(row, "td", meanings_of(FindingCode).get(finding["code"], ""))
