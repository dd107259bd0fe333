# SPDX-License-Identifier: MIT
"""Boxes to be blacked out, as an option's text or a CSV -> which boxes of which source and frame.

A box counts in stored pixels from the upper left corner of the image, as it is before pixels are made square.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from plainfilm.errors import OptionsError

COLUMNS = ("source", "x", "y", "w", "h")
_PREFIXED = re.compile(r"'+[=+\-@\t\r\n]")
_MOST_LINES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class RedactionBox:
    """A rectangle: its left and upper edge, width and height; every pixel that it touches belongs to it."""

    x: float
    y: float
    w: float
    h: float

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.x, self.y, self.w, self.h))) or min(self.w, self.h) <= 0:
            raise OptionsError(f"a box X,Y,W,H needs finite numbers, W and H above 0, not {self}")

    def __str__(self) -> str:
        return ",".join(f"{number:.15g}" for number in (self.x, self.y, self.w, self.h))

    def within(self, rows: int, columns: int) -> tuple[slice, slice] | None:
        """The rows and columns of an image that the box covers, clipped to it; None where it covers none."""
        top, bottom = max(math.floor(self.y), 0), min(math.ceil(self.y + self.h), rows)
        left, right = max(math.floor(self.x), 0), min(math.ceil(self.x + self.w), columns)
        return (slice(top, bottom), slice(left, right)) if top < bottom and left < right else None


@dataclass(frozen=True, slots=True)
class RedactionBoxes:
    """The boxes of one instance: `of_all` are for every frame, `of_frames` each for the frame of its number from 1."""

    of_all: tuple[RedactionBox, ...] = ()
    of_frames: tuple[tuple[int, RedactionBox], ...] = ()

    def __str__(self) -> str:
        return ";".join(map(str, self.of_all))

    def __bool__(self) -> bool:
        return bool(self.of_all or self.of_frames)

    def __add__(self, others: RedactionBoxes) -> RedactionBoxes:
        return RedactionBoxes((*self.of_all, *others.of_all), (*self.of_frames, *others.of_frames))

    def of(self, frame: int) -> tuple[RedactionBox, ...]:
        """The boxes of a frame, counted from 0."""
        return (*self.of_all, *(box for number, box in self.of_frames if number == frame + 1))

    def beyond(self, frames: int) -> int:
        """How many boxes are for frames that an instance of so many frames has not."""
        return sum(number > frames for number, _ in self.of_frames)


NO_REDACTION_BOXES = RedactionBoxes()


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


def parse_boxes(value: object) -> RedactionBoxes:
    """`X,Y,W,H`, several joined by `;`; or a sequence of four numbers, or of such sequences."""
    if isinstance(value, RedactionBoxes):
        return value
    if isinstance(value, str):
        parts = [[*map(str.strip, box.split(","))] for box in value.split(";") if box.strip()]
    elif isinstance(value, Iterable):
        given = list(value)
        nested = any(isinstance(each, Iterable) and not isinstance(each, str) for each in given)
        parts = [list(box) for box in given] if nested else [given] if given else []
    else:
        raise OptionsError(f"--redact: X,Y,W,H, several joined by ;, not {value!r}")
    return RedactionBoxes(tuple(_box(box, "--redact") for box in parts))


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
    box = _box([row[name] for name in COLUMNS[1:]], place)
    frame = (row.get("frame") or "").strip()
    if not frame:
        return RedactionBoxes((box,))
    number = _number(frame)
    if number is None or not 1 <= number < math.inf or number != int(number):
        raise OptionsError(f"{place}: frame is a whole number from 1, or empty for all, not {frame!r}")
    return RedactionBoxes(of_frames=((int(number), box),))


def _box(parts: Iterable[object], place: str) -> RedactionBox:
    given = list(parts)
    numbers = [number for part in given if (number := _number(part)) is not None]
    if len(given) != 4 or len(numbers) != 4:
        written = ",".join("" if part is None else str(part) for part in given)
        raise OptionsError(f"{place}: a box is four numbers X,Y,W,H, not {written!r}")
    try:
        return RedactionBox(*numbers)
    except OptionsError as error:
        raise OptionsError(f"{place}: {error.message}") from None


def _number(part: object) -> float | None:
    try:
        return float(str(part))
    except ValueError:
        return None
