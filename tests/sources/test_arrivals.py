# SPDX-License-Identifier: MIT
"""Folders that fill: each file arrives once, when it is whole, and again when it has changed."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.archives import write_archive

from plainfilm.records import Failure
from plainfilm.sources.arrivals import Arrival, Arrivals, WatchTiming, Withdrawn
from plainfilm.sources.folder import Folder
from plainfilm.sources.reference import Reference
from plainfilm.sources.walk import Listing
from plainfilm.sources.wholeness import has_unfinished_name, is_open_for_writing

AT_ONCE = WatchTiming(unchanged=0.0, between_listings=0.0)
AFTER_AN_HOUR = WatchTiming(unchanged=3600.0, between_listings=0.0)


class CountedListing(Listing):
    """A listing that counts how often it was listed."""

    number = 0

    def entries(
        self, is_wanted: Callable[[Folder], bool] = lambda _: True, *, with_content: bool = False
    ) -> Iterator[Reference | Failure]:
        self.number += 1
        return super().entries(is_wanted, with_content=with_content)


class WatchedFolder:
    """A folder whose arrivals are asked for listing by listing. in_work: the paths that the run is converting."""

    def __init__(self, folder: Path, timing: WatchTiming = AT_ONCE) -> None:
        self.in_work: set[Path] = set()
        self._listing = CountedListing([folder], folder / "out")
        self.arrivals = Arrivals(self._listing, timing, self.in_work.__contains__)
        self._entries = self.arrivals.entries()
        self.withdrawn: list[str] = []

    def arrived(self) -> list[str]:
        """The sources that arrive in one whole listing after now."""
        last, drawn = self._listing.number + 2, list[Arrival]()
        while self._listing.number < last:
            drawn.append(next(self._entries))
        self.withdrawn = [entry.failure.source for entry in drawn if isinstance(entry, Withdrawn)]
        return [entry.source for entry in drawn if isinstance(entry, Reference | Failure)]


@pytest.fixture
def films(tmp_path: Path) -> Path:
    folder = tmp_path / "films"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.dcm").write_bytes(b"a")
    (folder / "sub/b").write_bytes(b"b")
    return folder


def test_each_file_arrives_once(films: Path) -> None:
    watched = WatchedFolder(films)
    assert watched.arrived() == ["a.dcm", "sub/b"]
    (films / "c.dcm").write_bytes(b"c")
    assert watched.arrived() == ["c.dcm"]
    assert watched.arrived() == []


def test_a_file_that_has_changed_arrives_again(films: Path) -> None:
    watched = WatchedFolder(films)
    watched.arrived()
    (films / "a.dcm").write_bytes(b"longer")
    assert watched.arrived() == ["a.dcm"]


def test_a_file_that_was_just_written_is_not_whole(films: Path) -> None:
    watched = WatchedFolder(films, AFTER_AN_HOUR)
    assert watched.arrived() == []
    assert watched.arrivals.unfinished_files == 2


def test_a_file_that_has_been_as_it_is_for_long_is_whole_at_once(films: Path) -> None:
    watched = WatchedFolder(films, AFTER_AN_HOUR)
    os.utime(films / "a.dcm", (1_000_000, 1_000_000))
    assert watched.arrived() == ["a.dcm"]
    os.utime(films / "sub/b", (1_000_000, 1_000_000))
    (films / "sub/b").rename(films / "renamed.dcm")
    assert watched.arrived() == ["renamed.dcm"]


@pytest.mark.parametrize(
    "name", ["x.dcm.part", "x.TMP", ".x.dcm.Xy12Zw", "x.crdownload", "x.dcm.filepart", "x~", ".nfs0001", "~$x"]
)
def test_an_unfinished_file_arrives_when_it_has_its_own_name(films: Path, name: str) -> None:
    watched = WatchedFolder(films)
    watched.arrived()
    (films / name).write_bytes(b"x")
    assert watched.arrived() == []
    (films / name).rename(films / "x.dcm")
    assert watched.arrived() == ["x.dcm"]


@pytest.mark.parametrize("name", ["x.dcm", "IM000001", "1.2.840.113619", ".hidden", "part", "x.tmp.dcm"])
def test_other_names_are_those_of_whole_files(name: str) -> None:
    assert not has_unfinished_name(name)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which files are open for writing")
def test_a_file_that_is_open_for_writing_arrives_when_it_is_closed(films: Path) -> None:
    watched = WatchedFolder(films)
    with open(films / "a.dcm", "ab") as file:
        if not is_open_for_writing(Path(file.name)):
            pytest.skip("this file system grants a lease on a file that is open for writing")
        assert watched.arrived() == ["sub/b"]
    assert watched.arrived() == ["a.dcm"]


def test_a_file_in_work_does_not_arrive_again_before_it_is_done(films: Path) -> None:
    watched = WatchedFolder(films)
    watched.arrived()
    watched.in_work.add(films / "a.dcm")
    (films / "a.dcm").write_bytes(b"changed")
    assert watched.arrived() == []
    watched.in_work.clear()
    assert watched.arrived() == ["a.dcm"]


def test_out_inside_the_source_is_not_read(films: Path) -> None:
    watched = WatchedFolder(films)
    (films / "out").mkdir()
    (films / "out/a.png").write_bytes(b"an image")
    assert "out/a.png" not in watched.arrived()


def test_an_archive_is_opened_once_when_it_is_whole(films: Path) -> None:
    watched = WatchedFolder(films)
    watched.arrived()
    whole = write_archive(films.parent / "whole.zip", {"x.dcm": b"x", "../y.dcm": b"y"})
    shutil.copy(whole, films / "z.zip.part")
    assert watched.arrived() == []
    (films / "z.zip.part").rename(films / "z.zip")
    assert "z.zip/x.dcm" in watched.arrived()
    assert (watched.arrived(), watched.withdrawn) == ([], [])


def test_the_rows_of_a_folder_that_cannot_be_listed_are_withdrawn_when_it_comes_back(films: Path) -> None:
    watched = WatchedFolder(films)
    watched.arrived()
    films.rename(films.parent / "unmounted")
    assert watched.arrived() == ["films"]
    assert watched.arrived() == []
    (films.parent / "unmounted").rename(films)
    assert watched.arrived() == ["a.dcm", "sub/b"], "the run asks its ledger whether they are done"
    assert watched.withdrawn == ["films"]
