# SPDX-License-Identifier: MIT
"""Read the CSV file of --redact-from."""

from __future__ import annotations

import csv
import hashlib
import io
import math
import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from plainfilm.errors import OptionsError
from plainfilm.options.privacy import NO_REDACTION_BOXES, RedactionBoxes, parse_box, parse_coordinate

COLUMNS = ("source", "x", "y", "w", "h")
_PREFIXED = re.compile(r"'+[=+\-@\t\r\n]")
_MOST_LINES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Redactions:
    """The boxes of each source, by its relative path as the tables have it, and the lines of the CSV that name it."""

    by_source: Mapping[str, RedactionBoxes] = field(default_factory=dict)
    lines: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def of(self, source: str) -> RedactionBoxes:
        """The boxes of a source."""
        return self.by_source.get(source, NO_REDACTION_BOXES)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all of it, '' where there is nothing: whether two runs black out the same. It is private."""
        if not self.by_source:
            return ""
        text = repr([(source, self.by_source[source]) for source in sorted(self.by_source)])
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def unmatched(self, sources: Collection[str]) -> tuple[int, ...]:
        """The lines of the CSV, counted from 1, whose source is none of these."""
        return tuple(sorted(line for source, lines in self.lines.items() if source not in sources for line in lines))

    def note(self, sources: Collection[str]) -> str:
        """What to tell the user when these were the sources of the run; '' where every line named one of them."""
        lines = self.unmatched(sources)
        if not lines:
            return ""
        shown = ", ".join(map(str, lines[:_MOST_LINES_SHOWN])) + (", ..." if len(lines) > _MOST_LINES_SHOWN else "")
        return f"{len(lines)} rows of --redact-from name no source of this run (lines {shown}): nothing was blacked out"


def load_redactions(path: Path | None) -> Redactions:
    """The boxes in a CSV: columns source, x, y, w, h, and frame (from 1; empty: every frame) if there is one.

    `source` is that of the tables, with or without the `'` that they put before what a spreadsheet would run.
    Raises OptionsError where the file cannot be read, lacks a column, or a row is no box.
    """
    if path is None:
        return Redactions()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise OptionsError(f"--redact-from: {path} cannot be read ({type(error).__name__})") from error
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    by_source: dict[str, RedactionBoxes] = {}
    lines: dict[str, tuple[int, ...]] = {}
    try:
        missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
        if missing:
            raise OptionsError(f"--redact-from: {path} has no column {', '.join(missing)}")
        for row in rows:
            place = f"--redact-from: {path}, line {rows.line_num}"
            source = _source(row["source"])
            by_source[source] = by_source.get(source, NO_REDACTION_BOXES) + _boxes_of(row, place)
            lines[source] = (*lines.get(source, ()), rows.line_num)
    except csv.Error as error:
        raise OptionsError(f"--redact-from: {path} is no CSV (line {rows.line_num}: {error})") from error
    return Redactions(by_source, lines)


def _source(text: str | None) -> str:
    """The path as the tables have it: they compose its characters (NFC)."""
    source = unicodedata.normalize("NFC", text or "")
    return source[1:] if _PREFIXED.match(source) else source


def _boxes_of(row: Mapping[str, str | None], place: str) -> RedactionBoxes:
    box = parse_box([row[name] for name in COLUMNS[1:]], place)
    frame = (row.get("frame") or "").strip()
    if not frame:
        return RedactionBoxes((box,))
    number = parse_coordinate(frame)
    if number is None or not 1 <= number < math.inf or number != int(number):
        raise OptionsError(f"{place}: frame is a whole number from 1, or empty for all, not {frame!r}")
    return RedactionBoxes(of_frames=((int(number), box),))
