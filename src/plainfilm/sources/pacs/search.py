# SPDX-License-Identifier: MIT
"""Read all results of a DICOMweb search (QIDO-RS, PS3.18 10.6), page by page, from servers that page badly too."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from plainfilm.errors import LimitError, Reason, SourceError
from plainfilm.pickling import dataclass
from plainfilm.sources.pacs.query import UID, Level, PacsQuery, invalid_uid_error
from plainfilm.sources.store import network_error

_UID_TAGS = {Level.STUDY: "0020000D", Level.SERIES: "0020000E", Level.IMAGE: "00080018"}
_TAGS = {
    "StudyInstanceUID": "0020000D",
    "SeriesInstanceUID": "0020000E",
    "SOPInstanceUID": "00080018",
    "SOPClassUID": "00080016",
    "Modality": "00080060",
}
_COUNT_TAGS = {Level.STUDY: "00201208", Level.SERIES: "00201209"}
PAGE_SIZE = 200
_MOST_RESULTS = 5_000_000
# of an integer string (PS3.5 6.2); Python refuses to parse thousands of digits
_MOST_DIGITS = 12

Page = tuple[list[object], bool]
"""The results of one request, and whether the server says that there are more (`Warning: 299`)."""


@dataclass(frozen=True, slots=True)
class Match:
    """A study, a series or an instance that a search has found.

    uid: its own UID. series: the Series Instance UID of an instance, '' where the server does not say it.
    instances: how many instances the server says it has; None where it does not say it, or says none.
    """

    uid: str
    series: str = ""
    instances: int | None = None


def matches(
    level: Level, query: PacsQuery, page_at: Callable[[int], Page], expected: int | None = None
) -> Iterator[Match | SourceError]:
    """Yield each result once, or an error for one that has no UID.

    page_at: asks for the results from a position on. expected: how many there are, where it is known. A server that
    repeats its results although there are more of them gives one error after the last result.

    The next page is asked for until one brings nothing new, because a server may give fewer results than the request
    allows. Raises SourceError where the server has further results and does not give them, and its other errors.
    """
    seen, position = set[str](), 0
    while expected is None or len(seen) < expected:
        results, has_more = page_at(position)
        new = 0
        for result in results:
            uid = _first(result, _UID_TAGS[level])
            if uid in seen:
                continue
            seen.add(uid)
            new += 1
            if query.admits(level, {keyword: _values(result, tag) for keyword, tag in _TAGS.items()}):
                yield _match(result, level, uid)
        position += len(results)
        if not new:
            if has_more or len(results) >= PAGE_SIZE:
                raise _incomplete_error(len(seen))
            if results and expected is not None:
                # it repeats a page that is smaller than what was asked for
                yield _incomplete_error(len(seen))
            return
        if len(seen) > _MOST_RESULTS:
            raise LimitError(f"the search has more than {_MOST_RESULTS} results: narrow the query")


def _match(result: object, level: Level, uid: str) -> Match | SourceError:
    if not UID.fullmatch(uid):
        return invalid_uid_error(level)
    series = _first(result, _TAGS["SeriesInstanceUID"])
    count = _first(result, _COUNT_TAGS[level]) if level in _COUNT_TAGS else ""
    instances = int(count) if count.isdecimal() and len(count) <= _MOST_DIGITS else 0
    return Match(uid, series if UID.fullmatch(series) else "", instances or None)


def _values(result: object, tag: str) -> list[str]:
    """The values of an attribute of a result in the DICOM JSON model (PS3.18 F.2), as texts."""
    attribute = result.get(tag) if isinstance(result, dict) else None
    values = attribute.get("Value") if isinstance(attribute, dict) else None
    if not isinstance(values, list):
        return []
    # a UID, a code or a number; the text of anything else could need very many steps
    return [str(value).strip("\0 ") if isinstance(value, str | int) else "" for value in values]


def _first(result: object, tag: str) -> str:
    values = _values(result, tag)
    return values[0] if values else ""


def page_of(content: object) -> list[object]:
    """Return the results in the content of an answer, which is a list. Raises SourceError."""
    if not isinstance(content, list):
        raise network_error("the answer to the search is no list")
    return content


def _incomplete_error(count: int) -> SourceError:
    return SourceError(
        f"the server has more than the {count} results that it gives (it ignores offset): narrow the query, "
        "for example by StudyDate",
        reason=Reason.UNSUPPORTED_VALUE,
    )
