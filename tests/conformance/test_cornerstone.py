# SPDX-License-Identifier: MIT
"""The images of plainfilm and of cornerstone3D agree, or a known kind of disagreement explains the difference."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conformance.cornerstone.__main__ import judge, page
from conformance.cornerstone.browser import Cornerstone, build_page, missing_program, open_cornerstone
from conformance.cornerstone.kinds import CORNERSTONE_KINDS
from conformance.subjects import Subject, generated_subject, rare_subjects, sample_combinations
from tests.conftest import ROOT, skip_or_fail
from tests.support.cases.build import build_case, to_bytes

COMBINATIONS = 12


@pytest.fixture(scope="module")
def cornerstone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cornerstone]:
    """A page of cornerstone3D in Chromium, which npm builds."""
    missing = missing_program()
    if missing:
        skip_or_fail(missing)
    try:
        dist = build_page(tmp_path_factory.mktemp("cornerstone"))
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"npm cannot install or build cornerstone3D ({type(error).__name__})")
    with open_cornerstone(dist) as opened:
        yield opened


def test_a_window_gives_the_same_image_within_one_level(cornerstone: Cornerstone) -> None:
    for photometric in ("MONOCHROME1", "MONOCHROME2"):
        for slope, intercept in ((1, 0), (2, -1024)):
            dataset, _ = build_case(
                photometric=photometric, slope=slope, intercept=intercept, centers=(1900,), widths=(3000,)
            )
            verdict = judge(Subject(photometric, to_bytes(dataset)), cornerstone)
            assert verdict.largest is not None, verdict.reason
            assert verdict.largest <= 1


def test_a_known_kind_explains_every_disagreement(cornerstone: Cornerstone) -> None:
    subjects = [
        *rare_subjects(),
        *(generated_subject(combination) for combination in sample_combinations(COMBINATIONS)),
    ]
    verdicts = [judge(subject, cornerstone) for subject in subjects]
    assert [verdict for verdict in verdicts if verdict.unexplained] == []
    assert sum(verdict.largest is not None for verdict in verdicts) > len(verdicts) / 2


def test_the_page_lists_every_kind() -> None:
    text = (ROOT / "docs" / "conformance-cornerstone.md").read_text(encoding="utf-8")
    names = [kind.name for kind in CORNERSTONE_KINDS]
    assert [name for name in names if f"| {name}" not in text] == []
    assert [name for name in names if f"| {name}" not in page([], "1")] == []


def test_no_module_of_node_is_in_the_project() -> None:
    assert not list(Path(ROOT, "conformance").rglob("node_modules"))
