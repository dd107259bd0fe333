# SPDX-License-Identifier: MIT
"""Keywords that a user names -> those of the data dictionary (PS3.6) whose values can stand in a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from plainfilm.errors import OptionsError

# What is no text or number of a table's size; NONE have the tags that only structure a data set.
_NO_CELL = frozenset({"SQ", "OB", "OD", "OF", "OL", "OV", "OW", "UN", "NONE"})


@dataclass(frozen=True, slots=True)
class Keywords:
    """DICOM keywords, each once, in the order in which they were given."""

    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ",".join(self.words)


def parse_columns(value: object) -> Keywords:
    """`KEYWORD,KEYWORD`, or a sequence of keywords.

    Raises OptionsError for what is no keyword of a standard attribute, for sequences, and for binary values.
    """
    if isinstance(value, Keywords):
        return value
    if isinstance(value, str):
        parts = value.split(",")
    elif isinstance(value, Iterable):
        parts = [str(part) for part in value]
    else:
        raise OptionsError(f"--columns: KEYWORD,..., not {value!r}")
    words = tuple(dict.fromkeys(word for part in parts if (word := part.strip())))
    for word in words:
        _check(word)
    return Keywords(words)


def _check(word: str) -> None:
    from pydicom.datadict import dictionary_VR, keyword_dict

    if word not in keyword_dict:
        raise OptionsError(
            f"--columns: {word!r} is no keyword of a standard DICOM attribute{_advice(word, keyword_dict)}"
        )
    vr = dictionary_VR(word)
    if not _NO_CELL.isdisjoint(vr.split(" or ")):
        kind = "a sequence" if vr == "SQ" else f"binary ({vr})"
        raise OptionsError(f"--columns: {word} is {kind} and cannot stand in a table")


def _advice(word: str, known: Iterable[str]) -> str:
    by_folded = {keyword.lower(): keyword for keyword in known if keyword}
    folded = "".join(filter(str.isalnum, word)).lower()
    near = [by_folded[match] for match in get_close_matches(folded, by_folded, 3)]
    if near:
        return f": is it {' or '.join(near)}?"
    return ": give its name in the dictionary without spaces, such as StudyDate; private attributes have none"
