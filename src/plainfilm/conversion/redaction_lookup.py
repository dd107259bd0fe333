# SPDX-License-Identifier: MIT
"""Look up the rows of `--redact-from` among the SOURCEs before a run starts.

A row that names no file would redact nothing, and the text in the pixels would stay: it is an error by default.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from plainfilm.errors import OptionsError
from plainfilm.options.privacy import PrivacyOptions, RedactUnmatched
from plainfilm.options.redaction_list import OPTION, Redactions, load_redactions
from plainfilm.sources.walk import Listing

_MOST_ROWS_SHOWN = 5
_SEPARATORS = re.compile(r"[/\\]")
_Folded = tuple[str, ...]


def load_matched_redactions(listing: Listing, options: PrivacyOptions) -> Redactions:
    """Read the boxes of `--redact-from`, and look each row up among the sources of the run.

    Raises OptionsError where the file cannot be used, and, unless `--redact-unmatched ignore` is given, where a row
    names no source.
    """
    redactions = load_redactions(options.redact_from)
    if redactions.by_source and options.redact_unmatched is RedactUnmatched.ERROR:
        _check_rows(redactions, listing)
    return redactions


def _check_rows(redactions: Redactions, listing: Listing) -> None:
    """Raise OptionsError with the lines of the rows that name no source."""
    unmatched, similar = _look_up(redactions.by_source, listing)
    if not unmatched:
        return
    rows = sorted((line, source) for source in unmatched for line in redactions.lines[source])
    shown = [_row_text(line, source, similar.get(_fold(source))) for line, source in rows[:_MOST_ROWS_SHOWN]]
    if len(rows) > _MOST_ROWS_SHOWN:
        shown.append(f"  and {len(rows) - _MOST_ROWS_SHOWN} more")
    summary = f"{OPTION}: {len(rows)} {'row names' if len(rows) == 1 else 'rows name'} no file of the SOURCEs:"
    advice = (
        "write the column source as in the tables (the path within SOURCE; with several folders the folder's name "
        "first), or give --redact-unmatched ignore"
    )
    raise OptionsError("\n".join((summary, *shown, advice)))


def _look_up(names: Iterable[str], listing: Listing) -> tuple[set[str], dict[_Folded, str]]:
    """Return the names that no source has, and sources that differ from a name only in case or spaces.

    Only folders that the names lie in are listed, and the listing ends when all names are found.
    """
    unmatched = set(names)
    folded = {_fold(name) for name in unmatched}
    folders = {name[:depth] for name in folded for depth in range(len(name))}
    similar: dict[_Folded, str] = {}
    for entry in listing.entries(lambda folder: _fold(folder.source) in folders):
        if entry.source in unmatched:
            unmatched.remove(entry.source)
            if not unmatched:
                break
        elif (key := _fold(entry.source)) in folded:
            similar.setdefault(key, entry.source)
    return unmatched, similar


def _fold(source: str) -> _Folded:
    """Return the components of a path without case, spaces and `.`; a path and its folders compare by their start."""
    components = ("".join(component.split()).casefold() for component in _SEPARATORS.split(source))
    return tuple(component for component in components if component not in ("", "."))


def _row_text(line: int, source: str, similar: str | None) -> str:
    hint = "" if similar is None else f"; did you mean {similar!r}?"
    return f"  line {line}: {source!r}{hint}"
