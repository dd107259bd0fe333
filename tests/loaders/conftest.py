# SPDX-License-Identifier: MIT
"""Fixtures of the tests of loaders."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from tests.support.loader_outputs import write_out


@pytest.fixture
def make_out(tmp_path: Path) -> Callable[..., list[str]]:
    """Writes the folder `out` with some images, and returns the notes of the run."""
    return partial(write_out, tmp_path / "out")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps `datasets` from the network."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
