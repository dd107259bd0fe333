# SPDX-License-Identifier: MIT
"""Check the attribute keywords that a user names against the data dictionary (PS3.6)."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from plainfilm.errors import OptionsError
from plainfilm.pickling import dataclass

# The VRs whose values are not text or numbers that fit into a table. Delimiters have NONE.
_UNSUITABLE_VRS = frozenset({"SQ", "OB", "OD", "OF", "OL", "OV", "OW", "UN", "NONE"})
_NUMBER_VRS = frozenset({"DS", "IS", "FL", "FD", "SS", "US", "SL", "UL", "SV", "UV"})


@dataclass(frozen=True, slots=True)
class Keywords:
    """DICOM keywords without duplicates, in the user's order."""

    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ",".join(self.words)


def parse_columns(value: object) -> Keywords:
    """Parse `KEYWORD,KEYWORD`, or an iterable of keywords.

    Raises OptionsError if a word is not the keyword of a standard attribute, or if the attribute is a sequence or
    binary.
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
        _check_keyword(word)
    return Keywords(words)


def _check_keyword(word: str) -> None:
    # pydicom is imported only if there are keywords: the options must not take its time
    from pydicom.datadict import dictionary_VR, keyword_dict

    if word not in keyword_dict:
        raise OptionsError(
            f"--columns: {word!r} is not the keyword of a standard DICOM attribute{_suggestion(word, keyword_dict)}"
        )
    vr = dictionary_VR(word)
    if not _UNSUITABLE_VRS.isdisjoint(vr.split(" or ")):
        kind = "a sequence" if vr == "SQ" else f"binary ({vr})"
        raise OptionsError(f"--columns: {word} is {kind} and cannot be a column of a table")


def _suggestion(word: str, keywords: Iterable[str]) -> str:
    by_folded = {keyword.lower(): keyword for keyword in keywords if keyword}
    folded = "".join(filter(str.isalnum, word)).lower()
    similar = [by_folded[match] for match in get_close_matches(folded, by_folded, 3)]
    if similar:
        return f": is it {' or '.join(similar)}?"
    return ": give a keyword of the data dictionary without spaces, such as StudyDate; private attributes have none"


def is_number(keyword: str) -> bool:
    """Whether the values of a standard attribute are numbers, by its VR. A word that is no keyword is not a number."""
    from pydicom.datadict import dictionary_VR, keyword_dict

    return keyword in keyword_dict and not _NUMBER_VRS.isdisjoint(dictionary_VR(keyword).split(" or "))
