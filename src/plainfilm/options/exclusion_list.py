# SPDX-License-Identifier: MIT
"""Read the CSV file of `--exclude`, which lists sources to leave out."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping
from dataclasses import field
from pathlib import Path

from plainfilm.errors import OptionsError
from plainfilm.options.counting import counted, lines_text
from plainfilm.options.redaction_list import source_in_table
from plainfilm.pickling import dataclass

OPTION = "--exclude"
_COLUMN = "source"


@dataclass(frozen=True, slots=True)
class Exclusions:
    """The sources to leave out, as the tables write them, each with the numbers of its CSV lines, counted from 1."""

    lines: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def __contains__(self, source: object) -> bool:
        return source in self.lines

    def note(self, sources: Collection[str]) -> str:
        """A note to the user about lines that name none of these sources; empty if every line names one of them."""
        unmatched = sorted(line for source, lines in self.lines.items() if source not in sources for line in lines)
        if not unmatched:
            return ""
        rows = counted(len(unmatched), f"row of {OPTION} names", f"rows of {OPTION} name")
        return f"{rows} no source of this run ({lines_text(unmatched)})"


def load_exclusions(path: Path | None) -> Exclusions:
    """Read the column `source` of a CSV file, which may have other columns, as the tables of a run have.

    Raises OptionsError if the file cannot be read or has no such column.
    """
    if path is None:
        return Exclusions()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise OptionsError(f"{OPTION}: {path} cannot be read ({type(error).__name__})") from error
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    lines: dict[str, tuple[int, ...]] = {}
    try:
        if _COLUMN not in (rows.fieldnames or ()):
            raise OptionsError(f"{OPTION}: {path} has no column {_COLUMN}")
        for row in rows:
            if source := source_in_table(row[_COLUMN]):
                lines[source] = (*lines.get(source, ()), rows.line_num)
    except csv.Error as error:
        raise OptionsError(f"{OPTION}: {path} is not a valid CSV file (line {rows.line_num}: {error})") from error
    return Exclusions(lines)
