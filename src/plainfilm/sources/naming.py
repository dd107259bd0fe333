# SPDX-License-Identifier: MIT
"""The entries of one folder -> each with what it is called, in order, one by one: no memory for a million of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from plainfilm.sources.entries import Entry, Kind
from plainfilm.sources.naming_rules import Named, name_files, name_folders
from plainfilm.sources.naming_sqlite import name_crowd

MOST_IN_MEMORY = 2_000


def name_entries(
    entries: Iterable[Entry], *, at_top: bool = False, most_in_memory: int = MOST_IN_MEMORY
) -> Iterator[tuple[Entry, Named]]:
    """What each entry is called: part by part, of each first its files, then its folders, each by code points.

    All entries are drawn before this returns. Raises what drawing them raises, and StorageFullError.
    """
    drawn = iter(entries)
    first = list(islice(drawn, most_in_memory + 1))
    if len(first) > most_in_memory:
        return name_crowd(chain(first, drawn), at_top=at_top)
    first.sort(key=lambda entry: (entry.part, entry.kind is Kind.FOLDER, entry.name))
    return _named(first, at_top)


def _named(entries: list[Entry], at_top: bool) -> Iterator[tuple[Entry, Named]]:
    folders = name_folders([entry.name for entry in entries if entry.kind is Kind.FOLDER], at_top=at_top)
    beside = [named.name for named in folders]
    files = name_files([entry.name for entry in entries if entry.kind is not Kind.FOLDER], beside)
    sources = {named.source for named in files}
    of_folders, of_files = iter(folders), iter(files)
    for entry in entries:
        if entry.kind is Kind.FOLDER:
            named = next(of_folders)
            yield entry, Named(named.name, named.source, named.source in sources)
        else:
            yield entry, next(of_files)
