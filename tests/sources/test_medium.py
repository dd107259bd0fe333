# SPDX-License-Identifier: MIT
"""Media with a DICOMDIR: it orders the files, hides none, and leads nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.media import directory_bytes

from plainfilm.records import Failure
from plainfilm.sources.walk import Listing


def medium(folder: Path, names: list[str], file_ids: list[tuple[str, ...]], directory: str = "DICOMDIR") -> Path:
    """A folder with these files and a DICOMDIR."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"a file")
    (folder / directory).write_bytes(directory_bytes(file_ids))
    return folder


def listed(*sources: Path) -> list[str]:
    return [entry.source for entry in Listing(sources, None).entries()]


def failures(source: Path) -> dict[str, tuple[str, str]]:
    entries = Listing([source], None).entries()
    return {entry.source: (entry.status.value, entry.reason.value) for entry in entries if isinstance(entry, Failure)}


def test_the_files_come_in_the_order_of_the_directory_after_the_others(tmp_path: Path) -> None:
    folder = medium(tmp_path / "cd", ["P/A", "P/B", "Q/C", "README.TXT"], [("Q", "C"), ("P", "B"), ("P", "A")])
    assert listed(folder) == ["DICOMDIR", "README.TXT", "Q/C", "P/B", "P/A"]


@pytest.mark.parametrize("directory", ["DICOMDIR", "dicomdir", "DICOMDIR.;1", "Dicomdir;1", "DICOMDIR."])
def test_names_match_in_any_case_with_versions_and_added_suffixes(tmp_path: Path, directory: str) -> None:
    names = ["p1/im1.dcm", "P1/IM2.;1", "P1/im3.DCM;1"]
    folder = medium(tmp_path / "cd", names, [("P1", "IM3"), ("P1", "IM2"), ("P1", "IM1")], directory)
    assert listed(folder)[1:] == ["P1/im3.DCM;1", "P1/IM2.;1", "p1/im1.dcm"]
    assert not failures(folder)


def test_a_name_itself_comes_before_the_name_with_a_suffix(tmp_path: Path) -> None:
    folder = medium(tmp_path / "cd", ["a/IM1", "a/IM1.dcm", "a/IM2"], [("A", "IM2"), ("A", "IM1")])
    assert listed(folder) == ["DICOMDIR", "a/IM1.dcm", "a/IM2", "a/IM1"]


def test_a_file_that_is_missing_is_one_row(tmp_path: Path) -> None:
    folder = medium(tmp_path / "cd", ["P/A"], [("P", "A"), ("P", "GONE"), ("p", "gone")])
    assert failures(folder) == {"P/GONE": ("failed", "unreadable")}
    (folder / "P/GONE").write_bytes(b"a file")
    assert not failures(folder)


@pytest.mark.parametrize(
    "file_id", [("..", "secret"), ("", "etc", "passwd"), ("/etc/passwd",), ("C:", "x"), ("a",) * 9, ("..\\secret",)]
)
def test_no_name_leads_out_of_the_medium(tmp_path: Path, file_id: tuple[str, ...]) -> None:
    (tmp_path / "secret").write_bytes(b"a file")
    folder = medium(tmp_path / "cd", ["P/A"], [file_id, ("P", "A")])
    assert {source for source in listed(folder) if not source.startswith("DICOMDIR")} == {"P/A"}
    ((source, row),) = failures(folder).items()
    assert source.startswith("DICOMDIR/")
    assert ".." not in source.split("/")
    assert row == ("failed", "unsupported_value")


def test_a_missing_file_does_not_share_the_row_of_another(tmp_path: Path) -> None:
    source = medium(tmp_path, ["A_"], [("A|",), ("A_",)])
    assert "A_" in listed(source)
    assert set(failures(source)) == {"DICOMDIR/A_"}


def test_a_broken_directory_hides_nothing(tmp_path: Path) -> None:
    folder = medium(tmp_path / "cd", ["P/A", "P/B"], [])
    content = directory_bytes([("P", "B"), ("P", "A")])
    for size in range(0, len(content), 7):
        (folder / "DICOMDIR").write_bytes(content[:size])
        assert set(listed(folder)) >= {"DICOMDIR", "P/A", "P/B"}


def test_each_of_several_media_has_its_order(tmp_path: Path) -> None:
    medium(tmp_path / "cds/1", ["A", "B/C", "B/D"], [("B", "D"), ("B", "C")])
    medium(tmp_path / "cds/2", ["B/C", "B/D"], [("B", "D"), ("B", "C"), ("X",)])
    expected = ["1/A", "1/DICOMDIR", "1/B/D", "1/B/C", "2/DICOMDIR", "2/B/D", "2/B/C", "2/X"]
    assert listed(tmp_path / "cds") == expected


def test_a_directory_alone_and_a_list_name_no_other_file(tmp_path: Path) -> None:
    folder = medium(tmp_path / "cd", ["P/A"], [("P", "A"), ("P", "GONE")])
    assert listed(folder / "DICOMDIR") == ["DICOMDIR"]
    assert listed(folder / "D*") == ["DICOMDIR"]


def test_a_file_that_an_earlier_source_reaches_is_not_missing(tmp_path: Path) -> None:
    folder = medium(tmp_path / "cd", ["P/A", "P/B"], [("P", "B"), ("P", "A")])
    assert listed(folder / "P/A", folder) == ["A", "DICOMDIR", "P/B"]
