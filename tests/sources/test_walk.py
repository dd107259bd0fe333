# SPDX-License-Identifier: MIT
"""The listing finds every input file once, in a fixed order, with names that do not collide, and ends."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.support.memory import call_within, least_peak

from plainfilm.errors import OptionsError, Reason, SourceMissingError, Stage
from plainfilm.records import Failure, Status
from plainfilm.sources import naming
from plainfilm.sources.naming_rules import sanitize
from plainfilm.sources.reference import Reference
from plainfilm.sources.walk import iterate_references


def tree(root: Path, *files: str) -> Path:
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.encode("utf-8", "surrogateescape"))
    return root


def listed(*sources: str | Path, out: Path | None = None) -> list[Reference]:
    found = list(iterate_references(sources, out))
    assert not [failure for failure in found if isinstance(failure, Failure)]
    return [reference for reference in found if isinstance(reference, Reference)]


def names_of(*sources: str | Path) -> list[str]:
    return [reference.name for reference in listed(*sources)]


def failures_of(*sources: str | Path) -> dict[str, tuple[Status, Reason]]:
    found = [failure for failure in iterate_references(sources, None) if isinstance(failure, Failure)]
    assert all(failure.stage is Stage.LIST and failure.frame is None and failure.message for failure in found)
    return {failure.source: (failure.status, failure.reason) for failure in found}


SKIPPED = (Status.SKIPPED, Reason.NOT_A_FILE)
UNREADABLE = (Status.FAILED, Reason.UNREADABLE)


def test_a_folder_is_listed_with_any_names(tmp_path: Path) -> None:
    tree(tmp_path, "b/y.dcm", "b/IM0001", "a.dcm", ".hidden", "b/c/d/z.txt")
    found = listed(tmp_path)
    assert [reference.source for reference in found] == [".hidden", "a.dcm", "b/IM0001", "b/y.dcm", "b/c/d/z.txt"]
    assert [reference.name for reference in found] == [".hidden", "a", "b/IM0001", "b/y", "b/c/d/z.txt"]
    assert [reference.path.read_bytes().decode() for reference in found] == [reference.source for reference in found]


def test_a_single_file_keeps_its_file_name(tmp_path: Path) -> None:
    tree(tmp_path, "deep/down/x.dcm")
    (reference,) = listed(tmp_path / "deep/down/x.dcm")
    assert reference == Reference(tmp_path / "deep/down/x.dcm", "x.dcm", "x")


def test_several_folders_are_prefixed_by_their_base_names(tmp_path: Path) -> None:
    tree(tmp_path, "a/x.dcm", "b/x.dcm", "c/a/x.dcm", "z.dcm")
    assert names_of(tmp_path / "b", tmp_path / "a") == ["b/x", "a/x"]
    sources = [tmp_path / "a", tmp_path / "b", tmp_path / "z.dcm", tmp_path / "c/a"]
    assert names_of(*sources) == ["a/x", "b/x", "z", "a-2/x"]
    assert [reference.source for reference in listed(*sources)] == ["a/x.dcm", "b/x.dcm", "z.dcm", "a-2/x.dcm"]


def test_folders_given_by_dots_have_base_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "a/x", "b/c/y")
    monkeypatch.chdir(tmp_path / "a")
    assert names_of(".", "../b") == ["a/x", "b/c/y"]


def test_a_folder_in_another_spelling_is_the_same_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "a/x", "b/c/y", "b/x.dcm")
    (tmp_path / "link").symlink_to("b")
    monkeypatch.chdir(tmp_path / "a")
    assert names_of(f"{tmp_path}/b", "../b", "../b/", "../b/c/..", "../link", "../link/.") == ["x", "c/y"]
    assert names_of(".", f"{tmp_path}/a/", "../a") == ["x"]


def test_a_file_that_is_reached_twice_is_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "a/x.dcm", "a/s/y.dcm", "b/z.dcm")
    (tmp_path / "link.dcm").symlink_to("a/x.dcm")
    monkeypatch.chdir(tmp_path)
    assert names_of("a/x.dcm", "./a/x.dcm", "a/../a/x.dcm", "link.dcm") == ["x"]
    assert names_of("a", "a/x.dcm", "link.dcm", "a/s") == ["x", "s/y"]
    assert names_of("a/x.dcm", "a") == ["x", "s/y"]
    assert names_of("a/s", "a") == ["s/y", "a/x"]
    assert names_of("a", "a/*.dcm", "a/**/y.dcm") == ["x", "s/y"]
    assert names_of("a/*.dcm", "a") == ["x", "s/y"]
    assert names_of("a/*.dcm", "a/x*", "a/s/*") == ["a/x", "s/y"]
    assert names_of("a/s/*", "*/*") == ["s/y", f"{sanitize(tmp_path.name)}/a/x", f"{sanitize(tmp_path.name)}/b/z"]


def test_globs_of_one_folder_are_named_together(tmp_path: Path) -> None:
    tree(tmp_path, "a/x.dcm", "a/x.ima", "b/y")
    assert names_of(f"{tmp_path}/a/*.dcm", f"{tmp_path}/a/*.ima") == ["x.dcm", "x.ima"]
    assert names_of(f"{tmp_path}/a/*.dcm", tmp_path / "b", f"{tmp_path}/a/*.ima") == ["a/x.dcm", "a/x.ima", "b/y"]


def test_files_with_the_same_base_name_stay_distinct(tmp_path: Path) -> None:
    tree(tmp_path, "a/x.dcm", "b/x.dcm", "c/x.ima")
    sources = [tmp_path / "a/x.dcm", tmp_path / "b/x.dcm", tmp_path / "c/x.ima"]
    assert names_of(*sources) == ["x.dcm", "x.dcm-2", "x.ima"]
    assert [reference.source for reference in listed(*sources)] == ["x.dcm", "x.dcm-2", "x.ima"]


def test_a_file_beside_the_only_folder_does_not_collide_with_its_files(tmp_path: Path) -> None:
    tree(tmp_path, "a/x.dcm", "x.dcm")
    assert names_of(tmp_path / "a", tmp_path / "x.dcm") == ["x.dcm", "x.dcm-2"]


def test_a_relative_source_gives_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "a/x")
    monkeypatch.chdir(tmp_path)
    assert [reference.path for reference in listed("a")] == [tmp_path / "a/x"]


def test_a_name_depends_on_its_own_folder_alone(tmp_path: Path) -> None:
    tree(tmp_path, "a/x.dcm", "b/x", "b/x.dcm")
    assert names_of(tmp_path) == ["a/x", "b/x", "b/x.dcm"]


def test_an_older_output_does_not_share_the_run_s_own_folders(tmp_path: Path) -> None:
    tree(tmp_path, ".plainfilm-staging/x", "README.md/r.dcm", "metadata.csv/m")
    assert names_of(tmp_path) == ["_plainfilm-staging/x", "README.md-2/r", "metadata.csv-2/m"]


@pytest.mark.parametrize("missing", ["nowhere", "x.dcm/y", "*.nothing", "", "with\0nul"])
def test_a_missing_source_is_an_error_before_anything_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    tree(tmp_path, "x.dcm")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceMissingError) as error:
        iterate_references(["x.dcm", missing], None)
    assert error.value.exit_code == 2


def test_globs_are_expanded_relative_to_their_folder(tmp_path: Path) -> None:
    tree(tmp_path, "a/x.dcm", "a/y.txt", "a/b/z.dcm", "a/b/.hidden.dcm")
    assert names_of(f"{tmp_path}/a/*.dcm") == ["x"]
    assert names_of(f"{tmp_path}/a/**/*.dcm") == ["x", "b/z"]
    assert names_of(f"{tmp_path}/*/b") == ["a/b/.hidden", "a/b/z"]


def test_globs_of_several_folders_have_prefixes(tmp_path: Path) -> None:
    tree(tmp_path, "a/x.dcm", "b/x.dcm", "a/s/y", "b/s/y")
    assert names_of(f"{tmp_path}/a/**", f"{tmp_path}/b/**") == ["a/x", "a/s/y", "b/x", "b/s/y"]


def test_a_file_named_like_a_glob_is_that_file(tmp_path: Path) -> None:
    tree(tmp_path, "x[1].dcm", "x1.dcm")
    assert names_of(tmp_path / "x[1].dcm") == ["x[1]"]


def test_a_glob_may_match_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert names_of(f"{tmp_path}/e*") == []


@pytest.mark.parametrize("made", ["before", "meanwhile"])
def test_out_inside_a_source_is_not_listed(tmp_path: Path, made: str) -> None:
    tree(tmp_path, "a/x", "m/y", "z/w")
    out = tmp_path / "m/out"
    if made == "before":
        tree(out, "x.png")
    found = iterate_references([tmp_path], out)
    first = next(found)
    tree(out, "x.png")
    assert isinstance(first, Reference)
    assert [first.name] + [item.name for item in found if isinstance(item, Reference)] == ["a/x", "m/y", "z/w"]


def test_out_cannot_be_a_source(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(OptionsError):
        iterate_references([tmp_path], tmp_path / "link")


def test_symbolic_links_to_files_are_read_and_to_folders_not_followed(tmp_path: Path) -> None:
    tree(tmp_path, "in/x.dcm", "other/y.dcm")
    (tmp_path / "in/l.dcm").symlink_to(tmp_path / "other/y.dcm")
    (tmp_path / "in/folder").symlink_to(tmp_path / "other")
    (tmp_path / "in/broken").symlink_to("nowhere")
    assert failures_of(tmp_path / "in") == {"broken": UNREADABLE, "folder": SKIPPED}
    found = [item.name for item in iterate_references([tmp_path / "in"], None) if isinstance(item, Reference)]
    assert found == ["l", "x"]


def test_a_symbolic_link_given_as_a_source_is_followed(tmp_path: Path) -> None:
    tree(tmp_path, "in/x.dcm")
    (tmp_path / "link").symlink_to("in")
    assert [reference.path for reference in listed(tmp_path / "link")] == [tmp_path / "in/x.dcm"]


def test_loops_of_symbolic_links_end(tmp_path: Path) -> None:
    tree(tmp_path, "a/x")
    (tmp_path / "a/b").symlink_to("..")
    (tmp_path / "self").symlink_to("self")
    assert failures_of(tmp_path) == {"a/b": SKIPPED, "self": UNREADABLE}
    assert failures_of(f"{tmp_path}/**/x") == {"a/b": SKIPPED}


def test_pipes_and_sockets_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.dcm")
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
        assert failures_of(tmp_path) == {"pipe.dcm": SKIPPED, "socket": SKIPPED}
    assert failures_of(tmp_path / "pipe.dcm") == {"pipe.dcm": SKIPPED}


def test_a_broken_link_given_as_a_source_is_a_row(tmp_path: Path) -> None:
    (tmp_path / "x.dcm").symlink_to("nowhere")
    assert failures_of(tmp_path / "x.dcm") == {"x.dcm": UNREADABLE}


def test_names_that_are_not_utf_8_are_listed(tmp_path: Path) -> None:
    raw = os.fsdecode(b"\xff\xfe.dcm")
    tree(tmp_path, raw, os.fsdecode(b"d\xff/x"))
    found = listed(tmp_path)
    assert [reference.name for reference in found] == ["__", "d_/x"]
    assert found[0].path.read_bytes() == b"\xff\xfe.dcm"


def test_the_order_does_not_depend_on_the_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, *[f"{folder}/{file}" for folder in "ba" for file in "cab"])
    expected = names_of(tmp_path)
    scan = os.scandir

    @contextmanager
    def backwards(path: Path) -> Iterator[list[os.DirEntry[str]]]:
        with scan(path) as entries:
            yield sorted(entries, key=lambda entry: entry.name, reverse=True)

    monkeypatch.setattr(os, "scandir", backwards)
    assert names_of(tmp_path) == expected == ["a/a", "a/b", "a/c", "b/a", "b/b", "b/c"]


def test_a_folder_that_vanishes_or_fails_affects_no_other(tmp_path: Path) -> None:
    tree(tmp_path, "a/x", "b/x", "c/x")
    found = iterate_references([tmp_path], None)
    first = next(found)
    (tmp_path / "b/x").unlink()
    (tmp_path / "b").rmdir()
    rest = list(found)
    assert [item.source for item in [first, *rest]] == ["a/x", "b", "c/x"]
    assert isinstance(rest[0], Failure)
    assert (rest[0].status, rest[0].reason) == UNREADABLE


def test_a_folder_without_permission_is_a_row(tmp_path: Path) -> None:
    tree(tmp_path, "a/x")
    (tmp_path / "a").chmod(0)
    if os.access(tmp_path / "a", os.R_OK):
        pytest.skip("permissions do not bind this user")
    try:
        assert failures_of(tmp_path) == {"a": UNREADABLE}
    finally:
        (tmp_path / "a").chmod(0o700)


@contextmanager
def deep_folder(root: Path, depth: int) -> Iterator[None]:
    """A chain of folders `d`, with a file `x` in the innermost, made and removed without long paths."""
    descriptors = [os.open(root, os.O_RDONLY)]
    outer = descriptors[0]
    for _ in range(depth):
        os.mkdir("d", dir_fd=outer)
        inner = os.open("d", os.O_RDONLY, dir_fd=outer)
        if outer != descriptors[0]:
            os.close(outer)
        outer = inner
    os.close(os.open("x", os.O_CREAT | os.O_WRONLY, dir_fd=outer))
    try:
        yield
    finally:
        os.unlink("x", dir_fd=outer)
        for _ in range(depth):
            above = os.open("..", os.O_RDONLY, dir_fd=outer)
            os.close(outer)
            os.rmdir("d", dir_fd=above)
            outer = above
        os.close(outer)
        os.close(descriptors[0])


def test_a_tree_1900_folders_deep_needs_no_deep_stack(tmp_path: Path) -> None:
    with deep_folder(tmp_path, 1900):
        (reference,) = listed(tmp_path)
        assert reference.name == "d/" * 1900 + "x"


def test_a_path_too_long_for_the_system_is_a_row(tmp_path: Path) -> None:
    with deep_folder(tmp_path, 2200):
        (failure,) = iterate_references([tmp_path], None)
        assert isinstance(failure, Failure)
        assert (failure.status, failure.reason) == UNREADABLE


@pytest.mark.slow
def test_only_the_names_of_one_folder_are_in_memory(tmp_path: Path) -> None:
    many = 40
    for folder in range(many):
        tree(tmp_path, *[f"{folder:02d}/{'n' * 100}{file:03d}" for file in range(100)])

    def count(root: Path) -> int:
        return sum(1 for _ in iterate_references([root], None))

    assert call_within(2 * least_peak(lambda: count(tmp_path / "00")), count, tmp_path) == 100 * many


def test_a_large_folder_is_listed_like_a_small_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, *[f"{folder}/{file}" for folder in "ba" for file in ("X.dcm", "x", "y.dcm", "c/z", "d/z.png")])
    (tmp_path / "a" / "gone").symlink_to("nowhere")
    expected = list(iterate_references([tmp_path], None))
    globbed = list(iterate_references([f"{tmp_path}/*/*"], None))
    monkeypatch.setattr(naming.assign_names, "__kwdefaults__", {"at_top": False, "reserved": (), "most_in_memory": 1})
    assert list(iterate_references([tmp_path], None)) == expected
    assert list(iterate_references([f"{tmp_path}/*/*"], None)) == globbed


def unreadable(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
    """Make folders that cannot be listed, whoever asks."""
    scan = os.scandir

    def refuse(path: str | Path) -> Any:
        if Path(path) in folders:
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)


def test_unreadable_folders_of_one_name_are_rows_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "a/s/x", "b/s/x", "c/s/x", "d/s", "d/t/x")
    locked = [tmp_path / name for name in ("a/s", "b/s", "c/s")]
    unreadable(monkeypatch, *locked)
    for sources in (locked, [f"{tmp_path}/a/s/*", f"{tmp_path}/b/s/*"], [f"{tmp_path}/*/s"]):
        with suppress(SourceMissingError):
            found = [item.source for item in iterate_references([*sources, tmp_path / "d"], None)]
            assert len(set(found)) == len(found), sources
    found = [item.source for item in iterate_references([tmp_path / "a/s", tmp_path / "b/s", tmp_path / "d/s"], None)]
    assert sorted(found) == ["s", "s-2", "s/"]


def test_an_only_source_that_cannot_be_listed_is_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "a/x", "b/x.dcm")
    unreadable(monkeypatch, tmp_path / "a")
    found = list(iterate_references([tmp_path / "a", tmp_path / "b/x.dcm"], None))
    assert [item.source for item in found] == ["x.dcm", "a"]
    assert isinstance(found[1], Failure)


def test_a_folder_and_a_file_of_the_same_source_name_stay_distinct(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(tmp_path, "a:", "a_/x")
    unreadable(monkeypatch, tmp_path / "a_")
    assert [item.source for item in iterate_references([tmp_path], None)] == ["a_", "a_/"]
