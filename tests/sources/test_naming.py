# SPDX-License-Identifier: MIT
"""Fear: in a folder of very many files names are others than in one of few, or their number is what memory grows by."""

from __future__ import annotations

import sqlite3
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plainfilm.errors import StorageFullError
from plainfilm.sources import naming_sqlite as crowd
from plainfilm.sources.entries import Entry, Kind
from plainfilm.sources.naming import name_entries
from plainfilm.sources.naming_rules import Named

# few letters, so that names meet often, and what names are changed for
NAMES = st.text(alphabet="xX_f01-2.dcmpng :\u00e9e\u0301\udcff\U0001f9b4\ue000", min_size=1, max_size=8)
SUFFIXED = st.tuples(NAMES, st.sampled_from(["", ".dcm", ".DCM", ".dcm.dcm", "_f0001", "_f0001.ima", "-2", ".png"]))
RESERVED = st.sampled_from(["report", "REPORT", "run.json", "metadata.csv", "Metadata.csv-2", ".plainfilm", "aux"])
ENTRIES = st.lists(
    st.tuples(
        st.one_of(SUFFIXED.map("".join), NAMES, RESERVED),
        st.sampled_from([Kind.FILE, Kind.FILE, Kind.FILE, Kind.FOLDER, Kind.BROKEN, Kind.LINK_TO_FOLDER]),
        st.integers(0, 2),
    ),
    max_size=24,
    unique_by=lambda entry: (entry[0], entry[2]),
)


def named(entries: list[Entry], *, few: bool, at_top: bool = False) -> list[tuple[Entry, Named]]:
    return list(name_entries(entries, at_top=at_top, most_in_memory=len(entries) if few else -1))


@given(ENTRIES, st.booleans())
@example([("x", Kind.FILE, 0), ("x.dcm", Kind.FILE, 0), ("x.dcm.dcm", Kind.FILE, 0), ("x.png", Kind.FOLDER, 0)], False)
@example([("X", Kind.FILE, 0), ("x", Kind.FILE, 1), ("x-2", Kind.FILE, 2), ("x_f0001", Kind.FILE, 2)], True)
@example([("a:", Kind.FILE, 0), ("a?", Kind.FILE, 0), ("a_-2", Kind.FOLDER, 0), ("a_", Kind.FOLDER, 0)], True)
@settings(max_examples=400)
def test_very_many_are_called_what_few_are_called(entries: list[tuple[str, Kind, int]], at_top: bool) -> None:
    made = [Entry(*entry) for entry in entries]
    assert named(made, few=False, at_top=at_top) == named(made, few=True, at_top=at_top)


def test_a_thousand_that_meet_are_called_what_few_are_called() -> None:
    names = {
        f"{stem}{number % 60}{suffix}" for number in range(240) for stem in "xXé" for suffix in ("", ".dcm", ".DCM")
    }
    made = [Entry(name, Kind.FILE, part) for name in names for part in (0, 1)]
    assert named(made, few=False) == named(made, few=True)


def test_the_order_is_that_of_parts_then_kinds_then_code_points() -> None:
    made = [
        Entry("\U0001f9b4", Kind.FILE),
        Entry("\udcff", Kind.FILE),
        Entry("\ue000", Kind.FILE),
        Entry("a", Kind.FOLDER),
        Entry("a", Kind.FILE, 1),
        Entry("B", Kind.FOLDER),
    ]
    for few in (True, False):
        found = [(entry.part, entry.name) for entry, _ in named(made, few=few)]
        assert found == [(0, "\udcff"), (0, "\ue000"), (0, "\U0001f9b4"), (0, "B"), (0, "a"), (1, "a")]


@pytest.mark.parametrize("few", [True, False])
def test_a_folder_knows_of_a_file_with_its_source(few: bool) -> None:
    made = [Entry("a:", Kind.FILE), Entry("a_", Kind.FOLDER), Entry("b", Kind.FOLDER), Entry("b.dcm", Kind.FILE)]
    told = {entry.name: called.of_a_file_too for entry, called in named(made, few=few)}
    assert told == {"a:": False, "a_": True, "b": False, "b.dcm": False}


def many(number: int) -> Iterator[Entry]:
    """Names of the usual kind, in no order."""
    for at in range(number):
        yield Entry(f"1.2.840.113619.2.55.3.{at * 7919 % number:07}.dcm", Kind.FILE)


def peak(number: int) -> int:
    """The most bytes that listing so many entries takes, besides what SQLite keeps in its own cache of fixed size."""
    tracemalloc.start()
    assert sum(1 for _ in name_entries(many(number))) == number
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return used


def test_memory_does_not_grow_with_the_number_of_entries() -> None:
    peak(3_000)  # what is made once
    assert peak(24_000) < peak(2_400) + 100_000


def test_the_first_name_needs_no_other_to_be_made() -> None:
    drawn = name_entries(many(3_000))
    tracemalloc.start()
    next(drawn)
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()


def test_a_folder_for_temporary_files_that_is_full_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(sqlite3.Connection):
        def execute(self, *_: object) -> sqlite3.Cursor:
            raise sqlite3.OperationalError("database or disk is full")

    connect = sqlite3.connect
    monkeypatch.setattr(crowd.sqlite3, "connect", lambda *words, **given: connect(*words, **given, factory=Full))
    with pytest.raises(StorageFullError, match="temporary files"):
        name_entries(many(3_000))


def test_what_drawing_entries_raises_is_raised_at_once() -> None:
    def broken() -> Iterator[Entry]:
        yield from many(3_000)
        raise PermissionError("no more")

    with pytest.raises(PermissionError):
        name_entries(broken())
