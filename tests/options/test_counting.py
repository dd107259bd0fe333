# SPDX-License-Identifier: MIT
"""A number in a message agrees with its words."""

from __future__ import annotations

import pytest

from plainfilm.options.counting import counted, lines_text


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 images"), (1, "1 image"), (2, "2 images"), (1_234_567, "1,234,567 images")]
)
def test_a_number_has_its_noun(number: int, text: str) -> None:
    assert counted(number, "image") == text


def test_other_plurals_and_verbs_are_given() -> None:
    assert counted(1, "study has", "studies have") == "1 study has"
    assert counted(3, "study has", "studies have") == "3 studies have"


@pytest.mark.parametrize(
    ("numbers", "text"), [([4], "line 4"), ([4, 9], "lines 4, 9"), ([1, 2, 3, 4, 5, 6], "lines 1, 2, 3, 4, 5, ...")]
)
def test_the_first_lines_are_named(numbers: list[int], text: str) -> None:
    assert lines_text(numbers) == text
