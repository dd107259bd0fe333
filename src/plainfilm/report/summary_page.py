# SPDX-License-Identifier: MIT
"""Write report.html: the summary of a run as plain HTML, and the places that the script fills.

The page asks no server for anything: its scripts and images are files beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from plainfilm.errors import Reason
from plainfilm.findings import FindingCode
from plainfilm.records import Status
from plainfilm.report.html_tree import (
    add_filter_button,
    add_link,
    add_section,
    add_table,
    add_text,
    new_page,
    page_bytes,
    page_text,
    security_policy,
)
from plainfilm.report.meanings import ADVICE, meanings_of
from plainfilm.report.suspects import Suspect
from plainfilm.report.tallies import Tallies
from plainfilm.version import NOT_FOR_DIAGNOSIS, VERSION

PAGE_SCRIPT = "report-page.js"
_MOST_BARS = 8
# `self` covers a page on a server, `file:` one on a disk, for which browsers differ
_SOURCES = ("script-src 'self' file:", "img-src 'self' file: data: blob:")
_TITLES = {
    "modality": "Modality",
    "body_part": "Body part",
    "view_position": "View",
    "manufacturer": "Manufacturer",
    "look": "Look",
    "voi": "VOI",
    "window": "Window (center / width)",
    "size": "Longest side",
    "photometric_interpretation": "Photometric Interpretation",
    "mean": "Mean level (0 to 1)",
    "entropy": "Entropy (0 to 8 bits)",
    "black_fraction": "Share of black pixels (0 to 1)",
    "white_fraction": "Share of white pixels (0 to 1)",
}


def summary_page(tallies: Tallies, shown: int, scripts: Sequence[str]) -> bytes:
    """Return report.html.

    shown: the number of images in the index. scripts: the files of the index, in their order.
    """
    style = page_text("report.css")
    html, body = new_page("plainfilm report", security_policy(style, *_SOURCES), style)
    add_link(SubElement(body, "p", {"class": "skip"}), "#wall-title", "Skip to the images")
    header = SubElement(body, "header")
    add_text(header, "h1", "plainfilm report")
    add_text(header, "p", f"plainfilm {VERSION}, {NOT_FOR_DIAGNOSIS}", "quiet")
    main = SubElement(body, "main")
    _add_counts(main, tallies)
    _add_suspects(main, tallies)
    _add_failures(main, tallies)
    _add_findings(main, tallies)
    _add_charts(main, tallies)
    _add_wall(main, tallies, shown)
    for name in (PAGE_SCRIPT, *scripts):
        SubElement(body, "script", src=name)
    return page_bytes(html)


def _add_counts(main: Element, tallies: Tallies) -> None:
    section = add_section(main, "Summary", "summary")
    numbers = SubElement(section, "dl", {"class": "numbers"})
    statuses = tallies.statuses
    for name, count in (
        ("images", tallies.images),
        ("of these repaired", statuses[Status.REPAIRED]),
        ("failed", statuses[Status.FAILED]),
        ("skipped", statuses[Status.SKIPPED]),
    ):
        pair = SubElement(numbers, "div")
        add_text(pair, "dt", name)
        add_text(pair, "dd", f"{count:,}")


def _add_suspects(main: Element, tallies: Tallies) -> None:
    section = add_section(main, "Look at these first", "suspects")
    if not tallies.suspects:
        add_text(section, "p", "No image is suspect.")
        return
    rows = [(kind, tallies.suspects[kind]) for kind in Suspect if tallies.suspects[kind]]
    table = add_table(section, ("Suspect", "Images", "Meaning"))
    for kind, count in rows:
        row = SubElement(table, "tr")
        add_filter_button(SubElement(row, "th", scope="row"), kind.value.replace("_", " "), "suspects", kind.value)
        add_text(row, "td", f"{count:,}", "number")
        add_text(row, "td", meanings_of(Suspect)[kind])


def _add_failures(main: Element, tallies: Tallies) -> None:
    section = add_section(main, "Inputs without an image", "failures")
    if not tallies.failures:
        add_text(section, "p", "Every input gave an image.")
        return
    table = add_table(section, ("Reason", "Inputs", "Meaning", "What to do"))
    for (_, reason), group in sorted(tallies.failures.items(), key=lambda item: (item[1].status, -item[1].count)):
        row = SubElement(table, "tr")
        title = SubElement(row, "th", scope="row")
        add_text(title, "span", reason)
        add_text(title, "small", f" {group.status}")
        add_text(row, "td", f"{group.count:,}", "number")
        add_text(row, "td", meanings_of(Reason)[reason])
        add_text(row, "td", ADVICE[Reason(reason)])
        details = SubElement(SubElement(SubElement(table, "tr"), "td", colspan="4"), "details")
        add_text(details, "summary", f"the first {len(group.examples)}" if group.count > 1 else "the input")
        inputs = SubElement(details, "ul")
        for failure in group.examples:
            item = SubElement(inputs, "li")
            add_text(item, "bdi", failure.source)
            frame = "" if failure.frame is None else f", frame {failure.frame}"
            add_text(item, "span", f"{frame}: {failure.message}")


def _add_findings(main: Element, tallies: Tallies) -> None:
    section = add_section(main, "Findings", "findings")
    if not tallies.findings:
        add_text(section, "p", "No image has a finding.")
        return
    meanings = meanings_of(FindingCode)
    table = add_table(section, ("Finding", "Images", "Meaning"))
    for code, count in _most_common(tallies.findings):
        row = SubElement(table, "tr")
        add_filter_button(SubElement(row, "th", scope="row"), code, "findings", code)
        add_text(row, "td", f"{count:,}", "number")
        add_text(row, "td", meanings.get(code, ""))


def _add_charts(main: Element, tallies: Tallies) -> None:
    section = add_section(main, "What the images are", "charts")
    grid = SubElement(section, "div", {"class": "charts"})
    for name, counter in tallies.columns.items():
        if counter:
            _add_bars(grid, _TITLES[name], counter)
    for name, bins in tallies.statistics.items():
        if any(bins):
            _add_histogram(grid, _TITLES[name], bins)


def _add_bars(parent: Element, title: str, counter: Counter[str]) -> None:
    """Add a table of the most frequent values with a bar for each."""
    figure = SubElement(parent, "figure")
    add_text(figure, "figcaption", title)
    table = SubElement(figure, "table")
    common = _most_common(counter)
    rest = sum(count for _, count in common[_MOST_BARS:])
    largest = common[0][1]
    shown = [*common[:_MOST_BARS], *([(f"{len(common) - _MOST_BARS} others", rest)] if rest else [])]
    for value, count in shown:
        row = SubElement(table, "tr")
        add_text(SubElement(row, "th", scope="row"), "bdi", value)
        bar = SubElement(row, "td", {"class": "bar"})
        svg = SubElement(bar, "svg", {"aria-hidden": "true", "width": "100", "height": "10"})
        SubElement(svg, "rect", width=f"{max(1, round(100 * min(count, largest) / largest))}", height="10")
        add_text(row, "td", f"{count:,}", "number")


def _add_histogram(parent: Element, title: str, bins: Sequence[int]) -> None:
    """Add a histogram of a statistic."""
    figure = SubElement(parent, "figure")
    add_text(figure, "figcaption", title)
    label = f"histogram: most images at {(bins.index(max(bins)) + 0.5) / len(bins):.0%} of the range"
    svg = SubElement(figure, "svg", {"role": "img", "aria-label": label, "viewBox": f"0 0 {6 * len(bins)} 60"})
    for number, count in enumerate(bins):
        height = -(-60 * count // max(bins))
        attributes = {"x": str(6 * number), "y": str(60 - height), "width": "5", "height": str(height)}
        SubElement(svg, "rect", attributes)


def _add_wall(main: Element, tallies: Tallies, shown: int) -> None:
    """Add the places of the images; the script fills them."""
    section = add_section(main, "Images", "wall")
    if shown < tallies.images:
        note = f"This page shows {shown:,} of {tallies.images:,} images: all suspects, and a sample of the others."
        add_text(section, "p", f"{note} The tables list all images.", "note")
    SubElement(section, "form", {"id": "filters", "aria-label": "Filters"})
    bar = SubElement(section, "div", {"class": "toolbar"})
    add_text(bar, "p", "Loading", None, {"id": "count", "role": "status", "aria-live": "polite"})
    for name, label in (("download", "Download marks (CSV)"), ("unmark", "Remove all marks")):
        add_text(bar, "button", label, None, {"type": "button", "id": name, "disabled": "disabled"})
    label = "Images. Arrow keys move, Enter opens, x marks for exclusion."
    attributes = {
        "id": "viewport",
        "tabindex": "0",
        "role": "listbox",
        "aria-label": label,
        "aria-multiselectable": "true",
    }
    SubElement(SubElement(section, "div", attributes), "div", {"id": "wall-content", "role": "presentation"})
    add_text(section, "p", "Arrow keys move, Enter opens an image, x marks it for exclusion.", "quiet")
    SubElement(section, "noscript").text = "The images need JavaScript; the summary does not."
    SubElement(main, "dialog", {"id": "detail", "aria-labelledby": "detail-title"})


def _most_common(counter: Counter[str]) -> list[tuple[str, int]]:
    """Return values and counts, the most frequent first, and values of equal count in alphabetical order."""
    return sorted(counter.items(), key=lambda item: (-item[1], item[0]))
