# SPDX-License-Identifier: MIT
"""Fears: two images meet, or a name is more than some file system or spreadsheet can bear."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainfilm.sources.naming_rules import IMAGE_SUFFIXES, frame_name, name_files, name_folders, sanitize, split_suffix


def names_of(*files: str, beside: tuple[str, ...] = ()) -> list[str]:
    return [named.name for named in name_files(files, beside)]


def sources_of(*files: str) -> list[str]:
    return [named.source for named in name_files(files)]


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
        ("x.dcm.gz", "x.dcm.gz"),
    ],
)
def test_only_dicom_suffixes_are_taken_off(file: str, name: str) -> None:
    assert names_of(file) == [name]


def test_the_source_keeps_its_suffix() -> None:
    assert sources_of("x.DCM", "y") == ["x.DCM", "y"]


def test_two_that_would_meet_both_keep_their_full_names() -> None:
    assert names_of("x", "x.dcm", "y.dcm") == ["x", "x.dcm", "y"]
    assert names_of("X.dcm", "x.ima") == ["X.dcm", "x.ima"]


def test_a_full_name_that_meets_a_third_name_makes_that_full_too() -> None:
    assert names_of("x", "x.dcm", "x.dcm.dcm") == ["x", "x.dcm", "x.dcm.dcm"]


def test_full_names_that_differ_in_case_alone_are_numbered() -> None:
    assert names_of("X.DCM", "x.dcm") == ["X.DCM", "x.dcm-2"]


def test_a_number_is_not_given_to_two() -> None:
    assert names_of("X", "X-2", "x") == ["X", "X-2", "x-3"]
    assert names_of("X", "x", "x-2") == ["X", "x-3", "x-2"]


def test_composed_and_decomposed_names_are_told_apart() -> None:
    composed, decomposed = "\u00e9.dcm", "e\u0301.dcm"
    assert names_of(decomposed, composed) == ["\u00e9.dcm", "\u00e9.dcm-2"]
    assert sources_of(decomposed, composed) == ["\u00e9.dcm", "\u00e9.dcm-2"]


def test_letters_whose_lower_case_is_decomposed_are_folded_too() -> None:
    assert names_of("\u0390", "\u03aa\u0301") == ["\u0390", "\u03aa\u0301-2"]


def test_names_that_become_equal_by_sanitizing_are_told_apart() -> None:
    assert names_of("a:b", "a?b") == ["a_b", "a_b-2"]
    assert sources_of("\udcfe.dcm", "\udcff.dcm") == ["_.dcm", "_.dcm-2"]


def test_a_name_like_a_frame_of_its_neighbour_counts_as_meeting_it() -> None:
    assert names_of("x.dcm", "x_f0001.dcm") == ["x.dcm", "x_f0001.dcm"]
    assert names_of("x", "x_F0001") == ["x", "x_F0001-2"]


def test_frames_without_their_instance_meet_nothing() -> None:
    assert names_of("x_f0001.dcm", "x_f0002.dcm") == ["x_f0001", "x_f0002"]


def test_a_folder_called_like_an_image_keeps_that_name_from_files() -> None:
    assert names_of("x.dcm", beside=("X.png",)) == ["x.dcm"]
    assert names_of("x", beside=("x.jpeg",)) == ["x-2"]
    assert names_of("x.dcm", beside=("x_f0001.png",)) == ["x.dcm"]
    assert names_of("x.dcm", beside=("x", "x.d")) == ["x"]


def test_folders_that_differ_in_case_alone_are_told_apart() -> None:
    assert [named.name for named in name_folders(["A", "a"])] == ["A", "a-2"]
    assert [named.source for named in name_folders(["A", "a"])] == ["A", "a"]


@pytest.mark.parametrize("folder", [".plainfilm", "report", "Report", "metadata.csv", "run.json"])
def test_what_the_run_itself_puts_at_the_top_is_no_folder_of_images(folder: str) -> None:
    assert name_folders([folder], at_top=True)[0].name == f"{folder}-2"
    assert name_folders([folder], at_top=True)[0].source == folder


def test_below_the_top_only_a_table_is_in_the_way() -> None:
    assert [named.name for named in name_folders(["report", "metadata.csv"])] == ["report", "metadata.csv-2"]


@pytest.mark.parametrize(
    ("component", "safe"),
    [
        ("a\tb\r\n\0c", "a_b___c"),
        ('<>:"\\|?*', "________"),
        ("a\x85b\u2028c", "a_b_c"),
        ("gnp\u202ecod", "gnp_cod"),
        ("name.", "name_"),
        ("name ", "name_"),
        ("..", "._"),
        (".", "_"),
        ("", "_"),
        ("=cmd|x", "_cmd_x"),
        ("+1", "_1"),
        ("-rf", "_rf"),
        ("@SUM", "_SUM"),
        ("CON", "_"),
        ("con.txt", "_.txt"),
        ("com1", "_"),
        ("LPT\u00b9.x", "_.x"),
        ("nul .x", "_ .x"),
        ("contrast", "contrast"),
        ("com10", "com10"),
        ("e\u0301", "\u00e9"),
        ("\udcff", "_"),
        ("a b-c_d.e", "a b-c_d.e"),
    ],
)
def test_what_systems_and_spreadsheets_cannot_bear_becomes_an_underscore(component: str, safe: str) -> None:
    assert sanitize(component) == safe


def test_a_device_is_no_device_once_its_suffix_is_off() -> None:
    assert names_of("aux.dcm") == ["_"]
    assert sources_of("aux.dcm") == ["_.dcm"]


def test_long_names_are_shortened_and_stay_distinct() -> None:
    first, second = "\u00e4" * 200 + "1", "\u00e4" * 200 + "2"
    assert len(sanitize(first).encode()) <= 200
    assert sanitize(first) != sanitize(second)
    assert sanitize("a" * 200) == "a" * 200
    assert sources_of("a" * 250 + ".dcm")[0].endswith(".dcm")


def test_frames_count_from_one_with_four_digits_or_more() -> None:
    assert frame_name("a/x", 1, 1) == "a/x"
    assert frame_name("a/x", 1, 2) == "a/x_f0001"
    assert frame_name("a/x", 12345, 20000) == "a/x_f12345"


# few letters, so that names meet often
COMPONENTS = st.text(alphabet="xX_f01-2.dcmpng :\u00e9e\u0301\udcff", min_size=1, max_size=12)


def image_paths(names: list[str]) -> list[str]:
    """All paths that images of these names may have, as one frame or several, once each."""
    return [
        f"{stem}.{suffix}" for name in names for stem in (name, f"{name}_f0001") for suffix in sorted(IMAGE_SUFFIXES)
    ]


def like_one(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


@given(st.lists(COMPONENTS, unique=True, max_size=12), st.lists(COMPONENTS, unique=True, max_size=4))
def test_no_image_meets_another_or_a_folder(files: list[str], folders: list[str]) -> None:
    outer = [named.name for named in name_folders(folders)]
    paths = [like_one(path) for path in image_paths(names_of(*files, beside=tuple(outer)))]
    assert len(set(paths)) == len(paths)
    assert not set(paths) & set(map(like_one, outer))
    assert len(set(map(like_one, outer))) == len(outer)
    assert len(set(sources_of(*files))) == len(files)


@given(st.lists(st.text(min_size=1, max_size=300), max_size=4))
def test_every_name_is_safe(files: list[str]) -> None:
    for named in name_files(files):
        for text in (named.name, named.source):
            text.encode()
            assert text
            assert "/" not in text
            assert text not in (".", "..")
            assert text[0] not in "=+-@\t\r"
            assert unicodedata.is_normalized("NFC", text)
            assert len(text.encode()) <= 210


@given(COMPONENTS)
def test_what_is_safe_already_stays(component: str) -> None:
    assert sanitize(sanitize(component)) == sanitize(component)


def test_a_suffix_and_its_stem_make_the_name() -> None:
    assert split_suffix("a.b.Dcm") == ("a.b", ".Dcm")
