# SPDX-License-Identifier: MIT
"""The page about cornerstone3D lists every kind of disagreement (`python -m conformance.cornerstone` writes it)."""

from __future__ import annotations

from conformance.cornerstone.__main__ import page
from conformance.cornerstone.kinds import CORNERSTONE_KINDS
from tests.conftest import ROOT


def test_the_page_lists_every_kind() -> None:
    text = (ROOT / "docs" / "conformance-cornerstone.md").read_text(encoding="utf-8")
    names = [kind.name for kind in CORNERSTONE_KINDS]
    assert [name for name in names if f"| {name}" not in text] == []
    assert [name for name in names if f"| {name}" not in page([], "1")] == []
