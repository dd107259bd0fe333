# SPDX-License-Identifier: MIT
"""A known kind explains every disagreement with the peers, and docs/conformance.md has every known kind."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from conformance.comparison import Verdict, is_explained_by, verdicts
from conformance.kinds import KINDS, Adjustment, Case
from conformance.page import page
from conformance.renderers import render_with_plainfilm
from conformance.subjects import generated_subject, rare_subjects, sample_combinations

PAGE = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"


@pytest.mark.usefixtures("dcmj2pnm")
def test_a_known_kind_explains_every_disagreement() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        subjects = [*rare_subjects(), *map(generated_subject, sample_combinations(90))]
        results = [verdict for subject in subjects for verdict in verdicts(subject)]
    assert not [verdict for verdict in results if verdict.unexplained]
    not_shown = {(verdict.peer, verdict.subject) for verdict in results if verdict.largest is None}
    assert not_shown == {("DCMTK", "a window in a shared functional group")}
    assert sum(bool(verdict.kinds) for verdict in results) > 50, "the matrix no longer covers the kinds"


def test_the_page_has_a_row_for_every_kind_and_no_unexplained_disagreement() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for kind in KINDS:
        for peer in kind.peers:
            assert f"| {kind.name}" in text
            assert f"| {peer} |" in text
        assert f"| {kind.peer_behavior} | {kind.own_behavior} | {kind.assessment} |" in text
    assert "No disagreement is left unexplained." in text


def test_a_tolerance_that_is_too_large_explains_nothing() -> None:
    subject = generated_subject(("MONOCHROME2", None, ("window", "auto", None), 0, (8, 8), False, "none"))
    case = Case(subject, render_with_plainfilm(subject))
    assert is_explained_by(Adjustment(), "DCMTK", case, case.own.image)
    assert is_explained_by(Adjustment(tolerance=128), "DCMTK", case, case.own.image ^ 16)
    assert not is_explained_by(Adjustment(), "DCMTK", case, case.own.image ^ 16)
    assert not is_explained_by(Adjustment(tolerance=300), "DCMTK", case, case.own.image)


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
def test_the_page_lists_unexplained_disagreements(
    peer: str, largest: int | None, kinds: tuple[str, ...], unexplained: bool
) -> None:
    verdict = Verdict("a film", False, peer, largest, kinds, "why")
    assert verdict.unexplained is unexplained
    assert ("Left unexplained:" in page([verdict], ["plainfilm 1"])) is unexplained
