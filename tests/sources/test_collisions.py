# SPDX-License-Identifier: MIT
"""Collisions: no two images of a folder have the same path, and names change as little as that needs."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainfilm.sources.collisions import EntryNames, base_of, is_related, name_together, stem_of
from plainfilm.sources.entries import Entry, EntryKind
from plainfilm.sources.naming_rules import IMAGE_SUFFIXES, reserved_names

# few letters, so that names collide often
COMPONENTS = st.text(alphabet="xX_f01-2.dcmpng :\u00e9e\u0301\udcff", min_size=1, max_size=12)


def file_names(*files: str, folders: tuple[str, ...] = ()) -> list[EntryNames]:
    entries = [Entry(file, EntryKind.FILE) for file in files] + [Entry(folder, EntryKind.FOLDER) for folder in folders]
    return [names for entry, names in name_together(entries, ()) if entry.kind is EntryKind.FILE]


def folder_names(*folders: str, at_top: bool = False) -> list[EntryNames]:
    return [
        names
        for _, names in name_together(
            [Entry(folder, EntryKind.FOLDER) for folder in folders], reserved_names(at_top=at_top)
        )
    ]


def names_of(*files: str, folders: tuple[str, ...] = ()) -> list[str]:
    return [names.name for names in file_names(*files, folders=folders)]


def sources_of(*files: str) -> list[str]:
    return [names.source for names in file_names(*files)]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("x.dcm", "x"),
        ("x.DCM", "x"),
        ("x.dicom", "x"),
        ("x.Dic", "x"),
        ("x.ima", "x"),
        ("x.1.2.840.dcm", "x.1.2.840"),
        ("x.txt", "x.txt"),
        ("1.2.840.10008", "1.2.840.10008"),
        ("x", "x"),
        (".dcm", ".dcm"),
        ("x.dcm.gz", "x"),
        ("x.Dicom.GZ", "x"),
        ("x.gz", "x.gz"),
        (".dcm.gz", ".dcm.gz"),
    ],
)
def test_only_dicom_suffixes_are_taken_off(file: str, name: str) -> None:
    assert names_of(file) == [name]


def test_the_source_keeps_its_suffix() -> None:
    assert sources_of("x.DCM", "y") == ["x.DCM", "y"]


def test_two_names_that_collide_both_keep_their_suffixes() -> None:
    assert names_of("x", "x.dcm", "y.dcm") == ["x", "x.dcm", "y"]
    assert names_of("X.dcm", "x.ima") == ["X.dcm", "x.ima"]


def test_a_full_name_that_collides_with_a_third_name_makes_that_full_too() -> None:
    assert names_of("x", "x.dcm", "x.dcm.dcm") == ["x", "x.dcm", "x.dcm.dcm"]


def test_full_names_that_differ_in_case_alone_are_numbered() -> None:
    assert names_of("X.DCM", "x.dcm") == ["X.DCM", "x.dcm-2"]


def test_a_number_is_not_given_to_two() -> None:
    assert names_of("X", "X-2", "x") == ["X", "X-2", "x-3"]
    assert names_of("X", "x", "x-2") == ["X", "x-3", "x-2"]


def test_composed_and_decomposed_names_stay_distinct() -> None:
    composed, decomposed = "\u00e9.dcm", "e\u0301.dcm"
    assert names_of(decomposed, composed) == ["\u00e9.dcm", "\u00e9.dcm-2"]
    assert sources_of(decomposed, composed) == ["\u00e9.dcm", "\u00e9.dcm-2"]


def test_letters_whose_lower_case_is_decomposed_are_folded_too() -> None:
    assert names_of("\u0390", "\u03aa\u0301") == ["\u0390", "\u03aa\u0301-2"]


def test_names_that_become_equal_by_sanitizing_stay_distinct() -> None:
    assert names_of("a:b", "a?b") == ["a_b", "a_b-2"]
    assert sources_of("\udcfe.dcm", "\udcff.dcm") == ["_.dcm", "_.dcm-2"]


def test_a_name_of_the_form_of_a_frame_collides_with_its_instance() -> None:
    assert names_of("x.dcm", "x_f0001.dcm") == ["x.dcm", "x_f0001.dcm"]
    assert names_of("x", "x_F0001") == ["x", "x_F0001-2"]


def test_frames_without_their_instance_do_not_collide() -> None:
    assert names_of("x_f0001.dcm", "x_f0002.dcm") == ["x_f0001", "x_f0002"]
    assert names_of("x.dcm", "x_mip.dcm") == ["x.dcm", "x_mip.dcm"]
    assert names_of("x_mip.dcm", "x_mean.dcm") == ["x_mip", "x_mean"]


def test_a_folder_called_like_an_image_keeps_that_name_from_files() -> None:
    assert names_of("x.dcm", folders=("X.png",)) == ["x.dcm"]
    assert names_of("x", folders=("x.jpeg",)) == ["x-2"]
    assert names_of("x.dcm", folders=("x_f0001.png",)) == ["x.dcm"]
    assert names_of("x.dcm", folders=("x", "x.d")) == ["x"]


def test_folders_that_differ_in_case_alone_stay_distinct() -> None:
    names = folder_names("A", "a")
    assert [(folder.name, folder.source) for folder in names] == [("A", "A"), ("a-2", "a")]


@pytest.mark.parametrize("folder", ["report.html", "README.md", "readme.md", "metadata.csv", "run.json"])
def test_a_folder_gets_no_name_of_a_file_of_the_run_at_the_top(folder: str) -> None:
    assert folder_names(folder, at_top=True) == [EntryNames(f"{folder}-2", folder)]


def test_below_the_top_only_the_names_of_tables_are_reserved() -> None:
    assert [folder.name for folder in folder_names("README.md", "metadata.csv")] == ["README.md", "metadata.csv-2"]


def test_a_device_is_no_device_once_its_suffix_is_off() -> None:
    assert names_of("aux.dcm") == ["_"]
    assert sources_of("aux.dcm") == ["_.dcm"]


def test_a_long_source_keeps_its_suffix() -> None:
    assert sources_of("a" * 250 + ".dcm")[0].endswith(".dcm")


def image_paths(names: list[str]) -> list[str]:
    """All paths that images of these names may have, as one frame or several, once each."""
    return [
        f"{stem}.{suffix}" for name in names for stem in (name, f"{name}_f0001") for suffix in sorted(IMAGE_SUFFIXES)
    ]


def file_system_key(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


@given(st.lists(COMPONENTS, unique=True, max_size=12), st.lists(COMPONENTS, unique=True, max_size=4))
def test_no_image_has_the_path_of_another_image_or_folder(files: list[str], folders: list[str]) -> None:
    outer = [folder.name for folder in folder_names(*folders)]
    paths = [file_system_key(path) for path in image_paths(names_of(*files, folders=tuple(folders)))]
    assert len(set(paths)) == len(paths)
    assert not set(paths) & set(map(file_system_key, outer))
    assert len(set(map(file_system_key, outer))) == len(outer)
    assert len(set(sources_of(*files))) == len(files)


@given(st.lists(st.text(min_size=1, max_size=300), max_size=4))
def test_every_name_is_safe(files: list[str]) -> None:
    for names in file_names(*files):
        for text in (names.name, names.source):
            text.encode()
            assert text
            assert "/" not in text
            assert text not in (".", "..")
            assert text[0] not in "=+-@\t\r"
            assert unicodedata.is_normalized("NFC", text)
            assert len(text.encode()) <= 210


def test_a_folder_shares_its_source_with_a_file() -> None:
    entries = [Entry("a:", EntryKind.FILE), Entry("a_", EntryKind.FOLDER), Entry("b", EntryKind.FOLDER)]
    assert [names.shares_source for _, names in name_together(entries, ())] == [
        False,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("entry", "stem", "root"),
    [
        (Entry("X.dcm", EntryKind.FILE), "x", "x"),
        (Entry("X.dcm", EntryKind.FOLDER), "x", "x"),
        (Entry("x.png", EntryKind.FOLDER), "x", "x"),
        (Entry("x_f0001.dcm", EntryKind.FILE), "x_f0001", "x"),
        (Entry("x_f000", EntryKind.FILE), "x_f000", "x_f000"),
        (Entry("x-2.dcm.dcm", EntryKind.FILE), "x-2", "x-2"),
        (Entry(".dcm.dcm", EntryKind.FILE), ".dcm", ".dcm"),
    ],
)
def test_entries_that_can_collide_have_one_root(entry: Entry, stem: str, root: str) -> None:
    assert stem_of(entry) == stem
    assert base_of(stem) == root


@pytest.mark.parametrize("stem", ["x", "x-2", "x_f0001", "x.dcm-2", "x_f0001-3-2"])
def test_a_stem_that_a_number_can_lead_to_is_related(stem: str) -> None:
    assert is_related(stem, "x")


@pytest.mark.parametrize("stem", ["xx", "x-a", "x_f000", "y", "X"])
def test_a_stem_that_no_number_leads_to_is_not_related(stem: str) -> None:
    assert not is_related(stem, "x")
