# SPDX-License-Identifier: MIT
"""Read the CSV file of `--redact-from`, which lists the boxes to redact by source and frame."""

from __future__ import annotations

import csv
import hashlib
import io
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import field
from pathlib import Path

from plainfilm.errors import OptionsError, with_os_error
from plainfilm.options.counting import counted, lines_text
from plainfilm.options.privacy import NO_REDACTION_BOXES, RedactionBoxes, parse_box, parse_coordinate
from plainfilm.pickling import dataclass

COLUMNS = ("source", "x", "y", "w", "h")
OPTION = "--redact-from"
_ESCAPED_FORMULA = re.compile(r"'+[=+\-@\t\r\n]")


@dataclass(frozen=True, slots=True)
class Redactions:
    """The boxes of every source in the list.

    by_source: the boxes by the relative path of the source, as in the tables.
    lines: the numbers of the CSV lines that name the source, counted from 1.
    """

    by_source: Mapping[str, RedactionBoxes] = field(default_factory=dict)
    lines: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def of(self, source: str) -> RedactionBoxes:
        """The boxes of a source."""
        return self.by_source.get(source, NO_REDACTION_BOXES)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of all boxes with their sources, empty without any; it is equal if two runs redact the same.

        It is private: the paths of the sources can be guessed from it.
        """
        if not self.by_source:
            return ""
        text = repr([(source, self.by_source[source]) for source in sorted(self.by_source)])
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def unmatched(self, sources: Collection[str]) -> tuple[int, ...]:
        """The CSV lines, counted from 1, that name none of these sources."""
        return tuple(sorted(line for source, lines in self.lines.items() if source not in sources for line in lines))

    def note(self, sources: Collection[str]) -> str:
        """A note to the user about lines that name none of these sources; empty if every line names one of them."""
        lines = self.unmatched(sources)
        if not lines:
            return ""
        rows = counted(len(lines), f"row of {OPTION} names", f"rows of {OPTION} name")
        return f"{rows} no source of this run ({lines_text(lines)}): nothing is redacted there"


def load_redactions(path: Path | None) -> Redactions:
    """Read the boxes of a CSV file with the columns source, x, y, w, h and optionally frame.

    The frame counts from 1; an empty one means every frame. The source is spelled as in the tables, with or without
    the `'` that the tables put before a text that a spreadsheet would take for a formula.
    Raises OptionsError if the file cannot be read, a column is missing, doubled or spelled in another way, a row has
    more cells than the header, or a row is not a valid box.
    """
    if path is None:
        return Redactions()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        refusal = OptionsError(f"{OPTION}: {path} cannot be read ({type(error).__name__})")
        raise (with_os_error(refusal, error, path) if isinstance(error, OSError) else refusal) from error
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    by_source: dict[str, RedactionBoxes] = {}
    lines: dict[str, tuple[int, ...]] = {}
    try:
        _check_columns(rows.fieldnames or (), path)
        for row in rows:
            place = f"{OPTION}: {path}, line {rows.line_num}"
            if None in row:
                raise OptionsError(f"{place}: the row has more cells than the header; quote a text that has a comma")
            source = source_in_table(row["source"])
            boxes = _boxes(row, place)
            by_source[source] = by_source.get(source, NO_REDACTION_BOXES) + boxes
            lines[source] = (*lines.get(source, ()), rows.line_num)
    except csv.Error as error:
        raise OptionsError(f"{OPTION}: {path} is not a valid CSV file (line {rows.line_num}: {error})") from error
    return Redactions(by_source, lines)


def _check_columns(names: Sequence[str], path: Path) -> None:
    """Raise OptionsError for a header whose columns are missing, doubled or spelled in another way."""
    absent = [name for name in COLUMNS if name not in names]
    if absent:
        raise OptionsError(f"{OPTION}: {path} has no column {', '.join(absent)}")
    doubled = [name for name, count in Counter(names).items() if count > 1 and name]
    if doubled:
        raise OptionsError(f"{OPTION}: {path} has the column {', '.join(doubled)} more than once")
    for name in names:
        if (known := name.strip().lower()) != name and known in (*COLUMNS, "frame"):
            raise OptionsError(f"{OPTION}: {path} has a column {name!r}: write {known}")


def source_in_table(text: str | None) -> str:
    """The source as the tables spell it before they escape it: in Unicode normalization form NFC."""
    source = unicodedata.normalize("NFC", text or "")
    return source[1:] if _ESCAPED_FORMULA.match(source) else source


def _boxes(row: Mapping[str, str | None], place: str) -> RedactionBoxes:
    """The box of a row. Raises OptionsError, whose message begins with the place of the row."""
    try:
        box = parse_box([row[name] for name in COLUMNS[1:]])
    except OptionsError as error:
        raise OptionsError(f"{place}: {error.message}") from error
    frame = (row.get("frame") or "").strip()
    if not frame:
        return RedactionBoxes((box,))
    number = parse_coordinate(frame)
    if number is None or not 1 <= number < math.inf or number != int(number):
        raise OptionsError(f"{place}: frame is a whole number from 1, or empty for all frames, not {frame!r}")
    return RedactionBoxes(of_frames=((int(number), box),))
