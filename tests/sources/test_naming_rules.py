# SPDX-License-Identifier: MIT
"""Safe names: every name is acceptable to file systems and spreadsheets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainfilm.sources.naming_rules import frame_name, sanitize, split_suffix


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
def test_characters_that_are_not_allowed_become_an_underscore(component: str, safe: str) -> None:
    assert sanitize(component) == safe


def test_frames_count_from_one_with_four_digits_or_more() -> None:
    assert frame_name("a/x", 1, 1) == "a/x"
    assert frame_name("a/x", 1, 2) == "a/x_f0001"
    assert frame_name("a/x", 12345, 20000) == "a/x_f12345"


def test_a_long_name_is_shortened_and_stays_distinct() -> None:
    first, second = "\u00e4" * 200 + "1", "\u00e4" * 200 + "2"
    assert len(sanitize(first).encode()) <= 200
    assert sanitize(first) != sanitize(second)
    assert sanitize("a" * 200) == "a" * 200


@given(st.text(alphabet="xX_f01-2.dcmpng :\u00e9e\u0301\udcff", min_size=1, max_size=12))
def test_a_safe_name_does_not_change(component: str) -> None:
    assert sanitize(sanitize(component)) == sanitize(component)


def test_a_suffix_and_its_stem_make_the_name() -> None:
    assert split_suffix("a.b.Dcm") == ("a.b", ".Dcm")
