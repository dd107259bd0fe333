# SPDX-License-Identifier: MIT
"""The short form of the conformance page. Fear: a disagreement that the page does not know, or a page that is old."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from conformance.comparison import Verdict, agree_with, verdicts
from conformance.kinds import KINDS, Case, Undoing
from conformance.page import page
from conformance.shown import by_plainfilm
from conformance.subjects import generated, oddities, some_combinations

PAGE = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"


@pytest.mark.dcmtk
@pytest.mark.usefixtures("dcmj2pnm")
def test_every_disagreement_is_of_a_kind_that_the_page_knows() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        films = [*oddities(), *map(generated, some_combinations(90))]
        found = [verdict for film in films for verdict in verdicts(film)]
    assert not [verdict for verdict in found if verdict.unexplained]
    hidden = {(verdict.peer, verdict.subject) for verdict in found if verdict.largest is None}
    assert hidden == {("DCMTK", "a window in a shared functional group")}
    assert sum(bool(verdict.kinds) for verdict in found) > 50, "the matrix no longer reaches what the kinds are for"


def test_the_page_has_a_row_for_every_kind_and_leaves_nothing_open() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for kind in KINDS:
        for peer in kind.peers:
            assert f"| {kind.name}" in text
            assert f"| {peer} |" in text
        assert f"| {kind.theirs} | {kind.here} | {kind.right} |" in text
    assert "No disagreement is left unexplained." in text


def test_a_bound_that_allows_anything_explains_nothing() -> None:
    subject = generated(("MONOCHROME2", None, ("window", "auto", None), 0, (8, 8), False, "none"))
    case = Case(subject, by_plainfilm(subject))
    assert agree_with(Undoing(), "DCMTK", case, case.ours.image)
    assert agree_with(Undoing(allowed=128), "DCMTK", case, case.ours.image ^ 16)
    assert not agree_with(Undoing(), "DCMTK", case, case.ours.image ^ 16)
    assert not agree_with(Undoing(allowed=300), "DCMTK", case, case.ours.image)


@pytest.mark.parametrize(
    ("peer", "largest", "kinds", "unexplained"),
    [
        ("oracle", 0, (), False),
        ("oracle", 1, (), True),
        ("DCMTK", 1, (), False),
        ("DCMTK", 2, (), True),
        ("DCMTK", 2, ("no VOI",), False),
        ("DCMTK", None, (), False),
    ],
)
def test_what_is_left_unexplained_stands_on_the_page(
    peer: str, largest: int | None, kinds: tuple[str, ...], unexplained: bool
) -> None:
    verdict = Verdict("a film", False, peer, largest, kinds, "why")
    assert verdict.unexplained is unexplained
    assert ("Left unexplained:" in page([verdict], ["plainfilm 1"])) is unexplained
