# SPDX-License-Identifier: MIT
"""A large folder gets the same names as a small one, and memory does not grow with the number of entries."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.memory import MEASUREMENTS, call_within, least_peak

from plainfilm.errors import StorageFullError
from plainfilm.sources import naming
from plainfilm.sources.collisions import EntryNames
from plainfilm.sources.entries import Entry, EntryKind
from plainfilm.sources.naming import assign_names

FILE, FOLDER = EntryKind.FILE, EntryKind.FOLDER
KINDS = [FILE, FILE, FILE, FOLDER, EntryKind.BROKEN, EntryKind.LINK_TO_FOLDER]

# few letters, so that names collide often, and characters that names must not have
NAMES = st.text(alphabet="xX_f01-2.dcmpng :\u00e9e\u0301\udcff\U0001f9b4\ue000", min_size=1, max_size=8)
SUFFIXED = st.tuples(NAMES, st.sampled_from(["", ".dcm", ".DCM", ".dcm.dcm", "_f0001", "_f0001.ima", "-2", ".png"]))
RESERVED = st.sampled_from(["readme.md", "README.md", "run.json", "metadata.csv", ".plainfilm", "aux"])
ENTRIES = st.lists(
    st.tuples(
        st.one_of(SUFFIXED.map("".join), NAMES, RESERVED),
        st.sampled_from(KINDS),
        st.integers(0, 2),
    ),
    max_size=24,
    unique_by=lambda entry: (entry[0], entry[2]),
)


def names_of(entries: list[Entry], *, in_memory: bool, at_top: bool = False) -> list[tuple[Entry, EntryNames]]:
    return list(assign_names(entries, at_top=at_top, most_in_memory=len(entries) if in_memory else -1))


@pytest.mark.slow
@given(ENTRIES, st.booleans())
@example([("x", FILE, 0), ("x.dcm", FILE, 0), ("x.dcm.dcm", FILE, 0), ("x.png", FOLDER, 0)], False)
@example([("X", FILE, 0), ("x", FILE, 1), ("x-2", FILE, 2), ("x_f0001", FILE, 2)], True)
@example([("a:", FILE, 0), ("a?", FILE, 0), ("a_-2", FOLDER, 0), ("a_", FOLDER, 0)], True)
@example([("X", FILE, 0), ("x", FILE, 1), ("x-2", FOLDER, 0), ("X-2", FOLDER, 0)], False)
@example([("x:", FILE, 0), ("x?", FILE, 0), ("x_-2", FOLDER, 0), ("x_-2.png", FOLDER, 0)], False)
def test_a_large_folder_gets_the_names_of_a_small_one(entries: list[tuple[str, EntryKind, int]], at_top: bool) -> None:
    folder = [Entry(*entry) for entry in entries]
    assert names_of(folder, in_memory=False, at_top=at_top) == names_of(folder, in_memory=True, at_top=at_top)


def test_a_thousand_names_that_collide_are_the_same_in_a_large_folder() -> None:
    names = {
        f"{stem}{number % 60}{suffix}" for number in range(240) for stem in "xXé" for suffix in ("", ".dcm", ".DCM")
    }
    entries = [Entry(name, FILE, argument) for name in names for argument in (0, 1)]
    assert names_of(entries, in_memory=False) == names_of(entries, in_memory=True)


def test_entries_are_sorted_by_argument_then_kind_then_code_points() -> None:
    entries = [
        Entry("\U0001f9b4", FILE),
        Entry("\udcff", FILE),
        Entry("\ue000", FILE),
        Entry("a", FOLDER),
        Entry("a", FILE, 1),
        Entry("B", FOLDER),
    ]
    for in_memory in (True, False):
        order = [(entry.argument, entry.name) for entry, _ in names_of(entries, in_memory=in_memory)]
        assert order == [(0, "\udcff"), (0, "\ue000"), (0, "\U0001f9b4"), (0, "B"), (0, "a"), (1, "a")]


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_folder_states_that_a_file_has_its_source(in_memory: bool) -> None:
    entries = [
        Entry("a:", FILE),
        Entry("a_", FOLDER),
        Entry("b", FOLDER),
        Entry("b.dcm", FILE),
    ]
    shared = {entry.name: names.shares_source for entry, names in names_of(entries, in_memory=in_memory)}
    assert shared == {"a:": False, "a_": True, "b": False, "b.dcm": False}


def many(number: int) -> Iterator[Entry]:
    """Names of the usual kind, in no order."""
    for at in range(number):
        yield Entry(f"1.2.840.113619.2.55.3.{at * 7919 % number:07}.dcm", FILE)


def count(number: int) -> int:
    """List so many entries. SQLite's own cache, of fixed size, is no part of the memory that Python allocates."""
    return sum(1 for _ in assign_names(many(number)))


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_entries() -> None:
    assert call_within(least_peak(lambda: count(2_400)) + 100_000, count, 24_000) == 24_000


def test_the_first_name_comes_before_the_others_are_in_memory() -> None:
    listings = [assign_names(many(3_000)) for _ in range(MEASUREMENTS)]
    call_within(100_000, lambda: next(listings.pop()))


def test_a_full_folder_for_temporary_files_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(sqlite3.Connection):
        def execute(self, *_: object) -> sqlite3.Cursor:
            raise sqlite3.OperationalError("database or disk is full")

    connect = sqlite3.connect
    monkeypatch.setattr(naming.sqlite3, "connect", lambda *values, **named: connect(*values, **named, factory=Full))
    with pytest.raises(StorageFullError, match="temporary files"):
        assign_names(many(3_000))


def test_errors_of_the_entries_are_raised_at_once() -> None:
    def broken() -> Iterator[Entry]:
        yield from many(3_000)
        raise PermissionError("no more")

    with pytest.raises(PermissionError):
        assign_names(broken())
