# SPDX-License-Identifier: MIT
"""A glob that no shell expanded matches what it matches in a shell."""

from __future__ import annotations

from pathlib import Path

import pytest

from plainfilm.sources.glob import split_pattern


def matches(text: str, path: str) -> bool:
    split = split_pattern(text)
    assert split is not None
    positions = split[1].start()
    for name in path.split("/"):
        positions = split[1].step(positions, name)
    return split[1].accepts(positions)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("*.dcm", "x.dcm", True),
        ("*.dcm", "x.ima", False),
        ("*.dcm", "a/x.dcm", False),
        ("*/x.dcm", "a/x.dcm", True),
        ("**/x.dcm", "x.dcm", True),
        ("**/x.dcm", "a/b/c/x.dcm", True),
        ("**", "a/b/x", True),
        ("**/b/*", "a/b/x", True),
        ("**/b/*", "a/c/x", False),
        ("**/**/x", "x", True),
        ("a?[0-9]", "ab7", True),
        ("a?[!0-9]", "ab7", False),
        ("*", ".hidden", False),
        ("**/x", ".hidden/x", False),
        (".*", ".hidden", True),
        ("[[]x]", "[x]", True),
    ],
)
def test_wildcards_work_like_in_a_shell(pattern: str, path: str, expected: bool) -> None:
    assert matches(pattern, path) is expected


@pytest.mark.parametrize(
    ("text", "base"), [("in/*.dcm", "in"), ("*.dcm", "."), ("/*.dcm", "/"), ("/a/b*/c", "/a"), ("./*", ".")]
)
def test_a_glob_starts_from_the_folder_before_its_first_wildcard(text: str, base: str) -> None:
    split = split_pattern(text)
    assert split is not None
    assert split[0] == Path(base)


def test_a_path_without_wildcards_is_no_glob() -> None:
    assert split_pattern("in/x.dcm") is None
