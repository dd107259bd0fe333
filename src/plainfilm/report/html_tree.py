# SPDX-License-Identifier: MIT
"""Build HTML pages as trees of elements, so that a text of the data can become neither an element nor an attribute."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from xml.etree.ElementTree import Element, SubElement, tostring

from plainfilm.output.table_schema import printable_text


@cache
def page_text(name: str) -> str:
    """Return a file of the folder `page` of this package."""
    return (files("plainfilm.report") / "page" / name).read_text(encoding="utf-8")


def security_policy(style: str, *sources: str) -> str:
    """Return the Content-Security-Policy of a page: this style, and nothing else but what `sources` allow."""
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    parts = ("default-src 'none'", *sources)
    return "; ".join((*parts, f"style-src 'sha256-{digest}'", "base-uri 'none'", "form-action 'none'"))


def new_page(title: str, policy: str, style: str) -> tuple[Element, Element]:
    """Return the elements `html` and `body` of a page that says neither its address nor anything to a server."""
    html = Element("html", lang="en")
    head = SubElement(html, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": policy})
    SubElement(head, "meta", name="referrer", content="no-referrer")
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    add_text(head, "title", title)
    add_text(head, "style", style)
    return html, SubElement(html, "body")


def page_bytes(html: Element) -> bytes:
    """Return a page as UTF-8; characters that are not ASCII are character references."""
    text: str = tostring(html, encoding="us-ascii", method="html").decode("ascii")
    return f"<!doctype html>\n{text}\n".encode("ascii")


def add_section(parent: Element, title: str, name: str) -> Element:
    """Add a section with a heading; `name` is its identifier."""
    section = SubElement(parent, "section", {"aria-labelledby": f"{name}-title", "id": name})
    add_text(section, "h2", title, None, {"id": f"{name}-title"})
    return section


def add_table(parent: Element, headings: Iterable[str]) -> Element:
    """Add a table with a line of headings, and return its body."""
    table = SubElement(SubElement(parent, "div", {"class": "scroll"}), "table", {"class": "list"})
    row = SubElement(SubElement(table, "thead"), "tr")
    for heading in headings:
        add_text(row, "th", heading, None, {"scope": "col"})
    return SubElement(table, "tbody")


def add_filter_button(parent: Element, label: str, column: str, value: str) -> None:
    """Add a button that filters the images; `value` is a code of a closed list."""
    add_text(parent, "button", label, None, {"type": "button", "data-column": column, "data-value": value})


def add_link(parent: Element, address: str, label: str) -> None:
    """Add a link; the address is no text of the data."""
    add_text(parent, "a", label, None, {"href": address})


def add_text(
    parent: Element, tag: str, text: str, css_class: str | None = None, attributes: dict[str, str] | None = None
) -> Element:
    """Add an element with a text, in which control characters are replaced."""
    element = SubElement(parent, tag, attributes or {})
    element.text = printable_text(text)
    if css_class is not None:
        element.set("class", css_class)
    return element
