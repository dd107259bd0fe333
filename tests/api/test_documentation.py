# SPDX-License-Identifier: MIT
"""Run the examples of docs/python.md one after the other, as a reader would."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.cases.build import build_case, to_bytes

import plainfilm

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"


def examples() -> list[str]:
    """The code blocks of the page."""
    return re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_the_examples_run_without_a_main_guard(tmp_path: Path) -> None:
    film = to_bytes(build_case(centers=(2000,), widths=(3000,), content="gradient")[0])
    cine = to_bytes(build_case(frames=3, centers=(2000,), widths=(3000,), content="gradient")[0])
    (tmp_path / "films").mkdir()
    contents = {"hand.dcm": film, "cine.dcm": cine, "cut.dcm": film[:-10], "study.key": b"k" * 32}
    contents |= {"films/hand.dcm": film, "films/cut.dcm": film[:-10]}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "example.py").write_text("\n".join(examples()))
    done = subprocess.run(
        [sys.executable, "-W", "error", "example.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for line in (
        "missing.dcm: the file cannot be read: No such file or directory",
        "ok window:0 32 48",
        "1 0 1 0",
        "convert hand.dcm",
        "2 of 2 files, 1 failed",
    ):
        assert line in done.stdout.splitlines(), done.stdout
    assert "truncated_pixel_data read cut.dcm: " in done.stdout
    assert not (tmp_path / "new").exists()


def test_the_page_and_the_package_name_the_same_functions() -> None:
    text = PAGE.read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(\w+)\(", text, re.MULTILINE))
    functions = {name for name in plainfilm.__all__ if name.islower() and not name.startswith("_")}
    assert named == functions
    assert len(examples()) >= 8


def test_every_public_name_has_a_docstring() -> None:
    undocumented = [
        name for name in plainfilm.__all__ if name != "__version__" and not getattr(plainfilm, name).__doc__
    ]
    assert not undocumented
    for owner in (plainfilm.ImageFile, plainfilm.Explanation, plainfilm.Run):
        members = [name for name in vars(owner) if not name.startswith("_")]
        fields = getattr(owner, "__dataclass_fields__", {})
        assert [name for name in members if name not in fields and not getattr(owner, name).__doc__] == []
