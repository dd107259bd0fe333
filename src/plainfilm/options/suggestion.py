# SPDX-License-Identifier: MIT
"""Suggest a known word for a word that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_SIMILARITY = 0.6


def did_you_mean(word: str, known_words: Iterable[str], prefix: str = "") -> str:
    """Return `; did you mean PREFIX...?` with the most similar of the known words; empty if none is similar.

    The comparison ignores the case, and takes `-` and `_` for the same character.
    """
    by_key = {_key(known): known for known in known_words}
    matches = get_close_matches(_key(word), by_key, n=1, cutoff=_SIMILARITY)
    return f"; did you mean {prefix}{by_key[matches[0]]}?" if matches else ""


def _key(word: str) -> str:
    return word.casefold().replace("_", "-")
